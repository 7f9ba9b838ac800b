"""Viability over time: each well, and the pooled wells of each treatment with their half-time."""

import numpy as np
import pandas as pd
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from livedead.pictures.figures import REFERENCE, note, panels
from livedead.plates.plate_maps import MapColumns
from livedead.statistics.time_courses import REACHED
from livedead.wells.analysis import TREATMENT, courses

NO_DOSE = "0.45"
"""Colour of what has no dose, such as controls."""
UNITS = {"h": "time, h", "timepoint": "timepoint"}
COLOURS = colormaps["viridis"].resampled(256)


def draw(halves: pd.DataFrame, wells: pd.DataFrame, columns: MapColumns, plate: str) -> Figure:
    """Draw a panel for each agent and cell line of a plate.

    Parameters
    ----------
    halves : DataFrame
        `livedead.tables.TIME_COURSES`.
    wells : DataFrame
        `livedead.tables.WELLS` that they were found in.
    columns : MapColumns
    plate : str
    """
    table = wells[wells["plate"] == plate]
    treatments = halves[(halves["plate"] == plate) & (halves["level"] == "treatment")]
    if not (treatments["n_timepoints"] > 1).any():
        return note(f"{plate}: viability is known at fewer than two timepoints")
    of_wells = list(courses(table, columns, [*TREATMENT, "well"]))
    pooled = list(courses(table, columns, TREATMENT))
    groups = treatments.groupby(["agent", "cell_line"], sort=True)
    figure, axes = panels(len(groups), plate)
    for panel, ((agent, cell_line), rows) in zip(axes, groups, strict=True):
        colours = _colours(rows["dose"])
        for lines, width in ((of_wells, 0.4), (pooled, 1.4)):
            for values, course in lines:
                if (values["agent"], values["cell_line"]) == (agent, cell_line):
                    known = course.dropna()
                    colour = colours.get(values["dose"], NO_DOSE)
                    marker = "." if len(known) == 1 else ""
                    panel.plot(
                        known["time"], known["viability"], color=colour, marker=marker, linewidth=width
                    )
        _draw_halves(panel, rows, colours)
        _draw_key(panel, colours, columns.dose_unit)
        panel.set_title(", ".join(filter(None, [agent or "no agent", cell_line])))
        panel.set(xlabel=UNITS[rows["time_unit"].iloc[0]], ylabel="viability", ylim=(-0.03, 1.03))
    return figure


def _colours(doses: pd.Series) -> dict[float, tuple[float, ...]]:
    """A colour for each dose above 0, the darker the higher."""
    known = sorted(doses[doses > 0].unique(), reverse=True)
    return dict(zip(known, COLOURS(np.linspace(0, 0.9, len(known))), strict=True))


def _draw_halves(axes: Axes, rows: pd.DataFrame, colours: dict[float, tuple[float, ...]]) -> None:
    """Where half of the cells of a treatment were dead."""
    axes.axhline(0.5, **REFERENCE)
    for row in rows[rows["verdict"] == REACHED].itertuples():
        axes.plot(row.lt50, 0.5, "D", color=colours.get(row.dose, NO_DOSE), markeredgecolor="black")


def _draw_key(axes: Axes, colours: dict[float, tuple[float, ...]], unit: str) -> None:
    """Doses, the highest first; of many, some."""
    shown = list(colours)[:: -(-len(colours) // 8)] if len(colours) > 1 else []
    for dose in shown:
        axes.plot([], [], color=colours[dose], label=f"{dose:g}")
    if shown:
        axes.legend(title=f"dose, {unit}", loc="center left", bbox_to_anchor=(1, 0.5), handlelength=1)
