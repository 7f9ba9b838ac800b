"""A plane as it lies in its file: what is read as it is, what must be declared, what is refused."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from livedead.errors import FieldError

MAX_SIDE_PX = 100_000
MAX_PIXELS = 2**29

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
    "sizes": "fields of several sizes on one plate",
    "white": "long runs of the largest value, such as white margins of stitched fields",
}
"""What ``gate.accept`` may declare."""


@dataclass(frozen=True)
class StoredPlane:
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

    def upright(self) -> np.ndarray:
        """The pixels with the orientation undone (TIFF 6.0, page 36): where row 0 and column 0 are seen."""
        pixels = self.pixels.T if self.orientation >= 5 else self.pixels
        pixels = pixels[::-1] if self.orientation in (3, 4, 7, 8) else pixels
        return pixels[:, ::-1] if self.orientation in (2, 3, 6, 7) else pixels


def is_too_large(height: int, width: int, samples: int = 1) -> bool:
    """Whether a plane has more pixels than are taken into memory."""
    return max(height, width) > MAX_SIDE_PX or height * width * samples > MAX_PIXELS


def refusal(path: Path, what: str, declaration: str | None = None, code: str = "wrong_layout") -> FieldError:
    """The error of pixels that are none of raw counts, with the declaration that would admit them."""
    way = "" if declaration is None else f", or declare it in config.yaml: gate: {{accept: [{declaration}]}}"
    return FieldError(code, f"{path}: {what}; export raw 16-bit grey images{way}")


def declaration_of(dtype: str) -> str:
    """What declares pixels of a type, if anything does."""
    return "float" if dtype.startswith("float") else dtype


def check_declared(path: Path, dtype: str, others: dict[str, str], accept: frozenset[str]) -> None:
    """Refuse pixels of kinds that were not declared, with all declarations that they need.

    Parameters
    ----------
    dtype : str
        Of the pixels, in native byte order.
    others : dict
        Every other way in which they are no raw counts -> what is found; a name of `DECLARABLE`, or
        one that no declaration admits.
    """
    kinds = (
        others
        if dtype == "uint16"
        else {**others, declaration_of(dtype): f"pixels are {dtype}, expected uint16"}
    )
    needed = {name: what for name, what in kinds.items() if name not in accept}
    if not needed:
        return
    declarable = all(name in DECLARABLE for name in needed)
    code = "wrong_dtype" if list(needed) == [declaration_of(dtype)] else "wrong_layout"
    raise refusal(path, "; ".join(needed.values()), ", ".join(needed) if declarable else None, code)


def grey_of_equal_samples(pixels: np.ndarray, path: Path) -> np.ndarray:
    """One of the samples of a colour image, which must all be equal.

    Parameters
    ----------
    pixels : ndarray, (H, W, samples)
    """
    if not (pixels == pixels[..., :1]).all():
        raise refusal(path, "a colour image whose samples differ")
    return pixels[..., 0]


def as_counts(pixels: np.ndarray, path: Path) -> np.ndarray:
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
