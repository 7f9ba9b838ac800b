"""When a plane was taken: the number of its timepoint, the time since the start, or a date and a clock."""

import datetime
import logging
import re
from typing import NamedTuple

import numpy as np
import pandas as pd

from livedead.errors import ExportError

log = logging.getLogger(__name__)

TO_BE_NUMBERED = -1
"""Timepoint of a plane whose name tells a time instead; `with_times` numbers it."""
LAST_NUMBER = 99_999
"""No experiment has more timepoints: a higher number is a date, or nothing that is known."""

_MONTH, _DAY = r"(?:0[1-9]|1[0-2])", r"(?:0[1-9]|[12]\d|3[01])"
_HOUR, _MINUTE = r"(?:[01]\d|2[0-3])", r"[0-5]\d"
# The year stands first, and one of two digits has no separators: 05-03-24 may be written day first.
DATE = rf"(?:(?:19|20)\d\d[-_.]?{_MONTH}[-_.]?{_DAY}|(?:19|20)\d\dy{_MONTH}m{_DAY}d|\d\d{_MONTH}{_DAY})"
CLOCK = (
    rf"(?:{_HOUR}{_MINUTE}(?:{_MINUTE})?|{_HOUR}[-_:.]{_MINUTE}(?:[-_:.]{_MINUTE})?"
    rf"|{_HOUR}h{_MINUTE}(?:m(?:{_MINUTE}s?)?)?)"
)
_DIGITS = rf"(?:(?:19|20)\d\d{_MONTH}{_DAY}{_HOUR}{_MINUTE}(?:{_MINUTE})?|\d\d{_MONTH}{_DAY}{_HOUR}{_MINUTE})"
# Taken whole or not at all: of 3d0, timepoint 3 and channel d0, no part lasts three days.
_SINCE_START = (
    r"(?=\d{1,6}[dhm])(?>(?:(\d{1,6})d)?(?:(\d{1,6})h)?(?:(\d{1,6})m(?:in)?)?(?:(\d{1,6})s)?)(?!\d)"
)
TIME = rf"{DATE}[ T_./-]{CLOCK}|{_DIGITS}|{_SINCE_START}|\d+"
"""What a timepoint may be, as an expression without named groups; the longest readings come first."""

_FLAGS = re.IGNORECASE | re.ASCII
_NUMBER = re.compile(r"\d+", _FLAGS)
_LASTED = re.compile(_SINCE_START, _FLAGS)
_DATED = re.compile(rf"(?=(?:{DATE}[ T_./-]{CLOCK}|{_DIGITS})$)({DATE})[ T_./-]?({CLOCK})", _FLAGS)
_EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)
_ALLOWED = (
    f"allowed: a number up to {LAST_NUMBER}, a time since the start such as 00d12h30m or 36h, or date and "
    "clock, the year first, such as 2026-03-05_14-30, 20260305_143000 or 2603051430"
)


class Moment(NamedTuple):
    """When a plane was taken, as far as a text says.

    Attributes
    ----------
    timepoint : int
        As the export counts; `TO_BE_NUMBERED` where the text is a time.
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
    """The moment of a text: ``12``, ``00d12h30m``, ``36h``, ``2026-03-05 14:30`` or ``2603051430``.

    Raises
    ------
    ValueError
        If it is none, with what is allowed.
    """
    if _NUMBER.fullmatch(text) and int(text) <= LAST_NUMBER:
        return Moment(int(text))
    lasted = _LASTED.fullmatch(text)
    if lasted:
        days, hours, minutes, seconds = (int(part or 0) for part in lasted.groups())
        since_start = datetime.timedelta(days, seconds, minutes=minutes, hours=hours)
        return Moment(TO_BE_NUMBERED, hours=since_start / datetime.timedelta(hours=1))
    dated = _DATED.fullmatch(text)
    if not dated:
        raise ValueError(f"{text!r} tells no time; {_ALLOWED}")
    date, clock = (re.sub(r"\D", "", part) for part in dated.groups())
    layout = ("%Y" if len(date) == 8 else "%y") + "%m%d%H%M" + ("%S" if len(clock) == 6 else "")
    try:
        return Moment(TO_BE_NUMBERED, clock=clock_hours(datetime.datetime.strptime(date + clock, layout)))
    except ValueError as error:
        raise ValueError(f"{text!r} is on no calendar; {_ALLOWED}") from error


def clock_hours(moment: datetime.datetime) -> float:
    """`Moment.clock` of a date and time; one without a zone counts as UTC."""
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=datetime.UTC)
    return (moment - _EPOCH) / datetime.timedelta(hours=1)


def stated_clock(text: str | None) -> float:
    """`Moment.clock` of what metadata state, such as ``2022-12-19T10:19:26.58+01:00``; NaN if it is none.

    Instruments that do not know the time write one long before there were any.
    """
    try:
        clock = clock_hours(datetime.datetime.fromisoformat(text or ""))
    except (ValueError, OverflowError):
        return float("nan")
    return clock if clock > 0 else float("nan")


def with_times(planes: pd.DataFrame) -> pd.DataFrame:
    """The planes with their hours, and with numbers for timepoints that are told as times.

    Times that the export counts from its own start stay as they are; clocks count from the first image.
    Times that do not grow with the numbers of the timepoints are left aside, with a warning.

    Parameters
    ----------
    planes : DataFrame
        All planes of a plate, see `livedead.readers.scan.Plane`.

    Raises
    ------
    ExportError
        If some names tell a time and others a number, or a date and others the time since the start; or
        if the times are those of single images, which are no timepoints.
    """
    since_start, clock = planes["hours"].astype(float), planes["clock"].astype(float)
    # Two starts are no one scale: where some planes tell a clock alone, clocks count for all.
    by_start = (since_start.notna() | clock.isna()).all()
    hours = since_start if by_start else clock - clock.min()
    unnumbered = planes["timepoint"] == TO_BE_NUMBERED
    timed = planes.assign(hours=hours)
    if not unnumbered.any():
        return timed if _grow(timed) else timed.assign(hours=np.nan)
    for told, what in ((~unnumbered, "the number of a timepoint"), (since_start.isna(), "a date")):
        if told.any() and not told.all():
            examples = [planes["path"][which].iloc[0] for which in (told, ~told)]
            raise ExportError(
                f"{examples[0]} tells {what}, {examples[1]} does not; all images of a plate must tell their "
                "time in one way: give each way a row of plates.tsv of its own, by the column 'files'"
            )
    times, rank = np.unique(hours, return_inverse=True)
    most = int(timed.groupby(["well", "field"])["hours"].nunique().max())
    if len(times) > 2 * most:
        raise ExportError(
            f"names such as {planes['path'].iloc[0]} tell {len(times)} times, but no field has more than "
            f"{most}: these are the times of single images; let 'file_pattern' take the timepoint from "
            "what is the same for all images of a round, such as its number"
        )
    return timed.assign(timepoint=rank + 1)


def with_file_times(planes: pd.DataFrame, clocks: pd.Series) -> pd.DataFrame:
    """The planes with hours by the clocks of their files (`Moment.clock`), where nothing else tells any."""
    if planes["hours"].notna().any():
        return planes
    timed = planes.assign(hours=clocks - clocks.min())
    return timed if _grow(timed) else planes


def _grow(planes: pd.DataFrame) -> bool:
    """Whether the hours of every field grow with its timepoints."""
    first = planes.groupby(["well", "field", "timepoint"])["hours"].min().dropna()
    steps = first.groupby(["well", "field"]).diff()
    wrong = steps[steps <= 0]
    if wrong.empty:
        return True
    well, field, timepoint = wrong.index[0]
    log.warning(
        "well %s field %s: by the export's own times, timepoint %s was not taken after the one before; its "
        "times are left aside",
        well,
        field,
        timepoint,
    )
    return False
