"""A plate as its images: the first usable field of every well, in one contrast."""

from collections.abc import Callable, Mapping

import numpy as np
from matplotlib.figure import Figure

from livedead.normalization.transforms import Key
from livedead.pictures.choice import first_readable
from livedead.pictures.figures import FULL_MM, axes_at, draw_scale_bar, new_figure
from livedead.pictures.light import composed
from livedead.pictures.plate_grid import draw_grid, places
from livedead.plates.geometry import FORMATS

LEFT_MM, RIGHT_MM, TOP_MM, KEY_MM = 6, 1, 8, 6
WIDTH_PX = 1100
"""Of the wells side by side: a file of about 1 MB."""
WIDEST_PX = 180
"""A well on plates of few wells."""


def draw(
    fields: Mapping[str, list[Key]],
    read: Callable[[Key], np.ndarray],
    title: str,
    n_wells: int,
    shown: Mapping[str, str],
    um_per_px: float,
) -> Figure:
    """Draw one field of each well where the well lies on the plate; places of other wells stay empty.

    Parameters
    ----------
    fields : mapping
        Well -> its fields, from `livedead.pictures.choice.usable_fields`.
    read : callable
        (well, field, timepoint) -> its planes, (C, H, W) in [-1, 1], with the same black and white in
        every field; raises `FieldError`. One field is in memory at a time.
    title : str
    n_wells : int
        Size of the plate.
    shown : mapping
        What each of the planes is, see `livedead.pictures.overlay.draw`.
    um_per_px : float
    """
    widest = min(WIDEST_PX, WIDTH_PX // FORMATS[n_wells][1])
    tiles: dict[str, np.ndarray] = {}
    step = 1
    for well, keys in fields.items():
        for _, planes in first_readable(keys, read):
            # All wells are reduced like the first one, or their scale would not be the same.
            step = step if tiles else -(-planes.shape[2] // widest)
            tiles[well] = composed(reduced(planes, step), list(shown))
    return _drawn(tiles, title, n_wells, um_per_px * step)


def reduced(planes: np.ndarray, step: int) -> np.ndarray:
    """Planes, (C, H, W), with the mean of each step x step pixels as one; what is left over is cut off.

    Examples
    --------
    >>> reduced(np.arange(8.0).reshape(1, 2, 4), 2).tolist()
    [[[2.5, 4.5]]]
    """
    n, height, width = planes.shape
    height, width = height // step, width // step
    whole = planes[:, : height * step, : width * step]
    return whole.reshape(n, height, step, width, step).mean(axis=(2, 4))


def _drawn(tiles: dict[str, np.ndarray], title: str, n_wells: int, um_per_px: float) -> Figure:
    rows, columns = FORMATS[n_wells]
    shapes = [tile.shape[:2] for tile in tiles.values()] or [(1, 1)]
    high, wide = np.max(shapes, axis=0)
    pitch = min((FULL_MM - LEFT_MM - RIGHT_MM) / columns, WIDEST_PX / WIDTH_PX * FULL_MM)
    tall = pitch * high / wide
    height = TOP_MM + rows * tall + KEY_MM
    figure = new_figure(FULL_MM, height, constrained=False)
    axes = axes_at(figure, LEFT_MM, KEY_MM, columns * pitch, rows * tall)
    picture = np.ones((rows * high, columns * wide, 3), np.float32)
    for (x, y), tile in zip(zip(*places(tiles), strict=True), tiles.values(), strict=True):
        picture[y * high :, x * wide :][: tile.shape[0], : tile.shape[1]] = tile
    axes.imshow(picture, extent=(-0.5, columns - 0.5, rows - 0.5, -0.5), aspect="auto")
    draw_grid(axes, n_wells, pitch)
    axes.set_axisbelow(False)  # the lines between wells lie over the images
    figure.text(LEFT_MM / FULL_MM, 1 - 1 / height, title, va="top", fontsize=8)
    key = axes_at(figure, LEFT_MM, 0, columns * pitch, KEY_MM, xlim=(0, columns * wide), ylim=(1, 0))
    key.set_axis_off()
    draw_scale_bar(key, um_per_px, share=1 / columns)
    return figure
