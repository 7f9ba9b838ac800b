"""From raw counts to what the network reads: fitted once on a plate, applied to every field.

The transform of a channel is ``x = (raw * gain + offset - black) * scale - 1``, clipped to [-1, 1]. The
gain is the flat-field; the offset, of fluorescence only, evens out the background; black and white are
percentiles of the corrected counts of the whole plate, or of a well or a field. Where illumination
differs from well to well, each field is corrected by its own profile before.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

import numpy as np

from livedead.errors import FieldError
from livedead.normalization.field_illumination import correct_illumination

Array = TypeVar("Array", bound=Any)
"""A NumPy array or a PyTorch tensor: both know ``*``, ``-`` and ``clip``."""

Key = tuple[str, int, int]
"""Well, field, timepoint."""


@dataclass(frozen=True)
class Transform:
    """The normalization of one channel.

    Attributes
    ----------
    gain : ndarray, (H, W), float32
        Factor per pixel, about 1 where the plate is brightest; `ANY_SIZE` where fields may have any size.
    black, white : float
        Corrected counts of the plate that become -1 and +1.
    offset : ndarray, (H, W), float32, optional
        Counts per pixel, added after the gain, that even out a fluorescent background.
    local : mapping
        Key -> (black, white) of its field or well, where these hold instead of the plate's.
    illumination_degree : int
        Of the per-field illumination correction that comes first; 0 for none.
    floor : float
        `NormalizationSettings.floor`, for that.
    """

    gain: np.ndarray
    black: float
    white: float
    offset: np.ndarray | None = None
    local: Mapping[Key, tuple[float, float]] = field(default_factory=dict)
    illumination_degree: int = 0
    floor: float = 0.2

    def illumination_corrected(self, plane: np.ndarray) -> np.ndarray:
        """A field's raw counts, (H, W) uint16, corrected by its own illumination profile if so fitted."""
        return correct_illumination(plane, self.illumination_degree, self.floor)

    def levels(self, key: Key | None) -> tuple[float, float]:
        """Black of a field, and the factor from corrected counts to the interval of length 2."""
        black, white = self.local.get(key, (self.black, self.white)) if key else (self.black, self.white)
        return float(black), float(np.float32(2 / (white - black)))


ANY_SIZE = np.ones((1, 1), np.float32)
"""Gain of a plate without flat-field whose fields have several sizes: it holds for every pixel."""

UNFITTED = Transform(np.ones((0, 0), np.float32), 0.0, 1.0)
"""Of a channel that cannot be read in one field of the plate: it has no pixels, so no field fits it."""


def check_shape(plane: np.ndarray, shape: tuple[int, ...]) -> None:
    """Raise a `FieldError` if a plane is not of its plate's shape, or the plate has none (`UNFITTED`).

    Every plane has the shape of `ANY_SIZE`.
    """
    if not all(shape):
        raise FieldError(
            "not_normalized",
            "there is nothing to normalize it by: when that was fitted, not one field of its plate, or of "
            "the plate's control_plate, could be read; mend those, then: snakemake -R normalize_plate",
        )
    if tuple(shape) not in (plane.shape, ANY_SIZE.shape):
        raise FieldError(
            "wrong_shape",
            f"field of {plane.shape} px on a plate whose fields have {tuple(shape)} px; for a network, "
            "several sizes may be declared in config.yaml: gate: {accept: [sizes]}",
        )


def normalize(field: Array, gain: Array, black: float, scale: float, offset: Array | None = None) -> Array:
    """Raw counts to [-1, 1]; the same arithmetic for NumPy arrays and PyTorch tensors.

    Parameters
    ----------
    field, gain : array or tensor, (..., H, W), float32
        Raw counts and the plate's gain.
    black, scale : float
        From `Transform.levels`.
    offset : array or tensor, (H, W), float32, optional
        `Transform.offset`.
    """
    corrected = field * gain if offset is None else field * gain + offset
    return ((corrected - black) * scale - 1).clip(-1, 1)
