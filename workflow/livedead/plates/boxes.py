"""Sheets of drawn cells: a box or a point a row, its image, and whether the cell lives."""

import math
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import NamedTuple

import numpy as np
import pandas as pd

from livedead.errors import SheetError, nearest
from livedead.plates.geometry import parse_well
from livedead.plates.sheets import look, read_sheet
from livedead.plates.written_numbers import decimal_mark, parse_count, parse_number

BOX = ("y_min", "x_min", "y_max", "x_max")
"""Sides of a box in px from the upper left corner of the image: 0 is the image's edge, as is its height."""
POINT = ("y_px", "x_px")
"""Middle of a cell; the centre of the first pixel is 0, as in cells.csv.gz."""
STATES = ("live", "dead")
_FIELD = ("well", "field", "timepoint")
COLUMNS = ("image", *_FIELD, *BOX, *POINT, "state")
"""Columns that are read; others are left alone."""
MOST_TOLD = 20
"""Mistakes that a message lists; a sheet of many boxes may repeat one in every row."""

Key = tuple[str, int, int]
"""Well, field, timepoint."""


class DrawnCells(NamedTuple):
    """The drawn cells of one field.

    Attributes
    ----------
    places : ndarray, (n, 4) or (n, 2), float64
        `BOX` or `POINT` of each.
    is_dead : ndarray, (n,), bool
    """

    places: np.ndarray
    is_dead: np.ndarray


class _Field(NamedTuple):
    key: Key
    height: int
    width: int


def read_boxes(path: str | Path, images: pd.DataFrame) -> dict[Key, DrawnCells]:
    """Read a sheet of boxes, or one of points.

    Parameters
    ----------
    path : path
        A sheet with the columns ``image``, or ``well, field`` and, if needed, ``timepoint``; those of
        `BOX`, or those of `POINT`; and ``state``. A row without a place and a state lists an image without
        cells.
    images : DataFrame
        The plate's index: ``well, field, timepoint, path, height, width``.

    Returns
    -------
    dict of (well, field, timepoint) -> DrawnCells
        Of every field that is listed.

    Raises
    ------
    SheetError
        With every mistake and its line.
    """
    table = read_sheet(path, COLUMNS)
    place = _place_columns(path, list(table))
    fields = _Fields(images)
    mark = decimal_mark([text for name in place for text in table[name]])
    found: dict[Key, list[tuple[float, ...]]] = {}
    is_dead: dict[Key, list[bool]] = {}
    lines: dict[tuple[Key, tuple[float, ...]], object] = {}
    without: dict[Key, object] = {}
    problems: list[str] = []
    for line, row in zip(table.index, table.to_dict("records"), strict=True):
        try:
            field = fields.of(row)
            found.setdefault(field.key, [])
            is_dead.setdefault(field.key, [])
            if not any(row[name] for name in (*place, "state")):
                without.setdefault(field.key, line)
                continue
            texts = (row[name].replace(",", ".") if mark == "," else row[name] for name in place)
            numbers = tuple(map(parse_number, texts))
            _check_place(dict(zip(place, numbers, strict=True)), row, field)
            first = lines.setdefault((field.key, numbers), line)
            if first != line:
                raise SheetError(f"the same {_kind(place)} of the same image is in line {first} already")
            is_dead[field.key].append(_state(row["state"]) == "dead")
            found[field.key].append(numbers)
        except SheetError as error:
            problems.append(f"{path}: line {line}: {error}")
    problems += [
        f"{path}: line {line}: lists the image without cells, but it has {len(found[key])} in other lines"
        for key, line in without.items()
        if found[key]
    ]
    refuse(path, problems)
    return {
        key: DrawnCells(np.array(places, float).reshape(-1, len(place)), np.array(is_dead[key], bool))
        for key, places in found.items()
    }


def refuse(path: str | Path, problems: list[str]) -> None:
    """Raise a `SheetError` with the first mistakes of a sheet, a line each, if it has any."""
    if problems:
        more = [f"{path}: and {len(problems) - MOST_TOLD} more"] if len(problems) > MOST_TOLD else []
        raise SheetError("\n".join(problems[:MOST_TOLD] + more))


def _kind(place: tuple[str, ...]) -> str:
    return "box" if place == BOX else "point"


def _place_columns(path: str | Path, columns: list[str]) -> tuple[str, ...]:
    """`BOX` or `POINT`, whichever the sheet has."""
    missing = {kind: [name for name in kind if name not in columns] for kind in (BOX, POINT)}
    whole = [kind for kind, absent in missing.items() if not absent]
    if len(whole) == 2:
        raise SheetError(
            f"{path}: line 1: has columns of boxes and of points; keep {', '.join(BOX)}, or these"
        )
    # Whichever kind lacks fewer columns is meant.
    kind = whole[0] if whole else min(missing, key=lambda kind: len(missing[kind]) / len(kind))
    needed = [*missing[kind], *(["state"] if "state" not in columns else [])]
    if "image" not in columns:
        needed += [name for name in ("well", "field") if name not in columns]
    if needed:
        absent = ", ".join(name + nearest(name, [c for c in columns if c not in COLUMNS]) for name in needed)
        raise SheetError(
            f"{path}: line 1: missing columns: {absent}; needed are image, or well and field; "
            f"{', '.join(BOX)}, or {', '.join(POINT)}; and state"
        )
    return kind


class _Fields:
    """The fields of a plate, by what a row of a sheet says of its image."""

    def __init__(self, images: pd.DataFrame):
        self._of_key: dict[Key, _Field] = {}
        self._of_name: dict[str, set[Key]] = {}
        for row in images.itertuples():
            key = row.well, int(row.field), int(row.timepoint)
            self._of_key[key] = _Field(key, int(row.height), int(row.width))
            for name in tails(row.path):
                self._of_name.setdefault(name, set()).add(key)

    def of(self, row: Mapping[str, str]) -> _Field:
        """The field of a row; `SheetError` if there is none, or more than one could be meant."""
        if not row.get("image"):
            return self._by_key(row)
        name = row["image"].replace("\\", "/")
        keys = {key for key in self._of_name.get(name, set()) if _agrees(key, row)}
        if len(keys) == 1:
            return self._of_key[keys.pop()]
        if keys:
            raise SheetError(
                f"column 'image': {name!r} belongs to {len(keys)} fields of the plate; "
                "give its path below raw, or well, field and timepoint"
            )
        if name in self._of_name:
            places = " or ".join("{}, field {}, timepoint {}".format(*key) for key in self._of_name[name])
            raise SheetError(f"column 'image': {name!r} is {places}; well, field and timepoint say otherwise")
        raise SheetError(
            f"column 'image': the plate has no image {name!r}{nearest(name, self._of_name)}; allowed: names "
            "of files as in images.tsv, column 'path'"
        )

    def _by_key(self, row: Mapping[str, str]) -> _Field:
        well, field = _well(row.get("well", "")), _number(row, "field")
        timepoint = _number(row, "timepoint") if row.get("timepoint") else 1
        if (well, field, timepoint) not in self._of_key:
            raise SheetError(f"the plate has no image of well {well}, field {field}, timepoint {timepoint}")
        return self._of_key[well, field, timepoint]


def tails(path: str) -> Iterator[str]:
    """The path of an image, and what is left of it without one folder after another."""
    parts = PurePosixPath(path.replace("\\", "/")).parts
    for first in range(len(parts)):
        yield "/".join(parts[first:])


def _agrees(key: Key, row: Mapping[str, str]) -> bool:
    """Whether a field is the one that the row names besides its image, as far as it does."""
    well, *numbers = (row.get(name) or None for name in _FIELD)
    if well is not None and _well(well) != key[0]:
        return False
    return all(
        text is None or _number(row, name) == own
        for name, text, own in zip(_FIELD[1:], numbers, key[1:], strict=True)
    )


def _well(text: str) -> str:
    try:
        return parse_well(text)
    except SheetError as error:
        raise SheetError(f"column 'well': {error}") from error


def _number(row: Mapping[str, str], column: str) -> int:
    number = parse_count(row.get(column, ""))
    if number is None:
        raise SheetError(f"column {column!r}: {row.get(column, '')!r}; allowed: a whole number")
    return number


def _state(text: str) -> str:
    state = look(text).casefold()
    if state not in STATES:
        raise SheetError(f"column 'state': {text!r}{nearest(state, STATES)}; allowed: {', '.join(STATES)}")
    return state


def _check_place(place: Mapping[str, float], written: Mapping[str, str], field: _Field) -> None:
    """Raise a `SheetError` if a box or point is none, or lies outside of its image."""
    for name, number in place.items():
        if math.isnan(number):
            raise SheetError(f"column {name!r}: {written[name]!r}; allowed: a number, in px")
    for axis, side in (("y", field.height), ("x", field.width)):
        if f"{axis}_px" in place:
            low = high = place[f"{axis}_px"] + 0.5
            columns = f"column '{axis}_px'"
        else:
            low, high = place[f"{axis}_min"], place[f"{axis}_max"]
            columns = f"columns '{axis}_min' and '{axis}_max'"
            if high - low < 1:
                raise SheetError(f"{columns}: {low:g} to {high:g}; a box is at least 1 px high and wide")
        # The size of an image whose header cannot be read is not known; it fails when it is labelled.
        if side and not 0 <= low <= high <= side:
            size = f"{field.height} x {field.width} px"
            raise SheetError(f"{columns}: outside the image, which has {size} (height x width)")
