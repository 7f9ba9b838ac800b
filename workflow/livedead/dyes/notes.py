"""What the flags of a plate's dyes mean, in words."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import pandas as pd

from livedead import stores
from livedead.tables import CELLS, DYES

MEANINGS = {
    "none_stained": "nothing is brighter than the background: there is no such cell, or no dye",
    "not_separated": "its signals are not of two kinds, so it is not used; look at report/dyes.png, and set "
    "dyes.threshold.{dye} to counts",
    "depends_on_threshold": "the answer hangs on its threshold: compare 0.8 and 1.25 times of it in dyes.csv",
    "bleed_through": "light of another dye comes near its threshold (bleed_through in dyes.csv)",
}
"""What each of `livedead.dyes.plate_dyes.FLAGS` means."""


def read_dye_notes(dyes: Sequence[Path], cells: Sequence[Path]) -> dict[str, Iterator[str]]:
    """Plate -> `dye_notes` of its tables, which lie in a folder called like it."""
    return {
        path.parent.name: dye_notes(stores.read_table(path, DYES), stores.read_table(of_cells, CELLS))
        for path, of_cells in zip(dyes, cells, strict=True)
    }


def dye_notes(dyes: pd.DataFrame, cells: pd.DataFrame) -> Iterator[str]:
    """What to know of a plate's dyes before its numbers are used, a line each.

    Parameters
    ----------
    dyes : DataFrame
        `livedead.tables.DYES` of the plate.
    cells : DataFrame
        `livedead.tables.CELLS` of the plate.

    Examples
    --------
    >>> table = pd.DataFrame({"dye": ["dead"], "channel": ["pi"], "flags": ["none_stained"]})
    >>> list(dye_notes(table, pd.DataFrame()))
    ['DYE pi (dead): nothing is brighter than the background: there is no such cell, or no dye']
    """
    for row in dyes.itertuples():
        for flag in filter(None, row.flags.split(";")):
            yield f"DYE {row.channel} ({row.dye}): {MEANINGS[flag].format(dye=row.dye)}"
    yield from _stained_twice(dyes.set_index("dye"), cells)


def _stained_twice(dyes: pd.DataFrame, cells: pd.DataFrame) -> Iterator[str]:
    """How many cells both the live and the dead dye stain, and what they count as."""
    if not {"live", "dead"} <= set(dyes.index) or cells.empty:
        return
    shares = dyes["stained_share"]
    live, dead = (cells[f"stained_{dyes.at[role, 'channel']}"] > shares[role] for role in ("live", "dead"))
    twice = cells[live & dead]
    counted = ", ".join(f"{n:,} as {state}" for state, n in twice["state"].value_counts().items())
    if len(twice):
        share = len(twice) / len(cells)
        yield f"{len(twice):,} of {len(cells):,} cells ({share:.1%}) are stained live and dead: {counted}"
