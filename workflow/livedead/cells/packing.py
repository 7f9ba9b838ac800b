"""Components moved closer together, so that work on them does not pay for the background between them.

Each is moved as a whole, and no two come to touch, not even at a corner. So whatever depends on a
component and the background around it alone, such as the distance from its edge, stays as it was.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np


@dataclass(frozen=True)
class Pixels:
    """The pixels of components in an image.

    Parameters
    ----------
    at : ndarray, (N,), int32
        Where each lies in the flattened image.
    owner : ndarray, (N,), int32
        The component of each, from 1.
    shape : tuple of int
        (height, width) of the image.
    """

    at: np.ndarray
    owner: np.ndarray
    shape: tuple[int, int]

    @classmethod
    def of_labels(cls, labels: np.ndarray) -> "Pixels":
        """All pixels of an image of labels, (H, W) int32, that are not 0, in raster order."""
        at = np.flatnonzero(labels > 0).astype(np.int32)
        return cls(at, labels.ravel()[at], labels.shape)

    def __getitem__(self, chosen: np.ndarray) -> "Pixels":
        """Some of them, in the same image."""
        return Pixels(self.at[chosen], self.owner[chosen], self.shape)

    def image(self, values: np.ndarray) -> np.ndarray:
        """The image, (H, W), with a value, (N,), at each pixel and 0 elsewhere."""
        image = np.zeros(self.shape, values.dtype)
        image.ravel()[self.at] = values
        return image

    def values(self, image: np.ndarray) -> np.ndarray:
        """The value, (N,), of an image, (H, W), at each pixel."""
        return image.ravel()[self.at]

    def moved(self, down: np.ndarray | int, right: np.ndarray, shape: tuple[int, int]) -> "Pixels":
        """The same pixels in another image, those of component k `right[k]` further right."""
        row, column = np.divmod(self.at, self.shape[1])
        step = (down * shape[1] + right).astype(np.int32)
        return Pixels(row * np.int32(shape[1]) + column + step[self.owner], self.owner, shape)


class _Runs(NamedTuple):
    """Pixels that follow each other in a row, in raster order; `left` and `right` are within."""

    row: np.ndarray
    left: np.ndarray
    right: np.ndarray
    owner: np.ndarray


def _runs(pixels: Pixels) -> _Runs:
    starts = (np.diff(pixels.at, prepend=-2) > 1) | (pixels.at % pixels.shape[1] == 0)
    first = np.flatnonzero(starts)
    row, left = np.divmod(pixels.at[first], pixels.shape[1])
    length = np.diff(first, append=len(pixels.at))
    return _Runs(row, left, left + length - 1, pixels.owner[first])


def on_shelves(pixels: Pixels) -> Pixels:
    """Place the bounding boxes of components side by side, the tallest first, on shelves of equal width.

    Parameters
    ----------
    pixels : Pixels
        In raster order.

    Returns
    -------
    Pixels
        In the same order as given, in an image whose outermost pixels are background.

    Examples
    --------
    >>> pixels = Pixels.of_labels(np.array([[1, 0, 0, 0, 2, 0], [0, 0, 0, 0, 2, 2]], np.int32))
    >>> shelved = on_shelves(pixels)
    >>> shelved.image(shelved.owner)
    array([[0, 0, 0, 0],
           [0, 2, 0, 0],
           [0, 2, 2, 0],
           [0, 0, 0, 0],
           [0, 1, 0, 0],
           [0, 0, 0, 0]], dtype=int32)
    """
    runs, n = _runs(pixels), int(pixels.owner.max()) + 1
    top, left = np.full(n, pixels.shape[0]), np.full(n, pixels.shape[1])
    height, width = np.zeros(n, np.int64), np.zeros(n, np.int64)
    np.minimum.at(top, runs.owner, runs.row)
    np.minimum.at(left, runs.owner, runs.left)
    # One blank row below and one blank column beside each; no room for numbers that no component has.
    np.maximum.at(height, runs.owner, runs.row - top[runs.owner] + 2)
    np.maximum.at(width, runs.owner, runs.right - left[runs.owner] + 2)

    order = np.argsort(-height, kind="stable")
    start = np.cumsum(width[order]) - width[order]
    shelf_width = int(np.sqrt((height * width).sum()))
    _, first, shelf = np.unique(start // shelf_width, return_index=True, return_inverse=True)
    shelf_height = height[order][first]
    x, y = np.empty(n, np.int64), np.empty(n, np.int64)
    x[order] = 1 + start - start[first][shelf]
    y[order] = 1 + (np.cumsum(shelf_height) - shelf_height)[shelf]
    return pixels.moved(y - top, x - left, (1 + int(shelf_height.sum()), int((x + width).max())))


def slid_left(pixels: Pixels) -> Pixels:
    """Move components left as far as the one before leaves room; none leaves its rows or passes another.

    So the pixels stay in raster order, however the components enclose each other.

    Parameters
    ----------
    pixels : Pixels
        In raster order; no two components touch.

    Returns
    -------
    Pixels
        In the same order, in an image whose first and last column and last row are background.

    Examples
    --------
    >>> pixels = Pixels.of_labels(np.array([[1, 0, 0, 0, 2, 0], [0, 0, 0, 0, 2, 2]], np.int32))
    >>> slid = slid_left(pixels)
    >>> slid.image(slid.owner)
    array([[0, 1, 0, 2, 0, 0],
           [0, 0, 0, 2, 2, 0],
           [0, 0, 0, 0, 0, 0]], dtype=int32)
    """
    runs, n = _runs(pixels), int(pixels.owner.max()) + 1
    place = runs.row * pixels.shape[1] + runs.left
    before, after, overlap = [], [], []
    for dy in (-1, 0, 1):
        # The last run of the row (or of the one above, or below) that begins further left.
        last = np.searchsorted(place, place + dy * pixels.shape[1]) - 1
        meets = (runs.row[last] == runs.row + dy) & (runs.owner[last] != runs.owner) & (last >= 0)
        last = last[meets]
        before.append(runs.owner[last])
        after.append(runs.owner[meets])
        overlap.append(runs.right[last] + 2 - runs.left[meets])
    one, other, least = (np.concatenate(parts) for parts in (before, after, overlap))
    right = np.full(n, 1 - pixels.shape[1])
    np.maximum.at(right, runs.owner, 1 - runs.left)
    # Longest paths (Bellman-Ford). They exist, for where the components are now is a solution.
    while (short := right[one] + least > right[other]).any():
        np.maximum.at(right, other[short], (right[one] + least)[short])
    width = int((runs.right + right[runs.owner]).max()) + 2
    return pixels.moved(0, right, (pixels.shape[0] + 1, width))
