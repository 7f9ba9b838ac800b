"""Count simulated fields of known truth, from easy to hard."""

import os
from pathlib import Path
from typing import Any

import numpy as np
import torch

from livedead import accuracy, stores, weights
from livedead.cells.rules import CountingRules
from livedead.job import run
from livedead.network.classes import Classes
from livedead.network.devices import choose_device
from livedead.network.plan import Plan
from livedead.network.segmenter import Segmenter
from livedead.normalization.settings import NormalizationSettings
from livedead.tables import ACCURACY


def measure_accuracy(
    unet: Path,
    errors: Path,
    *,
    classes: Classes,
    counting: CountingRules,
    normalization: NormalizationSettings,
    segmentation: dict[str, Any],
) -> None:
    """Write the errors of count and viability, one condition varied at a time."""
    transform = accuracy.fit_reference(normalization)
    plan = Plan.from_config(segmentation)
    torch.set_num_threads(plan.threads)
    choose_device(plan.device, os.environ.get("CUDA_VISIBLE_DEVICES", ""))
    segmenter = Segmenter(weights.load_unet(unet)[0], [transform], plan)

    def segment(brightfield: np.ndarray) -> np.ndarray:
        return segmenter.segment(brightfield[np.newaxis]).class_map

    stores.write_table(errors, accuracy.measure_errors(segment, classes, counting), ACCURACY)


if __name__ == "__main__":
    run(measure_accuracy, snakemake)
