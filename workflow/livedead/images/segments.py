"""Where the strips or tiles of a TIFF page lie in its file, held to what can be.

Decoders cut, pad and repeat without a word: what a header says of its strips is checked before.
"""

import math
import struct
import zlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import tifffile

from livedead.errors import FieldError
from livedead.images.holes import BLOCK_BYTES, find_hole

_SUB_DIRECTORIES, _EXIF_DIRECTORY = 330, 34665
_OFFSET_TYPES = {4: (4, 13), 8: (16, 18)}
_ENTRY = np.dtype([("code", "u2"), ("type", "u2"), ("count", "u4"), ("value", "u4")])
_BIG_ENTRY = np.dtype([("code", "u2"), ("type", "u2"), ("count", "u8"), ("value", "u8")])
_FIRST_PRIVATE_TAG = 32768
"""From here on a tag's count may mean what its maker likes."""
_VALUE_BYTES = np.array([0, 1, 1, 2, 4, 8, 1, 1, 2, 4, 8, 4, 8, 4, 0, 0, 8, 8, 8])
"""By type of a tag, TIFF 6.0 page 15 and BigTIFF."""
_LOSSLESS = {"NONE", "LZW", "ADOBE_DEFLATE", "DEFLATE", "PACKBITS", "ZSTD", "ZSTD_DEPRECATED", "LZMA", "PNG"}
_LERC_PARAMETERS = 50674
_LERC_UNPACK: dict[int, Callable[[bytes], Any]] = {0: bytes, 1: zlib.decompress, 2: imagecodecs.zstd_decode}
"""By LercParameters: plain, deflate, zstd (https://gdal.org/en/stable/drivers/raster/gtiff.html)."""
_AS_LONG_AS_MAY_BE = 2**60
"""Beyond the end of any file, and two of them can be added."""


def check_segments(file: tifffile.TiffFile, page: tifffile.TiffPage, path: Path) -> bool:
    """Make sure that the strips or tiles of a page are as many and as long as its size needs, and its own.

    They must lie within the file, apart from each other, and outside the file's header, its
    directories and the values of their tags. Where StripByteCounts (TileByteCounts) is absent or 0
    and nothing is compressed, the size of the image says it, and `page.databytecounts` is set to it.

    Returns
    -------
    bool
        Whether some of them were never written: offset and length are 0, which decoders fill with zeros.

    Raises
    ------
    FieldError
        ``truncated``, ``wrong_shape``, ``wrong_layout``, or ``blank`` if none was written.
    """
    kind = "Tile" if page.is_tiled else "Strip"
    n_needed = math.prod(page.chunked)
    listed = page.tags.get(f"{kind}Offsets")
    if listed is None or not listed.count == len(page.dataoffsets) == n_needed:
        raise _does_not_fit(
            page, path, f"{n_needed} {kind.lower()}s", "none" if listed is None else listed.count
        )
    offsets = _as_array(page.dataoffsets)
    lengths = _lengths(page, path, kind, offsets)
    written = (offsets > 0) | (lengths > 0)
    if not written.any():
        raise FieldError("blank", f"{path}: not one of its {kind.lower()}s was written (all offsets are 0)")
    if page.compression == 1:
        _check_plain_lengths(page, path, lengths[written], written[-1])
    starts, ends = offsets[written], (offsets + lengths)[written]
    size = file.filehandle.size
    if ends.max() > size:
        raise FieldError(
            "truncated",
            f"{path}: {size:,} bytes, but its pixels end at byte {ends.max():,}; copy the file again",
        )
    _check_apart(file, path, kind.lower(), starts, ends)
    # tifffile reads pages of one strip, and all MetaMorph stacks, from the first offset on.
    if page.is_contiguous and (offsets[1:] != (offsets + lengths)[:-1]).any():
        raise FieldError(
            "wrong_layout", f"{path}: strips that do not follow each other; export it as plain TIFF"
        )
    page.databytecounts = tuple(lengths.tolist())
    return not written.all()


def _as_array(values: Sequence[int]) -> np.ndarray:
    return np.minimum(np.array(values, np.uint64), _AS_LONG_AS_MAY_BE).astype(np.int64)


def _lengths(page: tifffile.TiffPage, path: Path, kind: str, offsets: np.ndarray) -> np.ndarray:
    """Bytes of each strip or tile: what the tag says, or, where it says nothing, what pixels take."""
    tag = page.tags.get(f"{kind}ByteCounts")
    if tag is not None and len(page.databytecounts) != len(offsets):
        raise _does_not_fit(page, path, f"{len(offsets)} lengths of its {kind.lower()}s", tag.count)
    lengths = np.zeros(len(offsets), np.int64) if tag is None else _as_array(page.databytecounts)
    unsaid = (lengths == 0) & (offsets > 0)
    if unsaid.any() and page.compression != 1:
        raise FieldError(
            "wrong_layout",
            f"{path}: the tag {kind}ByteCounts is {'absent' if tag is None else 0}, so where its compressed "
            f"{kind.lower()}s end is not known; save the image again with the program that can open it",
        )
    whole, last = _plain_lengths(page)
    pixels = np.full(len(offsets), whole)
    pixels[-1] = last
    return np.where(unsaid, pixels, lengths)


def _plain_lengths(page: tifffile.TiffPage) -> tuple[int, int]:
    """Bytes of an uncompressed strip or tile, and of the last strip if it ends with the image."""
    rows, *row = page.chunks
    row_bytes = -(-math.prod(row) * page.bitspersample // 8)
    whole = rows * row_bytes
    if page.is_tiled:
        return whole, whole
    strips_of_a_sample = -(-page.imagelength // rows)
    return whole, (page.imagelength - (strips_of_a_sample - 1) * rows) * row_bytes


def _check_plain_lengths(
    page: tifffile.TiffPage, path: Path, lengths: np.ndarray, last_is_there: bool
) -> None:
    # The last strip may be as long as the others, or end with the image.
    whole, last = _plain_lengths(page)
    inner = lengths[:-1] if last_is_there else lengths
    if (inner != whole).any() or (last_is_there and lengths[-1] not in (whole, last)):
        bits = lengths.sum() * 8 / (page.imagelength * page.imagewidth * page.samplesperpixel)
        raise _does_not_fit(page, path, f"{page.bitspersample} bits a pixel", f"{bits:.4g}")


def _does_not_fit(page: tifffile.TiffPage, path: Path, needed: str, found: object) -> FieldError:
    return FieldError(
        "wrong_shape",
        f"{path}: {page.imagelength} x {page.imagewidth} px of {page.bitspersample} bits are not what its "
        f"strips or tiles hold: {needed} expected, found {found}; copy or export the file again",
    )


def _check_apart(
    file: tifffile.TiffFile, path: Path, what: str, starts: np.ndarray, ends: np.ndarray
) -> None:
    """Refuse strips that share bytes with each other, or with the header and what it leads to."""
    order = np.argsort(starts, kind="stable")
    number, starts, ends = order + 1, starts[order], ends[order]
    shared = np.flatnonzero(starts[1:] < ends[:-1])
    if len(shared):
        k = shared[0]
        raise FieldError(
            "wrong_layout",
            f"{path}: {what}s {number[k]} and {number[k + 1]} share bytes {starts[k + 1]:,} to "
            f"{min(ends[k], ends[k + 1]):,}, so pixels of one are read twice; copy or export the file again",
        )
    taken = _taken(file)
    first = np.searchsorted(ends, taken[:, 0], "right")
    shared = np.flatnonzero(np.append(starts, _AS_LONG_AS_MAY_BE)[first] < taken[:, 1])
    if len(shared):
        begin, end = taken[shared[0]]
        raise FieldError(
            "wrong_layout",
            f"{path}: {what} {number[first[shared[0]]]} lies where the file's header or directory is "
            f"(bytes {begin:,} to {end:,}), which are no pixels; copy or export the file again",
        )


def check_blocks(file: tifffile.TiffFile, page: tifffile.TiffPage, path: Path) -> None:
    """Refuse zstd strips that hold a lost block: alone of all codecs it reads over one, into other pixels.

    What it writes looks random, so that no run of equal bytes is as long as a block of a disk.
    """
    if not tifffile.COMPRESSION(page.compression).name.startswith("ZSTD"):
        return
    for offset, length in zip(page.dataoffsets, page.databytecounts, strict=True):
        file.filehandle.seek(offset)
        written = np.frombuffer(file.filehandle.read(length), np.uint8)[np.newaxis]
        if any(find_hole(written, value, BLOCK_BYTES - 1) for value in (0, 255)):
            raise FieldError(
                "blank",
                f"{path}: {BLOCK_BYTES} bytes or more of its compressed pixels were lost; copy it again",
            )


def next_page(file: tifffile.TiffFile) -> int:
    """Where the last page that can be found says that another is; 0 if it is the last."""
    last = file.pages[len(file.pages) - 1].offset
    return _offsets_at(file, _directory(file, last)[1], 1)[0]


def _taken(file: tifffile.TiffFile) -> np.ndarray:
    """Bytes that are no pixels, (n, 2): the header, every directory, and the values of its tags."""
    form, size = file.tiff, file.filehandle.size
    header = 16 if form.is_bigtiff else 8
    spans, directories = [(0, header)], []
    (offset,) = _offsets_at(file, header - form.offsetsize, 1)
    for _ in range(len(file.pages)):
        tags, after = _directory(file, offset)
        directories.append(tags)
        spans.append((offset, after + form.offsetsize))
        (offset,) = _offsets_at(file, after, 1)
    tags = np.concatenate(directories)
    leads_on = (tags["code"] == _SUB_DIRECTORIES) | (tags["code"] == _EXIF_DIRECTORY)
    for tag in tags[leads_on & np.isin(tags["type"], _OFFSET_TYPES[form.offsetsize])]:
        at, n = int(tag["value"]), int(tag["count"])
        for offset in [at] if n == 1 else _offsets_at(file, at, n):
            more, after = _directory(file, offset)
            directories.append(more)
            spans.append((offset, after + form.offsetsize))
    tags = np.concatenate(directories)
    types = np.where(tags["type"] < len(_VALUE_BYTES), tags["type"], 0)
    lengths = np.minimum(tags["count"], size).astype(np.int64) * _VALUE_BYTES[types]
    outside = (lengths > form.offsetsize) & (tags["code"] < _FIRST_PRIVATE_TAG)
    values = np.minimum(tags["value"][outside], size).astype(np.int64)
    return np.concatenate([spans, np.stack([values, values + lengths[outside]], axis=1)])


def _directory(file: tifffile.TiffFile, offset: int) -> tuple[np.ndarray, int]:
    """The tags of a directory, and where its link to the next one lies; no tags beyond the file's end."""
    form, stream = file.tiff, file.filehandle
    entry = _BIG_ENTRY if form.is_bigtiff else _ENTRY
    n_tags = 0
    if 0 < offset < stream.size:
        stream.seek(offset)
        (n_tags,) = struct.unpack(form.tagnoformat, stream.read(form.tagnosize))
    tags = np.frombuffer(stream.read(n_tags * form.tagsize), entry.newbyteorder(form.byteorder))
    return tags, offset + form.tagnosize + n_tags * form.tagsize


def _offsets_at(file: tifffile.TiffFile, position: int, n: int) -> list[int]:
    form, stream = file.tiff, file.filehandle
    stream.seek(position)
    return np.frombuffer(stream.read(n * form.offsetsize), f"{form.byteorder}u{form.offsetsize}").tolist()


def loses_nothing(file: tifffile.TiffFile, page: tifffile.TiffPage) -> bool:
    """Whether the file itself proves that its compression gives back every count.

    LERC has a largest error, and whole numbers with less than 1 of it are exact: every encoder
    writes 0.5. JPEG 2000, JPEG XL and others have a mode without loss, too, but their files do not
    tell for sure whether the writer left bits out.
    """
    compression = tifffile.COMPRESSION(page.compression).name
    if compression != "LERC":
        return compression in _LOSSLESS
    parameters = page.tags.get(_LERC_PARAMETERS)
    packed = 0 if parameters is None or len(parameters.value) < 2 else int(parameters.value[1])
    return all(
        _lerc_error(_LERC_UNPACK[packed](file.filehandle.read(length))) < 1
        for offset, length in zip(page.dataoffsets, page.databytecounts, strict=True)
        if length and file.filehandle.seek(offset)
    )


def _lerc_error(blob: bytes) -> float:
    """Largest error of a Lerc2 blob, infinite if it is none (https://github.com/Esri/lerc, Lerc2.h)."""
    if blob[:6] != b"Lerc2 " or len(blob) < 10:
        return math.inf
    version = int.from_bytes(blob[6:10], "little")
    # Key and version; from 3 on a checksum; then whole numbers: rows, columns, from 4 on depth, valid
    # pixels, side of the blocks, bytes, data type; from 6 on two more.
    at = 10 + 4 * (6 + (version >= 3) + (version >= 4) + 2 * (version >= 6))
    return float(np.frombuffer(blob, "<f8", 1, at)[0]) if len(blob) >= at + 8 else math.inf
