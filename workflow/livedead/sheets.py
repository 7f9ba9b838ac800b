"""Tables that people write: plates.tsv and plate maps, read so that every mistake is named."""

import csv
import glob
import io
import math
import os
import re
import string
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from livedead import plates
from livedead.errors import SheetError

SEPARATORS = ("\t", ",", ";")
EXCEL_ERRORS = ("#N/A", "#DIV/0!", "#NAME?", "#NULL!", "#NUM!", "#REF!", "#VALUE!")

KEYS = ["plate", "well", "row", "column", "timepoint"]
RESULTS = [
    "status",
    "n_fields_expected",
    "n_fields_used",
    "n_live",
    "n_dead",
    "n_ambiguous",
    "n_total",
    "viability",
    "viability_low",
    "viability_high",
    "viability_interval",
    "viability_field_sd",
    "edge_rule",
    "area_mm2",
    "live_per_mm2",
    "dead_per_mm2",
    "live_vs_control",
    "total_vs_control",
    "median_area_um2_live",
    "median_area_um2_dead",
    "clump_fraction",
    "n_split",
    "focus",
    "saturated_fraction",
    "qc_flags",
    "model_sha256",
    "config_sha256",
    "row_sha256",
]
"""Columns of the well table, beside those of the plate map, which therefore has none of them."""

CONTROLS = ("negative", "positive")
"""What the plate map's column ``control`` may say, if anything: untreated, and killed."""

PLATE_COLUMNS = {
    "plate": None,
    "raw": None,
    "format": "auto",
    "wells": "96",
    "platemap": "",
    "pixel_size_um": None,
    "bit_depth": "16",
    "dyed_wells": "",
    "masks": "",
    "barcode": "",
    "control_plate": "",
}
"""Columns of plates.tsv and their defaults; None means that a value is needed."""


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
        From one timepoint to the next; None leaves times in timepoints.
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


def read_sheet(path: str | Path) -> pd.DataFrame:
    """Read a TSV or CSV of text, as Excel, Windows and people leave it.

    A byte-order mark, UTF-16, CRLF line ends, spaces around values, decomposed accents, empty
    lines and empty columns at the right are harmless, as is Excel's first line ``sep=;``. The
    separator is a tab if the header has one, else the first comma or semicolon outside quotes.

    Returns
    -------
    DataFrame of str
        The index holds line numbers of the file.

    Raises
    ------
    SheetError
        Naming file, line and what is wrong.
    """
    text = _text(path)
    header = next((line for line in text.split("\n") if line.strip()), "")
    marks = [mark for mark in re.sub('"[^"]*"', "", header) if mark in SEPARATORS]
    separator = "\t" if "\t" in marks or not marks else marks[0]
    rows = _rows(text, separator, path)
    if not rows:
        raise SheetError(f"{path}: empty; the first line must name the columns")
    first, columns = rows[0]
    while columns and not columns[-1] and not any("".join(row[len(columns) - 1 :]) for _, row in rows):
        columns.pop()
    repeated = sorted({column for column in columns if columns.count(column) > 1})
    if repeated or "" in columns:
        raise SheetError(f"{path}: line {first}: columns must have names of their own; found {columns}")
    values = []
    for line, row in rows[1:]:
        while len(row) > len(columns) and not row[-1]:
            row.pop()
        if len(row) != len(columns):
            raise SheetError(
                f"{path}: line {line}: {len(row)} values for {len(columns)} columns ({', '.join(columns)}); "
                "empty cells need their separators, also at the end of a line"
            )
        values.append(row)
    return pd.DataFrame(values, columns=columns, index=[line for line, _ in rows[1:]])


def _text(path: str | Path) -> str:
    """Content of a sheet in composed Unicode, without what no one sees."""
    try:
        content = Path(path).read_bytes()
    except FileNotFoundError as error:
        raise SheetError(f"{path}: no such file") from error
    except OSError as error:
        raise SheetError(f"{path}: {error}") from error
    encoding = "utf-16" if content[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
    try:
        text = content.decode(encoding)
        if "\0" in text:
            raise ValueError("it holds zeros, as UTF-16 without a mark and binary files do")
    except ValueError as error:
        line = content.count(b"\n", 0, getattr(error, "start", 0)) + 1
        raise SheetError(
            f"{path}: line {line}: not a UTF-8 text file: {error}; save it as 'CSV UTF-8'"
        ) from error
    text = unicodedata.normalize("NFC", text.replace("\r\n", "\n").replace("\r", "\n"))
    text = re.sub("[\u00a0\u202f]", " ", re.sub("[\ufeff\u200b\u200e\u200f\u2060]", "", text))
    return re.sub('\\A"?sep=."?\n', "\n", text)


def _rows(text: str, separator: str, path: str | Path) -> list[tuple[int, list[str]]]:
    """(line number, stripped cells) of every line that is not empty; quoted cells may hold lines."""
    # Strict, because a quotation mark that is never closed would swallow all wells below it.
    reader = csv.reader(io.StringIO(text), delimiter=separator, strict=True)
    rows, line = [], 1
    try:
        for row in reader:
            rows.append((line, [value.strip() for value in row]))
            line = reader.line_num + 1
    except csv.Error as error:
        raise SheetError(
            f"{path}: line {line}: {error}; is a quotation mark not closed? Save the sheet as CSV anew"
        ) from error
    for line, row in rows:
        for column, value in enumerate(row, start=1):
            if value in EXCEL_ERRORS:
                raise SheetError(
                    f"{path}: line {line}, column {column}: {value!r} is an error of a spreadsheet; "
                    "correct its formula, or empty the cell"
                )
    return [(line, row) for line, row in rows if any(row)]


def read_plates(path: str | Path, platemaps: str | Path | None = None) -> pd.DataFrame:
    """Read and check plates.tsv.

    Parameters
    ----------
    path : path
    platemaps : path, optional
        A sheet with columns ``barcode`` and ``map``; a plate without a map of its own takes that
        of its barcode, which is its id if it has none.

    Returns
    -------
    DataFrame
        Indexed by plate, with every column of `PLATE_COLUMNS`; ``wells`` and ``bit_depth`` are
        int, ``pixel_size_um`` is float, ``dyed_wells`` a list of wells.
    """
    table = read_sheet(path)
    missing = [c for c, default in PLATE_COLUMNS.items() if default is None and c not in table]
    unknown = [column for column in table if column not in PLATE_COLUMNS]
    if missing or unknown or table.empty:
        raise SheetError(
            f"{path}: needed and absent: {', '.join(missing) or '-'}; unknown: {', '.join(unknown) or '-'}; "
            f"rows: {len(table)} (at least 1). Columns: {', '.join(PLATE_COLUMNS)}"
        )
    problems: list[str] = []
    rows: dict[str, dict[str, Any]] = {}
    lines: dict[tuple[str, str], object] = {}
    for line, values in table.iterrows():
        row = {**PLATE_COLUMNS, **{column: value for column, value in values.items() if value}}
        try:
            checked = _checked_plate(row)
        except SheetError as error:
            problems.append(f"{path}: line {line}, {error}")
            continue
        # By folder, because not every file system tells capital letters from small ones.
        for column, folder in (
            ("plate", checked["plate"].lower()),
            ("raw", os.path.normpath(checked["raw"])),
        ):
            if (column, folder) in lines:
                problems.append(
                    f"{path}: line {line}, column {column!r}: {checked[column]!r} twice, "
                    f"as in line {lines[column, folder]}; each plate has an id and a folder of its own"
                )
            lines.setdefault((column, folder), line)
        rows[checked["plate"]] = {**checked, "line": line}
    maps = {} if platemaps is None else read_barcodes(platemaps)
    for plate, row in rows.items():
        where = f"{path}: line {row.pop('line')}, column"
        row["barcode"] = row["barcode"] or plate
        row["platemap"] = row["platemap"] or maps.get(row["barcode"], "")
        control = row["control_plate"]
        if control and control not in rows:
            problems.append(f"{where} 'control_plate': {control!r} is none of {', '.join(rows)}")
        elif control and (control == plate or rows[control]["control_plate"]):
            problems.append(
                f"{where} 'control_plate': {control!r} must be another plate, normalized by itself"
            )
    if problems:
        raise SheetError("\n".join(problems))
    return pd.DataFrame.from_dict(rows, orient="index")


def read_barcodes(path: str | Path) -> dict[str, str]:
    """Read a sheet of ``barcode`` and ``map`` (a path); other columns are left alone."""
    table = read_sheet(path)
    if not {"barcode", "map"} <= set(table.columns):
        raise SheetError(
            f"{path}: line 1: needs columns 'barcode' and 'map'; found {', '.join(table.columns)}"
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


def _checked_plate(row: dict[str, str | None]) -> dict[str, Any]:
    """One row of plates.tsv with its types; SheetError names the column."""
    for column, value in row.items():
        if value is None:
            raise SheetError(f"column {column!r}: a value is needed")
    texts = {column: value or "" for column, value in row.items()}
    checked: dict[str, Any] = dict(texts)
    try:
        plates.check_plate_id(texts["plate"])
    except SheetError as error:
        raise SheetError(f"column 'plate': {error}") from error
    if not texts["wells"].isdecimal() or int(texts["wells"]) not in plates.FORMATS:
        known = ", ".join(map(str, plates.FORMATS))
        raise SheetError(f"column 'wells': {texts['wells']!r}; allowed: {known}")
    checked["wells"] = int(texts["wells"])
    if not texts["bit_depth"].isdecimal() or not 8 <= int(texts["bit_depth"]) <= 16:
        raise SheetError(f"column 'bit_depth': {texts['bit_depth']!r}; allowed: 8 to 16")
    checked["bit_depth"] = int(texts["bit_depth"])
    try:
        checked["pixel_size_um"] = float(texts["pixel_size_um"])
    except ValueError:
        checked["pixel_size_um"] = 0.0
    if not 0 < float(str(checked["pixel_size_um"])) < 1000:
        raise SheetError(
            f"column 'pixel_size_um': {texts['pixel_size_um']!r}; allowed: micrometres per pixel, "
            "with a decimal point, such as 0.65"
        )
    try:
        is_path = not texts["masks"] or "\0" in texts["masks"].format(well="\0", field=1, timepoint=1)
    except (KeyError, IndexError, ValueError):
        is_path = False
    if not is_path:
        raise SheetError(
            f"column 'masks': {texts['masks']!r}; allowed: a path with {{well}}, {{field}}, {{timepoint}}"
        )
    for column in ("raw", "platemap"):
        if set("{}") & set(texts[column]):
            raise SheetError(f"column {column!r}: {texts[column]!r}; allowed: any path without {{ and }}")
    try:
        checked["dyed_wells"] = plates.parse_well_list(texts["dyed_wells"], int(texts["wells"]))
    except SheetError as error:
        raise SheetError(f"column 'dyed_wells': {error}") from error
    return checked


def mask_files(masks: str, wells: Iterable[str]) -> list[str]:
    """The files of drawn objects that there are of these wells, sorted.

    Parameters
    ----------
    masks : str
        The column ``masks`` of plates.tsv: a path with ``{well}``, ``{field}`` and ``{timepoint}`` in
        it, each of which may have a format, such as ``{field:02d}``; empty for none.
    """
    any_number = _AnyNumber()
    patterns = (
        _GlobPattern().format(masks, well=well, field=any_number, timepoint=any_number)
        for well in (wells if masks else ())
    )
    found = {path for pattern in patterns for path in glob.iglob(pattern)}  # noqa: PTH207 (may be absolute)
    return sorted(found)


class _AnyNumber:
    """Stands in a pattern for a number that is not known yet, whatever its format."""

    def __format__(self, spec: str) -> str:
        return "*"


class _GlobPattern(string.Formatter):
    """Makes a pattern for `glob` of a path with replacement fields; its own stars mean stars."""

    def parse(self, format_string: str) -> Iterator[Any]:
        return ((glob.escape(text), *field) for text, *field in super().parse(format_string))


def read_plate_map(path: str | Path, n_wells: int) -> pd.DataFrame:
    """Read a plate map, all of whose columns reach the result.

    Two layouts are known: a sheet with a column ``well`` and any others, a row per well; and the
    microtitre grid that biologists keep in Excel: column numbers above, row letters at the left,
    one or several grids one under the other. A grid's name, in its corner cell or alone in a
    line above it, becomes a column; a single grid without a name is called ``value``. Wells that
    are empty in every grid are not mapped.

    Raises
    ------
    SheetError
        Naming file, line, column and value.
    """
    try:
        table = _read_grids(path, n_wells)
        if table is None:
            table = read_sheet(path)
        mapped = plates.plate_map(table, n_wells)
        _check_places(table)
        mapped = mapped.drop(columns=["row", "column"], errors="ignore")
        if mapped.empty:
            raise SheetError("no well in it; a plate without a map needs no file")
        for line, kind in table.get("control", pd.Series(dtype=object)).items():
            if kind not in ("", *CONTROLS):
                raise SheetError(
                    f"line {line}, column 'control': {kind!r}; allowed: {', '.join(CONTROLS)}, or nothing"
                )
        clash = [column for column in mapped if column in [*KEYS, *RESULTS] and column != "well"]
        if clash:
            raise SheetError(f"column(s) {', '.join(clash)} are columns of the result; rename them")
        return mapped
    except SheetError as error:
        raise SheetError(_named(path, error)) from error


def _named(path: str | Path, error: SheetError) -> str:
    """The message of an error, which begins with its file."""
    return str(error) if str(error).startswith(f"{path}: ") else f"{path}: {error}"


def _check_places(table: pd.DataFrame) -> None:
    """Columns ``row`` and ``column`` must say again where the well is, as the result's do."""
    for line, values in table.iterrows():
        row, column = plates.well_position(values["well"])
        letters = plates.well_name(row, column)[:-2]
        for name, allowed in (("row", (letters, str(row + 1))), ("column", (str(column + 1),))):
            text = values.get(name, "")
            if text and text.lstrip("0").upper() not in allowed:
                raise SheetError(
                    f"line {line}, column {name!r}: {text!r}, but well {values['well']} is in {name} "
                    f"{allowed[0]}; correct one of them, or rename the column"
                )


def read_doses(table: pd.DataFrame, dose_column: str) -> pd.Series:
    """Doses of wells as numbers, NaN where unknown.

    Parameters
    ----------
    table : DataFrame
        A plate map or a well table.

    Raises
    ------
    SheetError
        Naming the first well whose dose is no finite number of at least 0.
    """
    if dose_column not in table:
        return pd.Series(math.nan, index=table.index)
    written = table[dose_column].fillna("").astype(str)
    doses = pd.to_numeric(written, errors="coerce")
    wrong = (written != "") & ~doses.between(0, math.inf, inclusive="left")
    if wrong.any():
        first = table[wrong].iloc[0]
        plate = f"plate {first['plate']}, " if "plate" in table else ""
        raise SheetError(
            f"{plate}well {first['well']}, column {dose_column!r}: {first[dose_column]!r}; "
            "allowed: a number, at least 0, with a decimal point"
        )
    return doses


def check_plate_maps(table: pd.DataFrame, columns: MapColumns) -> None:
    """Read the maps of all plates, and their doses, of those whose file is there.

    Parameters
    ----------
    table : DataFrame
        From `read_plates`.
    columns : MapColumns

    Raises
    ------
    SheetError
        With the mistakes of every map.
    """
    problems = []
    for path, n_wells in table[["platemap", "wells"]].drop_duplicates().itertuples(index=False):
        try:
            if path and Path(path).is_file():
                read_doses(read_plate_map(path, n_wells), columns.dose_column)
        except SheetError as error:
            problems.append(_named(path, error))
    if problems:
        raise SheetError("\n".join(problems))


def _read_grids(path: str | Path, n_wells: int) -> pd.DataFrame | None:
    """The grids of a file as a sheet of one row per well, None if it holds none."""
    text = _text(path)
    for separator in SEPARATORS:
        try:
            rows = _rows(text, separator, path)
        except SheetError:  # quotation marks that only another separator explains
            continue
        heads = [k for k in range(len(rows) - 1) if _is_grid_head(rows[k][1], rows[k + 1][1])]
        if heads:
            return _grids(rows, heads, n_wells)
    return None


def _is_grid_head(row: list[str], below: list[str]) -> bool:
    """Whether a row counts columns from some number on, over a row that begins with a letter."""
    numbers = [cell for cell in row[1:] if cell]
    if not numbers or not all(re.fullmatch("0*[1-9][0-9]?", cell) for cell in numbers):
        return False
    first = int(numbers[0])
    counted = [int(cell) for cell in numbers] == list(range(first, first + len(numbers)))
    return counted and row[1] != "" and re.fullmatch("[A-Za-z]{1,2}", below[0]) is not None


def _grids(rows: list[tuple[int, list[str]]], heads: list[int], n_wells: int) -> pd.DataFrame:
    grids: dict[str, dict[str, str]] = {}
    lines: dict[str, int] = {}
    for number, head in enumerate(heads):
        line, numbers = rows[head]
        title = [cell for cell in rows[head - 1][1] if cell] if head else []
        above = title[0] if len(title) == 1 and head - 1 not in _body(rows, heads[:number]) else ""
        name = numbers[0] or above or ("value" if len(heads) == 1 else "")
        if not name or name in grids or name == "well":
            raise SheetError(
                f"line {line}: a grid named {name!r}; each of several grids needs a name of its own, other "
                "than 'well', in its corner cell or alone in the line above"
            )
        wells: dict[str, str] = {}
        for k in _body(rows, [head]):
            row_line, (letters, *cells) = rows[k]
            for column, cell in enumerate(cells):
                text = numbers[column + 1] if column + 1 < len(numbers) else ""
                if not cell:
                    continue
                try:
                    if not text:
                        raise SheetError("no column number above it")
                    well = plates.parse_well(letters + text, n_wells)
                except SheetError as error:
                    raise SheetError(
                        f"line {row_line}, column {text or column + 2}: {cell!r}: {error}"
                    ) from error
                if well in wells:
                    raise SheetError(f"line {row_line}: row {letters!r} is in this grid already")
                wells[well] = cell
                lines.setdefault(well, row_line)
        grids[name] = wells
    used = {k for head in heads for k in (head, *_body(rows, [head]))}
    for k, (line, cells) in enumerate(rows):
        if k not in used and not (k + 1 in heads and len([c for c in cells if c]) == 1):
            raise SheetError(
                f"line {line}: {', '.join(filter(None, cells))!r} is neither a grid's name, "
                "nor its column numbers, nor a row that begins with row letters"
            )
    order = plates.sort_wells(lines)
    columns = {"well": order, **{name: [wells.get(w, "") for w in order] for name, wells in grids.items()}}
    return pd.DataFrame(columns, index=[lines[well] for well in order])


def _body(rows: list[tuple[int, list[str]]], heads: list[int]) -> list[int]:
    """Positions of the rows that belong to the grids that begin at `heads`."""
    found = []
    for head in heads:
        k = head + 1
        while k < len(rows) and re.fullmatch("[A-Za-z]{1,2}", rows[k][1][0]):
            if k + 1 < len(rows) and _is_grid_head(rows[k][1], rows[k + 1][1]):
                break
            found.append(k)
            k += 1
    return found
