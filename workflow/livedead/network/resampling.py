"""A plate's fields at the pixel size of the network, and its logits back on the plate's own pixels.

Pixels are squares: pixel ``i`` of the network lies at ``(i + 0.5) / scale - 0.5`` on the plate, ``scale``
being the network's pixels per pixel of the plate. A field is enlarged by cubic convolution (Keys 1981,
IEEE Trans. Acoust. Speech Signal Process. 29:1153, https://doi.org/10.1109/TASSP.1981.1163711, a = -0.5),
and reduced with the same kernel, widened so far that nothing finer than the new pixels is left to fold
over. Logits come back by bilinear interpolation. At the edge both take the pixels that there are.

Each pixel is the same sum in the same order in whatever window it is made, so windows of a resampled field
are its parts to the last bit.
"""

import math
from collections.abc import Callable, Iterator
from typing import NamedTuple, Protocol

import numpy as np
import torch
from torch import Tensor

from livedead.network.windows import Rectangle, padded_shape, reflected, relative, whole

BAND_PX = 256
"""Rows of the network's grid whose logits come back at once."""

Cut = Callable[[Rectangle], Tensor]
"""Window of the padded field on the plate's grid -> normalized pixels, (C, h, w)."""


class Grid(Protocol):
    """The pixels that the network reads of the fields of a plate.

    Attributes
    ----------
    shape : (int, int)
        Of a field as the network reads it, not padded.
    plate_shape : (int, int)
        Of a field of the plate.
    """

    shape: tuple[int, int]
    plate_shape: tuple[int, int]

    def read(self, cut: Cut, window: Rectangle) -> Tensor:
        """The network's input in a window of the padded field, (C, h, w) float32."""

    def bands(self) -> Iterator[Rectangle]:
        """Cores whose logits come back one after the other when the whole field is computed at once."""

    def give_back(self, logits: Tensor, window: Rectangle, core: Rectangle) -> tuple[Rectangle, Tensor]:
        """The logits of a core, and where it lies, on the plate's grid.

        Parameters
        ----------
        logits : Tensor, (K, h, w), float32
            Of the window.
        window, core : Rectangle
            Of the padded field that the network reads. Beside the core, the row and the column that follow
            count, too; `livedead.network.windows.receptive_halo` reaches as far.

        Returns
        -------
        part : Rectangle
            Of the field of the plate. Cores that tile the one give parts that tile the other.
        logits : Tensor, (K, part height, part width), float32
        """


class OwnGrid:
    """The plate's own pixels."""

    def __init__(self, shape: tuple[int, int]):
        self.shape = self.plate_shape = shape

    def read(self, cut: Cut, window: Rectangle) -> Tensor:
        """See `Grid`."""
        return cut(window)

    def bands(self) -> Iterator[Rectangle]:
        """See `Grid`; in one, as there is nothing to compute."""
        yield whole(self.shape)

    def give_back(self, logits: Tensor, window: Rectangle, core: Rectangle) -> tuple[Rectangle, Tensor]:
        """See `Grid`; parts may reach into the padding."""
        return core, logits[:, *relative(core, window)]


class ResampledGrid:
    """Pixels of another size than the plate's.

    Parameters
    ----------
    shape : (int, int)
        Of a field of the plate.
    scale : float
        From `livedead.network.pixel_size.scale_to`.
    device : torch.device
        Where fields are resampled.
    """

    def __init__(self, shape: tuple[int, int], scale: float, device: torch.device):
        self.plate_shape = shape
        height, width = (math.ceil(round(side * scale, 6)) for side in shape)
        self.shape = height, width
        sides = list(zip(shape, self.shape, strict=True))
        self._there = [Axis(cubic_taps(old, new, scale).at(reflected(new)), device) for old, new in sides]
        self._back = [Axis(linear_taps(new, old, 1 / scale), device) for old, new in sides]

    def read(self, cut: Cut, window: Rectangle) -> Tensor:
        """See `Grid`."""
        rows, columns = self._there
        source = rows.source(window[0]), columns.source(window[1])
        return _resampled(cut(source), self._there, window, source)

    def bands(self) -> Iterator[Rectangle]:
        """See `Grid`."""
        height, width = padded_shape(self.shape)
        for top in range(0, height, BAND_PX):
            yield slice(top, min(top + BAND_PX, height)), slice(0, width)

    def give_back(self, logits: Tensor, window: Rectangle, core: Rectangle) -> tuple[Rectangle, Tensor]:
        """See `Grid`."""
        rows, columns = self._back
        part = rows.beginning_in(core[0]), columns.beginning_in(core[1])
        top, left = (
            slice(own.start, min(own.stop + 1, end.stop)) for own, end in zip(core, window, strict=True)
        )
        near = (top, left)
        return part, _resampled(logits[:, *relative(near, window)], self._back, part, near)


def grid_of(shape: tuple[int, int], scale: float, device: torch.device) -> Grid:
    """The grid of a plate whose fields have that shape; `scale` as in `ResampledGrid`."""
    return OwnGrid(shape) if scale == 1 else ResampledGrid(shape, scale, device)


class Taps(NamedTuple):
    """What the pixels of an axis are made of.

    Attributes
    ----------
    pixels : ndarray, (n, T), int64
        Of each new pixel the T old ones that may count. Those outside of the field are in its last pixel.
    weights : ndarray, (n, T), float32
        Theirs; they sum to 1, and are 0 outside of the field.
    """

    pixels: np.ndarray
    weights: np.ndarray

    def at(self, places: np.ndarray) -> "Taps":
        """Those of some pixels."""
        return Taps(self.pixels[places], self.weights[places])


def cubic_taps(n_old: int, n_new: int, scale: float) -> Taps:
    """Taps of `n_new` pixels, `scale` to a pixel of `n_old`, that pass nothing finer than the new ones."""
    return _taps(n_old, n_new, scale, _cubic, 2, max(1.0, 1 / scale))


def linear_taps(n_old: int, n_new: int, scale: float) -> Taps:
    """Taps of `n_new` points, `scale` to a pixel of `n_old`, between their two neighbours."""
    return _taps(n_old, n_new, scale, _linear, 1, 1.0)


def _taps(
    n_old: int, n_new: int, scale: float, kernel: Callable[[np.ndarray], np.ndarray], reach: int, width: float
) -> Taps:
    """Taps of a kernel that is 0 from `reach` on, in units of `width` old pixels."""
    centres = (np.arange(n_new) + 0.5) / scale - 0.5
    first = np.floor(centres - reach * width).astype(np.int64) + 1
    pixels = first[:, None] + np.arange(math.ceil(2 * reach * width))
    weights = kernel(np.abs(pixels - centres[:, None]) / width)
    weights[(pixels < 0) | (pixels >= n_old)] = 0
    weights /= weights.sum(axis=1, keepdims=True)
    return Taps(pixels.clip(0, max(n_old - 1, 0)), weights.astype(np.float32))


def _cubic(distance: np.ndarray) -> np.ndarray:
    """The kernel of Keys (1981), eq. 15, at a distance of 0 or more."""
    near = (1.5 * distance - 2.5) * distance**2 + 1
    far = ((-0.5 * distance + 2.5) * distance - 4) * distance + 2
    return np.where(distance <= 1, near, np.where(distance < 2, far, 0))


def _linear(distance: np.ndarray) -> np.ndarray:
    return np.clip(1 - distance, 0, None)


class Axis:
    """The taps of one axis, on a device."""

    def __init__(self, taps: Taps, device: torch.device):
        self._first, self._last = taps.pixels.min(axis=1), taps.pixels.max(axis=1)
        self._pixels, self._weights = (
            torch.from_numpy(np.ascontiguousarray(table.T)).to(device) for table in taps
        )

    def source(self, part: slice) -> slice:
        """The old pixels that some new ones are made of."""
        return slice(int(self._first[part].min()), int(self._last[part].max()) + 1)

    def beginning_in(self, part: slice) -> slice:
        """The new pixels whose first tap lies in some old ones; only for pixels in order."""
        start, stop = np.searchsorted(self._first, (part.start, part.stop))
        return slice(int(start), int(stop))

    def apply(self, values: Tensor, part: slice, start: int) -> Tensor:
        """The new rows `part` of old ones that begin with `start`, (..., rows, columns)."""
        taps = zip(self._pixels[:, part] - start, self._weights[:, part, None], strict=True)
        pixels, weights = next(taps)
        sums = values.index_select(-2, pixels).mul_(weights)
        # No fused or blocked sums, whose rounding would depend on the window.
        for pixels, weights in taps:
            sums.add_(values.index_select(-2, pixels).mul_(weights))
        return sums


def _resampled(values: Tensor, axes: list[Axis], part: Rectangle, source: Rectangle) -> Tensor:
    """A part, of old pixels that lie in `source`: its rows, then its columns as rows, which lie together."""
    for axis, new, old in zip(axes, part, source, strict=True):
        values = axis.apply(values.contiguous(), new, old.start).transpose(-1, -2)
    return values
