"""The quality of one field: its focus, its light, its range."""

import numpy as np
from scipy.ndimage import gaussian_filter, laplace

from livedead.normalization.histograms import percentiles
from livedead.normalization.settings import NormalizationSettings
from livedead.normalization.transforms import Transform


def measure_quality(
    plane: np.ndarray,
    counts: np.ndarray,
    transform: Transform,
    bit_depth: int,
    settings: NormalizationSettings,
) -> dict[str, float]:
    """Quality of one field, from its histogram and a few of its pixels.

    Parameters
    ----------
    plane : ndarray, (H, W), uint16
        Raw counts.
    counts : ndarray, (65536,), int64
        Its `histogram`.
    transform : Transform
        Gain and offset.

    Returns
    -------
    dict
        ``focus``: variance of the Laplacian over the squared median, on patches in a grid over
        the field, dimensionless, larger is sharper (Pech-Pacheco et al. 2000); of fluorescence over the
        variance, so that a field of few or of dim cells does not pass for a blurred one;
        ``saturated_fraction``: share of pixels at the largest value that `bit_depth` allows;
        ``dark_fraction``: share of corrected pixels under half of their median;
        ``illumination_residual``: 5th to 95th percentile of the medians of 8 x 8 blocks of the
        corrected field, over their median; ``median_counts``: median of the corrected field;
        ``range_counts``: from the low to the high percentile, of the corrected field or of the raw
        one, whichever is less, so that neither uneven illumination nor its correction passes for a signal.
    """
    low, median, high = percentiles(counts, settings.low_percentile, 50, settings.high_percentile)
    limit = 2**bit_depth - 1
    saturated = float((plane >= limit).mean()) if plane.max() >= limit else 0.0
    patches = _patches(plane).astype(np.float32)
    sharp = laplace(gaussian_filter(patches, (0, 1, 1)), axes=(1, 2))
    contrast = max(float(median), 1.0) ** 2 if transform.offset is None else max(float(patches.var()), 1.0)
    blocks = _block_medians(plane, transform)
    return {
        "focus": float(sharp.var()) / contrast,
        "saturated_fraction": saturated,
        "dark_fraction": float(counts[: median // 2].sum() / plane.size),
        "illumination_residual": float(np.ptp(np.quantile(blocks, [0.05, 0.95])) / max(np.median(blocks), 1)),
        "median_counts": float(median),
        "range_counts": float(min(high - low, np.ptp(_raw_levels(plane, settings)))),
    }


def _raw_levels(plane: np.ndarray, settings: NormalizationSettings) -> np.ndarray:
    """Low and high percentile of the raw counts, of some 256 x 256 of them."""
    step = max(1, min(plane.shape) // 256)
    percents = settings.low_percentile, settings.high_percentile
    return np.percentile(plane[step // 2 :: step, step // 2 :: step], percents, method="inverted_cdf")


def _block_medians(plane: np.ndarray, transform: Transform, n: int = 8) -> np.ndarray:
    """Medians of n x n blocks of a corrected field, of some 128 x 128 of its pixels."""
    if min(plane.shape) < n:
        return plane.astype(np.float32)
    rows, columns = (np.arange(n * max(1, min(side, 128) // n)) for side in plane.shape)
    at = np.ix_(rows * plane.shape[0] // len(rows), columns * plane.shape[1] // len(columns))
    even = plane[at] * np.broadcast_to(transform.gain, plane.shape)[at]
    if transform.offset is not None:
        even = even + transform.offset[at]
    blocks = even.reshape(n, len(rows) // n, n, len(columns) // n).swapaxes(1, 2)
    return np.median(blocks.reshape(n * n, -1), axis=1)


def _patches(plane: np.ndarray, side: int = 32, n: int = 6) -> np.ndarray:
    """Patches of a field in a regular grid of n x n, (n * n, side, side), or the whole if it is small."""
    if min(plane.shape) < n * side:
        return plane[None]
    tops, lefts = (np.linspace(0, length - side, n).astype(int) for length in plane.shape)
    return np.stack([plane[top : top + side, left : left + side] for top in tops for left in lefts])
