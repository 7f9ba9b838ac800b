"""Speed and memory of `normalize_plate` against reading the same files and counting them once.

The peer reads every file with tifffile and counts it with one `np.bincount`, in as many threads.
Memory is that of a process of its own per plate, all fields of a plate being the same few files
under other names. Run with
``PYTHONPATH=workflow:workflow/scripts python tests/benchmarks/normalization.py``; prints a table.
"""

import argparse
import json
import multiprocessing
import os
import resource
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import normalize_plate
import numpy as np
import pandas as pd
import tifffile

from livedead import stores
from livedead.plates.geometry import all_wells
from livedead.readers import index
from livedead.tables import IMAGES

SETTINGS = {
    "low_percentile": 0.1,
    "high_percentile": 99.9,
    "min_range": 200,
    "flat_fields": 48,
    "smooth_px": 24,
    "floor": 0.2,
    "seed": 0,
}
N_IMAGES = 8


def make_plate(folder: Path, n_wells: int, side_px: int) -> None:
    """A plate of one field a well: links to a few images, so that a large plate needs little disk."""
    raw = folder / "raw"
    raw.mkdir(parents=True)
    rng = np.random.default_rng(0)
    for k in range(N_IMAGES):
        image = rng.normal(6000, 400, (side_px, side_px)).clip(0, 65535).astype(np.uint16)
        tifffile.imwrite(raw / f".{k}.tif", image, photometric="minisblack")
    for k, well in enumerate(all_wells(384)[:n_wells]):
        os.link(raw / f".{k % N_IMAGES}.tif", raw / f"p_{well}_s1_w1.tif")
    images, _ = index.index_plate(
        raw, plate="p", export_format="imagexpress", channels={"bf": "w1"}, n_wells=384, pixel_size_um=1.0
    )
    stores.write_table(folder / "images.tsv", images, IMAGES)


def normalize(folder: Path, threads: int) -> float:
    """Seconds that `normalize_plate` takes."""
    start = time.perf_counter()
    normalize_plate.normalize_plate(
        folder / "raw",
        folder / "images.tsv",
        None,
        folder / "normalization.h5",
        channels=["bf"],
        bit_depth=16,
        settings=SETTINGS,
        threads=threads,
    )
    return time.perf_counter() - start


def read_and_count(folder: Path, threads: int) -> float:
    """Seconds of the peer."""

    def count(path: Path) -> np.ndarray:
        return np.bincount(tifffile.imread(path).ravel(), minlength=65536)

    start = time.perf_counter()
    total = np.zeros(65536, np.int64)
    with ThreadPoolExecutor(threads) as pool:
        for counts in pool.map(count, sorted((folder / "raw").glob("p_*.tif"))):
            total += counts
    return time.perf_counter() - start


def peak_mb(folder: Path, threads: int) -> float:
    """Peak memory of a process that only normalizes."""
    context = multiprocessing.get_context("spawn")
    with context.Pool(1) as pool:
        return pool.apply(_normalize_and_measure, (folder, threads))


def _normalize_and_measure(folder: Path, threads: int) -> float:
    normalize(folder, threads)
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--side", type=int, default=2048)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--wells", type=int, nargs="+", default=[4, 96, 384])
    parser.add_argument("--repeats", type=int, default=3)
    options = parser.parse_args()
    rows = []
    for n_wells in options.wells:
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            make_plate(folder, n_wells, options.side)
            # Alternating, and the best of each, so that other work on the machine tells on neither.
            pairs = [
                (read_and_count(folder, options.threads), normalize(folder, options.threads))
                for _ in range(options.repeats)
            ]
            peer, ours = (min(times) for times in zip(*pairs, strict=True))
            passes = 1 + min(n_wells, SETTINGS["flat_fields"]) / n_wells
            rows.append(
                {
                    "wells": n_wells,
                    "read_and_bincount_s": round(peer, 3),
                    "normalize_plate_s": round(ours, 3),
                    "passes": round(passes, 3),
                    "ratio_per_pass": round(ours / passes / peer, 3),
                    "peak_mb": round(peak_mb(folder, options.threads)),
                }
            )
    print(pd.DataFrame(rows).to_string(index=False))
    print(json.dumps(rows))


if __name__ == "__main__":
    main()
