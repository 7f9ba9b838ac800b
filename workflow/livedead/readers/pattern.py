"""Exports whose file names tell all: a regular expression with named groups, or a preset."""

import re
from pathlib import Path

from livedead.errors import ExportError
from livedead.readers.planes import Scan, plane

GROUPS = ("well", "row", "column", "field", "timepoint", "channel", "z")

INCELL = (
    r"(?:.*[_ ])?(?P<row>[A-Z]|A[A-F]) ?- ?(?P<column>\d{1,2}) ?\(fld (?P<field>\d+)(?:-\d+)?"
    r"(?: wv (?P<channel>[^()]+?))?(?: z (?P<z>\d+))?(?: time (?P<timepoint>\d+)(?: - \d+ ?ms)?)?\)\.tiff?"
)
"""IN Cell Analyzer: ``A - 01(fld 1 wv Green - dsRed z 3).tif``; the channel is ``Green - dsRed``."""

SCANR = (
    r"(?:.*_)?(?P<well>(?:[A-Z]|A[A-F])\d{1,2})--W\d+--P(?P<field>\d+)--Z(?P<z>\d+)--T(?P<timepoint>\d+)"
    r"--(?P<channel>[^/]+?)\.tiff?",
    r"--W(?P<well>\d+)--P(?P<field>\d+)--Z(?P<z>\d+)--T(?P<timepoint>\d+)--(?P<channel>[^/]+?)\.tiff?",
)
"""ScanR: ``A1--W00001--P00001--Z00000--T00000--DAPI.tif``; without A1, W counts wells row by row."""


_WELL = re.compile(r"(?:well)?((?:[A-Z]|A[A-F])\d{1,2})", re.IGNORECASE | re.ASCII)
_TIME = re.compile(r"(?:t|tp|time|timepoint|frame)(\d+)", re.IGNORECASE | re.ASCII)


def scan_incell(raw: Path, files: list[str], file_pattern: str | None) -> Scan:
    """IN Cell Analyzer names."""
    return scan_names(files, INCELL, evidence="names such as 'A - 01(fld 1 wv DAPI - DAPI).tif'")


def scan_scanr(raw: Path, files: list[str], file_pattern: str | None) -> Scan:
    """ScanR names."""
    return scan_names(files, *SCANR, evidence="names such as 'A1--W00001--P00001--Z00000--T00000--DAPI.tif'")


def scan(raw: Path, files: list[str], file_pattern: str | None) -> Scan:
    """The user's own pattern."""
    if file_pattern is None:
        raise ExportError("format 'pattern' needs 'file_pattern' in config.yaml")
    return scan_names(files, file_pattern, evidence=f"file_pattern {file_pattern!r}")


def scan_names(files: list[str], *patterns: str, evidence: str) -> Scan:
    """Parse relative paths with the first pattern that fits.

    Parameters
    ----------
    files : list of str
        Relative paths with forward slashes.
    *patterns : str
        Matched against the end of each path, in any case. Groups: ``well`` (a name, or a
        number that counts wells row by row from 1), or ``row`` (letters or a number from 1)
        and ``column``; ``field``, ``timepoint`` and ``z`` (numbers, 1 if absent); ``channel``
        (text, ``1`` if absent).

    Raises
    ------
    ExportError
        If a pattern is not a regular expression or has no group for the well.
    """
    expressions = [compiled(pattern) for pattern in patterns]
    rows = []
    for path in files:
        match = next((found for e in expressions if (found := e.fullmatch(path))), None)
        if match is not None:
            try:
                rows.append(plane(path, **match.groupdict()))
            except ValueError as error:
                raise ExportError(
                    f"file_pattern takes {match.groupdict()} from {path}: {error}; "
                    "field, timepoint and z must be numbers"
                ) from error
    return Scan(rows, evidence)


def compiled(pattern: str) -> re.Pattern[str]:
    """A pattern as an expression for whole relative paths, its groups checked."""
    try:
        expression = re.compile(f"(?:.*/)?(?:{pattern})", re.IGNORECASE | re.ASCII | re.DOTALL)
    except re.error as error:
        raise ExportError(f"file_pattern {pattern!r} is not a regular expression: {error}") from error
    groups = set(expression.groupindex)
    if not groups <= set(GROUPS) or not ("well" in groups or {"row", "column"} <= groups):
        raise ExportError(
            f"file_pattern {pattern!r} has groups {sorted(groups)}; it needs 'well', or 'row' and "
            f"'column', and may have {', '.join(GROUPS[3:])}"
        )
    return expression


def words(path: str) -> dict[str, str] | None:
    """Well and timepoint from the words of a path, the last that fit; None without a well."""
    stem = path.rpartition(".")[0]
    parts = [
        re.sub(r"(?i)\b(well|t|tp|time|timepoint|frame)[ _-]+(?=[a-z]{0,2}\d)", r"\1", part)
        for part in stem.split("/")
    ]
    found = [word for part in parts for word in re.split(r"[\s_.,;()\[\]-]+", part)]
    times = [word for word in found if _TIME.fullmatch(word)]
    wells = [word for word in found if _WELL.fullmatch(word) and word not in times]
    if not wells and len(times) > 1:  # a well of row T and a timepoint
        wells, times = times[:1], times[1:]
    elif not wells:
        wells, times = [word for word in times if _WELL.fullmatch(word)], []
    if not wells:
        return None
    # f7, s1, w2, c3 are fields and channels more often than wells; F7 is a well.
    wells = [word for word in wells if word[0].isupper()] or wells
    well = _WELL.fullmatch(wells[-1])
    time = _TIME.fullmatch(times[-1]) if times else None
    named = {"well": well[1] if well else ""}
    return {**named, "timepoint": time[1]} if time else named
