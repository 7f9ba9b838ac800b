"""Values with their intervals on small axes, as coordinates for SVG in a page."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import pandas as pd

WIDTH, HEIGHT = 200, 60
"""Of a strip or course, in px; a strip has a height of its own."""


def number(value: float, digits: int = 3) -> str:
    """A number as text, ``NA`` where it is not known."""
    return "NA" if pd.isna(value) else f"{value:.{digits}f}"


def interval(value: float, low: float, high: float, digits: int = 2) -> str:
    """A value with its interval, if that is known.

    Examples
    --------
    >>> interval(0.84213, 0.7526, 0.8732), interval(0.5, np.nan, np.nan), interval(np.nan, np.nan, np.nan)
    ('0.84 [0.75, 0.87]', '0.50', 'NA')
    """
    known = f" [{low:.{digits}f}, {high:.{digits}f}]" if pd.notna(low) and pd.notna(high) else ""
    return number(value, digits) + known


@dataclass(frozen=True)
class Axis:
    """A straight axis; what lies beyond its ends is drawn at them, and a single value in its middle.

    Attributes
    ----------
    low, high : float
        Its ends.
    """

    low: float = 0.0
    high: float = 1.0

    def share(self, value: float) -> float:
        """Where a value lies, 0 at the lower and 1 at the upper end."""
        length = self.high - self.low
        return float(np.clip((value - self.low) / length, 0, 1)) if length else 0.5


@dataclass(frozen=True)
class Mark:
    """A value on a horizontal strip.

    Attributes
    ----------
    kind : str
        What it is; the page draws each kind by its own colour and shape.
    x : float
        px from the left.
    line : tuple of float, optional
        Ends of its interval.
    title : str
        What it says in words.
    """

    kind: str
    x: float
    line: tuple[float, float] | None
    title: str

    @classmethod
    def of(cls, kind: str, title: str, values: Iterable[float], axis: Axis) -> "Mark":
        """The mark of a known value; `values` are it, and the ends of its interval, which may be NaN."""
        value, low, high = values
        x, left, right = (round(axis.share(one) * WIDTH, 1) for one in (value, low, high))
        known = pd.notna(low) and pd.notna(high)
        return cls(kind, x, (left, right) if known else None, f"{title}: {interval(value, low, high)}")


@dataclass(frozen=True)
class Course:
    """Values over time.

    Attributes
    ----------
    kind : str
        As in `Mark`.
    lines, bands : list of str
        Points of SVG: the values, and around them their intervals; a gap wherever one is not known.
    """

    kind: str
    lines: list[str]
    bands: list[str]

    @classmethod
    def of(cls, kind: str, rows: pd.DataFrame, names: Iterable[str], times: Axis, axis: Axis) -> "Course":
        """The course of `rows`, each of a ``time``; `names` are the columns of value, low and high."""
        value, low, high = (rows[name].to_numpy(float) for name in names)
        x = [round(times.share(time) * WIDTH, 1) for time in rows["time"]]

        def points(values: np.ndarray, part: slice) -> list[str]:
            y = [round((1 - axis.share(one)) * HEIGHT, 1) for one in values[part]]
            return [f"{left},{top}" for left, top in zip(x[part], y, strict=True)]

        lines = [" ".join(points(value, part)) for part in _runs(~np.isnan(value))]
        bands = [
            " ".join([*points(low, part), *reversed(points(high, part))])
            for part in _runs(~np.isnan(low) & ~np.isnan(high))
        ]
        return cls(kind, lines, bands)


def _runs(known: np.ndarray) -> list[slice]:
    """Where a row of values is known without a gap.

    Examples
    --------
    >>> _runs(np.array([True, True, False, True]))
    [slice(0, 2, None), slice(3, 4, None)]
    """
    edges = np.flatnonzero(np.diff(np.concatenate([[0], known.astype(int), [0]])))
    return [slice(int(start), int(stop)) for start, stop in zip(edges[::2], edges[1::2], strict=True)]
