"""Count simulated fields of known truth, from easy to hard."""

import os
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch

from livedead import simulate, stores
from livedead.cells.counting import measure_cells
from livedead.logs import log_to, progress
from livedead.network.classes import Classes, CountingRules
from livedead.network.inference import Plan, Segmenter, choose_device
from livedead.normalization.transforms import Settings, fit_channel
from livedead.tables import ACCURACY
from livedead.weights import unet_io

SIDE_PX = 1536
USUAL = {"mean_cells": 400.0, "clumping": 0.8, "size": 1.0, "n_debris": 72.0, "defocus_px": 0.9}
VARIED = {
    "mean_cells": (5, 20, 100, 400, 1000, 2000),
    "clumping": (0, 0.8, 1.2, 1.6),
    "size": (0.7, 0.85, 1, 1.15, 1.3),
    "n_debris": (0, 72, 200, 500),
    "defocus_px": (0.5, 0.9, 1.3, 1.8, 2.5),
}
VIABILITY = 0.6
N_REFERENCES = 12
SEED = 6


def measure_accuracy(
    unet: Path,
    errors: Path,
    *,
    classes: list[dict[str, str]],
    counting: dict[str, Any],
    normalization: dict[str, Any],
    segmentation: dict[str, Any],
) -> None:
    """Write the errors of count and viability, one condition varied at a time.

    All fields are normalized as one plate, fitted on usual ones. Cells at the edge are counted
    by the counting frame, which is fair to a truth of cells centred in the field.
    """
    numbers, rules = (
        Classes.from_config(classes),
        CountingRules(**{**counting, "edge_rule": "counting_frame"}),
    )
    references = {
        ("A01", k, 1): field(k, {**USUAL, "mean_cells": 100.0})[0]["brightfield"] for k in range(N_REFERENCES)
    }
    transform, _, _ = fit_channel(references.__getitem__, list(references), Settings(**normalization))
    plan = Plan.from_config(segmentation)
    torch.set_num_threads(plan.threads)
    choose_device(plan.device, os.environ.get("CUDA_VISIBLE_DEVICES", ""))
    segmenter = Segmenter(unet_io.read(unet)[0], [transform], plan)
    conditions = [(varied, value) for varied, values in VARIED.items() for value in values]
    rows = []
    for number, (varied, value) in progress(enumerate(conditions), len(conditions), "conditions"):
        settings = {**USUAL, varied: value}
        truth, counted = np.zeros(2, int), np.zeros(3, int)
        for k in range(int(np.clip(200 // settings["mean_cells"], 1, 12))):
            images, cells = field(1000 * (number + 1) + k, settings)
            class_map = segmenter.segment(images["brightfield"][None]).class_map
            found = measure_cells(class_map, numbers, rules, simulate.PIXEL_SIZE_UM)
            truth += [(cells["state"] == state).sum() for state in ("live", "dead")]
            counted += [(found["state"] == state).sum() for state in ("live", "dead", "ambiguous")]
        rows.append(
            {
                "varied": varied,
                "value": value,
                "n_true": truth.sum(),
                "n_counted": counted.sum(),
                "count_error": counted.sum() / truth.sum() - 1,
                "viability_true": truth[0] / truth.sum(),
                "viability_counted": counted[0] / counted[:2].sum(),
                "viability_error": counted[0] / counted[:2].sum() - truth[0] / truth.sum(),
            }
        )
    stores.write_table(errors, pd.DataFrame(rows), ACCURACY)


def field(seed: int, settings: dict[str, float]) -> tuple[dict[str, np.ndarray], pd.DataFrame]:
    """One simulated field and its true cells."""
    return simulate.simulate_field(
        np.random.default_rng([SEED, seed]), VIABILITY, side_px=SIDE_PX, **settings
    )


if __name__ == "__main__":
    with log_to(snakemake.log[0], snakemake.input):
        measure_accuracy(
            Path(snakemake.input.unet),
            Path(snakemake.output.errors),
            classes=snakemake.params.classes,
            counting=snakemake.params.counting,
            normalization=snakemake.params.normalization,
            segmentation=snakemake.params.segmentation,
        )
