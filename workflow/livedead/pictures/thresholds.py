"""The signals of a plate's dyes, the threshold of each, and how far the answer hangs on it."""

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from livedead.dyes.plate_dyes import SCALES, Dye, PlateDyes
from livedead.dyes.thresholds import BIN, N_BINS
from livedead.pictures.figures import STATE_COLOURS, log_axis, new_figure

N_BARS = 60
"""Bars of a histogram; their widths are equal on an axis of square roots, as those of its bins are."""

PLATE_COLOUR = "0.75"
CONTROLS: dict[str, dict[str, Any]] = {
    "negative": {"color": STATE_COLOURS["live"]},
    "positive": {"color": STATE_COLOURS["dead"], "linestyle": "--"},
}
"""Line of each kind of control wells."""
NEARBY: dict[str, Any] = {"linestyle": ":", "linewidth": 1}
"""Lines at 0.8 and 1.25 of a threshold."""


def draw(plate: str, dyes: PlateDyes) -> Figure:
    """Draw a panel for each dye: the histogram that its threshold parts.

    Parameters
    ----------
    plate : str
        Its name.
    dyes : PlateDyes
    """
    figure = new_figure(130, 6 + 72 * len(dyes.dyes))
    panels = figure.subplots(len(dyes.dyes), 1, squeeze=False)[:, 0]
    for axes, row in zip(panels, dyes.table(plate).itertuples(), strict=True):
        _draw_histograms(axes, dyes.dyes[row.dye])
        axes.set_title(
            f"{row.channel} ({row.dye}): {row.threshold:,.0f} counts by {row.method}, {row.verdict}"
        )
        axes.set_xlabel(f"counts over the background, of {row.signals_of} (square-root axis)\n{answer(row)}")
        axes.set_ylabel(f"share of the {row.signals_of}")
    handles, labels = panels[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper center", ncols=4, title=plate)
    return figure


def answer(row: Any) -> str:
    """What the plate's answer is at 0.8, 1 and 1.25 of a threshold, and its flags, below one another.

    Parameters
    ----------
    row : namedtuple
        A dye of `livedead.tables.DYES`.
    """
    scales = sorted(SCALES, key=SCALES.__getitem__)
    n_cells, viability = (
        [getattr(row, f"{name}{end}") for end in scales] for name in ("n_cells", "viability")
    )
    lines = []
    if pd.isna(n_cells).any():
        lines.append("not used")
    else:
        times = " / ".join(f"{SCALES[end]:g}" for end in scales)
        lines.append(f"at {times} of the threshold: {' / '.join(f'{n:,.0f}' for n in n_cells)} cells")
    if not pd.isna(viability).any():
        lines.append(f"viability {' / '.join(f'{share:.3f}' for share in viability)}")
    return "\n".join([*lines, f"flags: {row.flags.replace(';', ', ') or 'none'}"])


def _draw_histograms(axes: Axes, dye: Dye) -> None:
    threshold = dye.threshold.counts
    last = _last_bin(dye.histogram, threshold)
    edges = np.unique(np.linspace(0, last, N_BARS + 1).astype(int))
    signals = np.square(edges * BIN)
    if dye.histogram.any():
        axes.stairs(_shares(dye.histogram, edges), signals, fill=True, color=PLATE_COLOUR, label="plate")
    for kind, counts in dye.controls.items():
        if counts.any():
            axes.stairs(_shares(counts, edges), signals, label=f"{kind} controls", **CONTROLS[kind])
    for scale in SCALES.values():
        style = NEARBY if scale != 1 else {"label": "threshold"}
        axes.axvline(scale * threshold, color="black", **style)
    axes.set_yscale("log")
    log_axis(axes.yaxis)
    axes.set_xscale("function", functions=(lambda x: np.sqrt(np.maximum(x, 0)), np.square))
    axes.set_xticks(_ticks(signals[-1]))
    axes.set_xlim(0, signals[-1])


def _shares(counts: np.ndarray, edges: np.ndarray) -> np.ndarray:
    """The share of a histogram in each bar between `edges`, bins; the last bar holds all that is brighter."""
    return np.add.reduceat(counts, edges[:-1]) / counts.sum()


def _last_bin(counts: np.ndarray, threshold: float) -> int:
    """The bin where the drawing ends: all but a hundredth of what is stained lies below it."""
    above = np.where(np.arange(N_BINS) * BIN >= np.sqrt(threshold), counts, 0)
    bright = int(np.searchsorted(np.cumsum(above), 0.99 * above.sum())) if above.any() else 0
    return min(N_BINS, max(bright + 1, N_BARS, int(np.sqrt(2 * threshold) / BIN) + 1))


def _ticks(highest: float) -> np.ndarray:
    """Numbers of counts with one digit that lie about evenly on an axis of square roots."""
    even = np.square(np.linspace(0, np.sqrt(highest), 6))[1:]
    digits = 10.0 ** np.floor(np.log10(even))
    return np.unique([0.0, *np.round(even / digits) * digits])
