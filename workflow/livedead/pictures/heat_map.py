"""A plate as heat maps: viability, if the reading tells it, and cells per square millimetre."""

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from livedead.cells.tallies import MAIN_COUNTS, main_count, tells_viability
from livedead.pictures.figures import png
from livedead.plates.geometry import FORMATS, well_name, well_position

NO_RESULT = "#d9d9d9"


def draw(wells: pd.DataFrame, n_wells: int) -> bytes:
    """Draw one plate at its last timepoint; wells without a value are grey with a cross.

    Parameters
    ----------
    wells : DataFrame
        The plate's well table.
    n_wells : int
        Size of the plate.

    Returns
    -------
    bytes
        PNG.
    """
    last = wells[wells["timepoint"] == wells["timepoint"].max()]
    rows, columns = FORMATS[n_wells]
    main = main_count(wells)
    density = last[main].astype(float) / last["area_mm2"]
    panels = [(f"{MAIN_COUNTS[main].capitalize()} per mm²", density, {"cmap": "viridis", "vmin": 0})]
    if tells_viability(wells):
        panels.insert(0, ("Viability", last["viability"], {"cmap": "RdYlBu", "vmin": 0, "vmax": 1}))
    figure = Figure(figsize=(6.5 * len(panels), 1.1 + 5.6 * rows / columns), layout="constrained")
    plate = last["plate"].iloc[0]
    figure.suptitle(f"{plate}, timepoint {last['timepoint'].iloc[0]}", fontsize=13)
    axes = figure.subplots(1, len(panels), squeeze=False)[0]
    for panel, (title, values, colours) in zip(axes, panels, strict=True):
        _draw_panel(panel, last["well"], values, (rows, columns), **colours)
        panel.set_title(title, pad=18)
    return png(figure)


def _draw_panel(
    axes: Axes, wells: pd.Series, values: pd.Series, shape: tuple[int, int], **colours: Any
) -> None:
    """Draw a value per well; `colours` are imshow's ``cmap``, ``vmin`` and ``vmax``."""
    rows, columns = shape
    grid = np.full((rows, columns), np.nan)
    for well, value in zip(wells, values, strict=True):
        grid[well_position(well)] = value
    axes.set_facecolor(NO_RESULT)
    picture = axes.imshow(grid, aspect="equal", **colours)
    for well in wells[values.isna()]:
        y, x = well_position(well)
        axes.text(x, y, "×", ha="center", va="center", color="#555555")
    step = max(1, columns // 12)
    axes.set_xticks(range(0, columns, step), [str(k + 1) for k in range(0, columns, step)])
    letters = [well_name(k, 0)[:-2] for k in range(rows)]
    axes.set_yticks(range(0, rows, max(1, rows // 8)), letters[:: max(1, rows // 8)])
    axes.tick_params(length=0, top=True, labeltop=True, bottom=False, labelbottom=False)
    axes.set_xticks(np.arange(-0.5, columns), minor=True)
    axes.set_yticks(np.arange(-0.5, rows), minor=True)
    axes.grid(which="minor", color="white", linewidth=1)
    axes.tick_params(which="minor", length=0)
    for spine in axes.spines.values():
        spine.set_visible(False)
    axes.figure.colorbar(picture, ax=axes, shrink=0.8, fraction=0.05)
