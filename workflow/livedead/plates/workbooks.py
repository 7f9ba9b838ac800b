"""Excel workbooks (.xlsx) as rows of the text that Excel shows."""

import datetime
import io
import re
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

from livedead.errors import SheetError

if TYPE_CHECKING:
    from openpyxl.cell.cell import Cell
    from openpyxl.worksheet.worksheet import Worksheet

ZIP, OLE = b"PK\x03\x04", b"\xd0\xcf\x11\xe0"
"""First bytes of .xlsx, and of .xls and of workbooks with a password."""

_PADDED = re.compile("0+")
_PLAIN = re.compile(r"General|@|[#0?,.]*[0#](E\+?0+)?", re.IGNORECASE)
"""Formats that show a number as digits: they may round what is shown, never what is read."""


def is_workbook(content: bytes) -> bool:
    """Whether a file is a workbook of Excel or another office, by its first bytes."""
    return content.startswith((ZIP, OLE))


def read_workbook(path: str | Path, content: bytes) -> list[tuple[int, list[str]]]:
    """(row number, cells) of the one sheet of a workbook that is visible and not empty.

    Numbers are read as Excel shows them in a cell wide enough: 1 is ``1``, 0.5 is ``0.5``, 7 under the
    format ``000`` is ``007``; a rounded display (``0.00``) is not taken over. Dates are ISO 8601, TRUE
    and FALSE in capitals, formulas are their values.

    Parameters
    ----------
    path : path
        Named in messages.
    content : bytes
        Of the file.

    Raises
    ------
    SheetError
        Without openpyxl; if several sheets hold something; naming the cell that is merged, shown in a
        format that adds to its digits, or a formula that was never calculated.
    """
    if content.startswith(OLE):
        raise SheetError(
            f"{path}: an old Excel workbook (.xls), or one with a password; save it as .xlsx "
            "without a password"
        )
    try:
        import openpyxl
    except ImportError as error:
        raise SheetError(
            f"{path}: an Excel workbook needs openpyxl: pip install -r requirements-formats.txt; "
            "or save it as 'CSV UTF-8'"
        ) from error
    try:
        with warnings.catch_warnings():  # of what Excel keeps beside the cells
            warnings.simplefilter("ignore")
            # Not its read-only mode, which does not tell merged cells.
            values, formulas = (
                openpyxl.load_workbook(io.BytesIO(content), data_only=only) for only in (True, False)
            )
    except Exception as error:  # whatever zip, XML and openpyxl raise
        raise SheetError(
            f"{path}: not a readable workbook ({type(error).__name__}: {error}); "
            "save it again, as .xlsx or 'CSV UTF-8'"
        ) from error
    full = [sheet for sheet in formulas.worksheets if sheet.sheet_state == "visible" and _is_full(sheet)]
    if len(full) > 1:
        names = ", ".join(repr(sheet.title) for sheet in full)
        raise SheetError(f"{path}: {len(full)} sheets are not empty ({names}); keep one, or hide the others")
    if not full:
        return []
    try:
        _check_merged(full[0])
        cells = zip(values[full[0].title].iter_rows(), full[0].iter_rows(), strict=True)
        return [
            (number, [_text(*pair) for pair in zip(shown, written, strict=True)])
            for number, (shown, written) in enumerate(cells, start=1)
        ]
    except SheetError as error:
        raise SheetError(f"{path}: sheet {full[0].title!r}, {error}") from error


def _is_full(sheet: "Worksheet") -> bool:
    return any(value is not None for row in sheet.iter_rows(values_only=True) for value in row)


def _check_merged(sheet: "Worksheet") -> None:
    for merged in sheet.merged_cells.ranges:
        if merged.start_cell.value is not None:
            raise SheetError(
                f"cells {merged.coord} are merged: only the first holds {merged.start_cell.value!r}; "
                "unmerge them and fill in each"
            )


def _text(cell: "Cell", written: "Cell") -> str:
    """What a cell shows; `written` is the same cell with its formula."""
    value: Any = cell.value
    # openpyxl makes None of an empty text, too, and then leaves its type as Excel's: "str".
    if value is None and written.data_type == "f" and cell.data_type != "str":
        raise SheetError(
            f"cell {cell.coordinate}: a formula without a stored value; open the workbook in Excel and "
            "save it, or enter the value"
        )
    if value is None or isinstance(value, str):
        return (value or "").replace("\r\n", "\n").replace("\r", "\n")
    if isinstance(value, bool):
        return str(value).upper()
    if isinstance(value, datetime.datetime):
        return value.date().isoformat() if value.time() == datetime.time() else value.isoformat(" ")
    if isinstance(value, datetime.date | datetime.time):
        return value.isoformat()
    if isinstance(value, int | float) and _PADDED.fullmatch(cell.number_format) and value == int(value):
        return f"{int(value):0{len(cell.number_format)}d}"
    if isinstance(value, int | float) and _PLAIN.fullmatch(cell.number_format):
        # Excel holds 15 digits; the 17 of the file are those of its binary fraction.
        return str(int(value)) if value == int(value) and abs(value) < 1e15 else f"{value:.15g}"
    raise SheetError(
        f"cell {cell.coordinate}: {value!r} in the format {cell.number_format!r}, which shows more than its "
        "digits; format the cell as 'Text' and type what is meant"
    )
