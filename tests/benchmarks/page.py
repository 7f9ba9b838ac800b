"""Size of a plate's page, the time to write a field into it, and the time from a click to its well.

Run with ``python tests/benchmarks/page.py``; needs chromium and playwright ('make browser' installs it).
Prints a table and ends with an error if a page is larger, or a click slower, than it may be.
"""

import argparse
import statistics
import sys
import tempfile
import time
from pathlib import Path

import pandas as pd

REPOSITORY = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(REPOSITORY / folder) for folder in ("workflow", "tests", "tests/browser")]

import pages_of_plates  # noqa: E402
from chromium import opened  # noqa: E402

LARGEST_MB = {96: 6, 384: 20}
SLOWEST_CLICK_MS = 100

CLICK = """async well => {
  const start = performance.now();
  document.querySelector(`[data-well=${well}]`).click();
  await document.querySelector(".stage img").decode();
  await new Promise(shown => requestAnimationFrame(() => setTimeout(shown)));
  return performance.now() - start;
}"""
"""From a click to the frame that shows the well and the picture of its field, ms."""


def measure(n_wells: int, side_px: int, n_cells: int) -> dict[str, float]:
    """Size, and times; that of a well is from its class map and normalized image to the page."""
    fields = pages_of_plates.full_plate(n_wells, side_px, n_cells)
    start = time.perf_counter()
    written = pages_of_plates.page(fields, n_wells)
    seconds = time.perf_counter() - start
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "report.html"
        path.write_bytes(written)
        with opened(path) as page:
            wells = page.eval_on_selector_all("[data-well]", "all => all.map(one => one.dataset.well)")
            clicks = [page.evaluate(CLICK, well) for well in wells[:: max(1, len(wells) // 48)]]
    return {
        "wells": n_wells,
        "MB": len(written) / 1e6,
        "s a well": seconds / n_wells,
        "click ms (median)": statistics.median(clicks),
        "click ms (slowest)": max(clicks),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--wells", type=int, nargs="+", default=[96, 384])
    parser.add_argument("--side", type=int, default=1080)
    parser.add_argument("--cells", type=int, default=300)
    options = parser.parse_args()
    rows = pd.DataFrame([measure(n_wells, options.side, options.cells) for n_wells in options.wells])
    print(rows.to_string(index=False, float_format="%.3g"))
    too_large = rows["MB"] > rows["wells"].map(LARGEST_MB).fillna(float("inf"))
    sys.exit(int((too_large | (rows["click ms (median)"] >= SLOWEST_CLICK_MS)).any()))


if __name__ == "__main__":
    main()
