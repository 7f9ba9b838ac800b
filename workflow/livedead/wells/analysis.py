"""From the well table to what it says: plate quality, dose-response, time courses."""

import logging
from collections.abc import Iterator
from dataclasses import asdict, fields
from typing import Any

import numpy as np
import pandas as pd

from livedead.plates.doses import read_doses
from livedead.plates.geometry import FORMATS, well_position
from livedead.plates.plate_maps import CONTROLS, MapColumns
from livedead.statistics import controls, layout
from livedead.statistics.dose_response import Curve, fit_curve
from livedead.statistics.time_courses import half_time
from livedead.wells.table import pooled_viability

log = logging.getLogger(__name__)

MEASURES = ("viability", "live_per_mm2")
"""Values of a well whose quality is judged; live cells by area, as fields may be missing."""
CURVE_KEY = ["plate", "agent", "cell_line", "timepoint"]
"""Columns in which the wells of a dose-response curve agree."""
TREATMENT = ["plate", "agent", "dose", "cell_line", "control"]
"""Columns in which replicate wells agree."""


def designed(wells: pd.DataFrame, columns: MapColumns) -> pd.DataFrame:
    """The well table with ``agent, dose, cell_line, control`` of fixed types, ``time`` and ``time_unit``.

    Parameters
    ----------
    wells : DataFrame
        The well table.
    columns : MapColumns

    Returns
    -------
    DataFrame
        ``agent``, ``cell_line`` and ``control`` are text, empty where unknown; ``dose`` is a
        number, NaN where unknown; ``time`` is in hours where any are known of the plate, and then NaN
        where they are not, else in timepoints.

    Raises
    ------
    SheetError
        Naming the first dose that is no number of at least 0.
    """

    def text(column: str) -> pd.Series:
        return wells[column] if column in wells else pd.Series("", index=wells.index, dtype=object)

    in_hours = wells["hours"].notna().groupby(wells["plate"]).transform("any")
    return wells.assign(
        agent=text(columns.agent_column),
        dose=read_doses(wells, columns.dose_column),
        cell_line=text(columns.cell_line_column),
        control=text("control"),
        time=wells["hours"].where(in_hours, wells["timepoint"].astype(float)),
        time_unit=np.where(in_hours, "h", "timepoint"),
    )


def assess_plate(wells: pd.DataFrame, columns: MapColumns, n_wells: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """How far one plate can be trusted.

    Parameters
    ----------
    wells : DataFrame
        The well table of one plate.
    columns : MapColumns
    n_wells : int
        Size of the plate.

    Returns
    -------
    quality : DataFrame
        A timepoint and measure: control wells and their means, Z', robust Z', SSMD and the edge
        effect with 95 % intervals, ``alarm``; see `livedead.statistics.controls`.
    residuals : DataFrame
        A well, timepoint and measure: ``deviation`` from the median of its treatment, the
        ``row_effect`` and ``column_effect`` of its place, and the ``residual``.
    """
    table = designed(wells, columns)
    quality, residuals = [], []
    for timepoint, at_time in table.groupby("timepoint"):
        alarm = controls.alarm(*(pooled_viability(at_time, kind) for kind in CONTROLS))
        for measure in MEASURES:
            key = {"plate": at_time["plate"].iloc[0], "timepoint": timepoint, "measure": measure}
            values = at_time[measure].to_numpy(float)
            kinds = [values[(at_time["control"] == kind).to_numpy()] for kind in CONTROLS]
            known = [kind[~np.isnan(kind)] for kind in kinds]
            places = _places(at_time.assign(value=values), n_wells)
            effect, low, high = layout.edge_effect(
                places["deviation"].to_numpy(), places.pop("on_rim").to_numpy()
            )
            row = dict(key)
            for name, of_kind in zip(CONTROLS, known, strict=True):
                row |= {f"n_{name}": len(of_kind)}
                row |= {f"mean_{name}": of_kind.mean() if len(of_kind) else np.nan}
            row |= controls.separation(*known)
            row |= {"edge_effect": effect, "edge_effect_low": low, "edge_effect_high": high}
            quality.append({**row, "alarm": alarm})
            residuals.append(places.assign(**key))
    order = ["plate", "well", "timepoint", "measure", "deviation", "row_effect", "column_effect"]
    return pd.DataFrame(quality), pd.concat(residuals, ignore_index=True)[[*order, "residual"]]


def _places(wells: pd.DataFrame, n_wells: int) -> pd.DataFrame:
    """What the place of each well does to its ``value``, treatments taken out."""
    treatments = wells.groupby(["agent", "dose", "cell_line", "control"], dropna=False).ngroup()
    deviation = layout.deviations(wells["value"].to_numpy(float), treatments.to_numpy())
    rows, columns = np.transpose([well_position(well) for well in wells["well"]])
    plate = np.full(FORMATS[n_wells], np.nan)
    plate[rows, columns] = deviation
    polished = layout.median_polish(plate)
    on_rim = np.isin(rows, (0, plate.shape[0] - 1)) | np.isin(columns, (0, plate.shape[1] - 1))
    return pd.DataFrame(
        {
            "well": wells["well"].to_numpy(),
            "deviation": deviation,
            "row_effect": polished.row[rows],
            "column_effect": polished.column[columns],
            "residual": polished.residual[rows, columns],
            "on_rim": on_rim,
        }
    )


def fit_doses(wells: pd.DataFrame, columns: MapColumns) -> pd.DataFrame:
    """A dose-response curve for each plate, agent, cell line and timepoint.

    Wells of dose 0 with the same agent, and negative controls of the same plate, cell line and
    timepoint, are its dose 0; positive controls belong to no curve.

    Returns
    -------
    DataFrame
        The key, ``dose_unit``, then the attributes of `livedead.statistics.dose_response.Curve`;
        no rows where no dose, or no viability, is known.
    """
    rows = []
    for values, dosed in wells_by_curve(wells, columns):
        counts = (dosed[name].to_numpy() for name in ("dose", "n_live", "n_decided"))
        curve = fit_curve(*counts)
        rows.append({**values, "dose_unit": columns.dose_unit, **asdict(curve)})
        log.info("%s: %s", values, curve)
    names = [*CURVE_KEY, "dose_unit", *(field.name for field in fields(Curve))]
    return pd.DataFrame(rows, columns=names)


def wells_by_curve(wells: pd.DataFrame, columns: MapColumns) -> Iterator[tuple[dict[str, Any], pd.DataFrame]]:
    """The wells that each dose-response curve is fitted to; see `fit_doses`.

    Yields
    ------
    key : dict
        ``plate, agent, cell_line, timepoint``.
    wells : DataFrame
        Controls first, as ``dose`` 0; ``n_decided`` are the live and dead cells.
    """
    table = designed(wells, columns)
    n_live = table["n_live"].astype(float)
    table = table.assign(n_live=n_live, n_decided=n_live + table["n_dead"].astype(float))
    table = table[table["n_decided"].notna() & (table["control"] != "positive")]
    for (plate, agent, cell_line, timepoint), dosed in table[table["dose"] > 0].groupby(CURVE_KEY):
        near = table[
            (table["plate"] == plate)
            & (table["timepoint"] == timepoint)
            & (table["cell_line"] == cell_line)
            & ((table["control"] == "negative") | ((table["agent"] == agent) & (table["dose"] == 0)))
        ]
        key = dict(zip(CURVE_KEY, (plate, agent, cell_line, timepoint), strict=True))
        yield key, pd.concat([near.assign(dose=0.0), dosed], ignore_index=True)


def follow_wells(wells: pd.DataFrame, columns: MapColumns) -> pd.DataFrame:
    """When half of the cells were dead, in each well and in each treatment.

    Returns
    -------
    DataFrame
        ``level`` is ``well``, or ``treatment`` for the pooled cells of its wells (``well`` is
        then empty); ``lt50`` in ``time_unit`` and its ``verdict``; see
        `livedead.statistics.time_courses.half_time`.
    """
    units = designed(wells, columns).groupby("plate")["time_unit"].first()
    rows = []
    for level, key in (("well", [*TREATMENT, "well"]), ("treatment", TREATMENT)):
        for values, course in courses(wells, columns, key):
            lt50, verdict = half_time(course["time"].to_numpy(), course["viability"].to_numpy())
            found = {"n_timepoints": len(course.dropna()), "lt50": lt50, "time_unit": units[values["plate"]]}
            rows.append({"level": level, "well": "", **values, **found, "verdict": verdict})
    order = ["plate", "level", "well", "agent", "dose", "cell_line", "control", "n_timepoints", "lt50"]
    return pd.DataFrame(rows, columns=[*order, "time_unit", "verdict"])


def courses(
    wells: pd.DataFrame, columns: MapColumns, key: list[str]
) -> Iterator[tuple[dict[str, Any], pd.DataFrame]]:
    """The viability of pooled wells over time.

    Parameters
    ----------
    wells, columns
        See `designed`.
    key : list of str
        Wells that agree in these columns are pooled: `TREATMENT`, or a well besides.

    Yields
    ------
    values : dict
        What the wells agree in.
    course : DataFrame
        ``time``, the median of the wells at a timepoint, in the order of timepoints, and ``viability``;
        float, NaN where it is not known.
    """
    at_once = designed(wells, columns).groupby([*key, "timepoint"], dropna=False)
    sums = at_once[["n_live", "n_dead"]].sum(min_count=1)
    decided = (sums["n_live"] + sums["n_dead"]).replace(0, np.nan)
    shares = (sums["n_live"] / decided).astype("Float64").to_numpy(float, na_value=np.nan)
    table = sums.assign(viability=shares, time=at_once["time"].median()).reset_index()
    for values, course in table.groupby(key, dropna=False):
        yield dict(zip(key, values, strict=True)), course[["time", "viability"]]
