"""Corrections by hand: what a reviewer changed on the page of a plate, field by field."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from livedead.errors import CorrectionError, LivedeadError
from livedead.plates.geometry import parse_well
from livedead.plates.records import check_version, read_record, record_files, record_list

FORMAT, VERSION = "corrections", 1
STATES = ("live", "dead", "ambiguous", "unknown")

Key = tuple[str, int, int]
"""Well, field, timepoint."""
Point = tuple[float, float]
"""y, x in px from the upper left corner of the field: the first pixel goes from 0 to 1."""


class SetState(NamedTuple):
    """A cell is of another state than was counted."""

    cell: int
    state: str


class Delete(NamedTuple):
    """What was counted is no cell."""

    cell: int


class Add(NamedTuple):
    """A cell that was not counted, by its outline."""

    state: str
    outline_px: tuple[Point, ...]


class Split(NamedTuple):
    """A cell is two, on the two sides of a line."""

    cell: int
    line_px: tuple[Point, Point]


class Merge(NamedTuple):
    """Several cells are one."""

    cells: tuple[int, ...]


Action = SetState | Delete | Add | Split | Merge


class FieldCorrections(NamedTuple):
    """What a person says of one field, which they have looked at.

    Attributes
    ----------
    file : str
        Where it is written.
    cells_sha256 : str
        The cells that it speaks of, see `livedead.cells.outlines.cells_sha256`.
    usable : bool
        Whether the field can be counted at all.
    actions : tuple of Action
        One after the other; a cell that one makes takes the next free number.
    """

    file: str
    cells_sha256: str
    usable: bool
    actions: tuple[Action, ...]


Corrections = Mapping[Key, Sequence[FieldCorrections]]
"""Field -> what people say of it."""


def correction_files(folder: str) -> dict[str, list[Path]]:
    """Plate -> its files of corrections in a folder, in the order of their names.

    Other records, such as the judgements of a review sample, are passed over.

    Raises
    ------
    CorrectionError
        If the folder is not there, or a file in it cannot be read.
    """
    if not Path(folder).is_dir():
        raise CorrectionError(f"counting.corrections: {folder} is not a folder")
    return record_files(folder, FORMAT)


def read_corrections(files: Iterable[str | Path]) -> Corrections:
    """Corrections of one plate.

    Raises
    ------
    CorrectionError
        If a file cannot be read, with the place in it.
    """
    found = defaultdict(list)
    for file in files:
        record = read_record(file)
        check_version(record, VERSION, str(file))
        for k, field in enumerate(record_list(record, "fields", str(file))):
            where = f"{file}: fields[{k}]"
            try:
                key = parse_well(field["well"]), _whole(field["field"]), _whole(field["timepoint"])
                actions = tuple(map(_action, field["actions"]))
                sha256, usable = str(field["cells_sha256"]), field["usable"]
                if not isinstance(usable, bool):
                    raise CorrectionError(f"usable {usable!r}; allowed: true, false")
            except LivedeadError as error:
                raise CorrectionError(f"{where}: {error}") from error
            except (KeyError, TypeError, ValueError) as error:
                raise CorrectionError(f"{where}: not a field's corrections: {error!r}") from error
            found[key].append(FieldCorrections(str(file), sha256, usable, actions))
    return dict(found)


def _action(written: dict[str, Any]) -> Action:
    match written["action"]:
        case "state":
            return SetState(_whole(written["cell"]), _state(written["state"]))
        case "delete":
            return Delete(_whole(written["cell"]))
        case "add":
            return Add(_state(written["state"]), _points(written["outline_px"], at_least=3))
        case "split":
            first, last = _points(written["line_px"], at_least=2)
            return Split(_whole(written["cell"]), (first, last))
        case "merge":
            return Merge(tuple(map(_whole, written["cells"])))
        case other:
            raise CorrectionError(f"action {other!r}; allowed: state, delete, add, split, merge")


def _whole(number: Any) -> int:
    """The number, if JSON has it as a whole one: 4.7 or "4" would be another cell by mistake."""
    if type(number) is not int:
        raise CorrectionError(f"{number!r}; allowed: a whole number")
    return number


def _state(text: str) -> str:
    if text not in STATES:
        raise CorrectionError(f"state {text!r}; allowed: {', '.join(STATES)}")
    return text


def _points(written: Sequence[Sequence[float]], at_least: int) -> tuple[Point, ...]:
    points = tuple((float(y), float(x)) for y, x in written)
    if len(points) < at_least:
        raise CorrectionError(f"{len(points)} points; needed: at least {at_least}")
    # Python reads NaN and Infinity, which JSON does not have.
    if not np.isfinite(points).all():
        raise CorrectionError(f"points {points}; allowed: numbers, in px")
    return points


def check_known(corrections: Corrections, fields: pd.DataFrame) -> None:
    """Make sure that the plate has every field that is corrected; `fields` has a row for each that it has.

    Raises
    ------
    CorrectionError
        With the first that it has not.
    """
    known = set(fields[["well", "field", "timepoint"]].itertuples(index=False, name=None))
    for key in corrections:
        if key not in known:
            raise CorrectionError(
                "{}: well {} field {} timepoint {}: the plate has no such field; take it out of the "
                "file".format(corrections[key][0].file, *key)
            )
