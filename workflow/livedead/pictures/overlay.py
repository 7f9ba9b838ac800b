"""Fields with a ring around every counted cell, so that a person can check the counts."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from livedead.cells.tallies import MAIN_COUNTS, main_count, tells_viability
from livedead.dyes.signals import field_background
from livedead.pictures.figures import STATE_COLOURS, png

SIDE_PX = 400

LIGHT = {"live": "lime", "dead": "magenta"}
"""What a dye is drawn in over the first one, which is white."""


def choose_wells(wells: pd.DataFrame) -> pd.DataFrame:
    """The most, the middle and the least viable row; first, middle and last on a plate without cells.

    Where viability is not told, the rows with the most, the median and the least cells.

    Rows without a usable field are never chosen, so a plate without any gives none.
    """
    used = wells[wells["n_fields_used"] > 0]
    value = "viability" if tells_viability(used) else main_count(used)
    known = used.dropna(subset=value)
    ranked = (used if known.empty else known).sort_values([value, "well"], ascending=[False, True])
    places = sorted({0, len(ranked) // 2, len(ranked) - 1}) if len(ranked) else []
    return ranked.iloc[places]


def title(row: pd.Series) -> str:
    """The heading of a field: what the row of its well, which has cells counted, tells of them."""
    name = next(name for name in MAIN_COUNTS if pd.notna(row[name]))
    if row[name] == 0:
        told = f"no {MAIN_COUNTS[name]}"
    elif pd.notna(row["viability"]):
        told = f"viability {row['viability']:.2f}"
    elif pd.notna(row["n_ambiguous"]):
        told = "ambiguous cells only"
    else:
        told = f"{row[name]} {MAIN_COUNTS[name]}"
    return f"{row['well']}, timepoint {row['timepoint']}: {told}"


def draw(panels: list[tuple[str, np.ndarray, pd.DataFrame]], shown: Mapping[str, str]) -> bytes:
    """Draw a row of fields.

    Parameters
    ----------
    panels : list of (title, planes, cells)
        `planes` are (C, H, W), in [-1, 1]; of a large field the middle is shown. An empty list gives a
        picture that says so.
    shown : mapping
        What each of the planes is, ``input`` of a network or a dye -> its channel.

    Returns
    -------
    bytes
        PNG.
    """
    drawn = {state for _, _, cells in panels for state in cells["state"]}
    colours = {state: colour for state, colour in STATE_COLOURS.items() if state in drawn}
    figure = Figure(figsize=(4.4 * max(1, len(panels)), 5), layout="constrained")
    if not panels:
        figure.text(0.5, 0.5, "no field of this plate can be used", ha="center")
        return png(figure)
    for axes, (heading, planes, cells) in zip(np.ravel(figure.subplots(1, len(panels))), panels, strict=True):
        top, left = (max(0, (side - SIDE_PX) // 2) for side in planes.shape[1:])
        middle = planes[:, top : top + SIDE_PX, left : left + SIDE_PX]
        axes.imshow(composed(middle, list(shown)))
        for state, colour in colours.items():
            chosen = cells[cells["state"] == state]
            axes.scatter(
                chosen["x_px"] - left,
                chosen["y_px"] - top,
                s=90,
                facecolors="none",
                edgecolors=colour,
                linewidths=1.4,
            )
        height, width = middle.shape[1:]
        axes.set(xlim=(-0.5, width - 0.5), ylim=(height - 0.5, -0.5), title=heading)
        axes.set_axis_off()
    handles = [
        Line2D([], [], marker="o", linestyle="", markerfacecolor="none", color=colour, label=state)
        for state, colour in colours.items()
    ]
    light = ", ".join(f"{channel}: {light_of(what, k)}" for k, (what, channel) in enumerate(shown.items()))
    figure.legend(handles=handles, loc="outside lower center", ncols=4, frameon=False, title=light)
    return png(figure)


def composed(planes: np.ndarray, shown: Sequence[str]) -> np.ndarray:
    """A field as it is drawn: the input of a network, or the light of all dyes.

    Of a dye, the square root of what is over the background is drawn, so that dim nuclei are seen.

    Parameters
    ----------
    planes : ndarray, (C, H, W), float32
        In [-1, 1].
    shown : sequence of str
        What each of them is.

    Returns
    -------
    ndarray, (H, W, 3), float32
        In [0, 1].
    """
    field = np.zeros((*planes.shape[1:], 3), np.float32)
    for k, (what, plane) in enumerate(zip(shown, planes, strict=True)):
        brightness = (plane + 1) / 2
        if what != "input":
            background = field_background(plane)[0]
            brightness = np.sqrt(np.clip((plane - background) / max(1 - background, 1e-6), 0, 1))
        field += brightness[..., np.newaxis] * np.array(to_rgb(light_of(what, k)), np.float32)
    return np.clip(field, 0, 1)


def light_of(what: str, place: int) -> str:
    """The colour that a plane is drawn in: the first is white."""
    return LIGHT[what] if place else "white"
