"""Count simulated fields of known truth, from easy to hard."""

from pathlib import Path

import numpy as np

from livedead import accuracy, stores
from livedead.cells.rules import CountingRules
from livedead.fields.segmentation import open_segmenter
from livedead.job import run
from livedead.network.classes import Classes
from livedead.network.plan import Plan
from livedead.normalization.settings import NormalizationSettings
from livedead.tables import ACCURACY


def measure_accuracy(
    unet: Path,
    errors: Path,
    *,
    classes: Classes,
    counting: CountingRules,
    normalization: NormalizationSettings,
    segmentation: Plan,
) -> None:
    """Write the errors of count and viability, one condition varied at a time."""
    transform = accuracy.fit_reference(normalization)
    segmenter = open_segmenter(unet, [transform], segmentation)

    def segment(brightfield: np.ndarray) -> np.ndarray:
        return segmenter.segment(brightfield[np.newaxis]).class_map

    stores.write_table(errors, accuracy.measure_errors(segment, classes, counting), ACCURACY)


if __name__ == "__main__":
    run(measure_accuracy, snakemake)
