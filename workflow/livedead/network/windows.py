"""Padded fields, and the windows that they are cut into.

A field is padded at the bottom and right, by reflection, to a multiple of `STRIDE`. A window
gives the same logits as the whole field if its origin lies on the grid of `STRIDE` and its halo
covers the receptive field. Windows end where the padded field ends, so that the network's own
zero padding falls in the same place.
"""

from collections.abc import Iterator

import numpy as np

from livedead.network.unet import STRIDE, encoder_blocks

Rectangle = tuple[slice, slice]
"""Rows and columns of a field."""


def receptive_halo() -> int:
    """Context that decides a pixel, in px, rounded up to the grid of `STRIDE`.

    Followed backwards from an output pixel, each layer widens the interval of the inputs that
    it reads. Widths and weights do not matter, so one answer serves every network of this kind;
    kernel 4 of the decoder covers kernel 3.
    """
    # Half-open interval of rows at the current scale, for the output rows of one grid cell.
    low, high = 0, STRIDE
    for _ in range(5):  # transposed convolutions: output row r reads input rows r // 2 - 1 .. (r + 1) // 2
        low, high = (low - 1) // 2, (high + 2) // 2
    for block in reversed(encoder_blocks(1.0)):
        # A 3 x 3 convolution of stride s reads rows s r - 1 .. s r + 1, or s r .. s r + 2 padded by Keras.
        pad = 1 if block.stride == 1 else 0
        low, high = block.stride * low - pad, block.stride * (high - 1) - pad + 3
    low, high = 2 * low, 2 * (high - 1) + 3
    # On the high side also the cell that follows: between two pixels, logits are a mean with the next one.
    reach = max(-low, high)
    return -(-reach // STRIDE) * STRIDE


HALO_PX = receptive_halo()


def padded_shape(shape: tuple[int, ...]) -> tuple[int, int]:
    """Height and width of a (..., H, W) field after padding.

    Examples
    --------
    >>> padded_shape((2700, 3600))
    (2720, 3616)
    """
    height, width = (side + -side % STRIDE for side in shape[-2:])
    return height, width


def whole(shape: tuple[int, ...]) -> Rectangle:
    """The window that holds a whole (..., H, W) field and its padding."""
    height, width = padded_shape(shape)
    return slice(0, height), slice(0, width)


def padded(field: np.ndarray) -> np.ndarray:
    """The whole field, (..., H, W), padded."""
    return padded_window(field, whole(field.shape))


def padded_window(field: np.ndarray, window: Rectangle) -> np.ndarray:
    """A window of a padded field.

    Parameters
    ----------
    field : ndarray or h5py.Dataset, (..., H, W)
        Not padded; from a file, only the window is read.
    """
    shape = field.shape[-2:]
    if all(part.stop <= side for part, side in zip(window, shape, strict=True)):
        return field[..., *window]
    rows, columns = (reflected(side)[part] for part, side in zip(window, shape, strict=True))
    top, left = int(rows.min()), int(columns.min())
    # Cut a rectangle first: a file can be read in no other way.
    cut = field[..., top : int(rows.max()) + 1, left : int(columns.max()) + 1]
    return cut[..., (rows - top)[:, None], columns - left]


def reflected(side: int) -> np.ndarray:
    """Row of the field that each padded row repeats; NumPy's reflection also serves 1 px."""
    return np.pad(np.arange(side), (0, -side % STRIDE), mode="reflect")


def windows(
    shape: tuple[int, int], core_px: int, halo_px: int = HALO_PX
) -> Iterator[tuple[Rectangle, Rectangle, Rectangle]]:
    """Cut a padded field into cores with halos.

    Parameters
    ----------
    shape : (int, int)
        Of the padded field.
    core_px, halo_px : int
        Multiples of `STRIDE`.

    Yields
    ------
    window : Rectangle
        Of the field: the core and its halo.
    inner : Rectangle
        Of the window: where its core lies.
    core : Rectangle
        Of the field. Cores tile it exactly.
    """
    height, width = shape
    for top in range(0, height, core_px):
        for left in range(0, width, core_px):
            core = (slice(top, min(top + core_px, height)), slice(left, min(left + core_px, width)))
            window, inner = with_halo(core, shape, halo_px)
            yield window, inner, core


def with_halo(core: Rectangle, shape: tuple[int, int], halo_px: int = HALO_PX) -> tuple[Rectangle, Rectangle]:
    """The core with its halo, clipped at the field, and the core's place in it."""
    sides = list(zip(core, shape, strict=True))
    rows, columns = (
        slice(max(part.start - halo_px, 0), min(part.stop + halo_px, side)) for part, side in sides
    )
    window = (rows, columns)
    return window, relative(core, window)


def relative(part: Rectangle, to: Rectangle) -> Rectangle:
    """A rectangle in the coordinates of another one, in which it lies."""
    rows, columns = (
        slice(inner.start - outer.start, inner.stop - outer.start)
        for inner, outer in zip(part, to, strict=True)
    )
    return rows, columns


def overlap(one: Rectangle, other: Rectangle) -> Rectangle | None:
    """Where two rectangles of a field meet, if they do."""
    rows, columns = (
        slice(max(a.start, b.start), min(a.stop, b.stop)) for a, b in zip(one, other, strict=True)
    )
    return (rows, columns) if rows.start < rows.stop and columns.start < columns.stop else None
