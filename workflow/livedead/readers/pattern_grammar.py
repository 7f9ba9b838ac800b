"""The grammar of ``file_pattern``: a template, or a regular expression with named groups.

What reads the configuration checks patterns, so nothing heavy is imported here.
"""

import re
import warnings
from collections.abc import Collection, Mapping

from livedead.errors import nearest
from livedead.plates.geometry import ROW_LETTERS
from livedead.plates.raw_folders import PLATE_PLACE
from livedead.readers import times

GROUPS = ("well", "row", "column", "field", "timepoint", "date", "clock", "channel", "z")

TEMPLATE = {
    "well": rf"{ROW_LETTERS}\d{{1,2}}",
    "row": r"[A-Z]{1,2}|\d{1,2}(?!\d)",
    "column": r"\d{1,2}",
    "field": r"\d+",
    "timepoint": times.TIME,
    "date": times.DATE,
    "clock": times.CLOCK,
    "channel": r"[^/_.]+",
    "z": r"\d+",
    "plate": r"[^/]+?",
}
"""What the names of a template stand for; see `places`."""

FLAGS = re.IGNORECASE | re.ASCII | re.DOTALL
_PLACE = re.compile(r"\{([A-Za-z_]*)\}")
_EDGE = r"(?!(?<=[A-Za-z])[A-Za-z])(?!(?<=\d)\d)"
"""A place that is in the middle of no word and no number."""


def why_no_pattern(text: str) -> str:
    """Why a text can be no pattern of file names, in words that follow it; empty if it can."""
    known = TEMPLATE if is_template(text) else GROUPS
    try:
        groups = set(expression(text, is_template(text)).groupindex)
    except (re.error, OverflowError) as error:
        return (
            "is neither a template such as '{well}_f{field}_{channel}' nor a regular expression: "
            f"{error}"
        )
    unknown = [group + nearest(group, known) for group in sorted(groups - set(known))]
    if unknown:
        return f"has {', '.join(unknown)}; allowed: {', '.join(known)}"
    if "well" not in groups and not {"row", "column"} <= groups:
        return "has no well; it needs 'well', or 'row' and 'column', as in '{well}_f{field}'"
    told = groups & {"timepoint", "date", "clock"}
    if told and told not in ({"timepoint"}, {"date", "clock"}):
        return f"has {' and '.join(sorted(told))}; a time needs 'timepoint' alone, or 'date' and 'clock'"
    return ""


def is_template(text: str) -> bool:
    """Whether names in braces say that it is a template."""
    return _PLACE.search(text) is not None


def places(plate_names: Collection[str], numbered: bool) -> dict[str, str]:
    """What the names of a template stand for on one plate.

    Parameters
    ----------
    plate_names : collection of str
        What files call the plate.
    numbered : bool
        Whether its wells may be numbers.
    """
    found = dict(TEMPLATE)
    if plate_names:
        found["plate"] = "|".join(map(re.escape, plate_names))
    if numbered:
        found["well"] += r"|\d+"
    return found


def expression(text: str, template: bool, places: Mapping[str, str] = TEMPLATE) -> re.Pattern[str]:
    """A pattern, or the beginning of one, as a regular expression; `re.error` if it is none.

    A template that begins with the plate begins where the name of a file or folder does: the plate P1 is
    not that of ``HTS-P1_B03.tif``.
    """
    start = "(?<![^/])" if template and text.startswith(PLATE_PLACE) else ""
    if template:
        if "{" in _PLACE.sub("", text):
            raise re.error("a brace that is not closed")
        text = re.sub(r"(?<=\})\*|\*(?=\{)", lambda star: f"\0{star[0]}\0", text)
        parts = [re.escape(part) for part in _PLACE.split(text)]
        parts[1::2] = [f"(?P<{name}>{places.get(name, '.*')})" for name in parts[1::2]]
        text = start + "".join(parts).replace(r"\*", "[^/]*?").replace(re.escape("\0"), _EDGE)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of what Python may read otherwise one day
        return re.compile(text, FLAGS)
