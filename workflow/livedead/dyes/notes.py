"""What the flags of a plate's dyes mean, in words."""

from collections.abc import Iterator

import pandas as pd

MEANINGS = {
    "none_stained": "nothing is brighter than the background: there is no such cell, or no dye",
    "not_separated": "its signals are not of two kinds, so it is not used; look at report/dyes.png, and set "
    "dyes.threshold.{dye} to counts",
    "depends_on_threshold": "the answer hangs on its threshold: compare 0.8 and 1.25 times of it in dyes.csv",
    "bleed_through": "light of another dye comes near its threshold (bleed_through in dyes.csv)",
}
"""What each of `livedead.dyes.plate_dyes.FLAGS` means."""


def dye_notes(dyes: pd.DataFrame) -> Iterator[str]:
    """What to know of a plate's dyes before its numbers are used, a line each.

    Parameters
    ----------
    dyes : DataFrame
        `livedead.tables.DYES` of the plate.

    Examples
    --------
    >>> table = pd.DataFrame({"dye": ["dead"], "channel": ["pi"], "flags": ["none_stained"]})
    >>> list(dye_notes(table))
    ['DYE pi (dead): nothing is brighter than the background: there is no such cell, or no dye']
    """
    for row in dyes.itertuples():
        for flag in filter(None, row.flags.split(";")):
            yield f"DYE {row.channel} ({row.dye}): {MEANINGS[flag].format(dye=row.dye)}"
