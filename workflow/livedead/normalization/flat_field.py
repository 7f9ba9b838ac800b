"""The illumination profile of a plate's channel, and the flat-field that undoes it."""

import numpy as np
from scipy.ndimage import gaussian_filter


def sampled(plane: np.ndarray, smooth_px: float) -> np.ndarray:
    """Every n-th pixel in both directions: all of a small field, of a large one what is needed.

    A smoothing by `smooth_px` averages over some 200 of them, on a grid of 340 or more a side.
    """
    step = max(1, min(int(smooth_px // 4), min(plane.shape) // 340))
    return plane[step // 2 :: step, step // 2 :: step].copy()


def illumination_profile(sample: np.ndarray, shape: tuple[int, ...], smooth_px: float) -> np.ndarray:
    """Smooth profile of the illumination, from fields whose objects lie in different places.

    Parameters
    ----------
    sample : ndarray, (N, h, w), uint16
        Fields of one channel from `sampled`; their per-pixel median shows the illumination without
        the objects.
    shape : tuple
        (H, W) of the fields.
    smooth_px : float
        Standard deviation, in pixels of the field.

    Returns
    -------
    ndarray, (H, W), float32
    """
    median = np.median(np.ascontiguousarray(np.moveaxis(sample, 0, -1)), axis=-1).astype(np.float32)
    spacing = shape[0] / median.shape[0]
    # Smoothing is done on a coarse grid: illumination has no detail, and a wide Gaussian is slow.
    step = max(1, int(smooth_px // 4))
    rough = gaussian_filter(median, step / 2 / spacing) if step > 1 or spacing == 1 else median
    coarse = resized(rough, tuple(-(-side // step) for side in shape))
    sigma = smooth_px / step
    # An odd reflection keeps the slope at the edge, which an even one would flatten.
    reach = min(int(4 * sigma), *(side - 1 for side in coarse.shape))
    extended = np.pad(coarse, reach, mode="reflect", reflect_type="odd")
    inner = tuple(slice(reach, reach + side) for side in coarse.shape)
    return resized(gaussian_filter(extended, sigma, mode="nearest")[inner], shape)


def flat_field_gain(profile: np.ndarray, floor: float) -> np.ndarray:
    """Factor per pixel that undoes the illumination profile.

    Parameters
    ----------
    profile : ndarray, (H, W), float32
        From `illumination_profile`.
    floor : float
        See `livedead.normalization.settings.NormalizationSettings`.

    Returns
    -------
    ndarray, (H, W), float32
    """
    held = np.maximum(profile, floor * float(profile.max()))
    bright = float(np.quantile(sampled(held, 64), 0.95))
    return _without_last_bits((bright / np.maximum(held, 1)).astype(np.float32))


def _without_last_bits(gain: np.ndarray) -> np.ndarray:
    """The gain to 1 part in 65,536, less than a count: a third of the file, in half of the time."""
    return ((gain.view(np.uint32) + np.uint32(2**7)) & ~np.uint32(2**8 - 1)).view(np.float32)


def background_offset(profile: np.ndarray, gain: np.ndarray) -> np.ndarray:
    """Counts to add to ``raw * gain`` so that a fluorescent background becomes even.

    ``(raw - profile) * gain`` has no background; its median over the field is added back, so that
    noise around zero is not cut off.
    """
    return np.float32(np.median(sampled(profile, 64))) - profile * gain


def resized(image: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """Linear interpolation to another shape; the outlines of both coincide."""
    for axis, side in enumerate(shape):
        old = image.shape[axis]
        if old == side:
            continue
        at = np.clip((np.arange(side) + 0.5) * (old / side) - 0.5, 0, old - 1)
        low = np.minimum(at.astype(int), max(old - 2, 0))
        share = (at - low).astype(np.float32).reshape((-1, 1) if axis == 0 else (1, -1))
        below, above = np.take(image, low, axis), np.take(image, np.minimum(low + 1, old - 1), axis)
        image = below + (above - below) * share
    return image
