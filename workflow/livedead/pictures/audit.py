"""The audit of a plate as a picture: viability by the network, by the dyes, and corrected."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from livedead.pictures.agreement import draw_bland_altman
from livedead.pictures.figures import DATA_COLOUR, FULL_MM, REFERENCE, STATE_COLOURS, new_figure
from livedead.wells.timing import timepoint_name

_CORRECTED_COLOUR = STATE_COLOURS["dead"]


def draw(audit: pd.DataFrame, wells: pd.DataFrame) -> Figure:
    """Draw three panels for each audited timepoint: the audited wells, twice, and all wells of the plate.

    Parameters
    ----------
    audit : DataFrame
        `livedead.tables.AUDIT`.
    wells : DataFrame
        `livedead.tables.WELLS` of the plate.
    """
    times = sorted(audit["timepoint"].unique()) or sorted(wells["timepoint"].unique())[-1:]
    figure = new_figure(FULL_MM, 62 * len(times))
    for axes, timepoint in zip(figure.subplots(len(times), 3, squeeze=False), times, strict=True):
        at_time = audit[audit["timepoint"] == timepoint]
        table = wells[wells["timepoint"] == timepoint].set_index("well")
        audited = at_time[at_time["level"] == "well"]
        _draw_audited(axes[0], audited.set_index("well"), table)
        both = audited.rename(columns={"viability_dyed": "true_viability"})
        draw_bland_altman(axes[1], both, ("network", "dyes"))
        _draw_wells(axes[2], table)
        axes[0].set_title(f"{timepoint_name(timepoint, wells)}: audited wells")
        axes[1].set_title("bias and limits of agreement")
        n_corrected = table["viability_corrected"].notna().sum()
        axes[2].set_title(f"{n_corrected} of {table['viability'].notna().sum()} wells are corrected")
    return figure


def _draw_audited(axes: Axes, audited: pd.DataFrame, wells: pd.DataFrame) -> None:
    """The viability of the audited wells: by the dyes against by the network, raw and corrected."""
    axes.plot([0, 1], [0, 1], **REFERENCE)
    dyed = audited["viability_dyed"]
    axes.plot(dyed, audited["viability"], "o", color=DATA_COLOUR, label="as read")
    _errorbars(axes, dyed, wells.reindex(audited.index), "corrected")
    axes.set(xlabel="viability by the dyes", ylabel="viability by the network", xlim=(-0.02, 1.02))
    axes.set_ylim(-0.02, 1.02)
    axes.legend(loc="upper left")


def _draw_wells(axes: Axes, wells: pd.DataFrame) -> None:
    """Every well in the order of its viability as read, and corrected with its interval."""
    ordered = wells[wells["viability"].notna()].sort_values("viability", kind="stable")
    place = pd.Series(np.arange(len(ordered)), ordered.index)
    _errorbars(axes, place, ordered, None)
    axes.plot(place, ordered["viability"], ".", color=DATA_COLOUR)
    axes.set(xlabel="wells, by their viability as read", ylabel="viability", xticks=[])
    axes.set_ylim(-0.02, 1.02)


def _errorbars(axes: Axes, at: pd.Series, wells: pd.DataFrame, label: str | None) -> None:
    """The corrected viability of wells, with its interval."""
    value, low, high = (wells[f"viability_corrected{end}"] for end in ("", "_low", "_high"))
    ends = [value - low, high - value]
    axes.errorbar(at, value, ends, fmt="s", linewidth=0.6, color=_CORRECTED_COLOUR, label=label)
