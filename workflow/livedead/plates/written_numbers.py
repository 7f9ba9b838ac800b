"""Numbers as people and spreadsheets write them."""

import math
import re
from collections.abc import Collection

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
