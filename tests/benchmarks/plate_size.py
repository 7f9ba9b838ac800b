"""Time and memory of `segment_fields` against the number of fields of a plate.

Every plate is segmented by a process of its own. Run with
``python tests/benchmarks/plate_size.py``; prints a table.
"""

import argparse
import multiprocessing
import resource
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd
from inference import plate_on_disk  # first: it finds the workflow and the tests

# isort: split
from conftest import randomized
from segment_fields import segment_fields

from livedead.network.plan import Plan
from livedead.network.unet import Architecture

WIDTHS = (256, 128, 64, 32)


def segment(n_fields: int, side_px: int) -> tuple[float, float]:
    """Seconds and peak memory in MB."""
    network = randomized(Architecture(n_classes=5, alpha=0.35, decoder_widths=WIDTHS)).requires_grad_(False)
    raw = np.random.default_rng(0).integers(0, 65536, (1, side_px, side_px), dtype=np.uint16)
    with tempfile.TemporaryDirectory() as folder:
        job = plate_on_disk(Path(folder), network, raw, n_fields)
        start = time.perf_counter()
        segment_fields(**job, segmentation={"device": "cpu", "seam": {"checks": 2, "max_difference": 1e-3}})
        seconds = time.perf_counter() - start
    return seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--side", type=int, default=1024)
    parser.add_argument("--fields", type=int, nargs="+", default=[4, 16, 64, 256])
    options = parser.parse_args()
    rows = []
    for n_fields in options.fields:
        with multiprocessing.get_context("spawn").Pool(1) as pool:
            seconds, peak_mb = pool.apply(segment, (n_fields, options.side))
        rows.append({"fields": n_fields, "s": seconds, "s a field": seconds / n_fields, "peak MB": peak_mb})
    print(pd.DataFrame(rows).to_string(index=False, float_format="%.3g"))
    print(f"side {options.side} px, alpha 0.35, {Plan().threads} threads")


if __name__ == "__main__":
    main()
