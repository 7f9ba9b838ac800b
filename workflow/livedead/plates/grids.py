"""Plate maps as grids: column numbers above, row letters at the left, a value per well."""

from collections.abc import Iterator

import pandas as pd

from livedead.errors import SheetError
from livedead.plates import geometry
from livedead.plates.sheets import Row


def heads(rows: list[Row]) -> list[int]:
    """Positions of the rows that count columns over a row of letters; none if the rows are no grids."""
    return [k for k in range(len(rows) - 1) if _is_head(rows[k][1], rows[k + 1][1])]


def _is_head(row: list[str], below: list[str]) -> bool:
    """Whether a row counts columns from some number on, over a row that begins with a letter."""
    numbers = [geometry.ordinal(cell) for cell in row[1:] if cell]
    if not numbers or row[1] == "" or numbers[0] is None:
        return False
    counted = numbers == list(range(numbers[0], numbers[0] + len(numbers)))
    return counted and geometry.are_row_letters(below[0])


def read_grids(rows: list[Row], n_wells: int) -> pd.DataFrame:
    """The grids as a table of one row per well that is not empty in all of them.

    Parameters
    ----------
    rows : list
        From `livedead.plates.sheets.read_rows`; `heads` finds some in them.
    n_wells : int
        Size of the plate.

    Returns
    -------
    DataFrame of str
        ``well``, then a column a grid; the index holds line numbers.

    Raises
    ------
    SheetError
        Naming the line, and what is no part of a grid, off the plate, or there twice.
    """
    found = heads(rows)
    _check_rest(rows, found)
    grids: dict[str, dict[str, str]] = {}
    lines: dict[str, int] = {}
    for number, head in enumerate(found):
        name = _name(rows, found[: number + 1], len(found) == 1)
        if not name or name in grids or name == "well":
            raise SheetError(
                f"line {rows[head][0]}: a grid named {name!r}; each of several grids needs its own name, "
                "other than 'well', in its corner cell or alone in the line above"
            )
        grids[name] = {}
        for line, well, cell in _wells(rows, head, n_wells):
            if well in grids[name]:
                raise SheetError(f"line {line}: row {well[:-2]!r} appears twice in this grid")
            grids[name][well] = cell
            lines.setdefault(well, line)
    order = geometry.sort_wells(lines)
    columns = {"well": order, **{name: [wells.get(w, "") for w in order] for name, wells in grids.items()}}
    return pd.DataFrame(columns, index=[lines[well] for well in order])


def _name(rows: list[Row], found: list[int], alone: bool) -> str:
    """Name of the last of the grids that begin at `found`: from its corner, or alone in the line above."""
    *before, head = found
    corner = rows[head][1][0]
    title = [cell for cell in rows[head - 1][1] if cell] if head else []
    above = title[0] if len(title) == 1 and head - 1 not in _bodies(rows, before) else ""
    return corner or above or ("value" if alone else "")


def _wells(rows: list[Row], head: int, n_wells: int) -> Iterator[tuple[int, str, str]]:
    """(line, well, value) of every cell of a grid that is not empty."""
    numbers = [geometry.ordinal(cell) for cell in rows[head][1]]
    for k in _bodies(rows, [head]):
        line, (letters, *cells) = rows[k]
        for place, cell in enumerate(cells, start=1):
            number = numbers[place] if place < len(numbers) else None
            if not cell:
                continue
            try:
                if number is None:
                    raise SheetError("there is no column number above it")
                well = geometry.parse_well(f"{letters}{number}", n_wells)
            except SheetError as error:
                raise SheetError(f"line {line}, column {number or place + 1}: {cell!r}: {error}") from error
            yield line, well, cell


def _bodies(rows: list[Row], found: list[int]) -> list[int]:
    """Positions of the rows that belong to the grids that begin at `found`."""
    bodies = []
    for head in found:
        k = head + 1
        while k < len(rows) and geometry.are_row_letters(rows[k][1][0]):
            if k + 1 < len(rows) and _is_head(rows[k][1], rows[k + 1][1]):
                break
            bodies.append(k)
            k += 1
    return bodies


def _check_rest(rows: list[Row], found: list[int]) -> None:
    used = {*found, *_bodies(rows, found)}
    for k, (line, cells) in enumerate(rows):
        if k not in used and not (k + 1 in found and len([cell for cell in cells if cell]) == 1):
            raise SheetError(
                f"line {line}: {', '.join(filter(None, cells))!r} is neither a grid's name, "
                "nor its column numbers, nor a row that begins with row letters"
            )
