"""Files that are no image this workflow reads: what they are, and what to do about it."""

from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

from livedead.images.containers import is_container
from livedead.readers.folder import is_image, kind_of_entry

_EXPORT = "export its images as 16-bit grey TIFF from {}"
_BY_SUFFIX = {
    ".lsm": ("Zeiss LSM", _EXPORT.format("ZEN")),
    ".zvi": ("Zeiss ZVI", _EXPORT.format("AxioVision or ZEN")),
    ".lif": ("Leica LIF", _EXPORT.format("LAS X")),
    ".lof": ("Leica LOF", _EXPORT.format("LAS X")),
    ".c01": ("Cellomics C01", _EXPORT.format("HCS Studio")),
    ".dib": ("Cellomics DIB", _EXPORT.format("HCS Studio")),
    ".flex": ("PerkinElmer FLEX", "copy its index, ImageIndex.ColumbusIDX.xml, beside it"),
    ".oib": ("Olympus OIB", _EXPORT.format("cellSens or FluoView")),
    ".oir": ("Olympus OIR", _EXPORT.format("cellSens or FluoView")),
    ".oif": ("Olympus OIF", _EXPORT.format("cellSens or FluoView")),
    ".vsi": ("Olympus VSI", _EXPORT.format("cellSens")),
    ".ims": ("Imaris IMS", _EXPORT.format("Imaris")),
    ".dv": ("DeltaVision DV", _EXPORT.format("softWoRx")),
    ".jpg": ("JPEG", "export 16-bit grey TIFF instead: JPEG has lost information"),
    ".jpeg": ("JPEG", "export 16-bit grey TIFF instead: JPEG has lost information"),
    ".jp2": ("JPEG 2000", "export 16-bit grey TIFF instead"),
    ".bmp": ("BMP", "export 16-bit grey TIFF instead"),
    ".gif": ("GIF", "export 16-bit grey TIFF instead"),
    ".zip": ("a ZIP archive", "unpack it"),
    ".tar": ("a tar archive", "unpack it"),
    ".gz": ("gzip-compressed", "unpack it"),
}
_UNNAMED_ZARR = ("part of a Zarr, or one without '.zarr' at the end of its name", "name its whole folder so")
_BY_CONTENT = {
    b"version https://git-lfs": ("a Git LFS pointer, not the file itself", "run 'git lfs pull'"),
    b"/annex/objects/": ("a git-annex pointer, not the file itself", "run 'git annex get'"),
    b"\x70\0\0\0": _BY_SUFFIX[".lif"],
    b"\xff\xd8\xff": _BY_SUFFIX[".jpg"],
    b"\0\0\0\x0cjP  ": _BY_SUFFIX[".jp2"],
    b"BM": _BY_SUFFIX[".bmp"],
    b"GIF8": _BY_SUFFIX[".gif"],
    b"PK\x03\x04": _BY_SUFFIX[".zip"],
    b"\x1f\x8b": _BY_SUFFIX[".gz"],
    b"\xd0\xcf\x11\xe0": ("an OLE2 container, as Olympus and Zeiss once wrote", "export its images as TIFF"),
    b"<!DOCTYPE": ("a web page, left by a failed download", "download the file again"),
    b"<!doctype": ("a web page, left by a failed download", "download the file again"),
    b"<html": ("a web page, left by a failed download", "download the file again"),
}
_READ = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+", b"\x89PNG", b"\x89HDF", b"\xda\xce\xbe\n", b"ZISRAWFILE")
"""TIFF, BigTIFF, PNG, HDF5, ND2 and CZI, which are read."""


def foreign_kind(raw: Path, path: str, by_content: bool = True) -> tuple[str, str] | None:
    """What a file is that is not read here, and what to do.

    Parameters
    ----------
    raw, path
        The folder, and the relative path.
    by_content : bool
        Look into files whose suffix says nothing, or says that they are images that are read.

    Returns
    -------
    tuple of (kind, remedy), or None
        None for files that may be read, and for those that are not known.
    """
    entry, file = kind_of_entry(raw / path), raw / path
    suffix = file.suffix.lower()
    if entry == "a folder" and (is_container(file) or not is_image(path)):
        return None if is_container(file) else _UNNAMED_ZARR
    if entry:
        return f"{entry}, no file", "copy the image again"
    if by_content:
        try:
            with open(raw / path, "rb") as stream:
                head = stream.read(32)
        except OSError:
            return None
        if head.startswith(_READ):
            return None
        for start, kind in _BY_CONTENT.items():
            if head.startswith(start):
                return kind
    return _BY_SUFFIX.get(suffix)


def in_words(kind: tuple[str, str]) -> str:
    """A kind and its remedy, for a list of files."""
    return f"{kind[0]}: {kind[1]}"


def describe_foreign(raw: Path, files: Iterable[str], most: int = 200) -> str:
    """What the files are, by kind, with an example and the remedy; empty if none is known.

    Parameters
    ----------
    most : int
        Files that are looked into.
    """
    kinds: dict[tuple[str, str], list[str]] = defaultdict(list)
    for path in list(files)[:most]:
        # Some that are TIFF or HDF5 inside are not read: FLEX, LSM, Imaris.
        kind = foreign_kind(raw, path) or foreign_kind(raw, path, by_content=False)
        if kind:
            kinds[kind].append(path)
    return "; ".join(
        f"{len(paths)} file(s) such as {paths[0]} are {kind}: {remedy}"
        if len(paths) > 1
        else f"{paths[0]} is {kind}: {remedy}"
        for (kind, remedy), paths in kinds.items()
    )
