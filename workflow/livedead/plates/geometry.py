"""Names of wells, and where they lie on a plate."""

import re
import string
import unicodedata
from collections.abc import Iterable

from livedead.errors import SheetError

FORMATS = {
    1: (1, 1),
    4: (1, 4),
    6: (2, 3),
    8: (2, 4),
    12: (3, 4),
    24: (4, 6),
    48: (6, 8),
    96: (8, 12),
    384: (16, 24),
    1536: (32, 48),
}
"""Number of wells -> (rows, columns), after ANSI/SLAS 4-2004 (24 to 1536) and common use.

1 is a dish; 4 and 8 are chamber slides, whose long side runs along a row (Nunc Lab-Tek, ibidi
µ-Slide). Dishes of 2 x 2 wells fit on a plate of 6.
"""

WELL_NUMBERS = ("rows", "columns", "row-snake", "column-snake")
"""How wells are counted: along each row, down each column, or so that every second one runs backwards."""

ROW_LETTERS = "(?:[A-Z]|A[A-F])"
"""The letters of a row, A to AF, as a regular expression."""

_ROWS = (*string.ascii_uppercase, *(f"A{letter}" for letter in "ABCDEF"))
_ROW_NUMBERS = {letters: row for row, letters in enumerate(_ROWS)}
_OFF_EVERY_PLATE = 10_000
_ROW = re.compile("[A-Za-z]{1,2}")
_WELL = re.compile(r"([A-Za-z]{1,2})0*([1-9][0-9]?)")
_ORDINAL = re.compile(r"0*([1-9][0-9]?)([.,]0+)?")


def well_name(row: int, column: int) -> str:
    """Name of a well from its zero-based row and column: (0, 0) -> 'A01', (26, 0) -> 'AA01'."""
    return f"{row_letters(row)}{column + 1:02d}"


def row_letters(row: int) -> str:
    """Letters of a row from its zero-based number: 0 -> 'A', 26 -> 'AA'.

    Raises
    ------
    SheetError
        If no plate has such a row.
    """
    if not 0 <= row < len(_ROWS):
        raise SheetError(f"row {row + 1} is on no plate; a 1536-well plate has {len(_ROWS)} rows")
    return _ROWS[row]


def are_row_letters(text: str) -> bool:
    """Whether a text is one letter or two, as names of rows are, on a plate or not."""
    return _ROW.fullmatch(text) is not None


def parse_well(text: str, n_wells: int = 1536) -> str:
    """Canonical name of a well: ``A1``, ``a01`` and ``A01`` are all ``A01``.

    Parameters
    ----------
    text : str
        Row letters (A to AF) and a column number, zero-padded or not.
    n_wells : int
        Size of the plate, a key of `FORMATS`; the well must lie on it.

    Raises
    ------
    SheetError
        If the text is no well name, or the well is not on such a plate.

    Examples
    --------
    >>> parse_well("b3"), parse_well("AF048")
    ('B03', 'AF48')
    """
    match = _WELL.fullmatch(text.strip())
    if match is None:
        foreign = [unicodedata.name(mark, hex(ord(mark))) for mark in text.strip() if not mark.isascii()]
        what = f" ({', '.join(foreign)} is not a Latin letter or digit)" if foreign else ""
        raise SheetError(f"{text!r} is not a well name{what}; expected letters and a number, like A1 or B03")
    row, column = _position(match)
    rows, columns = FORMATS[n_wells]
    if row >= rows or column >= columns:
        last = well_name(rows - 1, columns - 1)
        raise SheetError(
            f"well {text!r} is not on a {n_wells}-well plate of {rows} x {columns} wells (A01 to {last})"
        )
    return well_name(row, column)


def well_position(well: str) -> tuple[int, int]:
    """Zero-based (row, column) of a canonical well name.

    Examples
    --------
    >>> well_position("A01"), well_position("AF48")
    ((0, 0), (31, 47))
    """
    match = _WELL.fullmatch(well)
    if match is None:
        raise SheetError(f"{well!r} is not a well name")
    return _position(match)


def _position(match: re.Match[str]) -> tuple[int, int]:
    return _ROW_NUMBERS.get(match[1].upper(), _OFF_EVERY_PLATE), int(match[2]) - 1


def ordinal(text: str) -> int | None:
    """Number of a row or column, from 1 to 99, as ``2``, ``02`` or Excel's ``2.0`` and ``2,0``; else None."""
    match = _ORDINAL.fullmatch(text)
    return int(match[1]) if match else None


def parse_row(text: str) -> str | None:
    """Letters of a row from letters or a number, ``b`` or ``2`` -> ``B``; None if it is neither."""
    number = ordinal(text)
    if number is not None:
        return row_letters(number - 1) if number <= len(_ROWS) else None
    return text.upper() if are_row_letters(text) else None


def all_wells(n_wells: int) -> list[str]:
    """Every well of a plate, row by row."""
    rows, columns = FORMATS[n_wells]
    return [well_name(row, column) for row in range(rows) for column in range(columns)]


def numbered_well(number: int, n_wells: int, well_numbers: str) -> str:
    """Name of a well from its number.

    Parameters
    ----------
    number : int
        From 1.
    n_wells : int
        Size of the plate, a key of `FORMATS`.
    well_numbers : str
        One of `WELL_NUMBERS`.

    Raises
    ------
    SheetError
        If the plate has no such well.

    Examples
    --------
    >>> [numbered_well(13, 96, way) for way in WELL_NUMBERS]
    ['B01', 'E02', 'B12', 'D02']
    """
    if not 1 <= number <= n_wells:
        raise SheetError(f"well number {number} is not on a {n_wells}-well plate; allowed: 1 to {n_wells}")
    rows, columns = FORMATS[n_wells]
    by_column = well_numbers.startswith("column")
    line, place = divmod(number - 1, rows if by_column else columns)
    if well_numbers.endswith("snake") and line % 2:
        place = (rows if by_column else columns) - 1 - place
    return well_name(place, line) if by_column else well_name(line, place)


def sort_wells(wells: Iterable[str]) -> list[str]:
    """Wells in plate order, row by row.

    Examples
    --------
    >>> sort_wells(["AA01", "B01", "A10", "A02"])
    ['A02', 'A10', 'B01', 'AA01']
    """
    return sorted(wells, key=well_position)


def parse_well_list(text: str, n_wells: int) -> list[str]:
    """Wells named by a list; a range spans a rectangle.

    Examples
    --------
    >>> parse_well_list("H12, C3-D4", 96)
    ['C03', 'C04', 'D03', 'D04', 'H12']
    """
    wells: dict[str, None] = {}
    for part in filter(None, re.split(r"[,;\s]+", re.sub(r"\s*-\s*", "-", text.strip()))):
        first, _, last = part.partition("-")
        top, left = well_position(parse_well(first, n_wells))
        bottom, right = well_position(parse_well(last or first, n_wells))
        if bottom < top or right < left:
            raise SheetError(f"well range {part!r} runs backwards; write the upper left well first")
        for row in range(top, bottom + 1):
            for column in range(left, right + 1):
                wells[well_name(row, column)] = None
    return sort_wells(wells)


def format_wells(wells: Iterable[str]) -> str:
    """A short list of ranges that names many wells; `parse_well_list` reads it back.

    Examples
    --------
    >>> format_wells(["B01", "A01", "B02", "A02", "H12"])
    'A01-B02, H12'
    """
    left = dict.fromkeys(map(well_position, sort_wells(set(wells))))
    parts = []
    while left:
        top, first = next(iter(left))
        last, bottom = first, top
        while (top, last + 1) in left:
            last += 1
        while all((bottom + 1, column) in left for column in range(first, last + 1)):
            bottom += 1
        for row in range(top, bottom + 1):
            for column in range(first, last + 1):
                del left[row, column]
        names = dict.fromkeys([well_name(top, first), well_name(bottom, last)])
        parts.append("-".join(names))
    return ", ".join(parts)


def shard_wells(wells: Iterable[str], shard: int, n_shards: int) -> list[str]:
    """The contiguous run of wells, in plate order, that shard `shard` (from 1) of `n_shards` takes.

    Examples
    --------
    >>> shard_wells(["A02", "B01", "A01", "A01"], 2, 2)
    ['A02', 'B01']
    """
    ordered = sort_wells(set(wells))
    low = len(ordered) * (shard - 1) // n_shards
    high = len(ordered) * shard // n_shards
    return ordered[low:high]
