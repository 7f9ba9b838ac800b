"""Errors of count and of viability as curves over what makes a field hard."""

import pandas as pd
from matplotlib.figure import Figure

from livedead.pictures import png

LABELS = {
    "mean_cells": "cells in a field",
    "clumping": "clumping (sd of log density)",
    "size": "size of cells",
    "n_debris": "specks in a field",
    "defocus_px": "blur, px",
}


def draw(errors: pd.DataFrame) -> bytes:
    """A PNG with one column of panels for each varied condition.

    Parameters
    ----------
    errors : DataFrame
        ``varied, value, count_error, viability_error``; errors are counted minus true, the count's
        relative to the truth.
    """
    figure = Figure(figsize=(13, 5), layout="constrained")
    axes = figure.subplots(2, len(LABELS), sharey="row")
    for column, (varied, label) in enumerate(LABELS.items()):
        chosen = errors[errors["varied"] == varied].sort_values("value")
        for axis, name, scale in zip(
            axes[:, column], ("count_error", "viability_error"), (100, 1), strict=True
        ):
            axis.axhline(0, color="0.7", linewidth=1)
            axis.plot(chosen["value"], scale * chosen[name], marker="o", color="#1f5a8a")
            if varied == "mean_cells":
                axis.set_xscale("log")
        axes[1, column].set_xlabel(label)
    axes[0, 0].set_ylabel("count error, %")
    axes[1, 0].set_ylabel("viability error")
    return png(figure, 110)
