"""Which files of a raw folder are a plate's: a glob over their relative paths."""

import difflib
import functools
import re
from collections.abc import Sequence

from livedead.errors import SheetError

_COMPARED = 1000
"""Paths that are compared with a glob that fits none."""
_PARTS = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}


def check_glob(text: str) -> str:
    """The glob itself, if it can fit a path below a folder.

    Raises
    ------
    SheetError
        If it is written for Windows, or leads out of the folder.
    """
    forward = text.replace("\\", "/")
    if forward != text:
        raise SheetError(f"{text!r}; folders are parted by '/': write {forward!r}")
    if text.startswith("/") or ":" in text.partition("/")[0] or {"", ".", ".."} & set(text.split("/")):
        raise SheetError(
            f"{text!r}; allowed: the paths of the plate's files below 'raw', such as 'VID1630_*' or "
            "'**/vessel12/**'"
        )
    return text


@functools.lru_cache(maxsize=4096)
def glob_expression(text: str) -> re.Pattern[str]:
    """A glob as an expression for whole relative paths, in any case, as exports come from Windows.

    ``*`` is anything within a name, ``?`` one character of it, ``**`` any folders; all else, brackets
    too, stands for itself.

    Examples
    --------
    >>> bool(glob_expression("**/vessel12/**").fullmatch("1203/Vessel12/A1-1.tif"))
    True
    """
    parts = re.split(r"(\*\*/|\*\*|\*|\?)", text)
    return re.compile("".join(_PARTS.get(part, re.escape(part)) for part in parts), re.IGNORECASE | re.DOTALL)


def fitting(text: str, paths: Sequence[str]) -> list[str]:
    """The paths that a glob fits.

    Raises
    ------
    SheetError
        If there is none: with a glob that fits, or the paths that come nearest.
    """
    found = list(filter(glob_expression(text).fullmatch, paths))
    if found:
        return found
    for other in (f"{text}/**", f"**/{text}", f"**/{text}/**"):
        if any(map(glob_expression(other).fullmatch, paths)):
            raise SheetError(f"'files' in plates.tsv, {text!r}, fits no file; write {other!r}")
    some = paths[:: len(paths) // _COMPARED + 1]
    nearest = ", ".join(difflib.get_close_matches(text, some, cutoff=0)) or "there is no file at all"
    raise SheetError(f"'files' in plates.tsv, {text!r}, fits no file; correct it: nearest are {nearest}")
