"""Shapes and textures that cells and debris are drawn with."""

import numpy as np
from scipy.ndimage import gaussian_filter

STAMP_PX = 24
"""Half the side of the square on which a cell is drawn."""


def stamp(y: float = 0.0, x: float = 0.0) -> tuple[np.ndarray, np.ndarray]:
    """Distance in y and in x of each pixel of a stamp from the point (y, x) of the field, px."""
    rows, columns = np.mgrid[-STAMP_PX : STAMP_PX + 1, -STAMP_PX : STAMP_PX + 1].astype(np.float32)
    return rows - np.float32(y % 1), columns - np.float32(x % 1)


def overlap(y: float, x: float, side_px: int) -> tuple[tuple[slice, slice], tuple[slice, slice]]:
    """The part of the field under a stamp centred at (y, x), and the part of the stamp."""
    field, part = [], []
    for centre in (int(np.floor(y)), int(np.floor(x))):
        low, high = centre - STAMP_PX, centre + STAMP_PX + 1
        field.append(slice(max(low, 0), min(high, side_px)))
        part.append(slice(max(-low, 0), 2 * STAMP_PX + 1 - max(high - side_px, 0)))
    return (field[0], field[1]), (part[0], part[1])


def outline(rng: np.random.Generator, angle: np.ndarray, roughness: float) -> np.ndarray:
    """Relative radius of a closed, slightly irregular outline at each angle."""
    radius = np.ones_like(angle)
    for lobes in (2, 3, 5):
        radius += roughness * rng.normal(0, 1) / lobes * 2 * np.cos(lobes * angle + rng.uniform(0, 6.3))
    return np.clip(radius, 0.7, 1.4)


def soft(distance: np.ndarray, width: float) -> np.ndarray:
    """1 inside (negative distance), 0 outside, with an edge `width` px wide."""
    return 1 / (1 + np.exp(np.clip(distance / width, -30, 30)))


def turned(y: np.ndarray, x: np.ndarray, angle: float) -> tuple[np.ndarray, np.ndarray]:
    """Coordinates along and across an axis that is turned by `angle`, radians."""
    return y * np.sin(angle) + x * np.cos(angle), y * np.cos(angle) - x * np.sin(angle)


def smooth_noise(rng: np.random.Generator, side_px: int, scale_px: float) -> np.ndarray:
    """Gaussian noise of unit variance, correlated over `scale_px`."""
    step = max(1, int(scale_px / 4))
    n = side_px // step + 2
    coarse = gaussian_filter(rng.normal(size=(n, n)).astype(np.float32), scale_px / step, mode="wrap")
    fine = np.kron(coarse, np.ones((step, step), np.float32))[:side_px, :side_px]
    if step > 1:
        fine = gaussian_filter(fine, step)
    return (fine - fine.mean()) / fine.std()
