"""The one gate through which raw pixels come in: a plane is read whole and checked, or refused.

Accepted as they are: uint16, grey, one plane a page, either byte order, classic or BigTIFF, tiles
or strips, uncompressed or losslessly compressed; 16-bit grey PNG; and uint16 datasets of HDF5 files. What
`livedead.images.stored.DECLARABLE` lists is refused unless the user declared it (``gate.accept``); the
rest is always refused.
"""

from collections.abc import Iterable
from pathlib import Path
from typing import BinaryIO

import numpy as np

from livedead.errors import FieldError
from livedead.images.checksums import check_once, checked_stream
from livedead.images.containers import container_plane, is_container
from livedead.images.guard import MAX_SECONDS, in_time
from livedead.images.hdf5 import HDF5_SUFFIXES, hdf5_plane
from livedead.images.holes import BLOCK_BYTES, find_hole, in_file_order
from livedead.images.png import is_png, png_plane
from livedead.images.stored import StoredPlane
from livedead.images.tiff import open_tiff, tiff_plane


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
    """Read one grey plane of a TIFF, PNG or HDF5 file, or of a container (`livedead.images.containers`).

    Parameters
    ----------
    path : path
        The file. What is checked is what is decoded; HDF5 and large files are checked once a process.
    page : int
        Page of a TIFF file, tile of an HDF5 dataset, or plane of a container's array, from 0.
    pages : int
        How many pages the file has to have; others than expected would be left out unseen.
    dataset, axes : str
        Dataset of an HDF5 file, and its axes: ``yx``, or ``yxn`` or ``nyx`` with n tiles; array of a
        container, which knows its axes.
    accept : iterable of str
        What the user declared, of `livedead.images.stored.DECLARABLE`.
    checksum, n_bytes : (kind, value) and int, optional
        ``sha256`` or ``crc32``, and size, that the file had when the plate was indexed; of a container
        those of the plane's pixels.
    bit_depth : int
        Bits that the camera used, 1 to 16, as declared; never inferred from the pixels.
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
        if is_container(path):
            stored = container_plane(path, dataset, page, accepted, checksum, n_bytes)
        elif dataset or path.suffix.lower() in HDF5_SUFFIXES:
            check_once(path, checksum, n_bytes)
            stored = hdf5_plane(path, dataset, axes, page, accepted)
        else:
            with checked_stream(path, checksum, n_bytes) as stream:
                stored = _file_plane(stream, path, page, pages, accepted)
        _check_content(stored, path, bit_depth, accepted)
        return np.ascontiguousarray(stored.upright(), dtype=np.uint16)

    return in_time(read, path, max_seconds)


def _file_plane(stream: BinaryIO, path: Path, page: int, pages: int, accept: frozenset[str]) -> StoredPlane:
    """A plane of a TIFF or PNG file, whichever it is inside."""
    if is_png(stream):
        return png_plane(stream.read(), path, accept)
    with open_tiff(stream, path) as file:
        return tiff_plane(file, path, page, pages, accept)


def _check_content(stored: StoredPlane, path: Path, bit_depth: int, accept: frozenset[str]) -> None:
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


def _check_written(stored: StoredPlane, path: Path, value: int, declaration: str) -> None:
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
