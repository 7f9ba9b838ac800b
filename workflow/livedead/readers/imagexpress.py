"""MetaXpress / ImageXpress exports: ``[date/]TimePoint_1/ZStep_1/name_B03_s2_w1GUID.tif``."""

import re

import pandas as pd

from livedead.readers.pattern import plane

# The name is read from its end: what comes before the well is free text. A GUID is matched
# whole, because its first digit would otherwise join the channel's number.
_NAME = re.compile(
    r"(?:.*?_)?(?P<well>[A-Za-z]{1,2}\d{1,2})(?:_s(?P<field>\d+))?(?:_(?P<channel>w\d+))?"
    r"_?(?P<thumb>_?thumb)?(?:[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12})?\.tiff?",
    re.IGNORECASE,
)
_TIMEPOINT = re.compile(r"TimePoint_(\d+)", re.IGNORECASE)
_Z_STEP = re.compile(r"ZStep_(\d+)", re.IGNORECASE)


def scan(files: list[str]) -> pd.DataFrame:
    """Parse relative paths; thumbnails and foreign files are passed over.

    Returns
    -------
    DataFrame
        ``well, field, timepoint, channel, z, path, page``; channels are ``w1``, ``w2``, ...
    """
    rows = []
    for path in files:
        *folders, name = path.split("/")
        match = _NAME.fullmatch(name)
        if match is None or match["thumb"]:
            continue
        rows.append(
            plane(
                path,
                well=match["well"],
                field=match["field"],
                channel=(match["channel"] or "w1").lower(),
                timepoint=_number(_TIMEPOINT, folders),
                z=_number(_Z_STEP, folders),
            )
        )
    return pd.DataFrame(rows, columns=["well", "field", "timepoint", "channel", "z", "path", "page"])


def _number(expression: re.Pattern[str], folders: list[str]) -> str | None:
    found = [match[1] for folder in folders if (match := expression.fullmatch(folder))]
    return found[-1] if found else None
