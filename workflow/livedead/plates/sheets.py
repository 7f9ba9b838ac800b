"""Sheets that people write, as text or workbooks: their rows, and tables under a header."""

import csv
import io
import re
import unicodedata
from collections.abc import Callable, Iterable
from pathlib import Path

import pandas as pd

from livedead.errors import SheetError
from livedead.plates.workbooks import is_workbook, read_workbook

Row = tuple[int, list[str]]
"""Number of a line of the file, and its cells."""

SEPARATORS = ("\t", ",", ";")
INVISIBLE = "\ufeff\u200b\u200e\u200f\u2060"
"""Marks of no width that copying leaves at the ends of texts."""

_ENDS = re.compile(rf"\A[\s{INVISIBLE}]+|[\s{INVISIBLE}]+\Z")
_SPREADSHEET_ERROR = re.compile(r"#(N/A|N/D|NV|[¡¿]?[^\W\d_][\w/]*[!?]|#{2,})")
"""In English, German, French and Spanish; #### is a number that its column was too narrow for."""


def look(text: str) -> str:
    """The text as the eye takes it, whatever its accents, spaces and marks of no width are made of."""
    composed = unicodedata.normalize("NFKC", re.sub(f"[{INVISIBLE}]", "", text))
    return " ".join(composed.split())


def named(path: str | Path, error: SheetError) -> str:
    """The message of an error, each line of which begins with its file."""
    lines = str(error).split("\n")
    return "\n".join(line if line.startswith(f"{path}: ") else f"{path}: {line}" for line in lines)


def read_rows(path: str | Path, score: Callable[[list[Row]], int]) -> list[Row]:
    """Read the rows of a sheet that are not empty, as Excel, Windows and people leave it.

    A byte-order mark, UTF-16, CRLF line ends and Excel's first line ``sep=;`` are harmless; spaces
    and `INVISIBLE` marks around values are left out. Within a value nothing is changed but a line
    end, which becomes a line feed.

    Parameters
    ----------
    path : path
        Text whose separator is a tab, comma or semicolon, or an Excel workbook.
    score : callable
        How much of what is looked for is in such rows. The separator that shows most is taken, and of
        equal ones the first line's: a tab if it has one, else its first mark outside quotes.

    Raises
    ------
    SheetError
        Naming file, line and what is wrong.
    """
    content = _content(path)
    rows = _filled(read_workbook(path, content)) if is_workbook(content) else _split(path, content, score)
    for line, cells in rows:
        for column, value in enumerate(cells, start=1):
            if _SPREADSHEET_ERROR.fullmatch(value):
                raise SheetError(
                    f"{path}: line {line}, column {column}: {value!r} is a spreadsheet error; "
                    "fix the formula or clear the cell"
                )
    return rows


def _filled(rows: list[Row]) -> list[Row]:
    """The rows without what surrounds their values, and without those that are empty."""
    trimmed = ((line, [_ENDS.sub("", cell) for cell in cells]) for line, cells in rows)
    return [(line, cells) for line, cells in trimmed if any(cells)]


def _content(path: str | Path) -> bytes:
    try:
        return Path(path).read_bytes()
    except FileNotFoundError as error:
        raise SheetError(f"{path}: no such file") from error
    except OSError as error:
        raise SheetError(f"{path}: {error}") from error


def _split(path: str | Path, content: bytes, score: Callable[[list[Row]], int]) -> list[Row]:
    """The rows of a text by the separator that explains it best."""
    text = _decoded(path, content)
    header = next((line for line in text.split("\n") if line.strip()), "")
    marks = [mark for mark in re.sub('"[^"]*"', "", header) if mark in SEPARATORS]
    own = "\t" if "\t" in marks or not marks else marks[0]
    found, failure = [], None
    for separator in sorted(SEPARATORS, key=own.__ne__):
        try:
            found.append(_filled(_rows(path, text, separator)))
        except SheetError as error:  # quotation marks that only another separator explains
            failure = failure or error
    scores = [score(rows) for rows in found]
    if failure is not None and not any(scores):
        raise failure
    return found[scores.index(max(scores))]


def _decoded(path: str | Path, content: bytes) -> str:
    encoding = "utf-16" if content[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
    try:
        text = content.decode(encoding)
        if "\0" in text:
            raise ValueError("it holds NUL bytes, as binary files and UTF-16 without a byte-order mark do")
    except ValueError as error:
        line = content.count(b"\n", 0, getattr(error, "start", 0)) + 1
        raise SheetError(
            f"{path}: line {line}: not a UTF-8 text file: {error}; save it as 'CSV UTF-8'"
        ) from error
    return re.sub('\\A"?sep=."?\n', "\n", text.replace("\r\n", "\n").replace("\r", "\n"))


def _rows(path: str | Path, text: str, separator: str) -> list[Row]:
    """(line number, cells) of every line; quoted cells may hold lines."""
    # Strict, because a quotation mark that is never closed would swallow all wells below it.
    reader = csv.reader(io.StringIO(text, newline="\n"), delimiter=separator, strict=True)
    rows, line = [], 1
    try:
        for row in reader:
            rows.append((line, row))
            line = reader.line_num + 1
    except csv.Error as error:
        raise SheetError(
            f"{path}: line {line}: {error}; is a quotation mark not closed? Save the sheet as CSV again"
        ) from error
    return rows


def canonical(names: list[str], known: Iterable[str]) -> list[str]:
    """The names of columns: the `known` ones whatever their case and spaces, others as they are.

    Raises
    ------
    SheetError
        If two columns have one name, or one has none.
    """
    exact = list(known)
    folded = {look(name).casefold(): name for name in reversed(exact)}
    found = [name if name in exact else folded.get(look(name).casefold(), name) for name in names]
    if "" in found or len(set(found)) < len(found):
        raise SheetError(f"each column needs its own name; found {names}")
    return found


def n_known(rows: list[Row], known: Iterable[str]) -> int:
    """How many of the `known` columns the first row names."""
    names = {look(name).casefold() for _, cells in rows[:1] for name in cells}
    return len(names & {look(name).casefold() for name in known})


def read_sheet(path: str | Path, known: Iterable[str]) -> pd.DataFrame:
    """Read a sheet whose first row names its columns; see `read_rows` and `to_table`."""
    columns = list(known)
    return to_table(path, read_rows(path, lambda rows: n_known(rows, columns)), columns)


def to_table(path: str | Path, rows: list[Row], known: Iterable[str]) -> pd.DataFrame:
    """Rows under a header as a table; empty columns at the right are left out.

    Returns
    -------
    DataFrame of str
        The index holds line numbers of the file; the names of columns are `canonical`.
    """
    if not rows:
        raise SheetError(f"{path}: empty; the first line must name the columns")
    first, columns = rows[0][0], list(rows[0][1])
    while columns and not columns[-1] and not any("".join(row[len(columns) - 1 :]) for _, row in rows):
        columns.pop()
    try:
        columns = canonical(columns, known)
    except SheetError as error:
        raise SheetError(f"{path}: line {first}: {error}") from error
    values = []
    for line, cells in rows[1:]:
        row = list(cells)
        while len(row) > len(columns) and not row[-1]:
            row.pop()
        if len(row) != len(columns):
            raise SheetError(
                f"{path}: line {line}: {len(row)} values for {len(columns)} columns ({', '.join(columns)}); "
                "empty cells need their separators, also at the end of a line, and decimal commas in a "
                "comma-separated file need quotation marks"
            )
        values.append(row)
    return pd.DataFrame(values, columns=columns, index=[line for line, _ in rows[1:]])
