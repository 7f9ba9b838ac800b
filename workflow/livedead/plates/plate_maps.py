"""Plate maps: what every well got, as a list of wells or as grids."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from livedead.errors import SheetError, nearest
from livedead.plates import geometry, grids
from livedead.plates.doses import read_doses
from livedead.plates.sheets import canonical, look, n_known, named, read_rows, to_table
from livedead.tables import OF_WELLS

CONTROLS = ("negative", "positive")
"""What the plate map's column ``control`` may say, if anything: untreated, and killed."""


@dataclass(frozen=True)
class MapColumns:
    """Which columns of a plate map say what a well got.

    Attributes
    ----------
    agent_column, dose_column, cell_line_column : str
        A plate map without one of them has no such information.
    dose_unit : str
        Goes into the tables as it is.
    hours_per_timepoint : float, optional
        From one timepoint to the next, where the export tells no time; None leaves times in timepoints.
    """

    agent_column: str = "treatment"
    dose_column: str = "dose_um"
    cell_line_column: str = "cell_line"
    dose_unit: str = "uM"
    hours_per_timepoint: float | None = None

    @property
    def treatment(self) -> list[str]:
        """Columns in which replicate wells agree."""
        return [self.agent_column, self.dose_column, self.cell_line_column, "control"]


WELL_COLUMNS = ("well", "row", "column", "control")
"""Columns that have a meaning in every plate map, beside those that the configuration names."""


def read_plate_map(path: str | Path, n_wells: int, treatment_columns: Iterable[str] = ()) -> pd.DataFrame:
    """Read a plate map, all of whose columns reach the result.

    Two layouts are known: a list of wells, by a column ``well`` or columns ``row`` and ``column``,
    and any others; and the microtitre grid that biologists keep in Excel: column numbers above, row
    letters at the left, one or several grids one under the other. A grid's name, in its corner cell
    or alone in a line above it, becomes a column; a single grid without a name is called ``value``.
    Wells that are empty in every grid are not mapped.

    Parameters
    ----------
    path : path
        Text or workbook, see `livedead.plates.sheets.read_rows`.
    n_wells : int
        Size of the plate.
    treatment_columns : iterable of str
        Columns that the configuration names; a map may write them, and `WELL_COLUMNS`, in other
        case. Other names, and all values, stay as they are written.

    Returns
    -------
    DataFrame of str
        ``well``, canonical, in plate order, and the map's columns.

    Raises
    ------
    SheetError
        Naming line, column and value.
    """
    known = [*WELL_COLUMNS, *treatment_columns]
    try:
        # A grid outweighs a header, which names no more than all columns that are known.
        rows = read_rows(path, lambda found: len(known) * len(grids.heads(found)) + n_known(found, known))
        if grids.heads(rows):
            table = grids.read_grids(rows, n_wells)
            table.columns = canonical(list(table.columns), known)
        else:
            table = _with_wells(to_table(path, rows, known))
        problems = _control_problems(table)
        try:
            mapped = _in_plate_order(table, n_wells)
        except SheetError as error:
            problems.insert(0, str(error))
        if problems:
            raise SheetError("\n".join(problems))
        _check_places(table)
        mapped = mapped.drop(columns=["row", "column"], errors="ignore")
        if mapped.empty:
            raise SheetError("it lists no well; a plate without a map needs no file")
        clash = [column for column in mapped if column in OF_WELLS and column != "well"]
        if clash:
            raise SheetError(f"column(s) {', '.join(clash)} are columns of the results; rename them")
        return mapped
    except SheetError as error:
        raise SheetError(named(path, error)) from error


def read_controls(path: str | Path, n_wells: int) -> dict[str, list[str]]:
    """Wells of each kind of `CONTROLS` that a plate map has, in plate order; raises as `read_plate_map`."""
    table = read_plate_map(path, n_wells)
    if "control" not in table:
        return {}
    found = {kind: list(table.loc[table["control"] == kind, "well"]) for kind in CONTROLS}
    return {kind: wells for kind, wells in found.items() if wells}


def _with_wells(table: pd.DataFrame) -> pd.DataFrame:
    """A list of wells with a column ``well``, made of ``row`` and ``column`` where it has none."""
    if "well" in table:
        return table
    if not {"row", "column"} <= set(table):
        near = nearest("well", table.columns)
        raise SheetError(
            "neither a column 'well', nor columns 'row' and 'column', nor a grid of column numbers 1, 2, 3 "
            f"over row letters A, B, C; the columns are {', '.join(table.columns)}{near}"
        )
    wells = []
    for line, row, column in zip(table.index, table["row"], table["column"], strict=True):
        letters, number = geometry.parse_row(row), geometry.ordinal(column)
        if letters is None or number is None:
            name, text = ("row", row) if letters is None else ("column", column)
            allowed = "letters or a number" if letters is None else "a number"
            raise SheetError(f"line {line}, column {name!r}: {text!r}; allowed: {allowed}, like B or 3")
        wells.append(f"{letters}{number}")
    return table.assign(well=wells)


def _in_plate_order(table: pd.DataFrame, n_wells: int) -> pd.DataFrame:
    """The map with canonical wells, each of them once, in plate order.

    Parameters
    ----------
    table : DataFrame of str
        A ``well`` column and any others; the index holds line numbers for messages.
    n_wells : int
        Size of the plate.

    Raises
    ------
    SheetError
        Naming line, column and value of every bad or repeated well.
    """
    problems = []
    lines: dict[str, object] = {}
    for line, text in table["well"].items():
        try:
            well = geometry.parse_well(text, n_wells)
        except SheetError as error:
            problems.append(f"line {line}, column 'well': {error}")
            continue
        if well in lines:
            problems.append(f"line {line}, column 'well': {text!r} repeats well {well} of line {lines[well]}")
        lines.setdefault(well, line)
    if problems:
        raise SheetError("\n".join(problems))
    return table.assign(well=list(lines)).set_index("well").loc[geometry.sort_wells(lines)].reset_index()


def _control_problems(table: pd.DataFrame) -> list[str]:
    return [
        f"line {line}, column 'control': {kind!r}; allowed: {', '.join(CONTROLS)}, or nothing"
        for line, kind in table.get("control", pd.Series(dtype=object)).items()
        if kind not in ("", *CONTROLS)
    ]


def _check_places(table: pd.DataFrame) -> None:
    """Columns ``row`` and ``column`` must say again where the well is, as the result's do."""
    for line, values in table.iterrows():
        place = geometry.well_position(values["well"])
        letters, number = geometry.well_name(*place)[:-2], place[1] + 1
        for name, said, there in (
            ("row", geometry.parse_row(values.get("row", "")), letters),
            ("column", geometry.ordinal(values.get("column", "")), number),
        ):
            if values.get(name, "") and said != there:
                raise SheetError(
                    f"line {line}, column {name!r}: {values[name]!r}, but well {values['well']} is in {name} "
                    f"{there}; correct one of them, or rename the column"
                )


def check_plate_maps(table: pd.DataFrame, columns: MapColumns) -> list[str]:
    """Read the maps of all plates, and their doses, of those whose file is there.

    Parameters
    ----------
    table : DataFrame
        From `livedead.plates.plate_sheet.read_plates`.
    columns : MapColumns

    Returns
    -------
    list of str
        Columns that `columns` names and no map has, where the name was chosen or another is like it.

    Raises
    ------
    SheetError
        With the mistakes of every map.
    """
    problems, found = [], []
    for path, n_wells in table[["platemap", "wells"]].drop_duplicates().itertuples(index=False):
        try:
            if path and Path(path).is_file():
                mapped = read_plate_map(path, n_wells, columns.treatment)
                found.append(mapped)
                problems += [f"{path}: {problem}" for problem in _look_problems(mapped, columns)]
                read_doses(mapped, columns.dose_column)
        except SheetError as error:
            problems.append(named(path, error))
    if problems:
        raise SheetError("\n".join(problems))
    return _absent_columns([column for mapped in found for column in mapped], columns) if found else []


def _look_problems(mapped: pd.DataFrame, columns: MapColumns) -> list[str]:
    """Texts that look alike and are not would part the replicate wells of one treatment."""
    problems: dict[tuple[str, str], str] = {}
    for column in (columns.agent_column, columns.cell_line_column):
        seen: dict[str, tuple[str, str]] = {}
        for well, text in zip(mapped["well"], mapped.get(column, ()), strict=False):
            first, other = seen.setdefault(look(text), (well, text))
            if text != other:
                problems.setdefault(
                    (column, text),
                    f"well {well}, column {column!r}: {text!r} looks like {other!r} of well {first}, but is "
                    f"written with other characters ({text!a}, {other!a}); copy one over the other",
                )
    return list(problems.values())


def _absent_columns(there: list[str], columns: MapColumns) -> list[str]:
    remarks = []
    for key in ("agent_column", "dose_column", "cell_line_column"):
        name = getattr(columns, key)
        near = nearest(name, set(there) - {"well", *columns.treatment})
        if name not in there and (near or name != getattr(MapColumns, key)):
            remarks.append(f"plate_map.{key}: no plate map has a column {name!r}{near}")
    others = sorted(set(there) - {"well", "control"})
    if others and not remarks and not set(columns.treatment[:-1]) & set(there):
        remarks.append(
            f"no plate map has a column {columns.agent_column!r} or {columns.dose_column!r}, so there are no "
            f"dose-response curves; if one of {', '.join(others)} is meant, name it under plate_map"
        )
    return remarks
