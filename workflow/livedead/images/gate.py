"""The one gate through which raw pixels come in: a plane is read whole and checked, or refused.

Accepted as they are: uint16, grey, one plane a page, either byte order, classic or BigTIFF, tiles
or strips, uncompressed or losslessly compressed; and uint16 datasets of HDF5 files. Everything in
`DECLARABLE` is refused unless the user declared it (``gate.accept``); the rest is refused always.
"""

import hashlib
import io
import math
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import h5py
import imagecodecs
import numpy as np
import tifffile
from skimage.io import imread

from livedead.errors import ExportError, FieldError
from livedead.images.holes import BLOCK_BYTES, find_hole, in_file_order
from livedead.images.metadata import absent_planes, imagej_pixel_size_um, is_ome, read_ome
from livedead.images.segments import check_blocks, check_segments, loses_nothing, next_page
from livedead.stores import replacing

MAX_SIDE_PX = 100_000
MAX_PIXELS = 2**29
MAX_SECONDS = 120.0
"""Time that one file may take: a dead network share must not hold up the plate for ever."""
IN_MEMORY_BYTES = 2**26
"""Larger files hold many planes: they are checked once, not once a plane."""
_BLOCK_BYTES = 2**20

DECLARABLE = {
    "uint8": "8-bit pixels",
    "int16": "signed 16-bit pixels, none of them negative",
    "float": "floating-point pixels that are whole numbers of 0 to 65535",
    "miniswhite": "images whose larger values are darker, turned round",
    "palette": "palette images whose colours are a rising grey scale, read by index",
    "rgb": "colour images whose samples are all equal",
    "lossy": "pixels compressed with loss, such as JPEG",
    "orientation": "images with an orientation tag, turned upright",
    "pages": "files that hold or promise more planes than are used",
    "zeros": "long runs of zeros, such as the margins of stitched fields, and tiles never written",
    "white": "long runs of the largest value, such as white margins of stitched fields",
}
"""What ``gate.accept`` may declare."""

_HDF5_SUFFIXES = (".h5", ".hdf5", ".hdf", ".he5")
_UIC2_TAG = 33629

Result = TypeVar("Result")


@dataclass(frozen=True)
class _Stored:
    """A plane as it lies in its file.

    Attributes
    ----------
    pixels : ndarray, (H, W), uint16
    bits : int
        Of a pixel.
    tile : tuple, optional
        (height, width) of the tiles or chunks that it lies in.
    unwritten : bool
        Whether some of these were never written and were filled with zeros.
    orientation : int
        TIFF orientation tag, not yet undone.
    """

    pixels: np.ndarray
    bits: int
    tile: tuple[int, int] | None
    unwritten: bool
    orientation: int = 1


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


def read_header(path: str | Path) -> Header:
    """Header of a TIFF file's first page; `FieldError` if it has none that can be read."""
    path = Path(path)

    def read() -> Header:
        if path.exists() and not path.is_file():  # a FIFO would wait for its writer
            raise FieldError("unreadable", f"{path}: no file, though named like one")
        with open(path, "rb") as stream, _tiff(stream, path) as file:
            page = _page(file, 0)
            return Header(
                len(file.pages),
                page.imagelength,
                page.imagewidth,
                str(page.dtype),
                page.description,
                _imagej_pixel_size_um(file, page),
            )

    return _in_time(read, path)


def _imagej_pixel_size_um(file: tifffile.TiffFile, page: tifffile.TiffPage) -> float:
    resolution = page.tags.get("XResolution")
    if not file.is_imagej or not file.imagej_metadata or resolution is None or resolution.value[1] == 0:
        return float("nan")
    return imagej_pixel_size_um(file.imagej_metadata, resolution.value[0] / resolution.value[1])


def read_plane(
    path: str | Path,
    page: int = 0,
    *,
    pages: int = 1,
    dataset: str = "",
    axes: str = "",
    accept: Iterable[str] = (),
    checksum: tuple[str, str] | None = None,
    n_bytes: int | None = None,
    bit_depth: int = 16,
    max_seconds: float = MAX_SECONDS,
) -> np.ndarray:
    """Read one grey plane of a TIFF or HDF5 file.

    Parameters
    ----------
    path : path
        The file. It is read once, so what is checked is what is decoded; only HDF5 files and
        files over `IN_MEMORY_BYTES` are checked by themselves, once per process.
    page : int
        Page of a TIFF file, or tile of an HDF5 dataset, from 0.
    pages : int
        How many pages the file has to have; others than expected would be left out unseen.
    dataset : str
        Dataset of an HDF5 file.
    axes : str
        Its axes: ``yx``, or ``yxn`` or ``nyx`` with n tiles.
    accept : iterable of str
        What the user declared, of `DECLARABLE`.
    checksum : (kind, value), optional
        ``sha256`` or ``crc32`` of the file, see `file_checksums`, when the plate was indexed.
    n_bytes : int, optional
        Its size then.
    bit_depth : int
        Bits that the camera used, 1 to 16; a larger value is an error of the declaration. It
        is never inferred from the pixels.
    max_seconds : float
        Time after which the file is given up.

    Returns
    -------
    ndarray, (H, W), uint16, native byte order

    Raises
    ------
    FieldError
        With codes ``missing_file``, ``changed_since_index``, ``unreadable``, ``truncated``,
        ``wrong_layout``, ``wrong_dtype``, ``wrong_shape``, ``too_large``, ``out_of_range``,
        ``blank``, ``timed_out``.
    """
    path = Path(path)
    accepted = frozenset(accept)

    def read() -> np.ndarray:
        if dataset or path.suffix.lower() in _HDF5_SUFFIXES:
            _check_once(path, checksum, n_bytes)
            stored = _hdf5_plane(path, dataset, axes, page, accepted)
        else:
            with _checked_stream(path, checksum, n_bytes) as stream, _tiff(stream, path) as file:
                stored = _tiff_plane(file, path, page, pages, accepted)
        _check_content(stored, path, bit_depth, accepted)
        return np.ascontiguousarray(_upright(stored.pixels, stored.orientation), dtype=np.uint16)

    return _in_time(read, path, max_seconds)


def _check_content(stored: _Stored, path: Path, bit_depth: int, accept: frozenset[str]) -> None:
    """Refuse a plane that holds one value only, what a file lost, or more than the camera can say."""
    pixels, limit = stored.pixels, 2**bit_depth - 1
    low, high = int(pixels.min(initial=65535)), int(pixels.max(initial=0))
    if low >= high:
        raise FieldError(
            "blank",
            f"{path}: every pixel is {high if pixels.size else 'absent'}; "
            "the acquisition failed or the file lost its data",
        )
    if stored.unwritten and "zeros" not in accept:
        raise FieldError(
            "blank",
            f"{path}: some of its strips, tiles or chunks were never written; export it again, or, if they "
            "are to be zeros, declare them in config.yaml: gate: {accept: [zeros]}",
        )
    if low == 0 and "zeros" not in accept:
        _check_written(stored, path, 0, "zeros")
    if high == 2**stored.bits - 1 and "white" not in accept:
        _check_written(stored, path, high, "white")
    if high > limit:
        raise FieldError(
            "out_of_range",
            f"{path}: value {high} in an image declared as {bit_depth}-bit (at most {limit}); "
            "correct bit_depth in plates.tsv",
        )


def _check_written(stored: _Stored, path: Path, value: int, declaration: str) -> None:
    """Refuse a plane with runs of an extreme value that only lost data, or a margin, makes."""
    shortest = BLOCK_BYTES * 8 // stored.bits - 1
    in_order = in_file_order(stored.pixels, stored.tile)
    hole = find_hole(in_order, value, shortest)
    if hole is not None:
        row, column = divmod(hole[0], in_order.shape[1])
        where = f", from row {row}, column {column} on," if in_order is stored.pixels else ""
        what = f"{hole[1] - hole[0]:,} pixels in a row{where} are {value}, and those above and below are not"
    elif _has_margin(stored.pixels, value, shortest):
        what = f"columns of the value {value} only"
    else:
        return
    raise FieldError(
        "blank",
        f"{path}: {what}, as where a file lost a block of its data; copy it again, or, if they are the "
        f"margin of a stitched field, declare them in config.yaml: gate: {{accept: [{declaration}]}}",
    )


def _has_margin(pixels: np.ndarray, value: int, shortest: int) -> bool:
    """Whether a hundredth of the columns or more have one extreme value only, and end abruptly."""
    empty = (pixels == value).all(axis=0).sum()
    if empty < max(2, pixels.shape[1] // 100):
        return False
    return find_hole(np.ascontiguousarray(pixels.T), value, shortest) is not None


def _in_time(read: Callable[[], Result], path: Path, max_seconds: float = MAX_SECONDS) -> Result:
    """Call `read` in a thread that is left behind if it takes too long; errors become `FieldError`."""
    results: list[Result] = []
    errors: list[BaseException] = []

    def call() -> None:
        try:
            results.append(read())
        except BaseException as error:  # handed to the caller's thread below
            errors.append(error)

    thread = threading.Thread(target=call, daemon=True)
    thread.start()
    thread.join(max_seconds)
    if thread.is_alive():
        raise FieldError(
            "timed_out", f"{path}: not read within {max_seconds:g} s; is the disk or the share in order?"
        )
    if not errors:
        return results[0]
    error = errors[0]
    if isinstance(error, FieldError):
        raise error
    if isinstance(error, FileNotFoundError):
        raise FieldError("missing_file", f"{path}: no such file, though the export lists it") from error
    if isinstance(error, MemoryError):
        raise FieldError("too_large", f"{path}: no memory for its pixels") from error
    if isinstance(error, Exception):  # decoders raise whatever their C libraries throw
        raise FieldError("unreadable", f"{path}: not a readable image file: {error}") from error
    raise error


def _changed(path: Path) -> FieldError:
    return FieldError(
        "changed_since_index",
        f"{path}: the file is not the one that was indexed; if that was meant, run "
        "'snakemake -R index_plate'",
    )


def file_checksums(path: str | Path) -> dict[str, str]:
    """``sha256`` and ``crc32`` of a file, in hexadecimal.

    Either finds what disks and networks do to a file; the second takes a twentieth of the time.
    """
    sha256, crc32 = hashlib.sha256(), 0
    with open(path, "rb") as stream:
        while block := stream.read(_BLOCK_BYTES):
            sha256.update(block)
            crc32 = imagecodecs.deflate_crc32(block, crc32)
    return {"sha256": sha256.hexdigest(), "crc32": f"{crc32:08x}"}


def _checksum(content: bytes, kind: str) -> str:
    if kind == "sha256":
        return hashlib.sha256(content).hexdigest()
    return f"{imagecodecs.deflate_crc32(content):08x}"


def _checked_stream(
    path: Path, checksum: tuple[str, str] | None, n_bytes: int | None
) -> io.BytesIO | io.BufferedReader:
    """The file, checked against the index: in memory if it is small enough."""
    if path.stat().st_size > IN_MEMORY_BYTES:
        _check_once(path, checksum, n_bytes)
        return open(path, "rb")
    content = path.read_bytes()
    if (n_bytes is not None and len(content) != n_bytes) or (
        checksum is not None and _checksum(content, checksum[0]) != checksum[1]
    ):
        raise _changed(path)
    return io.BytesIO(content)


_checked: dict[tuple[str, int, int, tuple[str, str]], None] = {}
_checking = threading.Lock()


def _check_once(path: Path, checksum: tuple[str, str] | None, n_bytes: int | None) -> None:
    """Compare a file with the index the first time that this process meets it as it is."""
    found = path.stat()
    if n_bytes is not None and found.st_size != n_bytes:
        raise _changed(path)
    if checksum is None:
        return
    key = str(path), found.st_size, found.st_mtime_ns, checksum
    with _checking:
        if key in _checked:
            return
        if file_checksums(path)[checksum[0]] != checksum[1]:
            raise _changed(path)
        _checked[key] = None


def _tiff(stream: Any, path: Path) -> tifffile.TiffFile:
    # Named, because tifffile looks at names; alone, because it would open a set's other files.
    return tifffile.TiffFile(stream, name=path.name, _multifile=False)


def _page(file: tifffile.TiffFile, page: int) -> tifffile.TiffPage:
    return file.pages[page].aspage()


def _refuse(path: Path, what: str, declaration: str | None, code: str = "wrong_layout") -> FieldError:
    way = "" if declaration is None else f", or declare it in config.yaml: gate: {{accept: [{declaration}]}}"
    return FieldError(code, f"{path}: {what}; export raw 16-bit grey images{way}")


def _tiff_plane(
    file: tifffile.TiffFile, path: Path, number: int, pages: int, accept: frozenset[str]
) -> _Stored:
    """Pixels of one page, after every promise of its header was checked."""
    if number >= len(file.pages):
        raise FieldError("wrong_layout", f"{path}: page {number} of {len(file.pages)}; index the plate again")
    page = _page(file, number)
    if "pages" not in accept:
        _check_planes(file, path, pages)
    height, width = page.imagelength, page.imagewidth
    if max(height, width) > MAX_SIDE_PX or height * width * page.samplesperpixel > MAX_PIXELS:
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
        pixels = _grey_of_equal_samples(pixels, path)
    if photometric == "palette":
        _check_grey_scale(page, path)
    pixels = _counts(pixels, path)
    if photometric == "miniswhite":
        pixels = np.uint16(255 if str(page.dtype) == "uint8" else 65535) - pixels
    tile = (page.tilelength, page.tilewidth) if page.is_tiled else None
    return _Stored(pixels, page.bitspersample, tile, unwritten, orientation)


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
        raise _refuse(path, f"pixels of shape {page.shape}, expected one grey plane (H, W)", None)
    if not 1 <= orientation <= 8:
        raise _refuse(path, f"orientation tag {orientation}, expected 1", None)
    dtype, compression = str(page.dtype), tifffile.COMPRESSION(page.compression).name
    found = {
        photometric: (photometric != "minisblack", f"{photometric.upper()} image, expected MINISBLACK"),
        "lossy": (
            not loses_nothing(file, page),
            f"compression {compression}, which may have lost what was measured",
        ),
        "orientation": (orientation != 1, f"orientation tag {orientation}, expected 1"),
        _declaration(dtype): (dtype != "uint16", f"pixels are {dtype}, expected uint16"),
    }
    needed = {name: what for name, (is_so, what) in found.items() if is_so and name not in accept}
    if not needed:
        return
    declarable = all(name in DECLARABLE for name in needed)
    code = "wrong_dtype" if list(needed) == [_declaration(dtype)] else "wrong_layout"
    raise _refuse(path, "; ".join(needed.values()), ", ".join(needed) if declarable else None, code)


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
    first = _page(file, 0)
    if len(file.pages) != pages:
        raise _refuse(
            path,
            f"{len(file.pages)} page(s), expected {pages}; say what pages are with 'pages' in config.yaml",
            "pages",
        )
    if next_page(file):
        raise FieldError("truncated", f"{path}: page {pages + 1} lies where no page is; copy the file again")
    hidden = 1
    stack = first.tags.get(_UIC2_TAG)
    if stack is not None:
        hidden = max(hidden, int(stack.count))
    if file.is_imagej and file.imagej_metadata:
        hidden = max(hidden, int(file.imagej_metadata.get("images", 1)))
    for shaped in file.shaped_metadata or ():
        area = first.imagelength * first.imagewidth * first.samplesperpixel
        hidden = max(hidden, math.prod(shaped.get("shape", ())) // max(area, 1))
    if hidden > pages:
        raise _refuse(path, f"a stack of {hidden} planes where {pages} was expected", "pages")
    if is_ome(first.description):
        try:
            absent = absent_planes(read_ome(first.description, path), path.name, len(file.pages))
        except ExportError as error:
            raise FieldError("unreadable", str(error)) from error
        if absent:
            raise _refuse(path, f"OME metadata that promises {absent} plane(s) that the file lacks", "pages")


def _declaration(dtype: str) -> str:
    """What declares pixels of a type, if anything does."""
    return "float" if dtype.startswith("float") else dtype


def _counts(pixels: np.ndarray, path: Path) -> np.ndarray:
    """Declared pixels of another type as uint16; none is changed, cut or scaled."""
    if pixels.dtype == np.uint16 or pixels.dtype == np.uint8:
        return pixels.astype(np.uint16, copy=False)
    with np.errstate(invalid="ignore"):
        counts = pixels.astype(np.uint16)
    if not np.array_equal(counts.astype(pixels.dtype), pixels) or pixels.min(initial=0) < 0:
        raise FieldError(
            "out_of_range",
            f"{path}: {pixels.dtype} pixels of {pixels.min()} to {pixels.max()}; "
            "allowed are the whole numbers 0 to 65535",
        )
    return counts


def _grey_of_equal_samples(pixels: np.ndarray, path: Path) -> np.ndarray:
    if not (pixels == pixels[..., :1]).all():
        raise _refuse(path, "a colour image whose samples differ", None)
    return pixels[..., 0]


def _check_grey_scale(page: tifffile.TiffPage, path: Path) -> None:
    colours = np.asarray(page.colormap).astype(np.int64)
    if not (colours == colours[:1]).all() or (np.diff(colours[0]) < 0).any():
        raise _refuse(path, "a palette that is no rising grey scale", None)


def _upright(pixels: np.ndarray, orientation: int) -> np.ndarray:
    """Undo the TIFF orientation tag (TIFF 6.0, page 36): where row 0 and column 0 are seen."""
    if orientation >= 5:
        pixels = pixels.T
    pixels = pixels[::-1] if orientation in (3, 4, 7, 8) else pixels
    return pixels[:, ::-1] if orientation in (2, 3, 6, 7) else pixels


def _hdf5_plane(path: Path, dataset: str, axes: str, tile: int, accept: frozenset[str]) -> _Stored:
    """One tile of a dataset, or a dataset of two axes whole."""
    with h5py.File(path, "r") as file:
        data = hdf5_datasets(file, path).get(dataset)
        if data is None:
            raise FieldError("wrong_layout", f"{path}: no dataset {dataset!r}; index the plate again")
        sizes = dict(zip(axes, data.shape, strict=False))
        if len(axes) != data.ndim or not {"y", "x"} <= set(axes) or tile >= sizes.get("n", 1):
            raise FieldError(
                "wrong_shape",
                f"{path}: dataset {dataset!r} has shape {data.shape}, not axes {axes!r} with tile {tile}; "
                "index the plate again",
            )
        height, width = sizes["y"], sizes["x"]
        if max(height, width) > MAX_SIDE_PX or height * width > MAX_PIXELS:
            raise FieldError("too_large", f"{path}: dataset {dataset!r} has shape {data.shape}")
        dtype = str(data.dtype.newbyteorder("="))
        declaration = _declaration(dtype)
        if dtype != "uint16" and declaration not in accept:
            declared = declaration if declaration in DECLARABLE else None
            raise _refuse(path, f"pixels are {dtype}, expected uint16", declared, "wrong_dtype")
        pixels = data[tuple(tile if axis == "n" else slice(None) for axis in axes)]
        chunk = data.chunks and tuple(
            side for axis, side in zip(axes, data.chunks, strict=True) if axis != "n"
        )
        unwritten = _is_unwritten(data, axes, tile)
    return _Stored(np.ascontiguousarray(_counts(pixels, path)), 8 * pixels.itemsize, chunk, unwritten)


def _is_unwritten(data: h5py.Dataset, axes: str, tile: int) -> bool:
    """Whether any chunk that a tile lies in was never written."""
    if data.chunks is None or data.id.get_space_status() == h5py.h5d.SPACE_STATUS_ALLOCATED:
        return False
    plane = tuple(slice(tile, tile + 1) if axis == "n" else slice(None) for axis in axes)
    for chunk in data.iter_chunks(plane):
        first = tuple(s.start // side * side for s, side in zip(chunk, data.chunks, strict=True))
        if data.id.get_chunk_info_by_coord(first).byte_offset is None:
            return True
    return False


def hdf5_datasets(file: h5py.File, path: Path) -> dict[str, h5py.Dataset]:
    """Every dataset of an open file by name; `FieldError` if one leads to another file."""
    found = {}

    def visit(name: str, entry: Any) -> None:
        if isinstance(entry, h5py.Dataset):
            if entry.external or entry.is_virtual:
                raise FieldError("wrong_layout", f"{path}: dataset {name!r} lies in another file")
            found[name] = entry

    file.visititems(visit)  # follows hard links only
    return found


def write_ome_tiff(
    path: Path,
    images: Iterable[tuple[str, Iterable[np.ndarray]]],
    shape: tuple[int, int, int, int],
    channels: list[str],
    pixel_size_um: float,
) -> None:
    """Write the fields of one well as OME-TIFF (deflate), one plane in memory at a time.

    Parameters
    ----------
    images : iterable of (name, planes)
        An OME image each, such as a field; its planes, (H, W) uint16, channel by channel,
        timepoint after timepoint.
    shape : tuple
        (T, C, H, W) of every image.
    channels : list of str
        Their names.
    """
    metadata = {
        "axes": "TCYX",
        "Channel": {"Name": channels},
        "PhysicalSizeX": pixel_size_um,
        "PhysicalSizeY": pixel_size_um,
        "PhysicalSizeXUnit": "µm",
        "PhysicalSizeYUnit": "µm",
    }
    with replacing(path) as temporary, tifffile.TiffWriter(temporary, ome=True) as file:
        for name, planes in images:
            file.write(
                iter(planes),
                shape=shape,
                dtype=np.uint16,
                compression="zlib",
                photometric="minisblack",
                metadata={**metadata, "Name": name},
            )


def read_instances(path: str | Path) -> np.ndarray:
    """Read an instance mask (0 background, 1, 2, ... one number per object).

    Returns
    -------
    ndarray, (H, W), int32

    Raises
    ------
    FieldError
        If the file is absent, unreadable, or not one grey plane of integers.
    """
    try:
        mask = np.asarray(imread(path))
    except FileNotFoundError as error:
        raise FieldError("missing_file", f"{path}: no such mask") from error
    except Exception as error:  # any decoder
        raise FieldError("unreadable", f"{path}: not a readable image: {error}") from error
    if mask.ndim != 2 or mask.dtype.kind not in "ui":
        raise FieldError("wrong_layout", f"{path}: {mask.dtype} {mask.shape}, expected integers (H, W)")
    return mask.astype(np.int32)
