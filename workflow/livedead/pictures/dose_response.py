"""Dose-response: the viability of wells over the dose, the fitted curve, and its IC50."""

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from livedead.pictures.figures import (
    DATA_COLOUR,
    REFERENCE,
    STATE_COLOURS,
    log_axis,
    note,
    panels,
)
from livedead.plates.plate_maps import MapColumns
from livedead.statistics.dose_response import ESTIMATED, logistic
from livedead.wells.analysis import CURVE_KEY, wells_by_curve
from livedead.wells.timing import timepoint_name

FITTED: dict[str, Any] = {"color": STATE_COLOURS["dead"], "linewidth": 1}
N_NAMED = 4
"""Doses that are named on the axis."""
N_TIMES = 3
"""Of more timepoints the first, the middle and the last are drawn."""


def draw(curves: pd.DataFrame, wells: pd.DataFrame, columns: MapColumns, plate: str) -> Figure:
    """Draw a panel for each curve of a plate.

    Parameters
    ----------
    curves : DataFrame
        `livedead.tables.DOSE_RESPONSE`.
    wells : DataFrame
        `livedead.tables.WELLS` that they were fitted to.
    columns : MapColumns
    plate : str
    """
    of_plate = curves[curves["plate"] == plate]
    times = sorted(of_plate["timepoint"].unique())
    if not times:
        return note(f"{plate}: no dose, or no viability, is known")
    drawn = times if len(times) <= N_TIMES else [times[0], times[len(times) // 2], times[-1]]
    chosen = of_plate[of_plate["timepoint"].isin(drawn)].set_index(CURVE_KEY)
    of_wells = wells[wells["plate"] == plate]
    points = {tuple(key.values()): dosed for key, dosed in wells_by_curve(wells, columns)}
    figure, axes = panels(len(chosen), plate)
    for panel, (key, curve) in zip(axes, chosen.iterrows(), strict=True):
        _, agent, cell_line, timepoint = key
        _draw_curve(panel, curve, points[key])
        name = ", ".join(filter(None, [agent or "no agent", cell_line, timepoint_name(timepoint, of_wells)]))
        panel.set_title(f"{name}\n{_in_words(curve)}")
    return figure


def _in_words(curve: pd.Series) -> str:
    """The IC50 with its interval, as far as the doses show it, or the verdict."""
    if curve["verdict"] != ESTIMATED:
        return f"IC50 {curve['verdict']}"
    return (
        f"IC50 {curve['ic50']:.3g} {curve['dose_unit']} ({curve['ic50_low']:.3g} to {curve['ic50_high']:.3g})"
    )


def _draw_curve(axes: Axes, curve: pd.Series, wells: pd.DataFrame) -> None:
    """Wells with their intervals, controls at the left; the curve, dashed where its IC50 is not sure."""
    doses = wells.loc[wells["dose"] > 0, "dose"]
    control = doses.min() / 10
    at = wells["dose"].where(wells["dose"] > 0, control)
    value, low, high = (wells[f"viability{end}"].to_numpy(float) for end in ("", "_low", "_high"))
    # Rounded as they are in the table, an end may lie on the wrong side of the value.
    ends = np.maximum([value - low, high - value], 0)
    axes.errorbar(at, value, ends, fmt="o", markersize=2, elinewidth=0.4, color=DATA_COLOUR)
    if pd.notna(curve["ic50"]):
        line = np.geomspace(doses.min(), doses.max(), 200)
        estimated = curve["verdict"] == ESTIMATED
        shape = (curve[name] for name in ("ic50", "slope", "top", "bottom"))
        axes.plot(line, logistic(line, *shape), linestyle="-" if estimated else "--", **FITTED)
        axes.axvline(curve["ic50"], **{**FITTED, "linewidth": 0.6})
        if estimated:
            axes.axvspan(curve["ic50_low"], curve["ic50_high"], color=FITTED["color"], alpha=0.2, linewidth=0)
    axes.set(xscale="log", xlabel=f"dose, {curve['dose_unit']}", ylabel="viability", ylim=(-0.03, 1.03))
    log_axis(axes.xaxis)
    tested = np.unique(doses)
    named = tested[:: -(-len(tested) // N_NAMED)]
    axes.set_xticks([control, *named], ["0", *(f"{dose:g}" for dose in named)])
    axes.axvline(control * 3, **{**REFERENCE, "linestyle": ":"})
