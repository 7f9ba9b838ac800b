"""Raw images in an object store: how plates.tsv names their place, and what objects may be called."""

import re
from collections.abc import Iterable

from livedead.errors import SheetError

_URL = re.compile(r"s3://[A-Za-z0-9][A-Za-z0-9._-]+(?P<folders>(/[^/]+)+)")
_BARRED = frozenset("{}?#")
"""Snakemake takes braces for wildcards, and its plugin the other two for the end of a name."""


def is_url(raw: str) -> bool:
    """Whether a plate's ``raw`` is a place in an object store."""
    return "://" in raw


def parse_url(text: str) -> str:
    """The place ``s3://bucket/folder`` of a plate's objects, without a slash at its end.

    Raises
    ------
    SheetError
        If it is none, or could not be fetched from.

    Examples
    --------
    >>> parse_url("s3://screens/2026/plate 1/")
    's3://screens/2026/plate 1'
    """
    url = text.rstrip("/")
    match = _URL.fullmatch(url)
    if match is None or not can_be_fetched(match["folders"][1:]):
        raise SheetError(
            f"{text!r}; allowed: s3://bucket/folder, without {' '.join(sorted(_BARRED))} and '..'; keys "
            "and the address of the store are given to Snakemake, see docs/cloud.md"
        )
    return url


def can_be_fetched(name: str) -> bool:
    """Whether Snakemake's plugin gets the object of a name, such as ``folder/image.tif``, and no other."""
    return not (_BARRED & set(name) or {"", ".", ".."} & set(name.split("/")))


def objects_at(names: Iterable[str], paths: Iterable[str]) -> list[str]:
    """The objects of a plate that are at some paths, or below them where a path is a folder (OME-Zarr)."""
    names, wanted = list(names), set(paths)
    folders = tuple(f"{path}/" for path in wanted.difference(names))
    return [name for name in names if name in wanted or (folders and name.startswith(folders))]
