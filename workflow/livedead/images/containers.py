"""Planes of containers: opened once a process, each plane held to its own checksum.

The checksum of a plane is that of its pixels as the library gives them: a shard reads no more than its own
planes, and a damaged plane fails alone.
"""

import hashlib
import threading
from collections import defaultdict
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import imagecodecs
import numpy as np

from livedead.errors import ExportError, FieldError, PackageError
from livedead.images.container import ContainedPlane, Container, needed
from livedead.images.czi import CZI_SUFFIX, Czi
from livedead.images.nd2 import ND2_SUFFIX, Nd2
from livedead.images.stored import StoredPlane, as_counts, check_declared, is_too_large, refusal

if TYPE_CHECKING:
    from livedead.images.ome_zarr import OmeZarr


def open_ome_zarr(path: Path) -> "OmeZarr":
    """An OME-Zarr; `ExportError` if what reads it is not installed."""
    with needed(path, "an OME-Zarr"):
        from livedead.images.ome_zarr import OmeZarr
    return OmeZarr(path)


OPENERS: dict[str, Callable[[Path], Container]] = {
    CZI_SUFFIX: Czi,
    ND2_SUFFIX: Nd2,
    ".zarr": open_ome_zarr,
}
"""Suffix of a container -> what opens it."""
_MOST_OPEN = 8
"""Containers that stay open: to open one costs more than to read a plane of it."""
_opening: defaultdict[Path, threading.Lock] = defaultdict(threading.Lock)
"""For each file its own, so that one on a dead share holds up no other."""


def is_container(path: str | Path) -> bool:
    """Whether a path is named like a container."""
    return Path(path).suffix.lower() in OPENERS


def opened(path: Path) -> Container:
    """The open container, the same one as long as the file is the same."""
    status = path.stat()
    with _opening[path]:
        return _open(path, status.st_size, status.st_mtime_ns)


@lru_cache(_MOST_OPEN)
def _open(path: Path, n_bytes: int, mtime_ns: int) -> Container:
    return OPENERS[path.suffix.lower()](path)


def container_plane(
    path: Path,
    dataset: str,
    page: int,
    accept: frozenset[str],
    checksum: tuple[str, str] | None,
    n_bytes: int | None,
) -> StoredPlane:
    """One plane of a container, the one that was indexed."""
    contained = _contained(path, dataset, page)
    pixels = contained.pixels
    where = f"plane {page} of {dataset}"
    if pixels.ndim != 2:
        raise refusal(path, f"{where} has shape {pixels.shape}, expected one grey plane (H, W)")
    if (n_bytes is not None and pixels.nbytes != n_bytes) or (
        checksum is not None and pixel_checksum(pixels, checksum[0]) != checksum[1]
    ):
        raise FieldError(
            "changed_since_index",
            f"{path}: {where} is not the one that was indexed; if that was meant, run "
            "'snakemake -R index_plate'",
        )
    lossy = (
        {"lossy": f"{where}: a compression that may have lost what was measured"} if contained.lossy else {}
    )
    check_declared(path, str(pixels.dtype.newbyteorder("=")), lossy, accept)
    counts = np.ascontiguousarray(as_counts(pixels, path))
    return StoredPlane(counts, 8 * pixels.itemsize, contained.tile, contained.unwritten)


def _contained(path: Path, dataset: str, page: int) -> ContainedPlane:
    """A plane as its library gives it, whose size was looked at before."""
    try:
        container = opened(path)
    except PackageError:
        raise
    except ExportError as error:  # it was in order when it was indexed
        raise FieldError("unreadable", str(error)) from error
    height, width = container.shape(dataset)
    if is_too_large(height, width):
        raise FieldError("too_large", f"{path}: the planes of {dataset} are {height} x {width} px")
    return container.plane(dataset, page)


def plane_fingerprint(path: Path, dataset: str, page: int) -> dict[str, str | int]:
    """``sha256``, ``crc32`` and ``bytes`` of a plane's pixels; `FieldError` if it cannot be read."""
    pixels = _contained(path, dataset, page).pixels
    checksums = {kind: pixel_checksum(pixels, kind) for kind in ("sha256", "crc32")}
    return {**checksums, "bytes": pixels.nbytes}


def pixel_checksum(pixels: np.ndarray, kind: str) -> str:
    """``sha256`` or ``crc32`` of pixels, row by row, the least significant byte first."""
    stored = np.ascontiguousarray(pixels, pixels.dtype.newbyteorder("<"))
    content: Any = stored.reshape(-1).view(np.uint8)  # not copied into bytes
    if kind == "sha256":
        return hashlib.sha256(content).hexdigest()
    return f"{imagecodecs.deflate_crc32(content):08x}"
