"""Fields, cells and the plate map -> the well table, one row per plate, well and timepoint."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from livedead import __version__
from livedead.cells.tallies import check_wells
from livedead.errors import CountError
from livedead.plates.geometry import format_wells, well_name, well_position
from livedead.plates.plate_maps import CONTROLS
from livedead.provenance import value_sha256
from livedead.statistics.controls import alarm
from livedead.statistics.intervals import (
    METHODS,
    Correlation,
    design_effect,
    intraclass_correlation,
    viability_interval,
)
from livedead.tables import CORRECTED, COUNTS, EXPECTED, KEYS, WELLS
from livedead.wells.audits import AuditedWells, correct_viability
from livedead.wells.timing import contradicted_hours, hours_of_wells

log = logging.getLogger(__name__)

BY_WELL = ["well", "timepoint"]
"""Columns that name a row within its plate."""

CLUMP_FACTOR = 1.75
"""Cells whose component is larger than this times the plate's median single cell are clumped."""


def tabulate_wells(
    fields: pd.DataFrame,
    cells: pd.DataFrame,
    plate_map: pd.DataFrame | None,
    *,
    n_fields_expected: int | None,
    treatment_columns: list[str],
    provenance: dict[str, str],
    plate_flags: Sequence[str] = (),
    audits: Mapping[int, AuditedWells] | None = None,
    hours_per_timepoint: float | None = None,
) -> pd.DataFrame:
    """The well table of one plate.

    Parameters
    ----------
    fields : DataFrame
        A field: `FIELD_KEY`, status, ``pixels_sha256``, counts, ``area_mm2``, quality.
    cells : DataFrame
        A cell: well, field, timepoint, state, its area and its component's, ``touches_cell``.
    plate_map : DataFrame, optional
        From `livedead.plates.plate_maps.read_plate_map`; a column ``control`` may say ``negative`` or
        ``positive``.
    n_fields_expected : int, optional
        Fields that every well should have; if not given, the most that any well has.
    treatment_columns : list of str
        Columns of the plate map that say what a well got; those that it lacks are passed over.
        Wells alike in them are replicates.
    provenance : dict
        From `provenance_of`.
    plate_flags : sequence of str
        QC flags of every imaged well, such as those of the plate's dyes.
    audits : mapping, optional
        By which viability is corrected, from `livedead.wells.audits.audits_of`.
    hours_per_timepoint : float, optional
        Where the export tells no time, see `livedead.wells.timing.hours_of_wells`.

    Returns
    -------
    DataFrame
        `livedead.tables.WELLS`, sorted by well and timepoint. Counts of wells without a usable
        field, and counts that the reading does not tell, are missing, never 0.

    Raises
    ------
    CountError
        If the fields do not sum to the wells.
    """
    # As floats, whose missing values NumPy understands.
    used = fields[fields["status"] == "ok"].astype(dict.fromkeys([*COUNTS, "n_by_hand"], float))
    measured = pd.concat(
        [_sums(used), _cell_measures(cells), hours_of_wells(fields, hours_per_timepoint)], axis=1
    ).reset_index()
    table = _skeleton(fields, plate_map).merge(measured, on=BY_WELL, how="left", validate="one_to_one")
    table["n_fields_used"] = table["n_fields_used"].fillna(0).astype(int)
    table["n_fields_expected"] = n_fields_expected or int(fields.groupby(BY_WELL).size().max())
    # Without cells there is no row to sum over, yet none of none was split.
    table["n_split"] = table["n_split"].fillna(0).where(table["n_fields_used"] > 0).astype("Int64")
    table["status"] = _status(table, fields)
    effect = _add_viability(table, used, treatment_columns)
    table[CORRECTED] = correct_viability(table, audits or {}, treatment_columns, effect)
    table["edge_rule"] = used["edge_rule"].iloc[0] if len(used) else ""
    for state in ("live", "dead"):
        table[f"{state}_per_mm2"] = table[f"n_{state}"] / table["area_mm2"]
    _compare_with_controls(table)
    table["qc_flags"] = _flags(table, fields, plate_flags)
    table["pixels_sha256"] = _pixels_sha256(table, fields)
    for line in contradicted_hours(table, hours_per_timepoint):
        log.warning("plate %s: %s", table["plate"].iloc[0], line)
    table = table.assign(**provenance)
    check_wells(fields, table, f"plate {table['plate'].iloc[0]}: fields and wells")
    return WELLS.conform(table)


def provenance_of(model: Mapping[str, str], config_sha256: str) -> dict[str, str]:
    """What the numbers of a well table were made with, beside the images.

    Parameters
    ----------
    model : mapping
        The record of what reads: the certificate of a network's weights, or that of the plate's dyes.
    config_sha256 : str
        From `livedead.configuration.derived.config_sha256`.
    """
    return {"model_sha256": model["model_sha256"], "config_sha256": config_sha256, "version": __version__}


def _sums(used: pd.DataFrame) -> pd.DataFrame:
    """What the usable fields of each well give together."""
    wells = used.groupby(BY_WELL)
    viability = used["n_live"] / (used["n_live"] + used["n_dead"]).replace(0, np.nan)
    return pd.concat(
        [
            wells[[*COUNTS, *EXPECTED, "area_mm2", "n_by_hand"]].sum(min_count=1),
            wells[["focus", "saturated_fraction"]].mean(),
            wells["unfamiliarity"].max(),
            viability.groupby([used["well"], used["timepoint"]]).std(ddof=1).rename("viability_field_sd"),
            wells.size().rename("n_fields_used"),
        ],
        axis=1,
    )


def _skeleton(fields: pd.DataFrame, plate_map: pd.DataFrame | None) -> pd.DataFrame:
    """Every (well, timepoint) of the plate map and of the images, in plate order."""
    plate = fields["plate"].iloc[0]
    imaged = set(fields["well"])
    mapped = imaged if plate_map is None else set(plate_map["well"])
    for what, lacking in (
        ("imaged but not in the plate map", imaged - mapped),
        ("in the plate map but not imaged", mapped - imaged),
    ):
        if lacking:
            log.warning("plate %s: %s: %s", plate, what, format_wells(lacking))
    rows = [
        (plate, well, well_name(row, column)[:-2], column + 1, timepoint)
        for well in sorted(imaged | mapped, key=well_position)
        for row, column in [well_position(well)]
        for timepoint in sorted(set(fields["timepoint"]))
    ]
    table = pd.DataFrame(rows, columns=KEYS)
    if plate_map is None:
        return table
    treated = table.merge(plate_map, on="well", how="left", validate="many_to_one")
    # What nothing was written about has an empty text, which is not 'nan'.
    return treated.fillna(dict.fromkeys(plate_map.columns, ""))


def _add_viability(table: pd.DataFrame, used: pd.DataFrame, treatment_columns: list[str]) -> np.ndarray:
    """Viability with its interval, and what the interval rests on; the design effect of each well."""
    decided = table["n_live"] + table["n_dead"]
    table["viability"] = table["n_live"] / decided.replace(0, np.nan)
    expected = table[EXPECTED].sum(axis=1, skipna=False)
    table["viability_expected"] = table["n_live_expected"] / expected.replace(0, np.nan)
    of_fields = (used["n_live"] + used["n_dead"]).to_numpy(float)
    correlation = intraclass_correlation(
        used["n_live"].to_numpy(float), of_fields, used.groupby(BY_WELL).ngroup().to_numpy()
    )
    squares = used[BY_WELL].assign(squares=of_fields**2).groupby(BY_WELL)["squares"].sum()
    if not correlation.freedom:
        # One field a well: what can be seen is how replicate wells differ.
        correlation = _correlation_of_replicates(table, treatment_columns)
    log.info(
        "plate %s: correlation of cells %.4f, %d degrees of freedom, from %s",
        table["plate"].iloc[0],
        correlation.icc,
        correlation.freedom,
        correlation.source,
    )
    n_decided = decided.to_numpy(float, na_value=np.nan)
    of_wells = squares.reindex(pd.MultiIndex.from_frame(table[BY_WELL])).to_numpy()
    table["viability_low"], table["viability_high"] = viability_interval(
        table["n_live"].to_numpy(float, na_value=np.nan), n_decided, of_wells, correlation
    )
    table["viability_interval"] = METHODS[correlation.source]
    return design_effect(n_decided, of_wells, correlation.icc)


def _correlation_of_replicates(table: pd.DataFrame, treatment_columns: list[str]) -> Correlation:
    columns = [column for column in treatment_columns if column in table]
    counted = table[table["n_total"].notna()]
    if not columns or counted.empty:
        return Correlation()
    groups = counted.groupby([*columns, "timepoint"], dropna=False).ngroup().to_numpy()
    n_live = counted["n_live"].to_numpy(float)
    found = intraclass_correlation(n_live, n_live + counted["n_dead"].to_numpy(float), groups)
    return replace(found, source="replicates") if found.freedom else found


def _flags(table: pd.DataFrame, fields: pd.DataFrame, of_plate: Sequence[str]) -> list[str]:
    """What to know before using a row: flags of the well, of the plate, then those that its fields carry."""
    missing = (table["n_fields_used"] < table["n_fields_expected"]) & (table["status"] != "no_images")
    reversed_at = {
        timepoint
        for timepoint, wells in table.groupby("timepoint")
        if alarm(*(pooled_viability(wells, kind) for kind in CONTROLS)) == "controls_reversed"
    }
    if reversed_at:
        log.warning(
            "plate %s, timepoint(s) %s: untreated controls are mostly dead and killed ones mostly alive; "
            "are the dyes, the classes or the plate map swapped?",
            table["plate"].iloc[0],
            ", ".join(map(str, sorted(reversed_at))),
        )
    flags = {"fields_missing": missing, "controls_reversed": table["timepoint"].isin(reversed_at)}
    flags |= dict.fromkeys(of_plate, table["status"] != "no_images")
    of_fields: dict[tuple[str, int], set[str]] = {}
    for row in fields.to_dict("records"):
        found = str(row.get("qc_flags") or "").split(";")
        of_fields.setdefault((row["well"], row["timepoint"]), set()).update(filter(None, found))
    return [
        ";".join(
            [flag for flag, raised in zip(flags, row, strict=True) if raised]
            + sorted(of_fields.get((well, timepoint), ()))
        )
        for well, timepoint, row in zip(
            table["well"], table["timepoint"], zip(*flags.values(), strict=True), strict=True
        )
    ]


def pooled_viability(wells: pd.DataFrame, control: str) -> float:
    """Viability of all cells of one kind of control well; NaN without any."""
    if "control" not in wells:
        return float("nan")
    chosen = wells[wells["control"] == control]
    decided = float((chosen["n_live"] + chosen["n_dead"]).sum())
    return float(chosen["n_live"].sum()) / decided if decided else float("nan")


def _cell_measures(cells: pd.DataFrame) -> pd.DataFrame:
    """Median areas and the share of clumps, per well and timepoint."""
    groups = [cells["well"], cells["timepoint"]]
    single = cells.loc[~cells["touches_cell"].astype(bool), "area_um2"].median()
    clump = cells["component_area_um2"] / single > CLUMP_FACTOR
    measures = {
        "clump_fraction": clump.groupby(groups).mean(),
        "n_split": cells["touches_cell"].astype(bool).groupby(groups).sum(),
    }
    for state in ("live", "dead"):
        areas = cells["area_um2"].where(cells["state"] == state)
        measures[f"median_area_um2_{state}"] = areas.groupby(groups).median()
    return pd.DataFrame(measures)


def _status(table: pd.DataFrame, fields: pd.DataFrame) -> np.ndarray:
    imaged = pd.MultiIndex.from_frame(table[BY_WELL]).isin(pd.MultiIndex.from_frame(fields[BY_WELL]))
    return np.select(
        [
            ~imaged,
            table["n_fields_used"] == 0,
            table["n_fields_used"] < table["n_fields_expected"],
            table["n_total"] == 0,
        ],
        ["no_images", "failed", "partial", "no_cells"],
        "ok",
    )


def _compare_with_controls(table: pd.DataFrame) -> None:
    """Densities over the mean of the plate's negative controls of the same timepoint."""
    per_mm2 = {"live": table["live_per_mm2"], "total": table["n_total"] / table["area_mm2"]}
    is_control = table.get("control", pd.Series("", index=table.index)) == "negative"
    for name, density in per_mm2.items():
        control = density.where(is_control).groupby(table["timepoint"]).transform("mean")
        table[f"{name}_vs_control"] = density / control.replace(0, np.nan)


def _pixels_sha256(table: pd.DataFrame, fields: pd.DataFrame) -> list[str]:
    """Hash of the pixels of all fields of each row, empty where there are none."""
    of_fields = fields.sort_values("field").groupby(BY_WELL)["pixels_sha256"].agg(list)
    found = of_fields.to_dict()
    return [
        value_sha256(found[key]) if key in found else ""
        for key in zip(table["well"], table["timepoint"], strict=True)
    ]


def join_plates(tables: list[pd.DataFrame]) -> pd.DataFrame:
    """The tables of all plates under each other; columns of a plate map that others lack are empty there.

    Raises
    ------
    CountError
        If a row is there twice.
    """
    joined = pd.concat(tables, ignore_index=True)
    repeated = joined.duplicated(list(WELLS.key))
    if repeated.any():
        raise CountError(f"twice in the well table: {joined.loc[repeated, KEYS].iloc[0].to_dict()}")
    return WELLS.conform(joined)
