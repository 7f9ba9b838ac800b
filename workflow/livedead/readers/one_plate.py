"""A folder that holds the files of several plates is refused: which are whose is the user's to say."""

from collections.abc import Iterable
from operator import attrgetter

from livedead.errors import ExportError
from livedead.readers.scan import PLANE, Plane

_key = attrgetter(*PLANE, "z", "hours", "clock")


def refuse_several(what: str, found: dict[str, tuple[str, str]], hint: str = "") -> None:
    """Refuse files of several plates, with the rows to write.

    Parameters
    ----------
    what : str
        What tells the plates apart, such as ``vessels``.
    found : dict
        Name of each -> the path of one of its files, and what its row has to say under `files`; empty
        if no pattern can say it.
    hint : str
        What else may be done.

    Raises
    ------
    ExportError
        If there are several.
    """
    if len(found) > 1:
        named = " and ".join(f"{name or 'none'} ({path})" for name, (path, _) in found.items())
        rows = " and ".join(repr(files) for _, files in found.values() if files)
        raise ExportError(
            f"several {what}, which are several plates: {named}; give each a row of plates.tsv with its own "
            f"'files', such as {rows}{hint}"
        )


def refuse_folders(planes: Iterable[Plane], hint: str = "") -> None:
    """Refuse folders whose files claim to be the same planes; see `refuse_several`."""
    found = claiming_alike((plane, plane.path.rpartition("/")[0]) for plane in planes)
    refuse_several(
        "folders with the same images",
        {name: (path, f"{name}/**" if name else "") for name, path in found.items()},
        f", or remove what is a copy{hint}",
    )


def claiming_alike(planes: Iterable[tuple[Plane, str]]) -> dict[str, str]:
    """The origins that claim a plane which another claims, too, each with the path of such a plane.

    Parameters
    ----------
    planes : iterable of (Plane, str)
        As names tell them, with the origin of each, such as its folder.
    """
    first: dict[str, tuple[str, str]] = {}
    found: dict[str, str] = {}
    for plane, origin in planes:
        key = repr(_key(plane))  # as text, because NaN is not equal to NaN
        other, path = first.setdefault(key, (origin, plane.path))
        if other != origin:
            found.setdefault(other, path)
            found.setdefault(origin, plane.path)
    return found


def named_like(pattern: str, path: str) -> str:
    """What `files` has to say for names that fit a pattern, as that of `path` does."""
    return f"**/{pattern}" if "/" in path else pattern
