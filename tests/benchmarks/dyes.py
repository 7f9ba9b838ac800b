"""Speed and memory of reading a dyed plate against reading its files and labelling them with cc3d.

The peer reads and hashes the same files through the same gate, and labels each channel's mask once, in one
thread. The plate is simulated: fields of 2048 px square in two dyes, at 10x (nuclei 11 px wide), and the same
enlarged, at 20x. All ways take turns in one process, and the least time of each counts; memory is the peak of
a process of its own. Run with ``PYTHONPATH=workflow python tests/benchmarks/dyes.py``; prints a table.
"""

import multiprocessing
import os
import resource
import tempfile
import time
from pathlib import Path

import cc3d
import numpy as np
import tifffile

from livedead import stores
from livedead.dyes.dyed_fields import read_fields
from livedead.dyes.fitting import fit_dyes
from livedead.dyes.plate_dyes import PlateDyes
from livedead.dyes.settings import ROLES, DyeSettings
from livedead.dyes.stored import read_dyes, write_dyes
from livedead.fields.normalized_plate import pixels_sha256
from livedead.fields.plate_images import PlateImages, open_plate
from livedead.normalization.settings import NormalizationSettings
from livedead.plates.geometry import all_wells
from livedead.readers import index
from livedead.simulation.stained import Staining, simulate_stained_field
from livedead.tables import IMAGES

SIDE_PX, N_IMAGES, N_WELLS, N_TURNS = 2048, 4, 32, 5
CHANNELS = {"hoechst": "w1", "pi": "w2"}
DYES = DyeSettings(
    total="hoechst", live=None, dead="pi", threshold=dict.fromkeys(ROLES, "auto"), sigmas=6.0,
    dead_by="fraction", stained_fraction=None, both="dead", diameter_um=None, fields=8, seed=0,
)  # fmt: skip
NORMALIZATION = NormalizationSettings(
    low_percentile=0.1, high_percentile=99.9, min_range=200, flat_fields=48, smooth_px=24, floor=0.2, seed=0
)


def make_plate(folder: Path, scale: int) -> None:
    """A plate of one field a well: links to a few simulated images, enlarged by a whole number."""
    staining = Staining(channels=("hoechst", "draq7"))
    for k in range(N_IMAGES):
        rng = np.random.default_rng(k)
        side_px = SIDE_PX // scale
        images, _ = simulate_stained_field(
            rng, 0.6, staining, staining.of_well(rng), side_px=side_px, mean_cells=55 * (side_px / 512) ** 2
        )
        for image, name in zip((images["hoechst"], images["draq7"]), CHANNELS.values(), strict=True):
            enlarged = np.kron(image, np.ones((scale, scale), np.uint16))
            tifffile.imwrite(folder / f".{k}_{name}.tif", enlarged, photometric="minisblack")
    for k, well in enumerate(all_wells(96)[:N_WELLS]):
        for name in CHANNELS.values():
            os.link(folder / f".{k % N_IMAGES}_{name}.tif", folder / f"p_{well}_s1_{name}.tif")
    images, _ = index.index_plate(
        folder, plate="p", export_format="imagexpress", channels=CHANNELS, n_wells=96, pixel_size_um=1.0
    )
    stores.write_table(folder / "images.tsv", images, IMAGES)
    plate = open_plate(folder, folder / "images.tsv", 16)
    write_dyes(
        folder / "dyes.h5", fit_dyes(plate.plane, plate.keys(), DYES, NORMALIZATION, {}, 1.0, threads=2)
    )


def read_and_label(plate: PlateImages, dyes: PlateDyes) -> None:
    """What cannot be done without: every file read and hashed, every channel labelled."""
    keys = plate.keys()
    for key in keys:
        planes = [plate.plane(key, dye.channel) for dye in dyes.dyes.values()]
        pixels_sha256(planes)
        for plane, dye in zip(planes, dyes.dyes.values(), strict=True):
            mask = (plane > dye.background + dye.threshold.counts).view(np.uint8)
            cc3d.connected_components(mask, connectivity=8, out_dtype=np.uint32)


def read_by_dyes(plate: PlateImages, dyes: PlateDyes, threads: int, n_wells: int = N_WELLS) -> None:
    """What `read_dyes` does, but for writing the class maps."""
    for _ in read_fields(plate, plate.keys(plate.wells()[:n_wells]), dyes, threads):
        pass


def peak_mb(folder: Path, n_wells: int) -> float:
    """Peak memory of reading so many fields, in a process of its own."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return float(pool.apply(_peak_mb, (folder, n_wells)))


def _peak_mb(folder: Path, n_wells: int) -> float:
    read_by_dyes(*opened(folder), 1, n_wells)
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def opened(folder: Path) -> tuple[PlateImages, PlateDyes]:
    """The plate of `make_plate`."""
    return open_plate(folder, folder / "images.tsv", 16), read_dyes(folder / "dyes.h5")


def main() -> None:
    print("| plate | read and label, ms a field | by dyes, 1 thread | 2 threads | MB, 8 fields | 32 fields |")
    print("|---|---|---|---|---|---|")
    for name, scale in (("10x", 1), ("20x", 2)):
        with tempfile.TemporaryDirectory() as folder:
            make_plate(Path(folder), scale)
            plate, dyes = opened(Path(folder))
            seconds: list[list[float]] = [[], [], []]
            for _ in range(N_TURNS):
                for taken, call in zip(
                    seconds, ((read_and_label,), (read_by_dyes, 1), (read_by_dyes, 2)), strict=True
                ):
                    start = time.perf_counter()
                    call[0](plate, dyes, *call[1:])
                    taken.append(time.perf_counter() - start)
            least, one, two = map(min, seconds)
            memory = [peak_mb(Path(folder), n_wells) for n_wells in (8, 32)]
        print(
            f"| {name} | {1000 * least / N_WELLS:.0f} | {one / least:.2f} | {two / least:.2f} | "
            f"{memory[0]:.0f} | {memory[1]:.0f} |",
            flush=True,
        )


if __name__ == "__main__":
    main()
