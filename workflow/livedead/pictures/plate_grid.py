"""Rows and columns of a plate, and a value of each well as a coloured square."""

from collections.abc import Iterable
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.image import AxesImage

from livedead.plates.geometry import FORMATS, row_letters, well_position

LABEL_MM = 3
"""A well that is at least as wide has its row and column named; of narrower ones every second, or fifth."""


def draw_grid(axes: Axes, n_wells: int, pitch_mm: float) -> None:
    """The wells of a plate, with the names of rows and columns; row i and column k are centred on y i, x k.

    Parameters
    ----------
    axes : Axes
    n_wells : int
        Size of the plate.
    pitch_mm : float
        From one well to the next in print.
    """
    rows, columns = FORMATS[n_wells]
    step = next((step for step in (1, 2, 5) if step * pitch_mm >= LABEL_MM), 10)
    axes.set(xlim=(-0.5, columns - 0.5), ylim=(rows - 0.5, -0.5))
    axes.set_xticks(range(0, columns, step), [str(k + 1) for k in range(0, columns, step)])
    axes.set_yticks(range(0, rows, step), [row_letters(k) for k in range(0, rows, step)])
    axes.tick_params(length=0, pad=1.5, top=True, labeltop=True, bottom=False, labelbottom=False)
    axes.set_xticks(np.arange(0.5, columns - 1), minor=True)
    axes.set_yticks(np.arange(0.5, rows - 1), minor=True)
    axes.grid(which="minor", color="0.85", linewidth=0.4 if pitch_mm > LABEL_MM else 0.2)
    axes.tick_params(which="minor", length=0)
    axes.spines[:].set(visible=True, color="0.7", linewidth=0.5)


def places(wells: Iterable[str]) -> tuple[np.ndarray, np.ndarray]:
    """Places x and y of wells on the grid."""
    y, x = np.array([well_position(well) for well in wells]).reshape(-1, 2).T
    return x, y


def draw_values(axes: Axes, values: pd.Series, n_wells: int, pitch_mm: float, **colours: Any) -> AxesImage:
    """A value of each well as a coloured square; wells without one are white.

    Parameters
    ----------
    values : Series
        By well.
    colours
        Of `Axes.imshow`: ``cmap``, ``vmin``, ``vmax``.
    """
    grid = np.full(FORMATS[n_wells], np.nan)
    x, y = places(values.index)
    grid[y, x] = values.to_numpy(float)
    picture = axes.imshow(grid, aspect="equal", **colours)
    draw_grid(axes, n_wells, pitch_mm)
    return picture
