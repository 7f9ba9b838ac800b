"""Shapes and textures that cells and debris are drawn with.

Lengths are in px of `livedead.simulation.label_free.PIXEL_SIZE_UM`. What is drawn for a camera with other
pixels is drawn at points that lie `step` px apart, each in the middle of its square.
"""

import math
from typing import TypeVar

import numpy as np
import pandas as pd
from scipy.ndimage import gaussian_filter

STAMP_PX = 24
"""Half the side of the square on which a cell is drawn."""

Coordinate = TypeVar("Coordinate", float, pd.Series)


def in_pixels(at: Coordinate, size: float) -> Coordinate:
    """A coordinate in px, counted in pixels that are `size` px wide; 0 is the middle of the first pixel."""
    return at / size + (0.5 / size - 0.5)


def stamp(y: float = 0.0, x: float = 0.0, step: float = 1.0) -> tuple[np.ndarray, np.ndarray]:
    """Distance in y and in x of each point of a stamp from the point (y, x) of the field, px."""
    reach = _reach(step)
    rows, columns = np.mgrid[-reach : reach + 1, -reach : reach + 1].astype(np.float32)
    y, x = in_pixels(y, step), in_pixels(x, step)
    return (rows - np.float32(y % 1)) * np.float32(step), (columns - np.float32(x % 1)) * np.float32(step)


def overlap(
    y: float, x: float, side: int, step: float = 1.0
) -> tuple[tuple[slice, slice], tuple[slice, slice]]:
    """The part of a field of `side` points under a stamp centred at (y, x) px, and the part of the stamp."""
    reach = _reach(step)
    field, part = [], []
    for centre in (int(np.floor(in_pixels(y, step))), int(np.floor(in_pixels(x, step)))):
        low, high = centre - reach, centre + reach + 1
        field.append(slice(max(low, 0), min(high, side)))
        part.append(slice(max(-low, 0), 2 * reach + 1 - max(high - side, 0)))
    return (field[0], field[1]), (part[0], part[1])


def _reach(step: float) -> int:
    """`STAMP_PX`, in points."""
    return math.ceil(STAMP_PX / step)


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
