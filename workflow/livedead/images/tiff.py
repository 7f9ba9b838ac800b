"""Planes of TIFF files: every promise of the header is checked before its pixels are taken."""

import io
import math
from pathlib import Path
from typing import Any

import numpy as np
import tifffile

from livedead.errors import ExportError, FieldError
from livedead.images.ome_xml import absent_planes, is_ome, read_ome
from livedead.images.segments import check_blocks, check_segments, loses_nothing, next_page
from livedead.images.stored import (
    MAX_PIXELS,
    MAX_SIDE_PX,
    StoredPlane,
    as_counts,
    check_declared,
    grey_of_equal_samples,
    is_too_large,
    refusal,
)

TIFF_SUFFIXES = (".tif", ".tiff", ".btf", ".tf2", ".tf8")
_UIC2_TAG = 33629
"""MetaMorph's; its count is the number of planes."""


def open_tiff(stream: Any, path: Path) -> tifffile.TiffFile:
    """A TIFF file, without the other files of its set."""
    # Named, because tifffile looks at names.
    return tifffile.TiffFile(stream, name=path.name, _multifile=False)


def page_of(file: tifffile.TiffFile, page: int) -> tifffile.TiffPage:
    """A page with all its tags."""
    return file.pages[page].aspage()


def planes_in(file: tifffile.TiffFile) -> int:
    """Pages that are planes: not those at the end that are smaller copies of one, or of a single pixel.

    A pyramid says so by NewSubfileType (TIFF 6.0, page 36); Incucyte keeps metadata in such a pixel.
    """
    n, height = len(file.pages), page_of(file, 0).imagelength
    while n > 1:
        last = page_of(file, n - 1)
        is_copy = last.is_reduced and last.imagelength < height
        if not is_copy and last.imagelength * last.imagewidth > 1:
            break
        n -= 1
    return n


def tiff_plane(
    file: tifffile.TiffFile, path: Path, number: int, pages: int, accept: frozenset[str]
) -> StoredPlane:
    """Pixels of one page, after every promise of its header was checked."""
    if number >= len(file.pages):
        raise FieldError("wrong_layout", f"{path}: page {number} of {len(file.pages)}; index the plate again")
    page = page_of(file, number)
    if "pages" not in accept:
        _check_planes(file, path, pages)
    height, width = page.imagelength, page.imagewidth
    if is_too_large(height, width, page.samplesperpixel):
        raise FieldError(
            "too_large",
            f"{path}: {height} x {width} px; allowed are {MAX_PIXELS:,} pixels, {MAX_SIDE_PX:,} a side",
        )
    unwritten = check_segments(file, page, path)
    photometric = tifffile.PHOTOMETRIC(page.photometric).name.lower()
    tag = page.tags.get("Orientation")
    orientation = 1 if tag is None else int(tag.value)
    _check_kind(file, page, path, accept, photometric, orientation)
    check_blocks(file, page, path)
    pixels = _pixels(file, page)
    if photometric == "rgb":
        pixels = grey_of_equal_samples(pixels, path)
    if photometric == "palette":
        _check_grey_scale(page, path)
    pixels = as_counts(pixels, path)
    if photometric == "miniswhite":
        pixels = np.uint16(255 if str(page.dtype) == "uint8" else 65535) - pixels
    tile = (page.tilelength, page.tilewidth) if page.is_tiled else None
    return StoredPlane(pixels, page.bitspersample, tile, unwritten, orientation)


def _check_kind(
    file: tifffile.TiffFile,
    page: tifffile.TiffPage,
    path: Path,
    accept: frozenset[str],
    photometric: str,
    orientation: int,
) -> None:
    """Refuse kinds of images that were not declared, with all declarations that they need."""
    samples = (page.samplesperpixel,) if photometric == "rgb" else ()
    if page.shape != (page.imagelength, page.imagewidth, *samples):
        raise refusal(path, f"pixels of shape {page.shape}, expected one grey plane (H, W)")
    if not 1 <= orientation <= 8:
        raise refusal(path, f"orientation tag {orientation}, expected 1")
    compression = tifffile.COMPRESSION(page.compression).name
    found = {
        photometric: (photometric != "minisblack", f"{photometric.upper()} image, expected MINISBLACK"),
        "lossy": (
            not loses_nothing(file, page),
            f"compression {compression}, which may have lost what was measured",
        ),
        "orientation": (orientation != 1, f"orientation tag {orientation}, expected 1"),
    }
    check_declared(path, str(page.dtype), {name: what for name, (so, what) in found.items() if so}, accept)


def _pixels(file: tifffile.TiffFile, page: tifffile.TiffPage) -> np.ndarray:
    """Decoded pixels; of a plain file in memory they are not copied, which halves the time."""
    stream = file.filehandle._fh
    plain = page.compression == 1 and page.is_contiguous and page.fillorder == 1
    dtype = np.dtype(page.dtype)
    if not plain or not isinstance(stream, io.BytesIO) or dtype.itemsize * 8 != page.bitspersample:
        return page.asarray()
    values = np.frombuffer(
        stream.getvalue(), dtype.newbyteorder(file.byteorder), page.size, page.dataoffsets[0]
    )
    return values.reshape(page.shape).astype(dtype, copy=False)


def _check_planes(file: tifffile.TiffFile, path: Path, pages: int) -> None:
    """Refuse a file with other planes than the index knows of, shown or hidden or promised."""
    first, n = page_of(file, 0), planes_in(file)
    if n != pages:
        raise refusal(
            path,
            f"{n} page(s), expected {pages}; say what pages are with 'pages' in config.yaml",
            "pages",
        )
    if next_page(file):
        raise FieldError(
            "truncated", f"{path}: page {len(file.pages) + 1} lies where no page is; copy the file again"
        )
    hidden = _stacked(file, first)
    if hidden > pages:
        raise refusal(path, f"a stack of {hidden} planes where {pages} was expected", "pages")
    if is_ome(first.description):
        try:
            absent = absent_planes(read_ome(first.description, path), path.name, len(file.pages))
        except ExportError as error:
            raise FieldError("unreadable", str(error)) from error
        if absent:
            raise refusal(path, f"OME metadata that promises {absent} plane(s) that the file lacks", "pages")


def _stacked(file: tifffile.TiffFile, first: tifffile.TiffPage) -> int:
    """Planes that MetaMorph, ImageJ or tifffile say lie behind the first page, itself included."""
    promised = [1]
    stack = first.tags.get(_UIC2_TAG)
    if stack is not None:
        promised.append(int(stack.count))
    if file.is_imagej and file.imagej_metadata:
        promised.append(int(file.imagej_metadata.get("images", 1)))
    area = max(first.imagelength * first.imagewidth * first.samplesperpixel, 1)
    promised += [math.prod(shaped.get("shape", ())) // area for shaped in file.shaped_metadata or ()]
    return max(promised)


def _check_grey_scale(page: tifffile.TiffPage, path: Path) -> None:
    colours = np.asarray(page.colormap).astype(np.int64)
    if not (colours == colours[:1]).all() or (np.diff(colours[0]) < 0).any():
        raise refusal(path, "a palette that is no rising grey scale")
