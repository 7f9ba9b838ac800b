"""What every reader gives: the planes it found, and what the export says of itself."""

from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
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
    "page",
    "pages",
    "height",
    "width",
    "dtype",
    "x_um",
    "y_um",
    "problem",
]
IMAGE_SUFFIXES = (".tif", ".tiff", ".btf", ".tf2", ".tf8", ".stk", ".h5", ".hdf5", ".hdf", ".he5")


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
        ``timepoints`` (numbers), ``pixel_size_um``; only what it states.
    """

    rows: list[dict[str, Any]]
    evidence: str
    by_metadata: bool = False
    passed_over: dict[str, str] = field(default_factory=dict)
    channel_names: dict[str, str] = field(default_factory=dict)
    expected: dict[str, Any] = field(default_factory=dict)

    def table(self) -> pd.DataFrame:
        """The planes as a table of `COLUMNS`."""
        return pd.DataFrame(self.rows, columns=COLUMNS)


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


def unreadable_rows(rows: list[dict[str, Any]], files: dict[str, dict[str, str]]) -> list[dict[str, Any]]:
    """Rows of files that hold many planes and cannot be read: those that the other files have.

    Parameters
    ----------
    rows : list of dict
        The planes of the files that can be read.
    files : dict
        Relative path -> what its name says (well, timepoint, ...).
    """
    alike = {(row["channel"], row["dataset"], row["field"], row["z"]) for row in rows} or {("1", "", 1, 1)}
    return [
        {
            **plane(path, **{**named, "channel": channel}, dataset=dataset, problem="unreadable"),
            "field": number,
            "z": z,
        }
        for path, named in files.items()
        for channel, dataset, number, z in sorted(alike)
    ]


def row_letters(number: int) -> str:
    """Letters of a row from its number: 1 -> A, 27 -> AA."""
    if not 1 <= number <= 32:
        raise ExportError(f"row {number} is on no plate; a 1536-well plate has 32")
    return chr(ord("A") + number - 1) if number <= 26 else "A" + chr(ord("A") + number - 27)


def beside(metadata: str, name: str, source: str) -> str:
    """Relative path of a file that a metadata file names, in or below the metadata's folder.

    Raises
    ------
    ExportError
        If the name leads out of the folder.
    """
    parts = PurePosixPath(name.replace("\\", "/")).parts
    if not parts or ".." in parts or parts[0] == "/" or parts[0].endswith(":"):
        raise ExportError(f"{source}: names the file {name!r}, which leads out of its folder")
    return PurePosixPath(metadata).parent.joinpath(*parts).as_posix()


def read_bytes(raw: Path, path: str) -> bytes:
    """Content of a metadata file; `ExportError` if it cannot be read."""
    try:
        return (raw / path).read_bytes()
    except OSError as error:
        raise ExportError(f"{raw / path}: {error}") from error
