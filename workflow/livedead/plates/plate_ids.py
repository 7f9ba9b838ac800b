"""Ids of plates: names of folders on every file system."""

import re

from livedead.errors import SheetError

WRITTEN_TOGETHER = (
    "accuracy",
    "audit_plan.txt",
    "checked.txt",
    "dose_response.csv",
    "methods.md",
    "provenance.json",
    "quality_checked.txt",
    "replicates.csv",
    "report.html",
    "simulated",
    "summary.txt",
    "time_courses.csv",
    "training",
    "unclaimed.txt",
    "weights",
    "wells.csv",
)
"""What lies in results/ beside the plates' folders, so that no plate may have such a name."""

MAX_PLATE_ID = 100
"""File systems allow names of 255 bytes, and the id is part of longer ones."""

_PLATE_ID = re.compile(r"[A-Za-z0-9_-]([A-Za-z0-9._-]*[A-Za-z0-9_-])?")
_WINDOWS_DEVICE = re.compile(r"(con|prn|aux|nul|com[1-9]|lpt[1-9])(\..*)?")


def check_plate_id(plate: str) -> str:
    """The plate id itself, if it can name a folder of results on every file system.

    Raises
    ------
    SheetError
        If it holds anything but letters, digits, dot, underscore and hyphen, begins or ends with
        a dot, is longer than `MAX_PLATE_ID`, or is a name that the workflow or Windows uses.
    """
    if not _PLATE_ID.fullmatch(plate):
        raise SheetError(
            f"plate id {plate!r} is not allowed; use A to Z, a to z, digits, '_', '-', and '.' between them"
        )
    if len(plate) > MAX_PLATE_ID:
        raise SheetError(f"plate id {plate!r} has {len(plate)} characters; allowed: at most {MAX_PLATE_ID}")
    if plate.lower() in WRITTEN_TOGETHER:
        raise SheetError(
            f"plate id {plate!r} is reserved for the workflow's own results; choose another "
            f"(reserved: {', '.join(WRITTEN_TOGETHER)})"
        )
    if _WINDOWS_DEVICE.fullmatch(plate.lower()):
        raise SheetError(
            f"plate id {plate!r} is the name of a device on Windows, where no folder can have it; "
            "choose another"
        )
    return plate
