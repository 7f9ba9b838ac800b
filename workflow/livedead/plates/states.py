"""Tables of states: for each label of a label image, whether the cell lives."""

from collections.abc import Iterable
from pathlib import Path

from livedead.errors import SheetError, nearest
from livedead.plates.boxes import refuse, tails
from livedead.plates.corrections import STATES
from livedead.plates.sheets import look, read_sheet
from livedead.plates.written_numbers import parse_count

COLUMNS = ("image", "label", "state")
"""Columns that are read; others are left alone."""


def read_states(path: str | Path, images: Iterable[str]) -> dict[str, dict[int, str]]:
    """Read a table of states, such as `snakemake labels` writes.

    Parameters
    ----------
    path : path
        A sheet with the columns `COLUMNS`: a label image, by its file name or as much of its path as tells
        it from others; a label, the value of a cell's pixels in it; and one of
        `livedead.plates.corrections.STATES`.
    images : iterable of str
        The paths that label images of the plate would have.

    Returns
    -------
    dict of str -> dict of int -> str
        Image -> label -> state, for every image that is listed.

    Raises
    ------
    SheetError
        With every mistake and its line.
    """
    table = read_sheet(path, COLUMNS)
    missing = [name for name in COLUMNS if name not in table]
    if missing:
        raise SheetError(f"{path}: line 1: missing columns: {', '.join(missing)}")
    named: dict[str, set[str]] = {}
    for image in images:
        for name in tails(image):
            named.setdefault(name, set()).add(image)
    found: dict[str, dict[int, str]] = {}
    lines: dict[tuple[str, int], object] = {}
    problems = []
    for line, row in zip(table.index, table.to_dict("records"), strict=True):
        try:
            image, label, state = _image(row["image"], named), _label(row["label"]), _state(row["state"])
            first = lines.setdefault((image, label), line)
            if first != line:
                raise SheetError(f"label {label} of the same image is in line {first} already")
            found.setdefault(image, {})[label] = state
        except SheetError as error:
            problems.append(f"{path}: line {line}: {error}")
    refuse(path, problems)
    return found


def _image(text: str, named: dict[str, set[str]]) -> str:
    name = text.replace("\\", "/")
    images = named.get(name, set())
    if len(images) > 1:
        raise SheetError(f"column 'image': {text!r} is {len(images)} images; give more of its path")
    if not images:
        raise SheetError(
            f"column 'image': no field of the plate has a label image {text!r}{nearest(name, named)}; its "
            "name is as the column 'masks' of plates.tsv says"
        )
    return next(iter(images))


def _label(text: str) -> int:
    label = parse_count(text)
    if not label:
        raise SheetError(f"column 'label': {text!r}; allowed: a whole number from 1")
    return label


def _state(text: str) -> str:
    state = look(text).casefold()
    if state not in STATES:
        raise SheetError(f"column 'state': {text!r}{nearest(state, STATES)}; allowed: {', '.join(STATES)}")
    return state
