"""The signals of a plate's dyes, and the threshold of each."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from livedead.dyes.plate_dyes import Dye, PlateDyes
from livedead.dyes.thresholds import BIN
from livedead.pictures.figures import DATA_COLOUR, STATE_COLOURS, png

BINS_A_BAR = 20
"""Bins of a histogram that one step of the drawing stands for."""

CONTROL_COLOURS = {"negative": STATE_COLOURS["live"], "positive": STATE_COLOURS["dead"]}


def draw(dyes: PlateDyes) -> bytes:
    """A PNG with a panel a dye: the histogram that its threshold parts, of the plate and of its controls."""
    figure = Figure(figsize=(6 * len(dyes.dyes), 4), layout="constrained")
    panels = figure.subplots(1, len(dyes.dyes), squeeze=False)[0]
    for axes, (role, dye) in zip(panels, dyes.dyes.items(), strict=True):
        _draw_dye(axes, role, dye)
    return png(figure)


def _draw_dye(axes: Axes, role: str, dye: Dye) -> None:
    _draw_histogram(axes, dye.histogram, "plate", DATA_COLOUR)
    for kind, counts in dye.controls.items():
        _draw_histogram(axes, counts, f"{kind} controls", CONTROL_COLOURS[kind])
    found = dye.threshold
    axes.axvline(found.counts, color="black", label=f"threshold {found.counts:.0f}, {found.method}")
    of = "cells" if dye.of_cells else "pixels"
    axes.set(
        title=f"{dye.channel} ({role}): {found.verdict}",
        xlabel=f"signal of {of}, counts over the background",
        ylabel=f"share of {of}",
        yscale="log",
    )
    axes.set_xscale("function", functions=(lambda x: np.sqrt(np.maximum(x, 0)), np.square))
    axes.set_xlim(0, max(2 * found.counts, _highest(dye.histogram)))
    axes.legend(fontsize=8)


def _draw_histogram(axes: Axes, counts: np.ndarray, label: str, colour: str) -> None:
    """A histogram as `livedead.dyes.thresholds.histogram` gives it, as shares, if it counts anything."""
    if not counts.any():
        return
    bars = np.add.reduceat(counts, np.arange(0, len(counts), BINS_A_BAR)) / counts.sum()
    edges = np.square(np.arange(len(bars) + 1) * BIN * BINS_A_BAR)
    axes.stairs(bars, edges, label=label, color=colour)


def _highest(counts: np.ndarray) -> float:
    """Signal that a ten-thousandth of what a histogram counts exceeds, at most."""
    last = int(np.searchsorted(np.cumsum(counts), 0.9999 * counts.sum()))
    return float((min(last + BINS_A_BAR, len(counts)) * BIN) ** 2)
