"""The one gate through which raw pixels come in: a plane is read whole and checked, or refused."""

import hashlib
import io
from pathlib import Path

import numpy as np
import tifffile
from skimage.io import imread

from livedead.errors import FieldError
from livedead.stores import replacing

MAX_SIDE_PX = 100_000
MAX_PIXELS = 2**31


def read_plane(
    path: str | Path,
    page: int = 0,
    *,
    sha256: str | None = None,
    n_bytes: int | None = None,
    bit_depth: int = 16,
) -> np.ndarray:
    """Read one grey plane of a TIFF file.

    Parameters
    ----------
    path : path
        The file; it is read once, so what is hashed is what is decoded.
    page : int
        Page of the file, from 0.
    sha256, n_bytes : optional
        What the file was when the plate was indexed.
    bit_depth : int
        Bits that the camera used, 1 to 16; a larger value is an error of the declaration.

    Returns
    -------
    ndarray, (H, W), uint16, native byte order

    Raises
    ------
    FieldError
        With codes ``missing_file``, ``changed_since_index``, ``unreadable``, ``truncated``,
        ``wrong_layout``, ``wrong_dtype``, ``wrong_shape``, ``out_of_range``, ``blank``.
    """
    path = Path(path)
    content = _content(path, sha256, n_bytes)
    try:
        with tifffile.TiffFile(content) as file:
            if page >= len(file.pages):
                raise FieldError(
                    "wrong_layout", f"{path}: page {page} of {len(file.pages)}; index the plate again"
                )
            plane = _decode(file.pages[page].aspage(), path)
    except FieldError:
        raise
    except Exception as error:  # decoders raise whatever their C libraries throw
        raise FieldError("unreadable", f"{path}: not a readable TIFF file: {error}") from error
    if plane.size == 0 or (plane == plane.flat[0]).all():
        raise FieldError(
            "blank",
            f"{path}: every pixel is {plane.flat[0] if plane.size else 'absent'}; "
            "the acquisition failed or the file lost its data",
        )
    limit = 2**bit_depth - 1
    if bit_depth < 16 and plane.max(initial=0) > limit:
        raise FieldError(
            "out_of_range",
            f"{path}: value {plane.max()} in an image declared as {bit_depth}-bit (at most {limit}); "
            "correct bit_depth in plates.tsv",
        )
    return plane


def _content(path: Path, sha256: str | None, n_bytes: int | None) -> io.BytesIO:
    """The file's bytes in memory, checked against the index."""
    try:
        content = path.read_bytes()
    except FileNotFoundError as error:
        raise FieldError("missing_file", f"{path}: no such file, though the index lists it") from error
    except OSError as error:
        raise FieldError("unreadable", f"{path}: {error}") from error
    changed = (n_bytes is not None and len(content) != n_bytes) or (
        sha256 is not None and hashlib.sha256(content).hexdigest() != sha256
    )
    if changed:
        raise FieldError(
            "changed_since_index",
            f"{path}: the file is not the one that was indexed; if that was meant, run "
            "'snakemake -R index_plate'",
        )
    return io.BytesIO(content)


def _decode(page: tifffile.TiffPage, path: Path) -> np.ndarray:
    """Pixels of one page, after every promise of its header was checked."""
    if page.photometric != tifffile.PHOTOMETRIC.MINISBLACK or page.samplesperpixel != 1:
        raise FieldError(
            "wrong_layout",
            f"{path}: {tifffile.PHOTOMETRIC(page.photometric).name} image with "
            f"{page.samplesperpixel} sample(s) a pixel; "
            "expected a grey image whose larger values are brighter (MINISBLACK)",
        )
    if page.dtype != np.uint16:
        raise FieldError(
            "wrong_dtype",
            f"{path}: pixels are {page.dtype}, expected uint16; export raw 16-bit images",
        )
    height, width = page.imagelength, page.imagewidth
    if len(page.shape) != 2 or max(height, width) > MAX_SIDE_PX or height * width > MAX_PIXELS:
        raise FieldError("wrong_shape", f"{path}: shape {page.shape}, expected one (H, W) plane")
    end = max((o + n for o, n in zip(page.dataoffsets, page.databytecounts, strict=True)), default=0)
    if end > page.parent.filehandle.size:
        raise FieldError(
            "truncated",
            f"{path}: {page.parent.filehandle.size:,} bytes, but its pixels end at byte {end:,}; "
            "copy the file again",
        )
    orientation = page.tags.get("Orientation")
    if orientation is not None and orientation.value != 1:
        raise FieldError("wrong_layout", f"{path}: orientation tag {orientation.value}, expected 1")
    return np.ascontiguousarray(page.asarray(), dtype=np.uint16)


def write_ome_tiff(path: Path, planes: np.ndarray, channels: list[str], pixel_size_um: float) -> None:
    """Write one field as OME-TIFF (deflate), with pixel size and channel names.

    Parameters
    ----------
    planes : ndarray, (C, H, W), uint16
    """
    metadata = {
        "axes": "CYX",
        "Channel": {"Name": channels},
        "PhysicalSizeX": pixel_size_um,
        "PhysicalSizeY": pixel_size_um,
        "PhysicalSizeXUnit": "µm",
        "PhysicalSizeYUnit": "µm",
    }
    with replacing(path) as temporary:
        tifffile.imwrite(
            temporary, planes, ome=True, compression="zlib", photometric="minisblack", metadata=metadata
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
