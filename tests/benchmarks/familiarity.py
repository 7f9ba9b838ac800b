"""How well unfamiliar fields are told from familiar ones: network x image set -> AUROC, share flagged.

``PYTHONPATH=workflow python tests/benchmarks/familiarity.py [--data ../shared/data]`` prints a table for each
of the networks that are shipped. Kinds and limit are learned here, as training does: for the demo from
simulated plates of seeds 101 to 103, of which the last was not trained on; for BBBC010 and ldc from their own
wells, judged with each quarter of them, or each session, left out. Every set is normalized as a plate by the
network's own settings. Two other measures stand beside the chosen one: the Mahalanobis distance of a field's
mean description, and patches without kinds.
"""

import argparse
import re
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple
from unittest import mock

import h5py
import imagecodecs
import numpy as np
import pandas as pd
import tifffile
import yaml
from scipy.ndimage import gaussian_filter, median_filter, sobel, zoom

from livedead.network import familiarity
from livedead.network.familiarity import Familiarity
from livedead.network.plan import Plan
from livedead.network.segmenter import Segmenter
from livedead.normalization.fitting import fit_channel
from livedead.normalization.settings import NormalizationSettings
from livedead.simulation.label_free import simulate_field
from livedead.simulation.plate import plate_design
from livedead.weights import unet_io
from livedead.weights.assay import KEY, Assay

ROOT = Path(__file__).resolve().parents[2]
SIDE_PX = 384
NOISE = re.compile(r"A01_f1(08[6-9]|09|10|11[0-5])")
"""Images of ldc that hold nothing else."""
Plate = dict[str, np.ndarray]
"""Well -> its one field, uint16."""


class ImageSet(NamedTuple):
    """A plate, of which the wells from `first` on are judged."""

    name: str
    plate: Plate
    first: int = 0


def simulated(seed: int, n: int, **other: float) -> Plate:
    """Wells as on the demo's plates: their viability, density, and focus that drifts over the plate."""
    wells = plate_design().sample(n, random_state=5).sort_index()
    found = {}
    for number, row in wells.iterrows():
        rng = np.random.default_rng([seed, number])
        usual = {"viability": row.viability, "mean_cells": 31 * rng.uniform(0.55, 1.45)}
        usual["defocus_px"] = 0.6 + 0.9 * number / 95 + rng.uniform(-0.15, 0.35)
        found[row.well] = simulate_field(rng, side_px=SIDE_PX, **{**usual, **other})[0]["brightfield"]
    return found


def counts(values: np.ndarray) -> np.ndarray:
    return np.clip(np.rint(values), 0, 65535).astype(np.uint16)


def resized(field: np.ndarray, factor: float) -> np.ndarray:
    """The field at another magnification, filled up by reflection or cut to its old size."""
    sharp = gaussian_filter(field.astype(np.float32), max(0.0, 0.4 / factor - 0.4))
    other = zoom(sharp, factor, order=3 if factor > 1 else 1)
    missing = [(0, max(0, side - got)) for side, got in zip(field.shape, other.shape, strict=True)]
    return counts(np.pad(other, missing, mode="reflect")[: field.shape[0], : field.shape[1]])


def noisy(field: np.ndarray) -> np.ndarray:
    return counts(field + 0.5 * field.std() * np.random.default_rng(0).standard_normal(field.shape))


def jpeg(field: np.ndarray, quality: int) -> np.ndarray:
    low, high = float(field.min()), float(field.max())
    grey = ((field - low) / (high - low) * 255).astype(np.uint8)
    back = imagecodecs.jpeg8_decode(imagecodecs.jpeg8_encode(grey, level=quality))
    return counts(back / 255 * (high - low) + low)


def phase(field: np.ndarray) -> np.ndarray:
    bright = field.astype(float)
    return counts(bright.mean() + 3 * (gaussian_filter(bright, 2) - gaussian_filter(bright, 8)))


def interference(field: np.ndarray) -> np.ndarray:
    smooth = gaussian_filter(field.astype(float), 1)
    return counts(20_000 + 2 * (sobel(smooth, 0) + sobel(smooth, 1)))


HARMLESS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "half the gain": lambda field: counts(field * 0.5),
    "offset + 1000": lambda field: counts(field + 1000.0),
    "mirrored": lambda field: field[::-1].copy(),
}
CHANGED: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    **{f"size x {factor}": partial(resized, factor=factor) for factor in (0.5, 0.7, 0.85, 1.2, 1.4, 2)},
    **{f"blur {s} px": lambda field, s=s: counts(gaussian_filter(field.astype(float), s)) for s in (1, 2, 3)},
    "inverted": lambda field: counts(field.max() + 200.0 - field),
    "noise": noisy,
    "JPEG 75": partial(jpeg, quality=75),
    "median filter": lambda field: median_filter(field, 5),
    "saturated": lambda field: np.minimum(field, np.percentile(field, 60)).astype(np.uint16),
    "like phase contrast": phase,
    "like interference contrast": interference,
}


def files(pattern: str, folder: Path, n: int = 12) -> Plate:
    """Fields of files, all cropped to the smallest."""
    paths = [path for path in sorted(folder.glob(pattern)) if not NOISE.search(path.name)]
    planes = [tifffile.imread(path).astype(np.uint16) for path in paths[:: max(1, len(paths) // n)][:n]]
    height, width = np.min([plane.shape for plane in planes], axis=0)
    return {str(k): plane[:height, :width] for k, plane in enumerate(planes)}


def quarters(plate: Plate) -> Plate:
    """Each field cut into four."""
    return {
        f"{well}{y}{x}": field[y * side : (y + 1) * side, x * side : (x + 1) * side]
        for well, field in plate.items()
        for side in [min(field.shape) // 2]
        for y in (0, 1)
        for x in (0, 1)
    }


def foreign(data: Path) -> Iterator[ImageSet]:
    for session in ("A01", "A02", "A03", "A04", "A05"):
        yield ImageSet(f"ldc {session}", files(f"ldc/raw/{session}_*", data))
    yield ImageSet("fluorescent nuclei", quarters(files("stardist_nuclei/img2d.tif", data)))
    yield ImageSet("operetta", quarters(files("operetta/Images/*.tif*", data)))
    yield ImageSet("imagexpress", files("imagexpress/9987_Plate_3434/**/*_s?_w1.TIF", data))
    yield ImageSet("8-bit SBS", files("eightbit_sbs/*.tif", data))


def patches_of(weights: Path, settings: NormalizationSettings, plate: Plate) -> list[np.ndarray]:
    """Patches of each field of a plate, normalized as that plate."""
    with h5py.File(weights) as file:
        assay = Assay.from_text(file.attrs[KEY].decode())
    keys = [(well, 1, 1) for well in plate]
    transform, _, _ = fit_channel(lambda key: plate[key[0]], keys, settings)
    unet, _ = unet_io.convert(weights, input_channels=assay.input_channels, classes=assay.classes)
    segmenter = Segmenter(unet, [transform], Plan(device="cpu"))
    corrected = [transform.illumination_corrected(plate[key[0]]) for key in keys]
    return [
        segmenter.segment(field[np.newaxis], key).patches for field, key in zip(corrected, keys, strict=True)
    ]


def seen_by(example: Path) -> Callable[[Plate], list[np.ndarray]]:
    """The same, by the network of an example."""
    return partial(patches_of, example / "unet.h5", settings_of(example / "config.yaml"))


def left_out(home: list[np.ndarray], wells: list[str], parts: Sequence[object]) -> np.ndarray:
    """Unfamiliarity of each field of home to the fields of all other parts."""
    found = np.empty(len(home))
    for part in dict.fromkeys(parts):
        kept = [k for k, own in enumerate(parts) if own != part]
        rest = fit([home[k] for k in kept], [wells[k] for k in kept], [])
        for k in set(range(len(home))) - set(kept):
            found[k] = rest.unfamiliarity(home[k])
    return found


def fit(fields: list[np.ndarray], wells: list[str], unseen: list[str], kinds: bool = True) -> Familiarity:
    with mock.patch.object(familiarity, "N_KINDS", familiarity.N_KINDS if kinds else 1):
        found = Familiarity.fit(fields, wells, unseen)
    assert found is not None
    return found


def mean_distances(home: list[np.ndarray]) -> Callable[[np.ndarray], float]:
    """Mahalanobis distance of the mean patch of a field from those of home."""
    means = np.array([field.mean(axis=0) for field in home])
    covariance = np.cov(means.T)
    shrunk = 0.9 * covariance + 0.1 * np.diag(np.diag(covariance))
    inverse = np.linalg.inv(shrunk)

    def distance(field: np.ndarray) -> float:
        off = field.mean(axis=0) - means.mean(axis=0)
        return float(np.sqrt(off @ inverse @ off / off.size))

    return distance


def auroc(home: np.ndarray, other: np.ndarray) -> float:
    return float((other[:, None] > home).mean() + 0.5 * (other[:, None] == home).mean())


def table(see: Callable[[Plate], list[np.ndarray]], home: list[np.ndarray], of_home: np.ndarray,
          known: Familiarity, plain: Familiarity, sets: list[ImageSet]) -> pd.DataFrame:  # fmt: skip
    """A row per image set; `of_home` is the unfamiliarity of home wells that were not learned from."""
    mean_distance = mean_distances(home[: len(home) // 2])
    mean_home = np.array([mean_distance(field) for field in home[len(home) // 2 :]])
    plain_home = np.array([plain.distance(field) for field in home])
    rows = [
        {"set": "home", "wells": len(of_home), "flagged": (of_home > 1).mean(), "median": np.median(of_home)}
    ]
    for name, plate, first in sets:
        patches = see(plate)[first:]
        found = np.array([known.unfamiliarity(field) for field in patches])
        rows.append(
            {
                "set": name,
                "wells": len(found),
                "auroc": auroc(of_home, found),
                "flagged": (found > 1).mean(),
                "median": np.median(found),
                "auroc_one_kind": auroc(plain_home, np.array([plain.distance(field) for field in patches])),
                "auroc_mean": auroc(mean_home, np.array([mean_distance(field) for field in patches])),
            }
        )
    return pd.DataFrame(rows).round(3)


def settings_of(config: Path) -> NormalizationSettings:
    schema = yaml.safe_load((ROOT / "workflow/schemas/config.schema.yaml").read_text())["properties"]
    defaults = {name: key["default"] for name, key in schema["normalization"]["properties"].items()}
    given = yaml.safe_load(config.read_text()).get("normalization", {})
    return NormalizationSettings(**{**defaults, **given})


def changed(plate: Plate, step: int) -> Iterator[ImageSet]:
    some = dict(list(plate.items())[::step])
    for name, change in {**HARMLESS, **CHANGED}.items():
        yield ImageSet(name, {well: change(field) for well, field in some.items()})


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared/data")
    parser.add_argument("--only", nargs="+", default=["demo", "bbbc010", "ldc"], help="networks to judge")
    options = parser.parse_args()
    data, only = options.data, options.only
    demo = simulated(201, 64)
    bbbc = {
        path.name.split("_")[-3]: tifffile.imread(path) for path in sorted(data.glob("bbbc010/raw/*_w2_*"))
    }
    others = list(foreign(data))

    few = dict(list(bbbc.items())[::4])
    if "demo" in only:
        judge_demo(demo, few, others)
    if "bbbc010" in only:
        judge_bbbc010(bbbc, demo, others)
    if "ldc" in only:
        judge_ldc(data, few, demo, others)


def judge_demo(demo: Plate, few: Plate, others: list[ImageSet]) -> None:
    see = seen_by(ROOT / "config/demo")
    fields, wells = [], []
    for seed in (101, 102, 103):
        plate = simulated(seed, 64)
        fields += see(plate)
        wells += [f"{seed}/{well}" for well in plate]
    unseen = [well for well in wells if well.startswith("103")]
    known, plain = (fit(fields, wells, unseen, kinds) for kinds in (True, False))
    home = see(demo)
    of_home = np.array([known.unfamiliarity(field) for field in home])
    special = {"all dead": {"viability": 0.0}, "all live": {"viability": 1.0}, "empty": {"mean_cells": 0.0}}
    special |= {"crowded": {"mean_cells": 45.0}, "cells x 0.7": {"size": 0.7}, "cells x 1.3": {"size": 1.3}}
    # Beside usual wells of their plate, which its normalization is fitted on.
    usual = simulated(203, 24)
    sets = []
    for name, other in special.items():
        unusual = {f"{name} {well}": field for well, field in simulated(204, 8, **other).items()}
        sets.append(ImageSet(name, {**usual, **unusual}, first=len(usual)))
    sets += [*changed(demo, 6), ImageSet("BBBC010", few), *others]
    print("demo", table(see, home, of_home, known, plain, sets).to_string(index=False), sep="\n")


def judge_bbbc010(bbbc: Plate, demo: Plate, others: list[ImageSet]) -> None:
    see = seen_by(ROOT / "config/examples/bbbc010")
    home, wells = see(bbbc), list(bbbc)
    of_home = left_out(home, wells, [k % 4 for k in range(len(home))])
    known, plain = (fit(home, wells, [], kinds) for kinds in (True, False))
    sets = [*changed(bbbc, 4), ImageSet("demo", dict(list(demo.items())[::6])), *others]
    print("BBBC010", table(see, home, of_home, known, plain, sets).to_string(index=False), sep="\n")


def judge_ldc(data: Path, few: Plate, demo: Plate, others: list[ImageSet]) -> None:
    see = seen_by(ROOT / "config/examples/ldc")
    sessions = {f"A0{k}": files(f"ldc/raw/A0{k}_*", data, n=40) for k in range(1, 6)}
    home = [patches for plate in sessions.values() for patches in see(plate)]
    wells = [session for session, plate in sessions.items() for _ in plate]
    of_home = left_out(home, wells, wells)
    known, plain = (fit(home, wells, [], kinds) for kinds in (True, False))
    sets = [*changed(sessions["A02"], 4), ImageSet("BBBC010", few), *others[5:]]
    sets.append(ImageSet("demo", dict(list(demo.items())[::6])))
    print("ldc", table(see, home, of_home, known, plain, sets).to_string(index=False), sep="\n")


if __name__ == "__main__":
    main()
