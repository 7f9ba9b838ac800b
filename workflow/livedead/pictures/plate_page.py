"""The page of a plate: its wells as a map, their numbers as the tables hold them, their cells to correct."""

import csv
import io
import logging
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from livedead import tables
from livedead.cells.counting import CountedField
from livedead.cells.outlines import cells_sha256, outlines
from livedead.cells.tallies import check_counts
from livedead.dyes.notes import MEANINGS
from livedead.dyes.settings import ROLES
from livedead.errors import FieldError
from livedead.fields.normalized_plate import NormalizedPlate
from livedead.network.classes import Classes
from livedead.normalization.transforms import Key
from livedead.pictures import pages
from livedead.pictures.figures import ROLE_COLOURS
from livedead.pictures.light import composed
from livedead.pictures.small import class_map_webp, webp
from livedead.plates.geometry import FORMATS
from livedead.plates.plate_maps import MapColumns
from livedead.tables import DOSE_RESPONSE, FIELD_KEY, FIELDS, PLATE_QUALITY, SHARD_FIELDS, WELLS, Table
from livedead.wells import summary
from livedead.wells.analysis import designed
from livedead.wells.timing import hours_of_timepoints, in_hours

log = logging.getLogger(__name__)

OF_FIELD = ["well", "field", "timepoint", "status", "code", "message", "n_live", "n_dead", "n_ambiguous"]
OF_FIELD += ["n_total", "n_by_hand", "unfamiliarity", "qc_flags"]
"""Columns of a field that the page shows."""


@dataclass(frozen=True)
class PageSettings:
    """What decides how large a page becomes: the section ``report`` of the configuration.

    Attributes
    ----------
    fields_per_well : int
        Fields of a well and timepoint that are shown.
    side_px : int
        Longer side of their pictures.
    quality : int
        Of the pictures' compression, 1 to 100.
    pictures : int
        Where a plate has more, fewer of its timepoints have pictures.
    """

    fields_per_well: int
    side_px: int
    quality: int
    pictures: int


def choose_fields(fields: pd.DataFrame, settings: PageSettings) -> set[Key]:
    """The fields that are shown: the first usable ones of each well, at all or at evenly spaced timepoints.

    The last timepoint is always among them.

    Parameters
    ----------
    fields : DataFrame
        ``well, field, timepoint, status``.
    """
    usable = fields[fields["status"] == "ok"].sort_values("field")
    first = usable.groupby(["timepoint", "well"]).head(settings.fields_per_well)
    times = np.sort(first["timepoint"].unique())[::-1]
    if len(times):
        most_at_once = int(first["timepoint"].value_counts().max())
        n_times = min(len(times), max(1, settings.pictures // most_at_once))
        times = times[np.linspace(0, len(times) - 1, n_times).round().astype(int)]
    shown = first[first["timepoint"].isin(times)]
    return set(zip(shown["well"], shown["field"].map(int), shown["timepoint"].map(int), strict=True))


def field_pictures(
    counted_fields: Iterable[CountedField],
    plate: NormalizedPlate,
    fields: pd.DataFrame,
    shown: Mapping[str, str],
    classes: Classes,
    settings: PageSettings,
) -> Iterator[dict[str, Any]]:
    """`field_picture` of counted fields, one field in memory at a time.

    Parameters
    ----------
    fields : DataFrame
        Their rows of `livedead.tables.FIELDS`, which they must agree with.

    Raises
    ------
    CountError
        If cells are not those of `fields`.
    """
    for counted in counted_fields:
        key = counted.row["well"], int(counted.row["field"]), int(counted.row["timepoint"])
        row = SHARD_FIELDS.rows([counted.row])
        check_counts(row, fields.merge(row[FIELD_KEY]), FIELD_KEY, "fields.csv and the page's cells")
        try:
            planes = plate.normalized(key)
        except FieldError as error:
            # It was readable when it was counted, and a picture is no reason to end the run.
            log.warning("%s field %d timepoint %d: %s: %s", *key, error.code, error)
            continue
        yield field_picture(counted, planes, shown, classes, settings)


def field_picture(
    counted: CountedField,
    planes: np.ndarray,
    shown: Mapping[str, str],
    classes: Classes,
    settings: PageSettings,
) -> dict[str, Any]:
    """One field as the page holds it.

    Parameters
    ----------
    counted : CountedField
    planes : ndarray, (C, H, W), float32
        In [-1, 1].
    shown : mapping
        What each of them is, ``input`` of a network or a dye -> its channel.
    classes : Classes
        Of the class map.
    """
    row, states = counted.row, counted.cells["state"].tolist()
    height, width = counted.labels.shape
    return {
        "well": row["well"],
        "field": int(row["field"]),
        "timepoint": int(row["timepoint"]),
        "height": height,
        "width": width,
        "image": webp(composed(planes, list(shown)), settings.side_px, settings.quality),
        "class_map": class_map_webp(counted.class_map, classes, settings.side_px),
        "cells_sha256": cells_sha256(counted.labels, states),
        "states": "".join(state[0] for state in states),
        "outlines": [outline_code(outline) for outline in outlines(counted.labels)],
    }


def outline_code(corners: np.ndarray) -> str:
    """An outline in few characters: where it starts, its first direction, and a letter for three unit steps.

    Each step goes straight on, turns right or turns left: 0, 1, 2. A letter is three of them as a number
    to the base 3, counted from ``@``. The first step is "straight on"; steps that fill the last letter
    are not part of the outline, and their number is added to the direction, times 4.

    Parameters
    ----------
    corners : ndarray, (n, 2), int
        From `livedead.cells.outlines.outlines`: (y, x), sides alternate between rows and columns.

    Returns
    -------
    str
        ``y x direction letters``; directions are right, down, left, up: 0 to 3.

    Examples
    --------
    >>> outline_code(np.array([[5, 7], [5, 8], [6, 8], [6, 7]]))
    '5 7 8 DI'
    """
    sides = np.roll(corners, -1, axis=0) - corners
    direction = np.select([sides[:, 1] > 0, sides[:, 0] > 0, sides[:, 1] < 0], [0, 1, 2], 3)
    steps = np.repeat(direction, np.abs(sides).sum(axis=1))
    turns = np.diff(steps, prepend=steps[0]) % 4
    symbols = np.where(turns == 3, 2, turns)
    filling = -len(symbols) % 3
    letters = np.pad(symbols, (0, filling)).reshape(-1, 3) @ [9, 3, 1] + ord("@")
    y, x = corners[0]
    return f"{y} {x} {direction[0] + 4 * filling} {''.join(map(chr, letters))}"


def page(
    plate: str,
    n_wells: int,
    wells: pd.DataFrame,
    fields: pd.DataFrame,
    quality: pd.DataFrame,
    curves: pd.DataFrame,
    pictures: Iterable[dict[str, Any]],
    classes: Classes,
    columns: MapColumns,
    n_corrected: int,
) -> bytes:
    """The whole page.

    Parameters
    ----------
    plate : str
    n_wells : int
        Size of the plate.
    wells, fields, quality, curves : DataFrame
        `livedead.tables.WELLS`, `FIELDS`, `PLATE_QUALITY` and `DOSE_RESPONSE` of the plate.
    pictures : iterable of dict
        From `field_picture`.
    classes : Classes
        Of the class maps.
    columns : MapColumns
    n_corrected : int
        Files of corrections by hand that were applied already.
    """
    design = designed(wells, columns)
    data = {
        "plate": plate,
        "shape": FORMATS[n_wells],
        "wells": as_written(wells, WELLS),
        "agents": design["agent"].tolist(),
        "cell_lines": design["cell_line"].tolist(),
        "doses": [None if np.isnan(dose) else dose for dose in design["dose"]],
        "hours": hours_of_timepoints(wells).map(in_hours).to_dict(),
        "map_columns": [name for name in wells if name not in WELLS.columns],
        "fields": as_written(fields, FIELDS, OF_FIELD),
        "quality": as_written(quality, PLATE_QUALITY),
        "curves": as_written(curves, DOSE_RESPONSE),
        "words": {"status": summary.STATUSES, "flags": flags_in_words(), "alarms": summary.ALARMS},
        "roles": [[role, colour] for role, colour in ROLE_COLOURS.items() if classes.of(role)],
        "corrections_file": f"{plate}-corrections{f'-{n_corrected + 1}' if n_corrected else ''}.json",
        "pictures": sorted(pictures, key=lambda one: (one["timepoint"], one["well"], one["field"])),
    }
    return pages.render("plate_page.html.j2", title=f"Plate {plate}", plate=plate, data=data)


def flags_in_words() -> dict[str, str]:
    """What each QC flag of a well or a field means."""
    of_dyes = {
        f"{role}_{flag}": meaning.format(dye=role) for role in ROLES for flag, meaning in MEANINGS.items()
    }
    of_wells = {
        "fields_missing": summary.STATUSES["partial"],
        "controls_reversed": summary.ALARMS["controls_reversed"],
    }
    return summary.FLAGS | of_wells | of_dyes


def as_written(table: pd.DataFrame, kind: Table, columns: list[str] | None = None) -> dict[str, Any]:
    """A table as the texts of its file: its `columns`, or all, and their texts in each row."""
    header, *rows = csv.reader(io.StringIO(tables.as_text(table, kind), newline=""))
    chosen = [header.index(name) for name in columns or header]
    return {"columns": [header[k] for k in chosen], "rows": [[row[k] for k in chosen] for row in rows]}
