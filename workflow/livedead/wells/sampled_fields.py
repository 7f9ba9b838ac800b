"""The fields that sampled cells lie in: their pixels, and which pixels are which cell's."""

import logging
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
import pandas as pd

from livedead.cells.tables import FieldCounter
from livedead.errors import FieldError, StoreError
from livedead.fields.normalized_plate import NormalizedPlate
from livedead.logs import progress
from livedead.wells.counting import counted_fields
from livedead.wells.flags import FIELD

log = logging.getLogger(__name__)

SampledField = tuple[pd.DataFrame, np.ndarray, np.ndarray]
"""The sampled cells of a field, its planes (C, H, W) in [-1, 1], and its labels (H, W), those of ``cell``."""


def sampled_fields(
    class_maps: Iterable[Path],
    counter: FieldCounter,
    plate: NormalizedPlate,
    sample: pd.DataFrame,
    cells: pd.DataFrame,
) -> Iterator[SampledField]:
    """Read and count again the fields that sampled cells lie in.

    A field whose image cannot be read any more is left out, with a warning.

    Parameters
    ----------
    class_maps, counter
        See `livedead.wells.counting.counted_fields`.
    plate : NormalizedPlate
        Of the channels to show.
    sample : DataFrame
        From `livedead.wells.blind_review.sample_cells`.
    cells : DataFrame
        `livedead.tables.CELLS`, all cells that were counted.

    Raises
    ------
    StoreError
        If a field has other cells now than in the table.
    """
    wanted = dict(list(sample.groupby(FIELD)))
    n_cells = cells.groupby(FIELD).size()
    counted = counted_fields(class_maps, counter, wanted)
    for field in progress(counted, len(wanted), "fields"):
        key = tuple(field.row[name] for name in FIELD)
        if len(field.cells) != n_cells[key]:
            raise StoreError(
                "well {} field {} timepoint {}: {} cells, but {} in cells.csv.gz; count the plate again "
                "(snakemake -R count_cells)".format(*key, len(field.cells), n_cells[key])
            )
        try:
            yield wanted[key], plate.normalized(key), field.labels
        except FieldError as error:
            log.warning("%s field %d timepoint %d: %s: %s", *key, error.code, error)
