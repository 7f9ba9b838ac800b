"""The cells of many fields, counted: a table of fields and a table of cells."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from livedead.cells.confidence import LogOdds
from livedead.cells.counting import CountedField, count_field, join_cells
from livedead.cells.measures import cell_columns
from livedead.cells.rules import CountingRules
from livedead.cells.signals import Signal
from livedead.errors import CorrectionError, FieldError
from livedead.network.calibration import Calibration
from livedead.network.classes import Classes
from livedead.normalization.transforms import Key
from livedead.plates.corrections import Corrections
from livedead.tables import SHARD_FIELDS

ReadPlanes = Callable[[Key, list[str], tuple[int, ...]], dict[str, np.ndarray]]
"""Key of a field, channels, shape of its class map -> raw counts of those channels that it has."""
ReadSignals = Callable[[Key, Sequence[str], tuple[int, ...]], Mapping[str, Signal]]
"""The same for dyes -> the signal of every one of these channels."""
Segmented = tuple[dict[str, Any], Mapping[str, np.ndarray]]
"""Row and arrays of a field, as `livedead.stores.read_segmentations` gives them."""


@dataclass(frozen=True)
class FieldCounter:
    """All that counting a field needs beside its class map.

    Attributes
    ----------
    read_planes : callable
        Such as `livedead.fields.plate_images.PlateImages.planes`.
    channels : list of str
        Whose mean over each cell is wanted.
    classes : Classes
    rules : CountingRules
    pixel_size_um : float
    dyes : sequence of str
        Channels of dyes whose signal in each cell is wanted.
    read_signals : callable, optional
        Needed for `dyes`.
    calibration : Calibration, optional
        Of the network that segmented; without it no confidence is known.
    corrections : mapping
        What people changed, from `livedead.plates.corrections.read_corrections`.
    """

    read_planes: ReadPlanes
    channels: list[str]
    classes: Classes
    rules: CountingRules
    pixel_size_um: float
    dyes: Sequence[str] = ()
    read_signals: ReadSignals | None = None
    calibration: Calibration | None = None
    corrections: Corrections = field(default_factory=dict)

    @property
    def columns(self) -> list[str]:
        """Columns of the table of cells."""
        return cell_columns(self.channels, self.rules.shape_descriptors, self.dyes)

    def count(self, row: dict[str, Any], arrays: Mapping[str, np.ndarray]) -> CountedField:
        """Count one field that did not fail.

        Raises
        ------
        FieldError
            If a reviewer marked it as unusable.
        CorrectionError
            If its corrections do not fit its cells.
        """
        class_map = arrays["maps"]
        key = row["well"], row["field"], row["timepoint"]
        try:
            return count_field(
                row,
                class_map,
                arrays["unstable"],
                arrays["runners_up"],
                self.classes,
                self.rules,
                self.pixel_size_um,
                self.read_planes(key, self.channels, class_map.shape),
                self.read_signals(key, self.dyes, class_map.shape) if self.read_signals else None,
                None if self.calibration is None else LogOdds(arrays["log_odds"], self.calibration),
                self.corrections.get(key, ()),
            )
        except CorrectionError as error:
            raise CorrectionError("well {} field {} timepoint {}: {}".format(*key, error)) from error


def count_fields(segmented: Iterable[Segmented], counter: FieldCounter) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Count the cells of fields, one field in memory at a time.

    Returns
    -------
    fields : DataFrame
        `livedead.tables.SHARD_FIELDS`; the counts of failed fields are missing.
    cells : DataFrame
        The counted cells, `FieldCounter.columns`.
    """
    rows = []
    tables = [pd.DataFrame(columns=counter.columns)]
    for row, arrays in segmented:
        if arrays:
            try:
                counted = counter.count(row, arrays)
                row = counted.row
                tables.append(counted.cells.reindex(columns=counter.columns))
            except FieldError as error:
                row = {**row, "status": "failed", "code": error.code, "message": str(error)}
        rows.append(row)
    return SHARD_FIELDS.rows(rows), join_cells(tables)
