"""Planes of PNG files: every chunk is held to its checksum before pixels are taken."""

import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, NamedTuple

import imagecodecs
import numpy as np

from livedead.errors import FieldError
from livedead.images.stored import StoredPlane, as_counts, check_declared, grey_of_equal_samples, is_too_large

PNG_SUFFIX = ".png"
_SIGNATURE = b"\x89PNG\r\n\x1a\n"
HEADER_BYTES = len(_SIGNATURE) + 4 + 4 + 13
"""Where the header ends: its length, its name, its values."""
_KINDS = {0: "grey", 2: "rgb", 3: "palette", 4: "alpha", 6: "alpha"}
"""Colour type (PNG, section 11.2.1) -> kind of image."""
_WHAT = {
    "rgb": "RGB image, expected grey",
    "palette": "palette image, which numbers colours, expected grey",
    "alpha": "an image that is transparent in parts, expected grey",
    "animation": "an animation of several images, expected one",
}


class PngHeader(NamedTuple):
    """What the first chunk of a PNG file says."""

    height: int
    width: int
    bits: int
    """Of a sample: 1, 2, 4, 8 or 16."""
    kind: str
    """``grey``, ``rgb``, ``palette`` or ``alpha``."""

    @property
    def dtype(self) -> str:
        """Type of its samples."""
        return f"uint{self.bits}"


def is_png(stream: BinaryIO) -> bool:
    """Whether a file begins as PNG does; the stream is left at its beginning."""
    start = stream.read(len(_SIGNATURE))
    stream.seek(0)
    return start == _SIGNATURE


def png_header(start: bytes, path: Path) -> PngHeader:
    """The header, from the first bytes of a PNG file; `FieldError` if it has none."""
    if len(start) < HEADER_BYTES:
        raise _truncated(path)
    header = start[len(_SIGNATURE) + 8 : HEADER_BYTES]
    width, height = (int.from_bytes(header[at : at + 4], "big") for at in (0, 4))
    bits, colour = header[8], header[9]
    if start[len(_SIGNATURE) : len(_SIGNATURE) + 8] != b"\0\0\0\rIHDR" or colour not in _KINDS:
        raise FieldError("unreadable", f"{path}: no PNG header; copy the file again")
    return PngHeader(height, width, bits, _KINDS[colour])


def png_plane(content: bytes, path: Path, accept: frozenset[str]) -> StoredPlane:
    """Pixels of a PNG file, after its header and the checksums of all its chunks were looked at."""
    header = png_header(content, path)
    if is_too_large(header.height, header.width, 3 if header.kind == "rgb" else 1):
        raise FieldError("too_large", f"{path}: {header.height} x {header.width} px")
    kinds = {header.kind, *_kinds_of_chunks(content, path)} - {"grey"}
    others = {kind if kind == "rgb" else f"{kind} PNG": _WHAT[kind] for kind in sorted(kinds)}
    check_declared(path, header.dtype, others, accept)
    pixels = imagecodecs.png_decode(content)
    if header.kind == "rgb":
        pixels = grey_of_equal_samples(pixels, path)
    if pixels.shape != (header.height, header.width) or str(pixels.dtype) != header.dtype:
        raise FieldError(
            "unreadable", f"{path}: decoded to {pixels.dtype} {pixels.shape}, not as its header says"
        )
    return StoredPlane(np.ascontiguousarray(as_counts(pixels, path)), header.bits, None, False)


def _kinds_of_chunks(content: bytes, path: Path) -> set[str]:
    """What chunks beside the pixels make of an image: transparency, animation."""
    kinds = {b"tRNS": "alpha", b"acTL": "animation"}
    return {kinds[name] for name in _chunks(content, path) if name in kinds}


def _chunks(content: bytes, path: Path) -> Iterator[bytes]:
    """Names of the chunks up to the last one, each held to its checksum."""
    at, name = len(_SIGNATURE), b""
    whole = memoryview(content)
    while name != b"IEND":
        n_bytes = int.from_bytes(whole[at : at + 4], "big")
        name, end = bytes(whole[at + 4 : at + 8]), at + 8 + n_bytes
        if end + 4 > len(whole):
            raise _truncated(path)
        if zlib.crc32(whole[at + 4 : end]) != int.from_bytes(whole[end : end + 4], "big"):
            raise FieldError(
                "unreadable",
                f"{path}: its part {name!r} at byte {at:,} does not fit its checksum; copy the file again",
            )
        yield name
        at = end + 4


def _truncated(path: Path) -> FieldError:
    return FieldError("truncated", f"{path}: the PNG file ends before its image does; copy it again")
