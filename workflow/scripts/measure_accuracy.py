"""Count simulated fields of known truth, from easy to hard."""

import functools
from pathlib import Path

import numpy as np

from livedead import accuracy, stores
from livedead.cells.rules import CountingRules
from livedead.fields.segmentation import open_segmenter
from livedead.job import run
from livedead.network.classes import Classes
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
    segmentation: Plan,
) -> None:
    """Write the errors of count and viability, one condition varied at a time."""

    @functools.cache
    def segmenter(pixel_size_um: float) -> Segmenter:
        transform = accuracy.fit_reference(normalization, pixel_size_um)
        return open_segmenter(unet, [transform], segmentation, pixel_size_um)

    def segment(brightfield: np.ndarray, pixel_size_um: float) -> np.ndarray:
        return segmenter(pixel_size_um).segment(brightfield[np.newaxis]).class_map

    stores.write_table(errors, accuracy.measure_errors(segment, classes, counting), ACCURACY)


if __name__ == "__main__":
    run(measure_accuracy, snakemake)
