"""When a plane was taken: the number of its timepoint, the time since the start, or a date and a clock."""

import datetime
import re
from typing import NamedTuple

import numpy as np
import pandas as pd

from livedead.errors import ExportError

TO_BE_NUMBERED = 0
"""Timepoint of a plane whose name tells a time instead; `with_times` numbers it."""

_SINCE_START = re.compile(r"(?:(\d+)d)?(\d+)h(\d{1,2})m(?:(\d{1,2})s)?", re.IGNORECASE | re.ASCII)
_CLOCK = re.compile(
    r"(\d{4}|\d{2})[-_.]?(\d{2})[-_./]?(\d{2})[ T_./-]?(\d{2})[-_:h]?(\d{2})(?:[-_:m]?(\d{2})s?)?",
    re.IGNORECASE | re.ASCII,
)
_SHORTEST_CLOCK = len("YYMMDDHHMM")
_EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)


class Moment(NamedTuple):
    """When a plane was taken, as far as a text says.

    Attributes
    ----------
    timepoint : int
        From 1; `TO_BE_NUMBERED` where the text is a time.
    hours : float
        Since the start of the experiment, NaN where it is not told.
    clock : float
        Hours since 1970-01-01 00:00 UTC, NaN where it is not told; a clock without a zone counts as UTC,
        as only differences are used.
    """

    timepoint: int = 1
    hours: float = float("nan")
    clock: float = float("nan")


def read_moment(text: str) -> Moment:
    """The moment of a text: ``12``, ``t12``, ``00d12h30m``, ``2026-03-05 14:30`` or ``2603051430``.

    Raises
    ------
    ValueError
        If it is none.
    """
    since_start = _SINCE_START.fullmatch(text)
    if since_start:
        days, hours, minutes, seconds = (int(part or 0) for part in since_start.groups())
        return Moment(TO_BE_NUMBERED, hours=24 * days + hours + minutes / 60 + seconds / 3600)
    clock = _CLOCK.fullmatch(text)
    if clock and (not text.isdigit() or len(text) >= _SHORTEST_CLOCK):
        year, month, day, hour, minute, second = (int(part or 0) for part in clock.groups())
        moment = datetime.datetime(year + 2000 * (year < 100), month, day, hour, minute, second)
        return Moment(TO_BE_NUMBERED, clock=clock_hours(moment))
    return Moment(int(text))


def clock_hours(moment: datetime.datetime) -> float:
    """`Moment.clock` of a date and time; one without a zone counts as UTC."""
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=datetime.UTC)
    return (moment - _EPOCH) / datetime.timedelta(hours=1)


def with_times(planes: pd.DataFrame) -> pd.DataFrame:
    """The planes with their hours, and with numbers for timepoints that are told as times.

    Times that the export counts from its own start stay as they are; clocks count from the first image.

    Parameters
    ----------
    planes : DataFrame
        All planes of a plate, see `livedead.readers.scan.Plane`.

    Raises
    ------
    ExportError
        If some names tell a time and others a number, or a date and others the time since the start.
    """
    hours, clock = planes["hours"].astype(float), planes["clock"].astype(float)
    hours = hours.where(hours.notna(), clock - clock.min())
    unnumbered = planes["timepoint"] == TO_BE_NUMBERED
    if not unnumbered.any():
        return planes.assign(hours=hours)
    by_clock = planes["hours"].isna()
    for other, what in ((~unnumbered, "the number of a timepoint"), (by_clock != by_clock.iloc[0], "a date")):
        if other.any():
            examples = [planes["path"][odd].iloc[0] for odd in (other, ~other)]
            raise ExportError(
                f"{examples[0]} tells {what}, {examples[1]} does not; all images of a plate must tell their "
                "time in one way: give each way a row of plates.tsv of its own, by the column 'files'"
            )
    _, rank = np.unique(hours, return_inverse=True)
    return planes.assign(hours=hours, timepoint=rank + 1)
