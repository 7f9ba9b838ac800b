"""Tables that people write: plates.tsv and plate maps, read so that every mistake is named."""

import csv
import io
import unicodedata
from pathlib import Path

import pandas as pd

from livedead import plates
from livedead.errors import SheetError

PLATE_COLUMNS = {
    "plate": None,
    "raw": None,
    "format": "imagexpress",
    "wells": "96",
    "platemap": "",
    "pixel_size_um": None,
    "bit_depth": "16",
    "dyed_wells": "",
    "masks": "",
}
"""Columns of plates.tsv and their defaults; None means that a value is needed."""


def read_sheet(path: str | Path) -> pd.DataFrame:
    """Read a TSV or CSV of text, as Excel, Windows and people leave it.

    A byte-order mark, CRLF line ends, spaces around values, decomposed accents and empty
    lines are harmless. The separator is a tab if the header has one, else a comma, else a
    semicolon.

    Returns
    -------
    DataFrame of str
        The index holds line numbers of the file.

    Raises
    ------
    SheetError
        Naming file, line and what is wrong.
    """
    try:
        text = Path(path).read_text(encoding="utf-8-sig")
    except FileNotFoundError as error:
        raise SheetError(f"{path}: no such file") from error
    except (OSError, UnicodeDecodeError) as error:
        raise SheetError(f"{path}: not a UTF-8 text file: {error}; save it as 'CSV UTF-8'") from error
    header = text.split("\n", 1)[0]
    separator = next((mark for mark in "\t,;" if mark in header), "\t")
    reader = csv.reader(io.StringIO(unicodedata.normalize("NFC", text)), delimiter=separator)
    rows = [(reader.line_num, [value.strip() for value in row]) for row in reader]
    rows = [(line, row) for line, row in rows if any(row)]
    if not rows:
        raise SheetError(f"{path}: empty; the first line must name the columns")
    columns = rows[0][1]
    repeated = sorted({column for column in columns if columns.count(column) > 1})
    if repeated or "" in columns:
        raise SheetError(f"{path}: line 1: columns must have names of their own; found {columns}")
    for line, row in rows[1:]:
        if len(row) != len(columns):
            raise SheetError(
                f"{path}: line {line}: {len(row)} values for {len(columns)} columns ({', '.join(columns)})"
            )
    return pd.DataFrame([row for _, row in rows[1:]], columns=columns, index=[line for line, _ in rows[1:]])


def read_plates(path: str | Path) -> pd.DataFrame:
    """Read and check plates.tsv.

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
    rows = {}
    for line, values in table.iterrows():
        row = {**PLATE_COLUMNS, **{column: value for column, value in values.items() if value}}
        try:
            checked = _checked_plate(row)
        except SheetError as error:
            problems.append(f"{path}: line {line}, {error}")
            continue
        if checked["plate"] in rows:
            problems.append(f"{path}: line {line}, column 'plate': {checked['plate']!r} twice")
        rows[checked["plate"]] = checked
    if problems:
        raise SheetError("\n".join(problems))
    return pd.DataFrame.from_dict(rows, orient="index")


def _checked_plate(row: dict[str, str | None]) -> dict[str, object]:
    """One row of plates.tsv with its types; SheetError names the column."""
    for column, value in row.items():
        if value is None:
            raise SheetError(f"column {column!r}: a value is needed")
    texts = {column: value or "" for column, value in row.items()}
    checked: dict[str, object] = dict(texts)
    try:
        plates.check_plate_id(texts["plate"])
    except SheetError as error:
        raise SheetError(f"column 'plate': {error}") from error
    if not texts["wells"].isdigit() or int(texts["wells"]) not in plates.FORMATS:
        known = ", ".join(map(str, plates.FORMATS))
        raise SheetError(f"column 'wells': {texts['wells']!r}; allowed: {known}")
    checked["wells"] = int(texts["wells"])
    if not texts["bit_depth"].isdigit() or not 8 <= int(texts["bit_depth"]) <= 16:
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
        checked["dyed_wells"] = plates.parse_well_list(texts["dyed_wells"], int(texts["wells"]))
    except SheetError as error:
        raise SheetError(f"column 'dyed_wells': {error}") from error
    return checked


def read_plate_map(path: str | Path, n_wells: int) -> pd.DataFrame:
    """Read a plate map: a ``well`` column and any others, which all reach the result.

    Raises
    ------
    SheetError
        Naming file, line, column and value.
    """
    try:
        return plates.plate_map(read_sheet(path), n_wells)
    except SheetError as error:
        message = str(error)
        raise SheetError(message if message.startswith(f"{path}: ") else f"{path}: {message}") from error
