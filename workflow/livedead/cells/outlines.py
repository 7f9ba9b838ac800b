"""Outlines of cells, and the hash by which corrections know them."""

import hashlib
from collections.abc import Sequence

import numpy as np
from scipy.ndimage import find_objects
from skimage.measure import find_contours


def cells_sha256(labels: np.ndarray, states: Sequence[str]) -> str:
    """Hash of the cells of a field: where each is, and its state.

    Parameters
    ----------
    labels : ndarray, (H, W), int32
        Cell k has the value k.
    states : sequence of str
        That of cell 1 first.
    """
    digest = hashlib.sha256(f"{labels.shape}\n{' '.join(states)}\n".encode())
    digest.update(np.ascontiguousarray(labels, "<i4").tobytes())
    return digest.hexdigest()


def outlines(labels: np.ndarray) -> list[np.ndarray]:
    """The outline of every cell, along the sides of its pixels.

    Parameters
    ----------
    labels : ndarray, (H, W), int32
        Cells 1, 2, ... without a gap.

    Returns
    -------
    list of ndarray, (n, 2), int
        Corners (y, x) of a closed polygon, the first not repeated; 0 is the field's edge. A cell in
        several parts has that of its largest; holes are filled.

    Examples
    --------
    >>> outlines(np.array([[0, 0, 0], [0, 1, 1]]))[0].tolist()
    [[2, 1], [1, 1], [1, 3], [2, 3]]
    """
    return [_outline(labels[box] == k, box) for k, box in enumerate(find_objects(labels), start=1)]


def _outline(inside: np.ndarray, box: tuple[slice, slice]) -> np.ndarray:
    """Outline of one cell in its box: the contour of its pixels, each drawn as four."""
    # Between pixels that are four times as many, the contour passes at half a small pixel from every corner.
    fine = np.pad(inside.repeat(2, axis=0).repeat(2, axis=1), 1).astype(np.float32)
    contours = find_contours(fine, 0.5, fully_connected="high")
    longest = max(contours, key=lambda contour: _area(contour))
    corners = np.rint((longest[:-1] - 0.5) / 2).astype(int) + np.array([side.start for side in box])
    return _merged(corners)


def _area(polygon: np.ndarray) -> float:
    """Area inside a closed polygon, (n, 2), by the shoelace formula."""
    y, x = polygon.T
    return float(abs(np.dot(x, np.roll(y, 1)) - np.dot(y, np.roll(x, 1))) / 2)


def _merged(corners: np.ndarray) -> np.ndarray:
    """A polygon without points that lie on a straight line, or twice."""
    corners = corners[(corners != np.roll(corners, 1, axis=0)).any(axis=1)]
    before, after = corners - np.roll(corners, 1, axis=0), np.roll(corners, -1, axis=0) - corners
    turns = before[:, 0] * after[:, 1] != before[:, 1] * after[:, 0]
    return corners[turns]
