"""What audited cells say of a network's errors on a plate, and of the viability of its wells."""

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from livedead.statistics.audits import STATES, Audit, fit_audit
from livedead.tables import CORRECTED

log = logging.getLogger(__name__)

UNKNOWN = "unknown"
"""State of a cell that the dyes show, but whose state they do not tell."""


def treatments(wells: Sequence[str], plate_map: pd.DataFrame | None, columns: Sequence[str]) -> list[str]:
    """What each well got, as one text; empty for wells of which the plate map says nothing.

    Parameters
    ----------
    wells : sequence of str
    plate_map : DataFrame, optional
        From `livedead.plates.plate_maps.read_plate_map`.
    columns : sequence of str
        Those that say what a well got; a map may lack them.

    Examples
    --------
    >>> plate_map = pd.DataFrame({"well": ["A01", "A02"], "drug": ["x", "none"], "control": ["", "negative"]})
    >>> treatments(["A02", "A01", "B01"], plate_map, ["drug", "dose_um", "control"])
    ['none, negative', 'x', '']
    """
    if plate_map is None:
        return [""] * len(wells)
    told = plate_map.set_index("well")[[column for column in columns if column in plate_map]]
    texts = {well: ", ".join(filter(None, row)) for well, *row in told.itertuples(name=None)}
    return [texts.get(well, "") for well in wells]


@dataclass(frozen=True)
class PlateAudit:
    """The audit of a plate: what its dyes say of the network's errors, at each timepoint that was dyed.

    Attributes
    ----------
    plate : str
        The plate whose wells were dyed.
    cells : DataFrame
        `livedead.tables.AUDIT_CELLS`.
    plate_map : DataFrame, optional
        Of the same plate.
    treatment_columns : sequence of str
    """

    plate: str
    cells: pd.DataFrame
    plate_map: pd.DataFrame | None
    treatment_columns: Sequence[str]

    def timepoints(self) -> list[int]: ...
