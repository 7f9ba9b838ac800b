"""A plate as circles: their colour is the viability, their area the number of cells per mm²."""

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.collections import EllipseCollection
from matplotlib.colors import to_rgba
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from livedead.cells.tallies import MAIN_COUNTS, main_count, tells_viability
from livedead.pictures.figures import (
    COLUMN_MM,
    DATA_COLOUR,
    FULL_MM,
    NO_RESULT,
    VIABILITY_COLOURS,
    axes_at,
    new_figure,
    nice,
)
from livedead.pictures.plate_grid import draw_grid, places
from livedead.plates.geometry import FORMATS
from livedead.wells.timing import timepoint_name

LEFT_MM, RIGHT_MM, TOP_MM, KEY_MM = 5, 1.5, 8, 16
"""Margins of the wells: for letters of rows, for the title and numbers of columns, and for the key."""
WIDEST_MM = 9
"""From well to well on a plate of few wells; on others, the plate fills its column or page."""
SIZES_MM = 38.0
"""Where the sizes of circles begin in the key."""
KEY_LINE_MM = (5, 29, 52, 69.5)
"""Where the signs of its last line begin."""
LARGEST = 0.86
"""Diameter of the largest circle, where from well to well is 1."""
CONTROLS: dict[str, Any] = {"negative": "-", "positive": (0, (1.6, 1.2))}
"""Line that frames each kind of control wells."""
EDGE = "0.35"


def draw(wells: pd.DataFrame, n_wells: int) -> Figure:
    """Draw one plate at its last timepoint.

    Circles are grey where cells were counted but viability is not known, as of ambiguous cells only. Where
    the reading does not tell viability, all circles have one colour.

    Parameters
    ----------
    wells : DataFrame
        The plate's well table.
    n_wells : int
        Size of the plate.
    """
    last = wells[wells["timepoint"] == wells["timepoint"].max()]
    rows, columns = FORMATS[n_wells]
    width = COLUMN_MM if n_wells <= 96 else FULL_MM
    pitch = min(WIDEST_MM, (width - LEFT_MM - RIGHT_MM) / columns)
    height = TOP_MM + rows * pitch + KEY_MM
    figure = new_figure(width, height, constrained=False)
    axes = axes_at(figure, LEFT_MM, KEY_MM, columns * pitch, rows * pitch)
    title = f"{last['plate'].iloc[0]}, {timepoint_name(last['timepoint'].iloc[0], last)}"
    figure.text(LEFT_MM / width, 1 - 1 / height, title, va="top", fontsize=8)
    draw_grid(axes, n_wells, pitch)
    main = main_count(wells)
    density = (last[main].astype(float) / last["area_mm2"]).to_numpy(float)
    densest = float(np.nanmax(density, initial=0))
    viability = last["viability"].to_numpy(float, na_value=np.nan) if tells_viability(wells) else None
    _draw_circles(axes, last["well"], density / (densest or 1), viability)
    _draw_signs(axes, last, density)
    key = axes_at(figure, 0, 0, width, KEY_MM, xlim=(0, width), ylim=(0, KEY_MM))
    key.set_axis_off()
    if viability is not None:
        _draw_colours(key)
    if densest:
        _draw_sizes(key, densest, pitch * LARGEST, f"{MAIN_COUNTS[main]} per mm²")
    _draw_key(key)
    return figure


def _draw_circles(axes: Axes, wells: pd.Series, shares: np.ndarray, viability: np.ndarray | None) -> None:
    """Circles of these shares of the largest area."""
    colours = np.full((len(wells), 4), to_rgba(DATA_COLOUR))
    if viability is not None:
        colours = np.where(np.isnan(viability)[:, None], to_rgba(NO_RESULT), VIABILITY_COLOURS(viability))
    seen = shares > 0
    diameters = LARGEST * np.sqrt(shares[seen])
    circles = EllipseCollection(
        diameters,
        diameters,
        0,
        units="x",
        offsets=np.column_stack(places(wells))[seen],
        offset_transform=axes.transData,
        facecolors=colours[seen],
        edgecolors=EDGE,
        linewidths=0.3,
    )
    axes.add_collection(circles)


def _draw_signs(axes: Axes, wells: pd.DataFrame, density: np.ndarray) -> None:
    """Frames around controls, crosses where there is no result, dots where there is no cell."""
    control = wells["control"] if "control" in wells else pd.Series("", wells.index)
    for kind, style in CONTROLS.items():
        for x, y in zip(*places(wells["well"][control == kind]), strict=True):
            axes.add_patch(_frame(x - 0.46, y - 0.46, 0.92, style))
    for x, y in zip(*places(wells["well"][np.isnan(density)]), strict=True):
        _cross(axes, x, y, 0.25)
    axes.plot(*places(wells["well"][density == 0]), ".", color=EDGE, markersize=2)


def _frame(left: float, top: float, side: float, style: Any) -> Rectangle:
    return Rectangle((left, top), side, side, fill=False, linestyle=style, linewidth=0.7, edgecolor="black")


def _cross(axes: Axes, x: float, y: float, half: float) -> None:
    for sign in (-1, 1):
        axes.plot([x - half, x + half], [y - sign * half, y + sign * half], color="0.45", linewidth=0.7)


def _draw_colours(key: Axes) -> None:
    """The scale of viability, in the first column of the key, whose units are mm."""
    bar = key.inset_axes((LEFT_MM, 8.4, 26, 1.8), transform=key.transData)
    scale = ScalarMappable(cmap=VIABILITY_COLOURS)
    key.figure.colorbar(scale, cax=bar, orientation="horizontal", ticks=[0, 0.5, 1])
    bar.tick_params(pad=1, length=1.5)
    key.text(LEFT_MM, 11.2, "viability", fontsize=6)


def _draw_sizes(key: Axes, densest: float, largest_mm: float, what: str) -> None:
    """Circles of round numbers, in its second column."""
    left = SIZES_MM
    key.text(left, 13.2, what, fontsize=6)
    for number in dict.fromkeys(nice(densest / part) for part in (1, 3, 10)):
        diameter = largest_mm * np.sqrt(number / densest)
        circle = EllipseCollection(
            [diameter],
            [diameter],
            0,
            units="x",
            offsets=[(left + diameter / 2, 8.7)],
            offset_transform=key.transData,
            facecolors="none",
            edgecolors=EDGE,
            linewidths=0.5,
        )
        key.add_collection(circle)
        key.text(left + diameter + 0.8, 8.7, f"{number:g}", fontsize=6, va="center")
        left += diameter + 8


def _draw_key(key: Axes) -> None:
    """What frames, crosses and dots are, in its last line."""
    signs = dict(
        zip(["negative control", "positive control", "no result", "no cell"], KEY_LINE_MM, strict=True)
    )
    for name, left in signs.items():
        key.text(left + 3, 2.2, name, fontsize=6, va="center")
    for kind, style in CONTROLS.items():
        key.add_patch(_frame(signs[f"{kind} control"], 1.2, 2, style))
    _cross(key, signs["no result"] + 1, 2.2, 0.8)
    key.plot(signs["no cell"] + 1.5, 2.2, ".", color=EDGE, markersize=2)
