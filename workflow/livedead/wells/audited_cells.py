"""The cells of audited wells, as the network and as the dyes see them, matched one to one."""

import logging
from collections.abc import Collection
from typing import Any

import numpy as np
import pandas as pd

from livedead.cells.matching import PLACE, match_cells, radii_px
from livedead.cells.tables import count_fields
from livedead.dyes.dyed_fields import read_fields
from livedead.dyes.plate_dyes import PlateDyes
from livedead.errors import LivedeadError
from livedead.fields.plate_images import PlateImages
from livedead.logs import progress
from livedead.tables import AUDIT_CELLS, FIELD_KEY
from livedead.wells.counting import dyed_counter
from livedead.wells.flags import FIELD

log = logging.getLogger(__name__)

NONE = "none"
"""State of a cell in the reading that did not find it."""

DYED_PLACE = [f"dyed_{name}" for name in PLACE]


def audit_cells(
    plate: PlateImages,
    dyes: PlateDyes,
    fields: pd.DataFrame,
    cells: pd.DataFrame,
    wells: Collection[str],
    counting: dict[str, Any],
    pixel_size_um: float,
    threads: int = 1,
) -> pd.DataFrame:
    """Read the audited wells by their dyes, and match the cells with those of the network.

    Fields that the network or the dyes cannot read take no part.

    Parameters
    ----------
    plate : PlateImages
    dyes : PlateDyes
    fields, cells : DataFrame
        `livedead.tables.FIELDS` and `livedead.tables.CELLS` of the plate, as the network reads it.
    wells : collection of str
        The audited ones.
    counting : dict
        From `livedead.configuration.derived.auditing_rules`.
    pixel_size_um : float
    threads : int
        Number of fields that are read at once; changes no number.

    Returns
    -------
    DataFrame
        `livedead.tables.AUDIT_CELLS`.

    Raises
    ------
    LivedeadError
        If the dyes were imaged in another size than what the network read.
    """
    usable = fields[(fields["status"] == "ok") & fields["well"].isin(wells)]
    # What a person put right says nothing of how the network reads wells that nobody looked at.
    corrected = usable["n_by_hand"] > 0
    for row in usable.loc[corrected, FIELD].itertuples(index=False):
        log.warning("%s field %d timepoint %d takes no part: its cells were corrected by hand", *row)
    usable = usable[~corrected]
    if not {"n_live", "n_dead"} <= set(dyes.classes.known):
        log.warning("no field takes part: the dyes do not tell live from dead cells, see dyes.csv")
        usable = usable.iloc[:0]
    keys = [(str(well), int(field), int(time)) for well, field, time in usable[FIELD].to_numpy()]
    read = progress(read_fields(plate, keys, dyes, threads), len(keys), "audited fields")
    counter = dyed_counter(plate, dyes, counting, [], pixel_size_um, corrections={})
    dyed_fields, dyed_cells = count_fields(read, counter)
    for row in dyed_fields[dyed_fields["status"] != "ok"].itertuples():
        log.warning("%s field %d timepoint %d takes no part: %s", *row[2:5], row.message)
    dyed_fields = dyed_fields[dyed_fields["status"] == "ok"]
    _check_sizes(usable, dyed_fields)
    height, width = next(iter(dyes.dyes.values())).gain.shape
    audited = usable.merge(dyed_fields[FIELD_KEY])
    return match_fields(audited[FIELD_KEY], cells, dyed_cells, (height, width))


def _check_sizes(fields: pd.DataFrame, dyed_fields: pd.DataFrame) -> None:
    """Raise if places in one reading are not those in the other."""
    both = dyed_fields.merge(fields, on=FIELD_KEY, suffixes=("_dyed", ""))
    apart = both[~np.isclose(both["area_mm2"], both["area_mm2_dyed"])]
    if len(apart):
        row = apart.iloc[0]
        place = f"plate {row['plate']} well {row['well']} field {row['field']}"
        areas = f"the dyes show {row['area_mm2_dyed']:.4g} mm2, the network read {row['area_mm2']:.4g} mm2"
        raise LivedeadError(
            f"{place}: {areas}; image all channels of the audit_wells with the same camera and binning, or "
            "remove the wells from plates.tsv, audit_wells"
        )


def match_fields(
    fields: pd.DataFrame, cells: pd.DataFrame, dyed_cells: pd.DataFrame, shape: tuple[int, int]
) -> pd.DataFrame:
    """Match the cells of two readings, field by field.

    Cells that are nearer to the field's edge than the dyes show a usual cell to be wide take no part: there,
    by any rule for the edge, one reading leaves out what the other counts.

    Parameters
    ----------
    fields : DataFrame
        `FIELD_KEY` of the fields that both readings have.
    cells, dyed_cells : DataFrame
        `livedead.tables.CELLS` of the network and of the dyes; other fields are left out.
    shape : (int, int)
        Height and width of a field, px.

    Returns
    -------
    DataFrame
        `livedead.tables.AUDIT_CELLS`: ``read`` and ``dyed`` are the states in the two readings, `NONE` where
        a reading did not find the cell.
    """
    readings = [fields.merge(table, on=FIELD_KEY) for table in (cells, dyed_cells)]
    margin_px = 2 * float(np.median(radii_px(readings[1]))) if len(readings[1]) else 0.0
    grouped = [dict(list(table.groupby(FIELD_KEY))) for table in readings]
    matched = []
    for key in fields.itertuples(index=False, name=None):
        first, second = (
            groups.get(key, table.iloc[:0]) for groups, table in zip(grouped, readings, strict=True)
        )
        found = _inside(_matched(first, second), shape, margin_px)
        matched.append(found.assign(**dict(zip(FIELD_KEY, key, strict=True))))
    filled = [table for table in matched if len(table)]
    return AUDIT_CELLS.conform(pd.concat(filled, ignore_index=True) if filled else AUDIT_CELLS.rows([]))


def _matched(read: pd.DataFrame, dyed: pd.DataFrame) -> pd.DataFrame:
    """A row for each pair, and for each cell of one reading alone, in raster order."""
    pairs = match_cells(read, dyed)
    seen = read[["state", *PLACE]].set_axis(["read", *PLACE], axis=1).reset_index(drop=True)
    shown = dyed[["state", *PLACE]].set_axis(["dyed", *DYED_PLACE], axis=1).reset_index(drop=True)
    # A number of its own for each cell; a pair has that of its first.
    shown.index = pd.Index(np.arange(len(shown)) + len(seen))
    renamed = dict(zip(pairs[:, 1] + len(seen), pairs[:, 0], strict=True))
    table = seen.join(shown.rename(index=renamed), how="outer")
    states = table[["read", "dyed"]]
    table[["read", "dyed"]] = states.where(states.notna(), NONE)
    return table.sort_values([*PLACE, *DYED_PLACE], ignore_index=True)


def _inside(table: pd.DataFrame, shape: tuple[int, int], margin_px: float) -> pd.DataFrame:
    """The cells that are at least `margin_px` from each side of the field."""
    places = [table[[name, dyed]].mean(axis=1) for name, dyed in zip(PLACE, DYED_PLACE, strict=True)]
    inner = [
        (place + 0.5).between(margin_px, side - margin_px) for place, side in zip(places, shape, strict=True)
    ]
    return table[inner[0] & inner[1]]
