"""Numbered cells of a field, and sums over the pixels of each."""

import numpy as np


class LabelledCells:
    """The cells of a field, and sums over the pixels of each.

    Parameters
    ----------
    labels : ndarray, (H, W), int32
        0 outside cells, then 1, 2, ...

    Attributes
    ----------
    at : ndarray, (n_pixels,), int64
        Flat indices of the cells' pixels.
    owner : ndarray, (n_pixels,), int64
        The cell that each of these pixels belongs to, from 1.
    area_px : ndarray, (n_cells,), int64
    y_px, x_px : ndarray, (n_cells,), float64
        Centroids.
    """

    def __init__(self, labels: np.ndarray):
        self.labels = labels
        self.at = np.flatnonzero(labels != 0)
        self.owner = labels.ravel()[self.at].astype(np.intp)
        self.n_cells = int(self.owner.max(initial=0))
        self.area_px = self.total()
        # Columns come out of the sums of flat indices, exactly: a remainder for every pixel is slow.
        width = labels.shape[1]
        self._rows = self.at // width
        rows = self.total(self._rows)
        self.y_px, self.x_px = rows / self.area_px, (self.total(self.at) - width * rows) / self.area_px

    def total(self, values: np.ndarray | None = None) -> np.ndarray:
        """Sum of each cell's values, one a pixel; without values, the number of its pixels."""
        return np.bincount(self.owner, values, minlength=self.n_cells + 1)[1:]

    def mean(self, values: np.ndarray) -> np.ndarray:
        """Mean of each cell's values, (n_cells,) float64."""
        return self.total(values) / self.area_px

    def second_moments(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Central second moments yy, xx and yx of each cell, px²."""
        columns = self.at - self.labels.shape[1] * self._rows
        down, right = self._rows - self.y_px[self.owner - 1], columns - self.x_px[self.owner - 1]
        return self.mean(down**2), self.mean(right**2), self.mean(down * right)

    def touching(self) -> tuple[np.ndarray, np.ndarray]:
        """Which cells touch the upper or left (near), and the lower or right (far) side of the field."""
        near, far = np.zeros((2, self.n_cells + 1), bool)
        for found, side in ((near, 0), (far, -1)):
            found[self.labels[side]] = found[self.labels[:, side]] = True
        return near[1:], far[1:]

    def component_areas_px(self, components: np.ndarray) -> np.ndarray:
        """Area of the component that each cell was cut from, (n_cells,) px; cells cover components wholly."""
        if components is self.labels:
            return self.area_px
        of_pixel = components.ravel()[self.at]
        component = np.zeros(self.n_cells + 1, np.int64)
        component[self.owner] = of_pixel
        return np.bincount(of_pixel)[component[1:]]

    def only(self, kept: np.ndarray) -> "LabelledCells":
        """Some of the cells, numbered 1, 2, ... in their order.

        Parameters
        ----------
        kept : ndarray, (n_cells,), bool
        """
        if kept.all():
            return self
        number = np.append(0, np.where(kept, np.cumsum(kept), 0)).astype(np.int32)
        labels = np.zeros_like(self.labels)
        labels.ravel()[self.at] = number[self.owner]
        return LabelledCells(labels)

    def outline_on(self, mask: np.ndarray) -> np.ndarray:
        """Share of each cell's outline that borders on `mask`, (n_cells,).

        An outline is made of pixel sides towards the outside; those towards other cells and the field's
        edge do not count.
        """
        sides, bordering = np.zeros((2, self.n_cells + 1))
        for first, second in (
            ((slice(None), slice(1, None)), (slice(None), slice(None, -1))),
            ((slice(1, None), slice(None)), (slice(None, -1), slice(None))),
        ):
            for here, there in ((first, second), (second, first)):
                outline = (self.labels[here] > 0) & (self.labels[there] == 0)
                owner = self.labels[here][outline]
                sides += np.bincount(owner, minlength=self.n_cells + 1)
                bordering += np.bincount(owner, mask[there][outline], minlength=self.n_cells + 1)
        # A cell that fills the field has no outline to judge by.
        return np.where(sides == 0, 1.0, bordering / np.maximum(sides, 1))[1:]


def aspect_ratio(yy: np.ndarray, xx: np.ndarray, yx: np.ndarray) -> np.ndarray:
    """Length over width of the ellipse with the same central second moments (px²).

    A pixel is a square, not a point: 1/12 is its own second moment, so that one pixel has
    ratio 1 and four in a row have ratio 4.

    Examples
    --------
    >>> four_in_a_row = [(j - 1.5) ** 2 for j in range(4)]
    >>> round(float(aspect_ratio(yy=0, xx=np.mean(four_in_a_row), yx=0)), 9)
    4.0
    """
    yy, xx = yy + 1 / 12, xx + 1 / 12
    mean, root = (yy + xx) / 2, np.sqrt(((yy - xx) / 2) ** 2 + yx**2)
    return np.sqrt((mean + root) / (mean - root))
