"""Numbers that people write, and the doses of a plate map."""

import math
import re
from collections.abc import Collection

import pandas as pd

from livedead.errors import SheetError

_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?", re.ASCII | re.IGNORECASE)
_COUNT = re.compile(r"(\d{1,9})([.,]00?)?", re.ASCII)
_GROUP_OR_DECIMALS = re.compile(r"[+-]?[1-9]\d{0,2},\d{3}", re.ASCII)


def parse_number(text: str) -> float:
    """A number in ASCII digits, such as 0.65 or 1e-3; NaN if the text is none that a float can hold.

    What Python or YAML would also take, such as ``6_5``, digits of other scripts, ``inf`` and
    ``0x10``, is none, nor is a number so small that it would become 0.
    """
    if not _NUMBER.fullmatch(text):
        return math.nan
    number = float(text)
    vanished = number == 0 and re.search("[1-9]", text.lower().partition("e")[0]) is not None
    return math.nan if math.isinf(number) or vanished else number


def parse_count(text: str) -> int | None:
    """A whole number in ASCII digits without a sign, ``96`` or Excel's ``96.0`` or ``96,0``; else None."""
    match = _COUNT.fullmatch(text)
    return int(match[1]) if match else None


def decimal_mark(texts: Collection[str]) -> str:
    """The decimal mark of a column of numbers: ``.`` or ``,``, or nothing where it may be either.

    A comma is a decimal mark if the column has no point and some value, such as 0,5 or 0,125, has
    it where no thousands are marked; ``1,000`` alone may be 1000 or 1.0.
    """
    commas = [text for text in texts if "," in text]
    if not commas or any("." in text for text in texts):
        return "."
    return "" if all(map(_GROUP_OR_DECIMALS.fullmatch, commas)) else ","


def read_doses(table: pd.DataFrame, dose_column: str) -> pd.Series:
    """Doses of wells as numbers, NaN where unknown.

    Decimals follow a point, or a comma where a whole plate leaves no other reading (`decimal_mark`).

    Parameters
    ----------
    table : DataFrame
        A plate map or a well table.

    Raises
    ------
    SheetError
        Naming the first well of every dose that is no finite number of at least 0, or may be two.
    """
    if dose_column not in table:
        return pd.Series(math.nan, index=table.index)
    written = table[dose_column].fillna("").astype(str)
    plates = table["plate"].astype(str) if "plate" in table else pd.Series("", index=table.index)
    marks = {plate: decimal_mark(set(of_plate)) for plate, of_plate in written.groupby(plates)}
    pairs = list(zip(plates, written, strict=True))
    doses: dict[tuple[str, str], float] = {}
    problems = []
    for pair, well in zip(pairs, table["well"], strict=True):
        if pair in doses:
            continue
        plate, text = pair
        try:
            doses[pair] = _dose(text, marks[plate])
        except SheetError as error:
            doses[pair] = math.nan
            where = f"plate {plate}, " if plate else ""
            problems.append(f"{where}well {well}, column {dose_column!r}: {error}")
    if problems:
        raise SheetError("\n".join(problems))
    return pd.Series([doses[pair] for pair in pairs], index=table.index, dtype=float)


def _dose(text: str, mark: str) -> float:
    """A dose as a number, NaN for an empty text; `mark` is from `decimal_mark`."""
    if not mark and "," in text:
        raise SheetError(
            f"{text!r} may be {text.replace(',', '')} or {text.replace(',', '.')}, and no other dose of the "
            "plate tells which; write one of these"
        )
    dose = parse_number(text.replace(",", ".") if mark == "," else text)
    if text and not dose >= 0:
        raise SheetError(
            f"{text!r}; allowed: a number, at least 0, with a decimal point, or with decimal commas "
            "throughout the column, and without marks of thousands"
        )
    return dose
