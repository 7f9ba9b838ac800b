"""Which files of a raw folder are a plate's: globs over their relative paths."""

import difflib
import functools
import re
from collections.abc import Sequence

from livedead.errors import SheetError

_OR = "|"
"""Between globs; on Windows, no name has it."""
_COMPARED = 1000
"""Paths that are compared with a glob that fits none."""
_PARTS = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]", _OR: _OR}


def check_globs(text: str) -> str:
    """The globs themselves, if they can fit paths below a folder.

    Raises
    ------
    SheetError
        If one is written for Windows, or leads out of the folder.
    """
    forward = text.replace("\\", "/")
    if forward != text:
        raise SheetError(f"{text!r}; folders are parted by '/': write {forward!r}")
    for glob in text.split(_OR):
        if ":" in glob.partition("/")[0] or {"", ".", ".."} & set(glob.split("/")):
            raise SheetError(
                f"{text!r}; allowed: the paths of the plate's files below 'raw', such as 'VID1630_*', "
                "'**/vessel12/**' or 'p1_*|p1.HTD'"
            )
    return text


@functools.lru_cache(maxsize=4096)
def globs_expression(text: str) -> re.Pattern[str]:
    """Globs as an expression for whole relative paths, in any case, as exports come from Windows.

    ``*`` is anything within a name, ``?`` one character of it, ``**`` any folders, ``|`` parts globs; all
    else, brackets too, stands for itself.

    Examples
    --------
    >>> bool(globs_expression("**/vessel12/**").fullmatch("1203/Vessel12/A1-1.tif"))
    True
    """
    parts = re.split(r"(\*\*/|\*\*|\*|\?|\|)", text)
    return re.compile("".join(_PARTS.get(part, re.escape(part)) for part in parts), re.IGNORECASE | re.DOTALL)


def fitting(text: str, paths: Sequence[str]) -> list[str]:
    """The paths that any of some globs fits.

    Raises
    ------
    SheetError
        If one of them fits none: with a glob that fits, or the paths that come nearest.
    """
    for glob in text.split(_OR):
        _check_fits(glob, paths)
    return list(filter(globs_expression(text).fullmatch, paths))


def _check_fits(glob: str, paths: Sequence[str]) -> None:
    wrong = f"'files' in plates.tsv: {glob!r} fits no file"
    for tried in (glob, f"{glob}/**", f"**/{glob}", f"**/{glob}/**"):
        if any(map(globs_expression(tried).fullmatch, paths)):
            if tried == glob:
                return
            raise SheetError(f"{wrong}; write {tried!r}")
    some = paths[:: len(paths) // _COMPARED + 1]
    nearest = difflib.get_close_matches(glob, some, cutoff=0) or ["none, as the folder has no file"]
    raise SheetError(f"{wrong}; correct it; nearest: {', '.join(nearest)}")
