"""What the confidence of cells is worth: the demo's network on simulated plates, from easy to hard.

``PYTHONPATH=workflow python tests/benchmarks/confidence.py [NAME ...]``

Each kind of calibration is fitted on a quarter of the wells of a plate like those of the training, and
judged on other plates; then fitted on half of the wells of a plate and judged on the other half, ten times.
"""

import argparse
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import yaml
from scipy.optimize import isotonic_regression, minimize
from scipy.spatial import KDTree
from scipy.special import expit

from livedead.cells.labelled import LabelledCells
from livedead.cells.labels import label_cells
from livedead.network.calibration import decode_log_odds
from livedead.network.classes import Classes
from livedead.network.plan import Plan
from livedead.network.segmenter import Segmentation, Segmenter
from livedead.normalization.fitting import fit_channel
from livedead.normalization.settings import NormalizationSettings
from livedead.plates.geometry import well_position
from livedead.simulation.label_free import PIXEL_SIZE_UM, simulate_field
from livedead.simulation.plate import plate_design
from livedead.statistics.reliability import expected_calibration_error, reliability
from livedead.weights import unet_io

CONFIG = "config/demo/config.yaml"
NORMALIZATION = NormalizationSettings(0.1, 99.9, 200, flat_fields=64, smooth_px=64, floor=0.2, seed=0)
REACH_PX = 5
"""A cell is the true one whose centre is nearest, if it is not further than this or its radius."""
LOW = 0.3
"""Wells of less viability are shown apart."""


class Kind(NamedTuple):
    """A plate of the demo's design, of every `step`-th well, and what makes it harder."""

    seed: int
    step: int = 2
    density: float = 1
    defocus_px: float = 0
    size: float = 1


KINDS = {
    "fitted": Kind(770_000, step=1),
    "alike": Kind(770_001, step=1),
    "dense": Kind(770_002, step=4, density=3),
    "blurred": Kind(770_003, defocus_px=0.8),
    "dense and blurred": Kind(770_005, step=4, density=3, defocus_px=0.8),
    "very blurred": Kind(770_004, defocus_px=1.5),
    "small": Kind(770_007, size=0.7),
    "out of focus": Kind(770_008, defocus_px=2),
}

Field = tuple[str, np.ndarray, pd.DataFrame]
"""Well, brightfield, true cells."""


def fields_of(kind: Kind) -> Iterator[Field]:
    for row in plate_design().iloc[:: kind.step].itertuples():
        place = well_position(row.well)
        crowding = np.random.default_rng([kind.seed, *place]).uniform(0.55, 1.45)
        rng = np.random.default_rng([kind.seed, *place, 1])
        drift = 0.6 + 0.9 * (place[0] / 7 + place[1] / 11) / 2 + kind.defocus_px
        images, cells = simulate_field(
            rng,
            row.viability,
            mean_cells=55 * crowding * kind.density,
            defocus_px=drift + rng.uniform(-0.15, 0.35),
            size=kind.size,
        )
        yield row.well, images["brightfield"], cells


def read_plate(kind: Kind) -> pd.DataFrame:
    """Cells of true state: ``well, log_odds, vote_live, log_area, is_live``."""
    config = yaml.safe_load(Path(CONFIG).read_text())
    classes = Classes.from_config(config["classes"])
    given = {"input_channels": config["input_channels"], "classes": config["classes"]}
    unet, _ = unet_io.convert(config["weights"], **given)
    fields = list(fields_of(kind))
    keys = [("A01", k, 1) for k in range(len(fields))]
    transform = fit_channel(lambda key: fields[key[1]][1], keys, NORMALIZATION)[0]
    segmenter = Segmenter(unet, [transform], Plan(device="cpu"), classes)
    least_px = config["counting"]["min_area_um2"] / PIXEL_SIZE_UM**2
    tables = []
    for well, brightfield, true in fields:
        cells = cells_of(segmenter.segment(brightfield[np.newaxis]), true, classes)
        tables.append(cells[cells["area_px"] >= least_px].assign(well=well))
    return pd.concat(tables, ignore_index=True)


def cells_of(found: Segmentation, true: pd.DataFrame, classes: Classes) -> pd.DataFrame:
    """The network's cells that are a true one, with its state."""
    cells = LabelledCells(label_cells(found.class_map, classes))
    distance, nearest = KDTree(true[["y_px", "x_px"]]).query(np.column_stack([cells.y_px, cells.x_px]))
    own = true.iloc[nearest]
    table = pd.DataFrame(
        {
            "log_odds": cells.mean(decode_log_odds(found.log_odds)),
            "vote_live": cells.mean(np.isin(found.class_map.ravel()[cells.at], classes.live)),
            "log_area": np.log(cells.area_px),
            "area_px": cells.area_px,
            "is_live": (own["state"] == "live").to_numpy(),
        }
    )
    return table[distance <= np.maximum(own["nucleus_radius_px"], REACH_PX).to_numpy()]


Curve = Callable[[pd.DataFrame], np.ndarray]
"""Cells -> probability that each is alive."""


def targets(is_live: np.ndarray) -> np.ndarray:
    """Platt's: as if one cell more of either state had been mistaken."""
    n_live, n_dead = is_live.sum(), (~is_live).sum()
    return np.where(is_live, (n_live + 1) / (n_live + 2), 1 / (n_dead + 2))


def logistic(features: Callable[[pd.DataFrame], list[Any]]) -> Callable[[pd.DataFrame], Curve]:
    """Logistic regression on `features`, by SciPy and not by the code that is measured."""

    def fit(cells: pd.DataFrame) -> Curve:
        x, target = np.column_stack(features(cells)), targets(cells["is_live"].to_numpy())

        def loss(weights: np.ndarray) -> tuple[float, np.ndarray]:
            z = x @ weights
            return float(np.mean(np.logaddexp(0, z) - target * z)), x.T @ (expit(z) - target) / len(x)

        tight = {"ftol": 1e-15, "gtol": 1e-10, "maxiter": 2000}
        weights = minimize(loss, np.zeros(x.shape[1]), jac=True, method="L-BFGS-B", options=tight).x
        return lambda others: expit(np.column_stack(features(others)) @ weights)

    return fit


def isotonic(cells: pd.DataFrame) -> Curve:
    by_odds = cells.sort_values("log_odds")
    steps = isotonic_regression(targets(by_odds["is_live"].to_numpy())).x
    return lambda others: np.interp(others["log_odds"], by_odds["log_odds"], steps)


def beta_features(cells: pd.DataFrame) -> list[Any]:
    """Of Kull et al. (2017), Beta calibration: log p and -log(1 - p)."""
    x = cells["log_odds"]
    return [-np.logaddexp(0, -x), np.logaddexp(0, x), np.ones(len(x))]


CALIBRATIONS: dict[str, Callable[[pd.DataFrame], Curve]] = {
    "softmax": lambda _: lambda cells: expit(cells["log_odds"]),
    "temperature": logistic(lambda t: [t["log_odds"]]),
    "Platt": logistic(lambda t: [t["log_odds"], np.ones(len(t))]),
    "Platt, vote": logistic(lambda t: [t["log_odds"], t["vote_live"], np.ones(len(t))]),
    "Platt, area": logistic(lambda t: [t["log_odds"], t["log_area"], np.ones(len(t))]),
    "beta": logistic(beta_features),
    "isotonic": isotonic,
}


def judge(cells: pd.DataFrame, curve: Curve) -> dict[str, float]:
    """Errors of the probabilities, and of viability over wells by both ways of counting."""
    p, called, is_live = np.asarray(curve(cells)), cells["vote_live"] >= 0.5, cells["is_live"]
    confidence, is_right = np.where(called, p, 1 - p), (called == is_live).to_numpy()
    equal_mass = np.array_split(np.argsort(confidence, kind="stable"), 15)
    of_wells = pd.DataFrame({"expected": p, "hard": called, "true": is_live}).groupby(cells["well"]).mean()
    errors = of_wells[["expected", "hard"]].sub(of_wells["true"], axis=0).abs()
    q = np.clip(np.where(is_live, p, 1 - p), 1e-6, 1)
    return {
        "wrong": 1 - is_right.mean(),
        "ece": expected_calibration_error(reliability(confidence, is_right)),
        "ece_equal_mass": sum(
            len(part) * abs(confidence[part].mean() - is_right[part].mean()) for part in equal_mass
        )
        / len(cells),
        "log_loss": -np.log(q).mean(),
        **{f"mae_{name}": errors[name].mean() for name in errors},
        **{f"mae_low_{name}": errors.loc[of_wells["true"] < LOW, name].mean() for name in errors},
    }


def drawn_wells(cells: pd.DataFrame, share: float, seed: int) -> pd.Series:
    """Which cells lie in a random share of the wells."""
    wells = np.random.default_rng(seed).permutation(sorted(cells["well"].unique()))
    return cells["well"].isin(wells[: round(share * len(wells))])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", default=list(KINDS)[1:], help="of KINDS; all if not given")
    names = parser.parse_args().names
    fitted = read_plate(KINDS["fitted"])
    fitted = fitted[drawn_wells(fitted, 0.25, seed=0)]
    for name in names:
        cells = read_plate(KINDS[name])
        away, home = {}, {}
        for kind, fit in CALIBRATIONS.items():
            away[kind] = judge(cells, fit(fitted))
            halves = [drawn_wells(cells, 0.5, seed) for seed in range(10)]
            home[kind] = pd.DataFrame([judge(cells[~half], fit(cells[half])) for half in halves]).mean()
        for how, found in (("fitted on another plate", away), ("fitted on half of its wells", home)):
            print(f"{name}, {len(cells)} cells, {how}")
            print(pd.DataFrame(found).T.round(4).to_string(), flush=True)


if __name__ == "__main__":
    main()
