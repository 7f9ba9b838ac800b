"""When wells were imaged: hours for the table, and timepoints in words."""

import numpy as np
import pandas as pd

MOST_OFF = 0.1
"""Share by which ``plate_map.hours_per_timepoint`` may differ from the export's times before it is told."""


def hours_of_wells(fields: pd.DataFrame, hours_per_timepoint: float | None) -> pd.Series:
    """When each imaged well was first imaged, by well and timepoint.

    Parameters
    ----------
    fields : DataFrame
        A field of one plate: ``well, timepoint`` and ``hours``, NaN where the export does not say.
    hours_per_timepoint : float, optional
        From one timepoint to the next; counts only where the export tells no time at all.
    """
    hours = fields.groupby(["well", "timepoint"])["hours"].min()
    if hours_per_timepoint is None or hours.notna().any():
        return hours
    timepoints = hours.index.get_level_values("timepoint")
    return pd.Series((timepoints - timepoints.min()) * hours_per_timepoint, hours.index, float, "hours")


def hours_of_timepoints(wells: pd.DataFrame) -> pd.Series:
    """Median hours of the wells at each timepoint that has a time, by timepoint in their order."""
    return wells.groupby("timepoint")["hours"].median().dropna()


def contradicted_hours(wells: pd.DataFrame, hours_per_timepoint: float | None) -> list[str]:
    """A line that the times of a plate are not those of the configuration; none if they are.

    Parameters
    ----------
    wells : DataFrame
        The well table of one plate.
    hours_per_timepoint : float, optional
        What the configuration says.
    """
    hours = hours_of_timepoints(wells)
    if hours_per_timepoint is None or len(hours) < 2:
        return []
    told = (hours - hours.iloc[0]).iloc[1:]
    meant = (told.index - hours.index[0]) * hours_per_timepoint
    wrong = told[np.abs(told / meant - 1) > MOST_OFF]
    if wrong.empty:
        return []
    first, last = hours.index[0], wrong.index[0]
    return [
        f"TIMES: from timepoint {first} to {last}, {in_hours(wrong.iloc[0])} passed by the export and "
        f"{in_hours((last - first) * hours_per_timepoint)} by plate_map.hours_per_timepoint; the export's "
        "times are used"
    ]


def in_hours(hours: float) -> str:
    """A time in words.

    Examples
    --------
    >>> in_hours(12.508), in_hours(0.05), in_hours(144.0)
    ('12.5 h', '0.05 h', '144 h')
    """
    return f"{hours:.0f} h" if hours >= 100 else f"{hours:.3g} h"


def timepoint_name(timepoint: int, wells: pd.DataFrame) -> str:
    """A timepoint in words, with its hours where they are known, such as ``timepoint 3 (12.5 h)``."""
    hours = hours_of_timepoints(wells).get(timepoint)
    return f"timepoint {timepoint}" + ("" if hours is None else f" ({in_hours(hours)})")
