"""What every reader gives: the planes it found, and what the export says of itself."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from livedead.errors import ExportError

COLUMNS = [
    "well",
    "field",
    "timepoint",
    "channel",
    "z",
    "projected",
    "path",
    "dataset",
    "axes",
    "page",
    "pages",
    "height",
    "width",
    "dtype",
    "x_um",
    "y_um",
    "problem",
]
SAME_SIZE = 1e-3
"""Relative difference up to which two pixel sizes are one, written with more or fewer digits."""


@dataclass
class Scan:
    """What one reader made of a folder.

    Attributes
    ----------
    rows : list of dict
        A dict of `COLUMNS` per plane, from `plane`.
    evidence : str
        By what the format was recognised, for people.
    by_metadata : bool
        Whether the export's own metadata listed the planes, not their names.
    passed_over : dict
        Relative path -> why the reader left it out, where it knows.
    channel_names : dict
        Channel -> the name that the export's metadata gives it.
    expected : dict
        What the metadata promises: ``wells`` (list), ``n_wells``, ``fields``, ``channels``,
        ``timepoints`` (numbers), and of `pixel_sizes`; only what it states.
    notes : list of str
        What a person should know of how the export was read.
    """

    rows: list[dict[str, Any]]
    evidence: str
    by_metadata: bool = False
    passed_over: dict[str, str] = field(default_factory=dict)
    channel_names: dict[str, str] = field(default_factory=dict)
    expected: dict[str, Any] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    def table(self) -> pd.DataFrame:
        """The planes as a table of `COLUMNS`."""
        return pd.DataFrame(self.rows, columns=COLUMNS)

    def expect(self, stated: list[dict[str, Any]], sizes_um: Iterable[float]) -> None:
        """Take over what all metadata files state alike; what they do not agree on is noted.

        Parameters
        ----------
        stated : list of dict
            What each file promises, see `expected`; wells are added up.
        sizes_um : iterable of float
            Every pixel size that they give.
        """
        for name in dict.fromkeys(name for one in stated for name in one):
            values = [one[name] for one in stated if name in one]
            if name == "wells":
                self.expected[name] = list(dict.fromkeys(well for wells in values for well in wells))
            elif all(value == values[0] for value in values):
                self.expected[name] = values[0]
            else:
                said = ", ".join(map(str, dict.fromkeys(values)))
                self.notes.append(f"the export's metadata disagree on {name} ({said}), which is left aside")
        self.expected.update(pixel_sizes(sizes_um))


def pixel_sizes(sizes_um: Iterable[float]) -> dict[str, Any]:
    """What an export says of its pixels: ``pixel_size_um``, or ``pixel_sizes_um`` where it says several.

    Parameters
    ----------
    sizes_um : iterable of float
        Pixel sizes as found, NaN where there is none.
    """
    found: list[float] = []
    for size in sorted(size for size in sizes_um if size > 0):
        if not found or size / found[-1] - 1 > SAME_SIZE:
            found.append(size)
    if len(found) > 1:
        return {"pixel_sizes_um": found}
    return {"pixel_size_um": found[0]} if found else {}


def plane(
    path: str,
    *,
    well: str | None = None,
    row: str | None = None,
    column: str | None = None,
    field: str | None = None,
    timepoint: str | None = None,
    channel: str | None = None,
    z: str | None = None,
    **more: Any,
) -> dict[str, Any]:
    """One row of the index from the texts that a name or a metadata record holds.

    Parameters
    ----------
    path : str
        Relative path.
    well, row, column : str, optional
        A well's name, or its row (letters, or a number from 1) and column.
    field, timepoint, channel, z : str, optional
        1 if absent.
    **more
        Other `COLUMNS`.
    """
    if well is None:
        letters = row_letters(int(row)) if row and row.isdigit() else row
        well = f"{letters}{column}"
    return {
        "well": well,
        "field": int(field or 1),
        "timepoint": int(timepoint or 1),
        "channel": channel or "1",
        "z": int(z or 1),
        "projected": False,
        "path": path,
        "dataset": "",
        "axes": "",
        "page": 0,
        "pages": 1,
        "height": 0,
        "width": 0,
        "dtype": "",
        "x_um": float("nan"),
        "y_um": float("nan"),
        "problem": "",
        **more,
    }


def row_letters(number: int) -> str:
    """Letters of a row from its number: 1 -> A, 27 -> AA."""
    if not 1 <= number <= 32:
        raise ExportError(f"row {number} is on no plate; a 1536-well plate has 32")
    return chr(ord("A") + number - 1) if number <= 26 else "A" + chr(ord("A") + number - 27)
