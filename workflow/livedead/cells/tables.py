"""The cells of many fields, counted: a table of fields and a table of cells."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from livedead.cells.confidence import LogOdds
from livedead.cells.counting import count_field, join_cells
from livedead.cells.measures import cell_columns
from livedead.cells.rules import CountingRules
from livedead.cells.signals import Signal
from livedead.network.calibration import Calibration
from livedead.network.classes import Classes
from livedead.normalization.transforms import Key
from livedead.tables import SHARD_FIELDS

ReadPlanes = Callable[[Key, list[str], tuple[int, ...]], dict[str, np.ndarray]]
"""Key of a field, channels, shape of its class map -> raw counts of those channels that it has."""
ReadSignals = Callable[[Key, Sequence[str], tuple[int, ...]], Mapping[str, Signal]]
"""The same for dyes -> the signal of every one of these channels."""


def count_fields(
    segmented: Iterable[tuple[dict[str, Any], Mapping[str, np.ndarray]]],
    read_planes: ReadPlanes,
    channels: list[str],
    classes: Classes,
    rules: CountingRules,
    pixel_size_um: float,
    dyes: Sequence[str] = (),
    read_signals: ReadSignals | None = None,
    calibration: Calibration | None = None,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Count the cells of fields, one field in memory at a time.

    Parameters
    ----------
    segmented : iterable of (row, arrays)
        As `livedead.stores.SegmentationWriter` takes and `livedead.stores.read_segmentations` gives them.
    read_planes : callable
        Such as `livedead.fields.plate_images.PlateImages.planes`.
    channels : list of str
        Whose mean over each cell is wanted.
    classes : Classes
    rules : CountingRules
    pixel_size_um : float
    dyes : list of str
        Channels of dyes whose signal in each cell is wanted.
    read_signals : callable, optional
        Needed for `dyes`.
    calibration : Calibration, optional
        Of the network that segmented; without it no confidence is known.

    Returns
    -------
    fields : DataFrame
        `livedead.tables.SHARD_FIELDS`; the counts of failed fields are missing.
    cells : DataFrame
        The counted cells, `cell_columns`.
    """
    columns = cell_columns(channels, rules.shape_descriptors, dyes)
    rows = []
    tables = [pd.DataFrame(columns=columns)]
    for row, arrays in segmented:
        if arrays:
            class_map = arrays["maps"]
            key = row["well"], row["field"], row["timepoint"]
            planes = read_planes(key, channels, class_map.shape)
            signals = read_signals(key, dyes, class_map.shape) if read_signals else None
            log_odds = None if calibration is None else LogOdds(arrays["log_odds"], calibration)
            row, cells = count_field(
                row,
                class_map,
                arrays["unstable"],
                arrays["runners_up"],
                classes,
                rules,
                pixel_size_um,
                planes,
                signals,
                log_odds,
            )
            tables.append(cells.reindex(columns=columns))
        rows.append(row)
    return SHARD_FIELDS.rows(rows), join_cells(tables)
