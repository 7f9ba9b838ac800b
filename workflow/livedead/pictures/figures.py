"""What all pictures share: their sizes in print, fonts, colours and scale bars; a figure as PNG or SVG."""

import io
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullLocator

from livedead import stores

FULL_MM, COLUMN_MM = 178, 85
"""Widths of a page and of a column of a journal."""
N_ACROSS = 3
DPI = 300
POINTS_PER_MM = 72 / 25.4

STATE_COLOURS = {"live": "#0072B2", "dead": "#D55E00", "ambiguous": "#F0E442", "unknown": "#CC79A7"}
"""Of Okabe and Ito (2008), which colour-blind people tell apart; colour never stands alone."""
STATE_LINES: dict[str, Any] = {"live": "-", "dead": "--", "ambiguous": ":", "unknown": "-."}
STATE_MARKERS = {"live": "o", "dead": "x", "ambiguous": "^", "unknown": "D"}
ROLE_COLOURS = {
    "live": STATE_COLOURS["live"],
    "dead": STATE_COLOURS["dead"],
    "unknown": STATE_COLOURS["unknown"],
    "boundary": "#E6C300",
    "context": "#009E73",
}
VIABILITY_COLOURS = LinearSegmentedColormap.from_list(
    "viability", [STATE_COLOURS["dead"], "#F7F1E1", STATE_COLOURS["live"]]
)
"""From all cells dead to all alive."""
DATA_COLOUR = "#1f5a8a"
REFERENCE: dict[str, Any] = {"color": "0.7", "linewidth": 0.8}
"""Style of the line on which a perfect reading would lie."""
NO_RESULT = "#8c8c8c"

# What people wrote in a plate map is drawn as it is, also where it holds a "$". Ids of an SVG come from the
# salt, not from chance, and its text stays text.
matplotlib.rcParams.update(
    {
        "font.sans-serif": ["DejaVu Sans", "Arial", "Helvetica"],
        "font.size": 7,
        "axes.titlesize": 7,
        "axes.labelsize": 7,
        "xtick.labelsize": 6,
        "ytick.labelsize": 6,
        "legend.fontsize": 6,
        "legend.title_fontsize": 6,
        "legend.frameon": False,
        "figure.titlesize": 8,
        "axes.linewidth": 0.6,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "lines.linewidth": 1,
        "lines.markersize": 3,
        "xtick.major.size": 2.5,
        "ytick.major.size": 2.5,
        "xtick.major.width": 0.6,
        "ytick.major.width": 0.6,
        "xtick.minor.size": 1.5,
        "ytick.minor.size": 1.5,
        "image.interpolation": "none",
        "text.parse_math": False,
        "svg.fonttype": "none",
        "svg.hashsalt": "livedead",
    }
)


def new_figure(width_mm: float, height_mm: float, constrained: bool = True) -> Figure:
    """An empty figure of this size in print; where it is not `constrained`, axes are put in place by hand."""
    return Figure(figsize=(width_mm / 25.4, height_mm / 25.4), layout="constrained" if constrained else None)


def axes_at(
    figure: Figure, left: float, bottom: float, width: float, height: float, **properties: Any
) -> Axes:
    """Axes at a place of a figure, in mm."""
    wide, high = figure.get_size_inches() * 25.4
    return figure.add_axes((left / wide, bottom / high, width / wide, height / high), **properties)


def note(text: str) -> Figure:
    """A small picture that says in words why there is nothing to draw."""
    figure = new_figure(COLUMN_MM, 12, constrained=False)
    figure.text(0.5, 0.5, text, ha="center", va="center", wrap=True)
    return figure


def panels(n: int, title: str) -> tuple[Figure, list[Axes]]:
    """A figure of n panels, `N_ACROSS` side by side, as wide as a page."""
    across = min(n, N_ACROSS)
    rows = -(-n // across)
    figure = new_figure(FULL_MM / N_ACROSS * across, 5 + 48 * rows)
    figure.suptitle(title)
    axes = figure.subplots(rows, across, squeeze=False).ravel()
    for empty in axes[n:]:
        empty.set_axis_off()
    return figure, list(axes[:n])


def png(figure: Figure) -> bytes:
    """A figure as PNG; equal figures give equal bytes."""
    return _saved(figure, format="png", dpi=DPI, metadata={"Software": None})


def svg(figure: Figure) -> bytes:
    """A figure as SVG; equal figures give equal bytes."""
    return _saved(figure, format="svg", metadata={"Date": None})


def write(figure: Figure, paths: Iterable[Path]) -> None:
    """Write a figure to each of these paths, as the format that its suffix says."""
    for path in paths:
        stores.write_bytes(path, svg(figure) if path.suffix == ".svg" else png(figure))


def _saved(figure: Figure, **how: Any) -> bytes:
    buffer = io.BytesIO()
    figure.savefig(buffer, **how)
    return buffer.getvalue()


def nice(value: float) -> float:
    """The largest of 1, 2, 5, 10, 20, ... and 0.5, 0.2, 0.1, ... that is not above a positive value.

    Examples
    --------
    >>> nice(776), nice(0.3), nice(1)
    (500.0, 0.2, 1.0)
    """
    power = 10.0 ** np.floor(np.log10(value))
    return float(max(step * power for step in (1, 2, 5) if step * power <= value * (1 + 1e-9)))


def log_axis(axis: Axis, steps: Sequence[float] = (1,)) -> None:
    """Plain numbers, such as 0.01 and 100, on a logarithmic axis, at these steps of each decade."""
    axis.set_major_locator(LogLocator(subs=steps))
    axis.set_major_formatter("{x:g}")
    axis.set_minor_locator(NullLocator())


def draw_scale_bar(axes: Axes, um_per_px: float, share: float = 0.3) -> None:
    """A bar of a round length at the lower left, with its length in words.

    Parameters
    ----------
    axes : Axes
        Of an image: their units are its pixels, y downwards.
    um_per_px : float
    share : float
        Of the width that the bar takes at most.
    """
    (left, right), (bottom, top) = axes.get_xlim(), axes.get_ylim()
    length_um = nice(share * (right - left) * um_per_px)
    x, y = left + 0.12 * share * (right - left), bottom - 0.06 * (bottom - top)
    style: dict[str, Any] = {"color": "black", "linewidth": 1.6, "solid_capstyle": "butt"}
    axes.plot([x, x + length_um / um_per_px], [y, y], gid="scale bar", **style)
    box = {"facecolor": "white", "alpha": 0.7, "linewidth": 0, "pad": 0.6}
    words = f"{length_um:g} µm"
    axes.annotate(words, (x, y), (0, 3), textcoords="offset points", fontsize=6, bbox=box)
