"""Errors of count and of viability as curves over what makes a field difficult."""

import pandas as pd
from matplotlib.figure import Figure

from livedead.pictures.figures import DATA_COLOUR, FULL_MM, REFERENCE, log_axis, new_figure

LABELS = {
    "mean_cells": "cells in a field",
    "clumping": "clumping\n(sd of log density)",
    "size": "size of cells",
    "n_debris": "specks in a field",
    "defocus_px": "blur, px",
    "pixel_size_um": "pixel size, um",
}


def draw(errors: pd.DataFrame) -> Figure:
    """Draw a column of panels for each varied condition.

    Parameters
    ----------
    errors : DataFrame
        ``varied, value, count_error, viability_error``; errors are counted minus true, those of the
        count relative to the truth.
    """
    figure = new_figure(FULL_MM, 70)
    axes = figure.subplots(2, len(LABELS), sharey="row")
    for column, (varied, label) in enumerate(LABELS.items()):
        chosen = errors[errors["varied"] == varied].sort_values("value")
        for axis, name, scale in zip(
            axes[:, column], ("count_error", "viability_error"), (100, 1), strict=True
        ):
            axis.axhline(0, **REFERENCE)
            axis.plot(chosen["value"], scale * chosen[name], marker="o", color=DATA_COLOUR)
            if varied == "mean_cells":
                axis.set_xscale("log")
                log_axis(axis.xaxis)
        axes[1, column].set_xlabel(label)
    axes[0, 0].set_ylabel("count error, %")
    axes[1, 0].set_ylabel("viability error")
    return figure
