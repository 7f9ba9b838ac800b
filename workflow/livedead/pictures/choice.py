"""Which wells and fields are shown, and what is said of them."""

import logging
from collections.abc import Callable, Iterator
from typing import TypeVar

import pandas as pd

from livedead.cells.tallies import MAIN_COUNTS, main_count, tells_viability
from livedead.errors import FieldError
from livedead.normalization.transforms import Key

log = logging.getLogger(__name__)
Pixels = TypeVar("Pixels")


def choose_wells(wells: pd.DataFrame) -> pd.DataFrame:
    """The most, the middle and the least viable row; first, middle and last on a plate without cells.

    Where viability is not told, the rows with the most, the median and the least cells.

    Rows without a usable field are never chosen, so a plate without any gives none.
    """
    used = wells[wells["n_fields_used"] > 0]
    value = "viability" if tells_viability(used) else main_count(used)
    known = used.dropna(subset=value)
    ranked = (used if known.empty else known).sort_values([value, "well"], ascending=[False, True])
    places = sorted({0, len(ranked) // 2, len(ranked) - 1}) if len(ranked) else []
    return ranked.iloc[places]


def heading(row: pd.Series, field: int) -> str:
    """The heading of a field: its name, and what the row of its well, whose cells were counted, tells."""
    name = next(name for name in MAIN_COUNTS if pd.notna(row[name]))
    if row[name] == 0:
        told = f"no {MAIN_COUNTS[name]}"
    elif pd.notna(row["viability"]):
        told = f"viability {row['viability']:.2f}"
    elif pd.notna(row["n_ambiguous"]):
        told = "ambiguous cells only"
    else:
        told = f"{row[name]} {MAIN_COUNTS[name]}"
    return f"{row['well']} field {field}, timepoint {row['timepoint']}\n{told}"


def usable_fields(fields: pd.DataFrame, timepoint: int) -> dict[str, list[Key]]:
    """The fields of each well that did not fail at a timepoint, in their order."""
    usable = fields[(fields["timepoint"] == timepoint) & (fields["status"] == "ok")].sort_values("field")
    found: dict[str, list[Key]] = {}
    for row in usable.itertuples():
        found.setdefault(row.well, []).append((row.well, int(row.field), int(row.timepoint)))
    return found


def first_readable(keys: list[Key], read: Callable[[Key], Pixels]) -> Iterator[tuple[Key, Pixels]]:
    """The first of these fields that can be read, and what was read; nothing if none can.

    All were readable when they were counted, and a picture is no reason to end the run.
    """
    for key in keys:
        try:
            yield key, read(key)
            return
        except FieldError as error:
            log.warning("%s field %d timepoint %d: %s: %s", *key, error.code, error)
