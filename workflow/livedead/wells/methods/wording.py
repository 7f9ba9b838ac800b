"""Numbers and lists as they stand in a sentence."""

from collections.abc import Iterable
from typing import Any

import pandas as pd


def number(n: int, what: str) -> str:
    """A number of things.

    Examples
    --------
    >>> number(1, "plate"), number(1200, "field")
    ('1 plate', '1,200 fields')
    """
    return f"{n:,} {what}{'' if n == 1 else 's'}"


def listed(parts: Iterable[str], last: str = "and") -> str:
    """Parts as a list.

    Examples
    --------
    >>> listed(["a"]), listed(["a", "b", "c"], "or")
    ('a', 'a, b or c')
    """
    *first, end = parts
    return f"{', '.join(first)} {last} {end}" if first else end


def with_interval(row: Any, name: str) -> str:
    """A value of a row, and its ``_low`` and ``_high``, as far as they are known.

    Examples
    --------
    >>> rows = pd.DataFrame({"ssmd": [5.123, 6.0], "ssmd_low": [4.0, None], "ssmd_high": [6.5, None]})
    >>> [with_interval(row, "ssmd") for row in rows.itertuples()]
    ['5.12 (4.00 to 6.50)', '6.00']
    """
    value, low, high = (getattr(row, f"{name}{end}") for end in ("", "_low", "_high"))
    told = "unknown" if pd.isna(value) else f"{value:.2f}"
    return told if pd.isna(low) or pd.isna(high) else f"{told} ({low:.2f} to {high:.2f})"
