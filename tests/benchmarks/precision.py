"""What bfloat16 changes on trained weights: pixels, and counts per 1,000 cells.

Run on a finished run's folder: ``python tests/benchmarks/precision.py FOLDER PLATE [FIELDS]``.
"""

import copy
import sys
from pathlib import Path

import pandas as pd
import yaml

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "workflow"))

from livedead import cells, counting, inference, stores, weights  # noqa: E402
from livedead.errors import FieldError  # noqa: E402
from livedead.fields import PlateImages, read_transforms  # noqa: E402
from livedead.sheets import read_plates  # noqa: E402


def main(folder: Path, plate: str, n_fields: int) -> None:
    config = yaml.safe_load((folder / "config/config.yaml").read_text())
    row = read_plates(folder / config["plates"]).loc[plate]
    results = folder / "results"
    images = PlateImages(folder / row["raw"], stores.read_table(results / plate / "images.tsv"), 16)
    channels, _ = stores.read_normalization(results / plate / "normalization.h5")
    transforms = read_transforms(channels, config["input_channels"])
    network, _ = weights.load_unet(results / "weights/unet.safetensors")
    numbers = counting.class_numbers(config["classes"])
    rules = counting.CountingRules(**config["counting"])
    segmenters = {
        precision: inference.Segmenter(
            copy.deepcopy(network), list(transforms.values()), inference.Plan("cpu", precision)
        )
        for precision in inference.PRECISIONS
    }
    rows = []
    for key in images.keys()[:n_fields]:
        try:
            raw = images.raw(key, transforms)
        except FieldError:
            continue
        maps = {name: segmenter.segment(raw) for name, segmenter in segmenters.items()}
        counts = {
            name: cells.count_states(
                cells.measure_cells(found.class_map, numbers, rules, row["pixel_size_um"])
            )
            for name, found in maps.items()
        }
        exact, low = maps["float32"], maps["bfloat16"]
        rows.append(
            {
                "pixels": exact.class_map.size,
                "changed_pixels": int((exact.class_map != low.class_map).sum()),
                "unstable_pixels": exact.unstable.size,
                "cells": counts["float32"]["n_total"],
                "changed_counts": sum(
                    abs(counts["float32"][state] - counts["bfloat16"][state])
                    for state in ("n_live", "n_dead", "n_ambiguous")
                ),
            }
        )
    total = pd.DataFrame(rows).sum()
    print(f"{len(rows)} fields, {total['cells']} cells")
    print(f"changed pixels: {total['changed_pixels'] / total['pixels']:.2e}")
    print(f"changed counts per 1,000 cells: {1000 * total['changed_counts'] / total['cells']:.2f}")
    print(f"unstable pixels in float32: {total['unstable_pixels']} of {total['pixels']}")


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]) if len(sys.argv) > 3 else 200)
