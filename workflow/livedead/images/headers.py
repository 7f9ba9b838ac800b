"""What the header of a TIFF or PNG file says, before a pixel is decoded."""

import re
from dataclasses import dataclass
from pathlib import Path

import tifffile

from livedead.errors import FieldError
from livedead.images.guard import in_time
from livedead.images.metadata import TO_MICROMETRES
from livedead.images.png import HEADER_BYTES, is_png, png_header
from livedead.images.tiff import open_tiff, page_of, planes_in

_CALIBRATION = re.compile(r'id="spatial-calibration-(state|x|units)"[^<>]*value="([^"<>]*)"')
"""Of MetaMorph and MetaXpress, in the description of the first page."""
_METAXPRESS_TIME = re.compile(r'id="acquisition-time-local"[^<>]*value="([^"<>]*)"')


@dataclass(frozen=True)
class Header:
    """What a file's header says, before a pixel is decoded."""

    pages: int
    """That are planes, see `livedead.images.tiff.planes_in`."""
    height: int
    width: int
    dtype: str
    description: str
    pixel_size_um: float
    """Side of a pixel after ImageJ, MetaMorph or MetaXpress, NaN if they say nothing."""
    taken: str
    """When MetaXpress took the first page, such as ``20240708 14:44:46.693``; empty if nothing says it."""


def read_header(path: str | Path) -> Header:
    """Header of a PNG file, or of a TIFF file's first page; `FieldError` if none can be read."""
    path = Path(path)

    def read() -> Header:
        if path.exists() and not path.is_file():  # a FIFO would wait for its writer
            raise FieldError("unreadable", f"{path}: no file, though named like one")
        with open(path, "rb") as stream:
            if is_png(stream):
                png = png_header(stream.read(HEADER_BYTES), path)
                return Header(1, png.height, png.width, png.dtype, "", float("nan"), "")
            with open_tiff(stream, path) as file:
                return _of_tiff(file)

    return in_time(read, path)


def _of_tiff(file: tifffile.TiffFile) -> Header:
    page = page_of(file, 0)
    taken = _METAXPRESS_TIME.search(page.description)
    return Header(
        planes_in(file),
        page.imagelength,
        page.imagewidth,
        str(page.dtype),
        page.description,
        _pixel_size_um(file, page),
        taken[1] if taken else "",
    )


def _pixel_size_um(file: tifffile.TiffFile, page: tifffile.TiffPage) -> float:
    """Side of a pixel after the program that wrote the file, NaN if that is none of the known."""
    said = dict(_CALIBRATION.findall(page.description))
    if not said:
        return _imagej_pixel_size_um(file, page)
    unit = TO_MICROMETRES.get(said.get("units", ""), float("nan"))
    try:
        return float(said.get("x", "nan")) * unit if said.get("state") == "on" else float("nan")
    except ValueError:
        return float("nan")


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
