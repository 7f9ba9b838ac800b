"""Zeiss CZI files, opened by the package czifile: a subblock is one tile at one time, in one channel."""

import math
import threading
import weakref
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import imagecodecs
import numpy as np

from livedead.errors import ExportError, FieldError
from livedead.images.container import ContainedPlane, needed

if TYPE_CHECKING:
    import czifile

CZI_SUFFIX = ".czi"
_JPEG, _LZW, _JPEG_XR, _ZSTD0, _ZSTD1 = 1, 2, 4, 5, 6
"""Compressions that a directory entry may name; 0 is none."""
_AXES = frozenset("STZCMYX")


class Subblock(NamedTuple):
    """Where one subblock belongs, after the directory of its file; numbers count from 0.

    Attributes
    ----------
    scene, tile, timepoint, z, channel : int
    x_px, y_px : int
        Its upper left corner on the plane in which ZEN lays out all tiles.
    height, width : int
    dtype : str
    """

    scene: int
    tile: int
    timepoint: int
    z: int
    channel: int
    x_px: int
    y_px: int
    height: int
    width: int
    dtype: str

    @property
    def dataset(self) -> str:
        """Name of the array that it is a plane of: a tile of a scene, whose axes are ``tzcyx``."""
        return f"scene {self.scene} tile {self.tile}"


class Czi:
    """An open file; a `livedead.images.container.Container`.

    Attributes
    ----------
    subblocks : list of Subblock
        Those of full resolution, in the order of the directory.
    metadata : str
        The XML document of the whole file.

    Raises
    ------
    ExportError
        If the package is missing, or the file is laid out in a way that is not read.
    ValueError
        If the file is damaged.
    """

    def __init__(self, path: Path):
        with needed(path, "a Zeiss CZI file"):
            import czifile
        self._path = path
        self._bytes = path.stat().st_size
        self._reading = threading.Lock()
        self._file = file = czifile.CziFile(str(path), multifile=False)
        weakref.finalize(self, file.close)
        if not (file.header.directory_position and file.header.metadata_position):
            raise ValueError("it was not written to its end: it has no directory")
        self.metadata: str = file.metadata()
        self._lossless_jpeg_xr = "<CurrentCompressionParameters>Lossless: True<" in self.metadata
        full = [entry for entry in file.subblock_directory if _is_full_resolution(entry)]
        self.subblocks = [self._subblock(entry) for entry in full]
        self._n_z = 1 + max((one.z for one in self.subblocks), default=0)
        self._n_channels = 1 + max((one.channel for one in self.subblocks), default=0)
        self._entries: dict[tuple[str, int], list[tuple[Subblock, Any]]] = {}
        self._shapes: dict[str, tuple[int, int]] = {}
        for one, entry in zip(self.subblocks, full, strict=True):
            self._entries.setdefault((one.dataset, self.page(one)), []).append((one, entry))
            height, width = self._shapes.get(one.dataset, (0, 0))
            self._shapes[one.dataset] = max(height, one.height), max(width, one.width)

    def _subblock(self, entry: "czifile.DirectoryEntryDV") -> Subblock:
        axes = {one.dimension: one for one in entry.dimension_entries}
        start = {axis: one.start for axis, one in axes.items()}
        other = [axis for axis, one in axes.items() if axis not in _AXES and one.start]
        if other or entry.file_part or any(axes[axis].size > 1 for axis in set(axes) - {"X", "Y"}):
            what = (
                f"images that differ in {', '.join(other)}"
                if other
                else "subblocks of several planes or files"
            )
            raise ExportError(
                f"{self._path}: {what}, which are not read; export 16-bit grey OME-TIFF from ZEN"
            )
        scene, tile, timepoint, z, channel, x_px, y_px = (start.get(axis, 0) for axis in "SMTZCXY")
        height, width = axes["Y"].size, axes["X"].size
        dtype = np.dtype(entry.dtype).name
        return Subblock(scene, tile, timepoint, z, channel, x_px, y_px, height, width, dtype)

    def page(self, subblock: Subblock) -> int:
        """Its place among the planes of its array."""
        return (subblock.timepoint * self._n_z + subblock.z) * self._n_channels + subblock.channel

    def tags(self, subblock: Subblock) -> str:
        """XML that the microscope wrote with a subblock; empty if there is none."""
        _, entry = self._entries[subblock.dataset, self.page(subblock)][0]
        with self._reading:
            segment = entry.data_segment()
            return segment.metadata(raw=True) if 0 < segment.metadata_size < self._bytes else ""

    def time_stamps(self) -> list[float]:
        """Seconds of each timepoint, which ZEN attaches to a file; empty if it has none."""
        if not self._file.header.attachment_directory_position:
            return []
        with self._reading:
            for entry in self._file.attachment_directory:
                if entry.content_file_type == "CZTIMS":
                    content = entry.data_segment().data(raw=True)
                    return np.frombuffer(content, "<f8", int.from_bytes(content[4:8], "little"), 8).tolist()
        return []

    def shape(self, dataset: str) -> tuple[int, int]:
        """Height and width of the planes of a tile."""
        if dataset not in self._shapes:
            raise FieldError("wrong_layout", f"{self._path}: no array {dataset!r}; index the plate again")
        return self._shapes[dataset]

    def plane(self, dataset: str, page: int) -> ContainedPlane:
        """The pixels of one subblock."""
        where = f"{self._path}: plane {page} of {dataset}"
        found = self._entries.get((dataset, page), [])
        if len(found) != 1:
            code = "doubled" if found else "missing_plane"
            raise FieldError(code, f"{where}: {len(found)} subblocks, expected one")
        subblock, entry = found[0]
        with self._reading:
            segment = entry.data_segment()
            if not 0 < segment.data_size <= self._bytes:
                raise FieldError("truncated", f"{where}: {segment.data_size} bytes; copy the file again")
            raw = segment.data(raw=True)
        if len(raw) != segment.data_size or str(segment.directory_entry) != str(entry):
            raise FieldError("truncated", f"{where} is not where the directory says; copy the file again")
        dtype = np.dtype(entry.dtype)
        shape = (subblock.height, subblock.width)
        pixels = _decoded(raw, entry.compression, shape, dtype)
        lossy = entry.compression == _JPEG or (entry.compression == _JPEG_XR and not self._lossless_jpeg_xr)
        return ContainedPlane(pixels, lossy=lossy)


def _is_full_resolution(entry: "czifile.DirectoryEntryDV") -> bool:
    """Whether a subblock is an image, and not a smaller copy of some."""
    return all(one.size == one.stored_size for one in entry.dimension_entries if one.dimension in "XY")


def _decoded(raw: bytes, compression: int, shape: tuple[int, int], dtype: np.dtype) -> np.ndarray:
    """Pixels of a subblock; decoders are told how many bytes it may have."""
    n_bytes = math.prod(shape) * dtype.itemsize
    if compression in (_JPEG, _JPEG_XR):
        out = np.empty(shape + dtype.shape, dtype.base)
        decode = imagecodecs.jpeg8_decode if compression == _JPEG else imagecodecs.jpegxr_decode
        return decode(raw, out=out)
    content: bytes | bytearray | np.ndarray = raw
    if compression == _LZW:
        content = imagecodecs.lzw_decode(raw, out=n_bytes)
    elif compression == _ZSTD0:
        content = imagecodecs.zstd_decode(raw, out=n_bytes)
    elif compression == _ZSTD1:
        content = _zstd1_decoded(raw, n_bytes)
    elif compression:
        raise ValueError(f"compression {compression} is not known")
    return np.frombuffer(content, dtype.base).reshape(shape + dtype.shape)


def _zstd1_decoded(raw: bytes, n_bytes: int) -> bytes | bytearray | np.ndarray:
    """Pixels after a header of ``1``, or of ``3 1 x`` where the last bit of x says that bytes were sorted.

    Sorted are the low bytes of all 16-bit pixels before the high ones (libCZI, 'Using the ZStd compression').
    """
    header = raw[0]
    if header not in (1, 3) or (header == 3 and raw[1] != 1):
        raise ValueError(f"a header of zstd1 that is not known: {raw[:3]!r}")
    content = imagecodecs.zstd_decode(raw[header:], out=n_bytes)
    if header == 1 or not raw[2] & 1:
        return content
    low, high = np.frombuffer(content, np.uint8).reshape(2, -1)
    pixels = high.astype("<u2")
    pixels <<= 8
    pixels |= low
    return pixels
