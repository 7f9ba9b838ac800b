"""Two readings of the viability of wells, one against the other."""

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from livedead.pictures.figures import DATA_COLOUR, REFERENCE, STATE_COLOURS, new_figure
from livedead.statistics.agreement import limits_of_agreement

Names = tuple[str, str]
"""What the first and the second reading are called."""
FEW_WELLS = 12
"""So many wells are named in the picture."""


def draw(wells: pd.DataFrame, names: Names, title: str = "") -> Figure:
    """Draw the second reading against the first, and their differences (Bland-Altman).

    Parameters
    ----------
    wells : DataFrame
        A well: ``well``, ``viability`` and, of the other reading, ``true_viability``.
    names : (str, str)
        What both are called.
    """
    figure = new_figure(130, 62)
    figure.suptitle(title)
    scatter, difference = figure.subplots(1, 2)
    scatter.plot([0, 1], [0, 1], **REFERENCE)
    _draw_points(scatter, wells["true_viability"], wells["viability"], wells)
    scatter.set(xlabel=f"{names[1]} viability", ylabel=f"{names[0]} viability", xlim=(-0.03, 1.03))
    scatter.set_ylim(-0.03, 1.03)
    draw_bland_altman(difference, wells, names)
    return figure


def draw_bland_altman(axes: Axes, wells: pd.DataFrame, names: Names) -> None:
    """Differences of two readings over their means, with their bias and limits of agreement; see `draw`."""
    mean = (wells["viability"] + wells["true_viability"]) / 2
    difference = wells["viability"] - wells["true_viability"]
    axes.axhline(0, **REFERENCE)
    for name, value in limits_of_agreement(difference).items():
        style = "-" if name == "bias" else "--"
        axes.axhline(value, color=STATE_COLOURS["dead"], linestyle=style, linewidth=0.8)
        words = f"{value:+.3f}".replace("-", "−")
        axes.annotate(words, (1.02, value), (0, 2), textcoords="offset points", fontsize=6)
    _draw_points(axes, mean, difference, wells)
    axes.set(xlabel="mean of both viabilities", ylabel=f"{names[0]} minus {names[1]}", xlim=(-0.03, 1.22))
    axes.set_xticks([0, 0.25, 0.5, 0.75, 1])


def _draw_points(axes: Axes, x: pd.Series, y: pd.Series, wells: pd.DataFrame) -> None:
    axes.plot(x, y, "o", color=DATA_COLOUR, alpha=0.7, markeredgewidth=0)
    if "well" in wells and len(wells) <= FEW_WELLS:
        for name, *place in zip(wells["well"], x, y, strict=True):
            axes.annotate(name, tuple(place), (2, 2), textcoords="offset points", fontsize=5)
