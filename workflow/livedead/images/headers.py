"""What the header of a TIFF file says, before a pixel is decoded."""

import re
from dataclasses import dataclass
from pathlib import Path

import tifffile

from livedead.errors import FieldError
from livedead.images.guard import in_time
from livedead.images.metadata import TO_MICROMETRES
from livedead.images.tiff import open_tiff, page_of

_METAXPRESS_TIME = re.compile(r'id="acquisition-time-local"[^<>]*value="([^"<>]*)"')


@dataclass(frozen=True)
class Header:
    """What a file's header says, before a pixel is decoded."""

    pages: int
    height: int
    width: int
    dtype: str
    description: str
    pixel_size_um: float
    """Side of a pixel after ImageJ, NaN if it says nothing."""
    taken: str
    """When MetaXpress took the first page, such as ``20240708 14:44:46.693``; empty if nothing says it."""


def read_header(path: str | Path) -> Header:
    """Header of a TIFF file's first page; `FieldError` if it has none that can be read."""
    path = Path(path)

    def read() -> Header:
        if path.exists() and not path.is_file():  # a FIFO would wait for its writer
            raise FieldError("unreadable", f"{path}: no file, though named like one")
        with open(path, "rb") as stream, open_tiff(stream, path) as file:
            page = page_of(file, 0)
            taken = _METAXPRESS_TIME.search(page.description)
            return Header(
                len(file.pages),
                page.imagelength,
                page.imagewidth,
                str(page.dtype),
                page.description,
                _imagej_pixel_size_um(file, page),
                taken[1] if taken else "",
            )

    return in_time(read, path)


def _imagej_pixel_size_um(file: tifffile.TiffFile, page: tifffile.TiffPage) -> float:
    """Side of a pixel after ImageJ's ``unit`` and the TIFF's XResolution; NaN where they name no length.

    ImageJ writes the resolution in its own unit and leaves TIFF's ResolutionUnit at none.
    """
    resolution = page.tags.get("XResolution")
    if not file.is_imagej or not file.imagej_metadata or resolution is None or 0 in resolution.value:
        return float("nan")
    unit = str(file.imagej_metadata.get("unit", "")).replace("\\u00B5", "µ").replace("micron", "um")
    pixels, units = resolution.value
    return TO_MICROMETRES.get(unit.removesuffix("s"), float("nan")) / (pixels / units)
