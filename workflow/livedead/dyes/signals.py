"""From the raw counts of a dye to its signal: even over the field, smoothed, over the background."""

import numpy as np

_BLOCK_ROWS = 64


def corrected(plane: np.ndarray, gain: np.ndarray, offset: np.ndarray) -> np.ndarray:
    """Flat-fielded counts, smoothed by the binomial kernel (1, 2, 1) in both directions, (H, W) float32.

    Parameters
    ----------
    plane : ndarray, (H, W), uint16, raw counts
    gain, offset : ndarray, (H, W), float32
        See `livedead.normalization.transforms.Transform`.
    """
    smooth = np.empty(plane.shape, np.float32)
    # In blocks of rows that stay in the processor's cache.
    for top in range(0, len(plane), _BLOCK_ROWS):
        rows = slice(top, top + _BLOCK_ROWS)
        above, below = plane[max(top - 1, 0)], plane[min(top + _BLOCK_ROWS, len(plane) - 1)]
        around = np.concatenate([above[None], plane[rows], below[None]]).astype(np.float32)
        around /= 16
        down = around[1:-1] * 2
        down += around[:-2]
        down += around[2:]
        block = smooth[rows]
        np.multiply(down, 2, out=block)
        block[:, 1:] += down[:, :-1]
        block[:, :-1] += down[:, 1:]
        block[:, 0] += down[:, 0]
        block[:, -1] += down[:, -1]
        block *= gain[rows]
        block += offset[rows]
    return smooth


def field_background(counts: np.ndarray) -> tuple[float, float]:
    """Level and standard deviation of a field's background, from some 65,000 of its pixels.

    The level is the middle of the shortest interval that holds a tenth of all pixels, looked for in the
    darker half: so it is found where cells cover most of the field. The deviation is that of the pixels
    below it.

    Parameters
    ----------
    counts : ndarray, (H, W), float32
    """
    step = max(1, min(counts.shape) // 256)
    sample = np.sort(counts[step // 2 :: step, step // 2 :: step], axis=None)
    darker = sample[: len(sample) // 2 + 1]
    held = max(1, len(sample) // 10)
    first = int(np.argmin(darker[held:] - darker[:-held])) if len(darker) > held else 0
    level = float(np.median(darker[first : first + held + 1]))
    below = level - darker[darker < level]
    return level, 1.4826 * float(np.median(below)) if len(below) else 0.0


def box_means(signal: np.ndarray, pixels: np.ndarray, box_px: int) -> np.ndarray:
    """Mean signal of the box around each of some pixels, (n_pixels,) float32.

    The mean is smooth, so five pixels to a side of the box give it, on a grid between whose points it is
    interpolated.

    Parameters
    ----------
    signal : ndarray, (H, W), float32
    pixels : ndarray, (n_pixels,), int
        Flat indices.
    box_px : int
        Side of the box, one more than a multiple of four.
    """
    step = box_px // 4
    half = min(step // 2, *(side - 1 for side in signal.shape))
    grid = signal[half::step, half::step]
    mean = _sums_of_five(_sums_of_five(grid).T).T / np.float32(25)
    return _interpolated(mean, pixels, signal.shape[1], half, step)


def _sums_of_five(grid: np.ndarray) -> np.ndarray:
    """Sums of the five rows around each row; those at the edge are repeated."""
    around = np.concatenate([grid[:1], grid[:1], grid, grid[-1:], grid[-1:]])
    sums = around[: len(grid)] + around[1 : len(grid) + 1]
    for k in (2, 3, 4):
        sums += around[k : len(grid) + k]
    return sums


def _interpolated(mean: np.ndarray, pixels: np.ndarray, width: int, half: int, step: int) -> np.ndarray:
    """A coarse grid, at the places of `pixels` of the fine one."""
    places = np.divmod(pixels.astype(np.int32), np.int32(width))
    low, share = [], []
    for place, side in zip(places, mean.shape, strict=True):
        at = np.clip((place - half) / np.float32(step), 0, side - 1).astype(np.float32)
        below = np.minimum(at.astype(np.int32), max(side - 2, 0))
        low.append(below)
        share.append(at - below)
    (y, x), (down, right) = low, share
    corner = y * mean.shape[1] + x
    flat, next_row = mean.ravel(), mean.shape[1] if mean.shape[0] > 1 else 0
    next_column = 1 if mean.shape[1] > 1 else 0
    upper = flat[corner] * (1 - right) + flat[corner + next_column] * right
    lower = flat[corner + next_row] * (1 - right) + flat[corner + next_row + next_column] * right
    return upper * (1 - down) + lower * down
