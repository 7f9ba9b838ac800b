"""Quality control of a plate on one sheet: focus, light, counts, and what a place on the plate does."""

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from matplotlib.ticker import MaxNLocator

from livedead.cells.tallies import MAIN_COUNTS, main_count
from livedead.pictures.figures import DATA_COLOUR, FULL_MM, REFERENCE, STATE_COLOURS, new_figure
from livedead.pictures.plate_grid import draw_values
from livedead.plates.geometry import FORMATS, sort_wells

MAP_MM = 50
"""Width of a plate on the sheet."""
NAMES = {"viability": "viability", "live_per_mm2": "live cells per mm²"}
PANELS: list[Any] = [["focus", "saturated", "place"], ["light", "even", "drift"], ["cells"] * 3]
FLAGGED: dict[str, Any] = {"marker": "x", "color": STATE_COLOURS["dead"], "linestyle": "", "label": "QC flag"}
PLAIN: dict[str, Any] = {"marker": ".", "color": DATA_COLOUR, "linestyle": "", "label": "no flag"}


def draw(
    fields: pd.DataFrame,
    quality: pd.DataFrame,
    residuals: pd.DataFrame,
    gain: np.ndarray,
    channel: str,
    n_wells: int,
) -> Figure:
    """Draw the sheet of one plate.

    Parameters
    ----------
    fields : DataFrame
        `livedead.tables.FIELDS`.
    quality, residuals : DataFrame
        `livedead.tables.PLATE_QUALITY` and `RESIDUALS`.
    gain : ndarray, (H, W), float32
        Flat-field of the channel that the fields' quality is that of.
    channel : str
    n_wells : int
        Size of the plate.
    """
    figure = new_figure(FULL_MM, 150)
    panels = figure.subplot_mosaic(PANELS, height_ratios=[1, 1, 0.7])
    n_failed = int((fields["status"] != "ok").sum())
    figure.suptitle(
        f"{fields['plate'].iloc[0]}, {channel}: {len(fields)} imaged fields, {n_failed} of them failed"
    )
    pitch = MAP_MM / FORMATS[n_wells][1]
    of_wells = fields.groupby("well")[["focus", "saturated_fraction"]].median()
    focus = of_wells["focus"] / fields["focus"].dropna().median()
    title = "focus, share of the plate's median"
    _draw_map(panels["focus"], focus, n_wells, pitch, title, cmap="viridis", vmin=0)
    saturated = 100 * of_wells["saturated_fraction"]
    limits = {"cmap": "viridis", "vmin": 0, "vmax": max(0.01, saturated.max())}
    _draw_map(panels["saturated"], saturated, n_wells, pitch, "saturated pixels, % of all", **limits)
    _draw_place(panels["place"], quality, residuals, n_wells, pitch)
    before = _draw_light(panels["light"], gain)
    _draw_evenness(panels["even"], fields["illumination_residual"], before)
    _draw_drift(panels["drift"], fields)
    _draw_counts(panels["cells"], fields)
    return figure


def _draw_map(axes: Axes, values: pd.Series, n_wells: int, pitch: float, title: str, **colours: Any) -> None:
    """A value of each well where the well lies."""
    picture = draw_values(axes, values, n_wells, pitch, **colours)
    _draw_scale(axes, picture)
    axes.set_title(title)


def _draw_scale(axes: Axes, picture: AxesImage, location: str = "bottom") -> None:
    ticks = MaxNLocator(3)
    bar = axes.figure.colorbar(
        picture, ax=axes, location=location, shrink=0.6, pad=0.03, aspect=20, ticks=ticks
    )
    bar.ax.tick_params(length=1.5, pad=1)
    bar.outline.set_linewidth(0.4)


def _draw_place(
    axes: Axes, quality: pd.DataFrame, residuals: pd.DataFrame, n_wells: int, pitch: float
) -> None:
    """How far each well is from the median of its treatment, and the edge effect."""
    told = quality.dropna(subset="edge_effect")
    measure = "viability" if "viability" in set(told["measure"]) or told.empty else told["measure"].iloc[0]
    last = residuals["timepoint"] == residuals["timepoint"].max()
    of_wells = residuals[last & (residuals["measure"] == measure)].set_index("well")["deviation"]
    furthest = max([0.0, *of_wells.abs().dropna()]) or 0.01
    title = f"{NAMES[measure]}, well minus treatment"
    if len(told):
        row = told[(told["measure"] == measure)].iloc[-1]
        effect, low, high = row[["edge_effect", "edge_effect_low", "edge_effect_high"]]
        title += f"\nedge {effect:+.2g} ({low:+.2g} to {high:+.2g})"
    limits = {"cmap": "RdBu", "vmin": -furthest, "vmax": furthest}
    _draw_map(axes, of_wells, n_wells, pitch, title, **limits)


def _draw_light(axes: Axes, gain: np.ndarray) -> float:
    """The illumination that the flat-field undoes; its unevenness, measured as that of fields is."""
    step = max(1, max(gain.shape) // 256)
    profile = 1 / gain[::step, ::step] if gain.size else np.ones((1, 1))
    profile = profile / np.median(profile)
    picture = axes.imshow(100 * profile, cmap="gray")
    axes.set(xticks=[], yticks=[], title="illumination before, % of its median")
    _draw_scale(axes, picture, "right")
    return float(np.ptp(np.quantile(profile, [0.05, 0.95])))


def _draw_evenness(axes: Axes, after: pd.Series, before: float) -> None:
    """Unevenness of the fields after the correction, and before."""
    highest = max(before, after.max()) if after.notna().any() else before
    bins = np.linspace(0, 100 * max(highest, 0.01), 41).tolist()
    axes.hist(100 * after.dropna(), bins=bins, color=DATA_COLOUR, label="fields, after")
    axes.axvline(100 * before, color=STATE_COLOURS["dead"], linestyle="--", label="plate, before")
    axes.set(xlabel="unevenness of illumination, %", ylabel="number of fields", xlim=(0, None))
    axes.legend()


def _draw_drift(axes: Axes, fields: pd.DataFrame) -> None:
    """Brightness of each field against the plate's, over time or from well to well."""
    axes.axhline(0, **REFERENCE)
    if fields["timepoint"].nunique() == 1:
        at, name = _in_order(axes, fields["well"], 5), "well, in plate order"
    elif fields["hours"].notna().any():
        at, name = fields["hours"], "time, h"
    else:
        at, name = fields["timepoint"], "timepoint"
    _plot_flagged(axes, at, 100 * fields["drift"], fields["qc_flags"])
    axes.set(xlabel=name)
    axes.set_ylabel("brightness minus median, %")


def _draw_counts(axes: Axes, fields: pd.DataFrame) -> None:
    """Cells of every field at the last timepoint, from well to well."""
    last = fields[fields["timepoint"] == fields["timepoint"].max()]
    main = main_count(last)
    counts = last[main].astype(float)
    _plot_flagged(axes, _in_order(axes, last["well"]), counts, last["qc_flags"])
    axes.set(xlabel="well, in plate order", ylabel=f"{MAIN_COUNTS[main]} in a field", ylim=(0, None))
    axes.legend(loc="lower right", bbox_to_anchor=(1, 0.96), ncols=2)


def _in_order(axes: Axes, wells: pd.Series, n_named: int = 16) -> pd.Series:
    """The rank of each well on its plate; the first wells of some rows are named on the axis."""
    order = {well: k for k, well in enumerate(sort_wells(set(wells)))}
    heads = {well.rstrip("0123456789"): k for well, k in reversed(order.items())}
    step = -(-len(heads) // n_named)
    named = sorted(heads.values())[::step]
    axes.set_xticks(named, [list(order)[k] for k in named])
    return wells.map(order)


def _plot_flagged(axes: Axes, x: pd.Series, y: pd.Series, flags: pd.Series) -> None:
    flagged = flags.fillna("") != ""
    axes.plot(x[~flagged], y[~flagged], **PLAIN)
    axes.plot(x[flagged], y[flagged], **FLAGGED)
