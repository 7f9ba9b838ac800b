"""Any export whose file names tell all: a regular expression with named groups."""

import re

import pandas as pd

from livedead.errors import ExportError

GROUPS = ("well", "row", "column", "field", "timepoint", "channel", "z")


def scan(files: list[str], file_pattern: str) -> pd.DataFrame:
    """Parse relative paths with a pattern.

    Parameters
    ----------
    files : list of str
        Relative paths with forward slashes.
    file_pattern : str
        Matched against the end of each path. Groups: ``well``, or ``row`` (letters or a
        number) and ``column``; ``field``, ``timepoint`` and ``z`` (numbers, 1 if absent);
        ``channel`` (text, ``1`` if absent).

    Returns
    -------
    DataFrame
        ``well, field, timepoint, channel, z, path, page`` of the files that match.

    Raises
    ------
    ExportError
        If the pattern is not a regular expression or has no group for the well.
    """
    try:
        expression = re.compile(f"(?:^|.*/)(?:{file_pattern})$")
    except re.error as error:
        raise ExportError(f"file_pattern {file_pattern!r} is not a regular expression: {error}") from error
    groups = set(expression.groupindex)
    if not groups <= set(GROUPS) or not ("well" in groups or {"row", "column"} <= groups):
        raise ExportError(
            f"file_pattern {file_pattern!r} has groups {sorted(groups)}; it needs 'well', or 'row' and "
            f"'column', and may have {', '.join(GROUPS[3:])}"
        )
    rows = []
    for path in files:
        match = expression.match(path)
        if match is not None:
            rows.append(plane(path, **match.groupdict()))
    return pd.DataFrame(rows, columns=["well", "field", "timepoint", "channel", "z", "path", "page"])


def plane(
    path: str,
    well: str | None = None,
    row: str | None = None,
    column: str | None = None,
    field: str | None = None,
    timepoint: str | None = None,
    channel: str | None = None,
    z: str | None = None,
) -> dict[str, object]:
    """One row of the index from the texts that a file name holds."""
    if well is None:
        letters = chr(ord("A") + int(row) - 1) if row and row.isdigit() else row
        well = f"{letters}{column}"
    return {
        "well": well,
        "field": int(field or 1),
        "timepoint": int(timepoint or 1),
        "channel": channel or "1",
        "z": int(z or 1),
        "path": path,
        "page": 0,
    }
