"""Fields with a ring around every counted cell, so that a person can check the counts."""

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from livedead.cells.tallies import MAIN_COUNTS, main_count, tells_viability
from livedead.pictures.figures import STATE_COLOURS, png

SIDE_PX = 400


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


def draw(panels: list[tuple[str, np.ndarray, pd.DataFrame]]) -> bytes:
    """Draw a row of fields.

    Parameters
    ----------
    panels : list of (title, field, cells)
        `field` is (H, W) in [-1, 1]; of a large one the middle is shown. An empty list gives a
        picture that says so.

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
    for axes, (heading, field, cells) in zip(np.ravel(figure.subplots(1, len(panels))), panels, strict=True):
        top, left = (max(0, (side - SIDE_PX) // 2) for side in field.shape)
        shown = field[top : top + SIDE_PX, left : left + SIDE_PX]
        axes.imshow(shown, cmap="gray", vmin=-1, vmax=1)
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
        axes.set(xlim=(-0.5, shown.shape[1] - 0.5), ylim=(shown.shape[0] - 0.5, -0.5), title=heading)
        axes.set_axis_off()
    handles = [
        Line2D([], [], marker="o", linestyle="", markerfacecolor="none", color=colour, label=state)
        for state, colour in colours.items()
    ]
    figure.legend(handles=handles, loc="outside lower center", ncols=3, frameon=False)
    return png(figure)
