"""The doses of a plate map as numbers."""

import math

import pandas as pd

from livedead.errors import SheetError
from livedead.plates.written_numbers import decimal_mark, parse_number


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
            "plate shows which; write it unambiguously"
        )
    dose = parse_number(text.replace(",", ".") if mark == "," else text)
    if text and not dose >= 0:
        raise SheetError(
            f"{text!r}; allowed: a number, at least 0, with a decimal point, or with decimal commas "
            "throughout the column, and without thousands separators"
        )
    return dose
