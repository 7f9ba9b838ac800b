"""From raw counts to what the network reads: fitted once on a plate, applied to every field.

The transform of a channel is ``x = (raw * gain - black) * scale - 1``, clipped to [-1, 1]. The
gain undoes the uneven light; black and white are percentiles of the whole plate. Counting
corrected pixels in a histogram of 65,536 bins makes the percentiles exact, in flat memory,
and the same whatever the order of the fields.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
from scipy.ndimage import gaussian_filter, laplace, zoom

from livedead.errors import FieldError, StoreError

Array = TypeVar("Array", bound=Any)
"""A NumPy array or a PyTorch tensor: both know ``*``, ``-`` and ``clip``."""

Key = tuple[str, int, int]
"""Well, field, timepoint."""

N_BINS = 65_536
_NO_QUALITY = {"focus": np.nan, "saturated_fraction": np.nan, "median_counts": np.nan}


@dataclass(frozen=True)
class Transform:
    """The normalization of one channel.

    Attributes
    ----------
    gain : ndarray, (H, W), float32
        Factor per pixel, 1 on average where there is light.
    black, white : float
        Corrected counts that become -1 and +1.
    """

    gain: np.ndarray
    black: float
    white: float

    def scale(self) -> float:
        """Factor from corrected counts to the interval of length 2."""
        return float(np.float32(2 / (self.white - self.black)))


def flat_field(sample: np.ndarray, smooth_px: float, floor: float) -> np.ndarray:
    """Gain that evens out the light, from fields whose objects lie in different places.

    Parameters
    ----------
    sample : ndarray, (N, H, W), uint16
        Fields of one channel; their per-pixel median shows the light without the objects.
    smooth_px : float
        Standard deviation of the Gaussian that removes what is left of objects and noise.
    floor : float
        Light below this fraction of the brightest is not amplified further: there is the
        wall of the well, not a dark part of the picture.

    Returns
    -------
    ndarray, (H, W), float32
    """
    light = np.median(sample, axis=0).astype(np.float32)
    # Smoothing is done on a coarse grid: the light has no detail, and a wide Gaussian is slow.
    step = max(1, int(smooth_px // 4))
    coarse = _resized(gaussian_filter(light, step / 2), tuple(-(-side // step) for side in light.shape))
    sigma = smooth_px / step
    # An odd reflection keeps the slope at the edge, which an even one would flatten.
    reach = min(int(4 * sigma), *(side - 1 for side in coarse.shape))
    extended = np.pad(coarse, reach, mode="reflect", reflect_type="odd")
    inner = tuple(slice(reach, reach + side) for side in coarse.shape)
    smooth = _resized(gaussian_filter(extended, sigma, mode="nearest")[inner], light.shape)
    smooth = np.maximum(smooth, floor * float(smooth.max()))
    bright = float(np.quantile(smooth, 0.95))
    return (bright / np.maximum(smooth, 1)).astype(np.float32)


def _resized(image: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """Linear interpolation to another shape; the outlines of both coincide."""
    if image.shape == shape:
        return image
    factors = [new / old for new, old in zip(shape, image.shape, strict=True)]
    return zoom(image, factors, order=1, mode="nearest", grid_mode=True)


def histogram(field: np.ndarray, gain: np.ndarray) -> np.ndarray:
    """How often each corrected count occurs in a field, (65536,) int64."""
    corrected = np.rint(field * gain)
    np.minimum(corrected, N_BINS - 1, out=corrected)
    return np.bincount(corrected.astype(np.uint16).ravel(), minlength=N_BINS)


def percentile(counts: np.ndarray, percent: float) -> int:
    """Exact percentile from a histogram: the smallest value with at least that share at or below.

    NumPy calls this definition ``inverted_cdf``.
    """
    total = int(counts.sum())
    if total == 0:
        raise ValueError("percentile of an empty histogram")
    rank = max(1, int(np.ceil(np.float64(percent) / 100 * total)))
    return int(np.searchsorted(np.cumsum(counts), rank))


def fit_channel(
    read: Callable[[Key], np.ndarray],
    keys: Sequence[Key],
    *,
    low_percentile: float,
    high_percentile: float,
    min_range: int,
    flat_fields: int,
    smooth_px: float,
    floor: float,
    seed: int,
    bit_depth: int = 16,
    threads: int = 1,
) -> tuple[Transform, np.ndarray, list[dict[str, Any]]]:
    """Fit the transform of one channel on all fields of a plate, one field in memory a thread.

    Parameters
    ----------
    read : callable
        Key -> (H, W) uint16; a `FieldError` leaves that field out and is reported.
    keys : sequence
        The plate's fields.
    low_percentile, high_percentile : float
        Shares of the plate's pixels, in percent, that become black and white.
    min_range : int
        Smallest distance of white from black, counts; an empty plate stays dark instead of
        becoming amplified noise.
    flat_fields : int
        Number of fields, drawn with `seed`, that show the light; 0 leaves it as it is.
    smooth_px, floor
        See `flat_field`.

    Returns
    -------
    transform : Transform
    total : ndarray, (65536,), int64
        Histogram of all corrected pixels of the plate.
    rows : list of dict
        For each key ``status, code, message`` and the field's `quality`.
    """
    rng = np.random.default_rng(seed)
    chosen = sorted(rng.permutation(len(keys))[: max(flat_fields, 1)])
    sample = [plane for k in chosen if (plane := _read_or_none(read, keys[k])) is not None]
    if not sample:
        sample = [plane for key in keys if (plane := _read_or_none(read, key)) is not None][:1]
    if not sample:
        raise StoreError("not one field of the plate can be read; see the log and 'inventory'")
    shape = Counter(plane.shape for plane in sample).most_common(1)[0][0]
    gain = np.ones(shape, np.float32)
    if flat_fields:
        alike = np.stack([plane for plane in sample if plane.shape == shape])
        gain = flat_field(alike, smooth_px, floor)

    def examine(key: Key) -> tuple[np.ndarray | None, dict[str, Any]]:
        try:
            plane = read(key)
            check_shape(plane, shape)
        except FieldError as error:
            return None, {"status": "failed", "code": error.code, "message": str(error), **_NO_QUALITY}
        found = quality(plane, bit_depth)
        return histogram(plane, gain), {"status": "ok", "code": "", "message": "", **found}

    total = np.zeros(N_BINS, np.int64)
    rows = []
    with ThreadPoolExecutor(threads) as pool:
        for counts, row in pool.map(examine, keys):
            rows.append(row)
            if counts is not None:
                total += counts
    black = percentile(total, low_percentile)
    white = max(percentile(total, high_percentile), black + min_range)
    return Transform(gain, float(black), float(white)), total, rows


def check_shape(plane: np.ndarray, shape: tuple[int, ...]) -> None:
    """Raise a `FieldError` if a plane is not of its plate's shape."""
    if plane.shape != tuple(shape):
        raise FieldError(
            "wrong_shape", f"field of {plane.shape} px on a plate whose fields have {tuple(shape)} px"
        )


def _read_or_none(read: Callable[[Key], np.ndarray], key: Key) -> np.ndarray | None:
    try:
        return read(key)
    except FieldError:
        return None


def normalize(field: Array, gain: Array, black: float, scale: float) -> Array:
    """Raw counts to [-1, 1]; the same arithmetic for NumPy arrays and PyTorch tensors.

    Parameters
    ----------
    field, gain : array or tensor, (..., H, W), float32
        Raw counts and the plate's gain.
    black, scale : float
        `Transform.black` and `Transform.scale`.
    """
    return ((field * gain - black) * scale - 1).clip(-1, 1)


def quality(field: np.ndarray, bit_depth: int) -> dict[str, float]:
    """Quality of one raw field.

    Returns
    -------
    dict
        ``focus``: variance of the Laplacian over the squared median, dimensionless, larger is
        sharper (Pech-Pacheco et al. 2000); ``saturated_fraction``: share of pixels at the
        largest value that `bit_depth` allows; ``median_counts``.
    """
    median = float(np.median(field))
    sharp = laplace(gaussian_filter(field.astype(np.float32), 1.0))
    return {
        "focus": float(sharp.var()) / max(median, 1.0) ** 2,
        "saturated_fraction": float((field >= 2**bit_depth - 1).mean()),
        "median_counts": median,
    }
