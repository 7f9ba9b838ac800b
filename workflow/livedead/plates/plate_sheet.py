"""plates.tsv: the plates of a run, and the sheet that gives them maps by barcode."""

from collections.abc import Callable, Iterator
from pathlib import Path, PurePath
from typing import Any

import pandas as pd

from livedead.errors import SheetError, nearest
from livedead.plates import geometry
from livedead.plates.file_globs import check_globs
from livedead.plates.object_stores import is_url, parse_url
from livedead.plates.plate_ids import check_plate_id
from livedead.plates.raw_folders import RawFolders
from livedead.plates.sheets import read_sheet
from livedead.plates.written_numbers import parse_count, parse_number

PLATE_COLUMNS = {
    "plate": None,
    "raw": None,
    "files": "",
    "format": "auto",
    "file_pattern": "",
    "wells": "96",
    "well_numbers": "",
    "platemap": "",
    "pixel_size_um": None,
    "bit_depth": "16",
    "dyed_wells": "",
    "audit_wells": "",
    "masks": "",
    "states": "",
    "boxes": "",
    "barcode": "",
    "control_plate": "",
    "audit_plate": "",
}
"""Columns of plates.tsv and their defaults; None means that a value is needed."""

PIXEL_SIZES_UM = (0.02, 50.0)
"""From a 100x lens with a relay before a small pixel to a plate reader's camera."""


def read_plates(
    path: str | Path, platemaps: str | Path | None = None, file_pattern: str | None = None
) -> pd.DataFrame:
    """Read and check plates.tsv.

    Parameters
    ----------
    path : path
    platemaps : path, optional
        A sheet with columns ``barcode`` and ``map``; a plate without a map of its own takes that
        of its barcode, which is its id if it has none.
    file_pattern : str, optional
        Of the plates that have none of their own.

    Returns
    -------
    DataFrame
        Indexed by plate, with every column of `PLATE_COLUMNS`; ``wells`` and ``bit_depth`` are
        int, ``pixel_size_um`` is float, ``dyed_wells`` and ``audit_wells`` are lists of wells.

    Raises
    ------
    SheetError
        With every mistake of the sheet.
    """
    table = read_sheet(path, PLATE_COLUMNS)
    missing = [c for c, default in PLATE_COLUMNS.items() if default is None and c not in table]
    unknown = [column + nearest(column, PLATE_COLUMNS) for column in table if column not in PLATE_COLUMNS]
    if missing or unknown or table.empty:
        raise SheetError(
            f"{path}: missing columns: {', '.join(missing) or '-'}; unknown: {', '.join(unknown) or '-'}; "
            f"rows: {len(table)} (at least 1). Columns: {', '.join(PLATE_COLUMNS)}"
        )
    problems: list[str] = []
    rows: dict[str, dict[str, Any]] = {}
    lines: dict[str, object] = {}
    for line, values in table.iterrows():
        row = {**PLATE_COLUMNS, **{column: value for column, value in values.items() if value}}
        checked, mistakes = _checked_plate(row)
        if mistakes:
            problems += [f"{path}: line {line}, {mistake}" for mistake in mistakes]
            continue
        # In small letters, as not every file system tells them from capital ones.
        first = lines.setdefault(checked["plate"].lower(), line)
        if first != line:
            problems.append(
                f"{path}: line {line}, column 'plate': {checked['plate']!r} is in line {first} already; "
                "ids must differ in more than upper and lower case"
            )
            continue
        rows[checked["plate"]] = checked
    maps = {} if platemaps is None else read_barcodes(platemaps)
    for plate, row in rows.items():
        row["barcode"] = row["barcode"] or plate
        row["file_pattern"] = row["file_pattern"] or file_pattern
        row["platemap"] = row["platemap"] or maps.get(row["barcode"], "")
    for plate, column, problem in (
        *RawFolders(rows).problems(lines),
        *_control_problems(rows),
        *_audit_problems(rows),
    ):
        problems.append(f"{path}: line {lines[plate.lower()]}, column {column!r}: {problem}")
    if problems:
        raise SheetError("\n".join(problems))
    return pd.DataFrame.from_dict(rows, orient="index")


def _control_problems(rows: dict[str, dict[str, Any]]) -> Iterator[tuple[str, str, str]]:
    """(plate, column, what is wrong) of control plates that lend no normalization."""
    for plate, row in rows.items():
        control = row["control_plate"]
        if control and control not in rows:
            known = f"none of {', '.join(rows)}{nearest(control, rows)}"
            yield plate, "control_plate", f"{control!r} is {known}"
        elif control and (control == plate or rows[control]["control_plate"]):
            yield plate, "control_plate", f"{control!r} must be another plate, normalized by itself"


def _audit_problems(rows: dict[str, dict[str, Any]]) -> Iterator[tuple[str, str, str]]:
    """(plate, column, what is wrong) of audits that test nothing, or are not there."""
    for plate, row in rows.items():
        both = [well for well in row["audit_wells"] if well in row["dyed_wells"]]
        if both:
            wells = geometry.format_wells(both)
            learned = (
                "a network that learned from a well is not tested by it; remove them from one of the two"
            )
            yield plate, "audit_wells", f"{wells}: in dyed_wells, too, which are to train on; {learned}"
        lender = row["audit_plate"]
        if lender and row["audit_wells"]:
            yield plate, "audit_plate", f"{lender!r}, but the plate has audit_wells of its own; remove one"
        elif lender and lender not in rows:
            yield plate, "audit_plate", f"{lender!r} is none of {', '.join(rows)}{nearest(lender, rows)}"
        elif lender and not rows[lender]["audit_wells"]:
            yield plate, "audit_plate", f"{lender!r} has no audit_wells; name them in its row"
        elif lender and rows[lender]["wells"] != row["wells"]:
            sizes = f"{rows[lender]['wells']} wells, this plate {row['wells']}"
            yield plate, "audit_plate", f"{lender!r} has {sizes}; only plates of one size lend an audit"


def read_barcodes(path: str | Path) -> dict[str, str]:
    """Read a sheet of ``barcode`` and ``map`` (a path); other columns are left alone."""
    known = ("barcode", "map")
    table = read_sheet(path, known)
    missing = [name + nearest(name, table.columns) for name in known if name not in table]
    if missing:
        raise SheetError(
            f"{path}: line 1: needs columns 'barcode' and 'map'; found {', '.join(table.columns)}; "
            f"missing: {', '.join(missing)}"
        )
    maps: dict[str, str] = {}
    lines: dict[str, object] = {}
    for line, barcode, plate_map in zip(table.index, table["barcode"], table["map"], strict=True):
        if not barcode or not plate_map:
            empty = "map" if barcode else "barcode"
            raise SheetError(f"{path}: line {line}, column {empty!r}: a value is needed")
        if barcode in maps:
            raise SheetError(
                f"{path}: line {line}, column 'barcode': {barcode!r} is in line {lines[barcode]} already"
            )
        maps[barcode], lines[barcode] = plate_map, line
    return maps


def _checked_plate(row: dict[str, str | None]) -> tuple[dict[str, Any], list[str]]:
    """One row of plates.tsv with its types, and its mistakes, each with its column."""
    checked: dict[str, Any] = dict(row)
    problems = []
    for column, value in row.items():
        try:
            if value is None:
                raise SheetError("a value is needed")
            checked[column] = _PARSERS.get(column, str)(value)
        except SheetError as error:
            problems.append(f"column {column!r}: {error}")
    if isinstance(checked["wells"], int):
        for column in ("dyed_wells", "audit_wells"):
            try:
                checked[column] = geometry.parse_well_list(checked[column], checked["wells"])
            except SheetError as error:
                problems.append(f"column {column!r}: {error}")
    if checked["masks"] and checked["boxes"]:
        problems.append("columns 'masks' and 'boxes': cells are drawn as one or the other; remove one")
    if checked["states"] and not checked["masks"]:
        problems.append("column 'states': needs the label images whose cells it tells of, in 'masks'")
    return checked, problems


def _path(text: str) -> str:
    if set("{}") & set(text):
        raise SheetError(f"{text!r}; allowed: any path without {{ and }}")
    return text


def _raw(text: str) -> str:
    return parse_url(text) if is_url(text) else _path(text)


def _n_wells(text: str) -> int:
    n_wells = parse_count(text)
    if n_wells is None or n_wells not in geometry.FORMATS:
        known = ", ".join(map(str, geometry.FORMATS))
        raise SheetError(f"{text!r}; allowed: {known}; for another size, give the next larger one")
    return n_wells


def _well_numbers(text: str) -> str:
    if text and text not in geometry.WELL_NUMBERS:
        hint = nearest(text, geometry.WELL_NUMBERS)
        raise SheetError(f"{text!r}{hint}; allowed: {', '.join(geometry.WELL_NUMBERS)}")
    return text


def _bit_depth(text: str) -> int:
    bit_depth = parse_count(text)
    if bit_depth is None or not 8 <= bit_depth <= 16:
        raise SheetError(f"{text!r}; allowed: 8 to 16")
    return bit_depth


def _pixel_size_um(text: str) -> float:
    low, high = PIXEL_SIZES_UM
    # A comma can only be a decimal mark: thousands of micrometres are out of range.
    size = parse_number(text if "." in text else text.replace(",", "."))
    if low <= size <= high:
        return size
    meant = [unit for unit, um in (("millimetres", 1e3), ("nanometres", 1e-3)) if low <= size * um <= high]
    asked = f"; is it in {' or '.join(meant)}?" if meant else ""
    raise SheetError(
        f"{text!r}{asked}; allowed: {low} to {high:.0f} micrometres per pixel, in digits with a decimal "
        "point, such as 0.65"
    )


def _masks(text: str) -> str:
    if not set("{}") & set(text) and not PurePath(text).suffix:
        return text  # a folder, or none
    try:
        is_path = "\0" in text.format(well="\0", field=1, timepoint=1)
    except (KeyError, IndexError, ValueError):
        is_path = False
    if not is_path:
        raise SheetError(f"{text!r}; allowed: a path with {{well}}, {{field}}, {{timepoint}}, or a folder")
    return text


_PARSERS: dict[str, Callable[[str], Any]] = {
    "plate": check_plate_id,
    "raw": _raw,
    "files": lambda text: check_globs(text) if text else text,
    "wells": _n_wells,
    "well_numbers": _well_numbers,
    "platemap": _path,
    "pixel_size_um": _pixel_size_um,
    "bit_depth": _bit_depth,
    "masks": _masks,
    "states": _path,
    "boxes": _path,
}
"""What reads a column of plates.tsv alone; lists of wells need the plate's size."""
