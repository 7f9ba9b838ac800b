"""Fields and the plate map -> the well table, one trustworthy row per plate, well, timepoint."""

import logging

import numpy as np
import pandas as pd

from livedead.cells import COUNTS
from livedead.errors import SheetError
from livedead.plates import well_position
from livedead.provenance import value_sha256
from livedead.statistics import overdispersion, wilson_interval

log = logging.getLogger(__name__)

KEYS = ["plate", "well", "row", "column", "timepoint"]
RESULTS = [
    "status",
    "n_fields_expected",
    "n_fields_used",
    "n_live",
    "n_dead",
    "n_ambiguous",
    "n_total",
    "viability",
    "viability_low",
    "viability_high",
    "viability_field_sd",
    "area_mm2",
    "live_per_mm2",
    "dead_per_mm2",
    "live_vs_control",
    "total_vs_control",
    "median_area_um2_live",
    "median_area_um2_dead",
    "clump_fraction",
    "focus",
    "saturated_fraction",
    "qc_flags",
    "model_sha256",
    "config_sha256",
    "row_sha256",
]
CLUMP_FACTOR = 1.75
"""A cell larger than this times the plate's median cell is counted as a clump."""


def tabulate_wells(
    fields: pd.DataFrame,
    cells: pd.DataFrame,
    plate_map: pd.DataFrame | None,
    images: pd.DataFrame,
    *,
    plate: str,
    n_fields_expected: int | None,
    provenance: dict[str, str],
) -> pd.DataFrame:
    """The well table of one plate.

    Parameters
    ----------
    fields : DataFrame
        A field: well, field, timepoint, status, counts, ``area_mm2``, quality.
    cells : DataFrame
        A cell: well, field, timepoint, state, area.
    plate_map : DataFrame, optional
        From `livedead.plates.plate_map`; a column ``control`` may say ``negative`` or
        ``positive``.
    images : DataFrame
        The index; its hashes enter ``row_sha256``.
    plate : str
    n_fields_expected : int, optional
        Fields that every well should have; if not given, the most that any well has.
    provenance : dict
        ``model_sha256``, ``config_sha256`` and ``version``.

    Returns
    -------
    DataFrame
        `KEYS`, the plate map's columns, `RESULTS`; sorted by well and timepoint. Counts of
        wells without a usable field are missing, never 0.
    """
    expected = n_fields_expected or int(fields.groupby(["well", "timepoint"]).size().max())
    table = _skeleton(fields, plate_map, plate)
    used = fields[fields["status"] == "ok"]
    by_well = ["well", "timepoint"]
    sums = used.groupby(by_well)[[*COUNTS, "area_mm2"]].sum(min_count=1)
    means = used.groupby(by_well)[["focus", "saturated_fraction"]].mean()
    spread = (used["n_live"] / (used["n_live"] + used["n_dead"]).replace(0, np.nan)).groupby(
        [used["well"], used["timepoint"]]
    )
    measured = pd.concat(
        [
            sums,
            means,
            spread.std(ddof=1).rename("viability_field_sd"),
            fields.groupby(by_well).size().rename("n_imaged"),
            used.groupby(by_well).size().rename("n_fields_used"),
            _cell_measures(cells),
        ],
        axis=1,
    )
    table = table.merge(measured.reset_index(), on=by_well, how="left", validate="one_to_one")
    table[["n_imaged", "n_fields_used"]] = table[["n_imaged", "n_fields_used"]].fillna(0).astype(int)
    table["n_fields_expected"] = expected
    table["status"] = _status(table)
    decided = table["n_live"] + table["n_dead"]
    table["viability"] = table["n_live"] / decided.replace(0, np.nan)
    groups = used.groupby(by_well).ngroup().to_numpy()
    dispersion = overdispersion(
        used["n_live"].to_numpy(), (used["n_live"] + used["n_dead"]).to_numpy(), groups
    )
    log.info("plate %s: overdispersion of fields within wells %.3f", plate, dispersion)
    table["viability_low"], table["viability_high"] = wilson_interval(
        table["n_live"].to_numpy(float), decided.to_numpy(float), dispersion
    )
    for state in ("live", "dead"):
        table[f"{state}_per_mm2"] = table[f"n_{state}"] / table["area_mm2"]
    _compare_with_controls(table)
    table["qc_flags"] = np.where(table["n_fields_used"] < table["n_fields_expected"], "fields_missing", "")
    table.loc[table["status"] == "no_images", "qc_flags"] = ""
    for name in ("model_sha256", "config_sha256"):
        table[name] = provenance[name]
    table[COUNTS] = table[COUNTS].astype("Int64")
    table["row_sha256"] = _row_hashes(table, images, provenance)
    mapped = [] if plate_map is None else [c for c in plate_map.columns if c != "well"]
    return table[[*KEYS, *mapped, *RESULTS]]


def _skeleton(fields: pd.DataFrame, plate_map: pd.DataFrame | None, plate: str) -> pd.DataFrame:
    """Every (well, timepoint) of the plate map and of the images, in plate order."""
    imaged = set(fields["well"])
    mapped = imaged if plate_map is None else set(plate_map["well"])
    if imaged - mapped:
        log.warning(
            "plate %s: imaged but not in the plate map: %s", plate, ", ".join(sorted(imaged - mapped))
        )
    if mapped - imaged:
        log.warning(
            "plate %s: in the plate map but not imaged: %s", plate, ", ".join(sorted(mapped - imaged))
        )
    timepoints = sorted(set(fields["timepoint"]))
    rows = [
        (
            plate,
            well,
            chr(ord("A") + row) if row < 26 else "A" + chr(ord("A") + row - 26),
            column + 1,
            timepoint,
        )
        for well in sorted(imaged | mapped, key=well_position)
        for row, column in [well_position(well)]
        for timepoint in timepoints
    ]
    table = pd.DataFrame(rows, columns=KEYS)
    if plate_map is None:
        return table
    clash = sorted(set(plate_map.columns) & (set(KEYS + RESULTS) - {"well"}))
    if clash:
        raise SheetError(
            f"plate map of {plate}: column(s) {', '.join(clash)} are columns of the result; rename them"
        )
    return table.merge(plate_map, on="well", how="left", validate="many_to_one")


def _cell_measures(cells: pd.DataFrame) -> pd.DataFrame:
    """Median areas and the share of clumps, per well and timepoint."""
    groups = [cells["well"], cells["timepoint"]]
    clump = cells["area_um2"] > CLUMP_FACTOR * cells["area_um2"].median()
    measures = {"clump_fraction": clump.groupby(groups).mean()}
    for state in ("live", "dead"):
        areas = cells["area_um2"].where(cells["state"] == state)
        measures[f"median_area_um2_{state}"] = areas.groupby(groups).median()
    return pd.DataFrame(measures)


def _status(table: pd.DataFrame) -> np.ndarray:
    return np.select(
        [
            table["n_imaged"] == 0,
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


def _row_hashes(table: pd.DataFrame, images: pd.DataFrame, provenance: dict[str, str]) -> list[str]:
    """Hash of each row's values and of all that they were made from."""
    image_hashes = {key: sorted(group["sha256"]) for key, group in images.groupby(["well", "timepoint"])}
    columns = [column for column in table.columns if column != "n_imaged"]
    return [
        value_sha256(
            {
                "values": ["NA" if pd.isna(value) else str(value) for value in values],
                "images": image_hashes.get((well, timepoint), []),
                **provenance,
            }
        )
        for values, well, timepoint in zip(
            table[columns].itertuples(index=False), table["well"], table["timepoint"], strict=True
        )
    ]


def join_plates(tables: list[pd.DataFrame]) -> pd.DataFrame:
    """The tables of all plates under each other: keys, every plate-map column, results."""
    typed = [table.astype(dict.fromkeys(COUNTS, "Int64")) for table in tables]
    joined = pd.concat(typed, ignore_index=True)
    mapped = [column for column in joined if column not in KEYS + RESULTS]
    return joined[[*KEYS, *mapped, *RESULTS]]


def summarize(table: pd.DataFrame, path: str) -> str:
    """What a run found, in a few lines for people.

    Parameters
    ----------
    table : DataFrame
        The well table of all plates.
    path : str
        Where that table lies.
    """
    lines = [f"{path}: {len(table)} rows, one per plate, well and timepoint"]
    for plate, wells in table.groupby("plate"):
        statuses = ", ".join(f"{n} {status}" for status, n in wells["status"].value_counts().items())
        cells = int(wells["n_total"].sum())
        lines.append(f"plate {plate}: {len(wells)} wells ({statuses}), {cells:,} cells")
        if "control" in wells:
            lines += [
                f"  {control} controls: mean viability {group['viability'].mean():.3f} ({len(group)} wells)"
                for control, group in wells.groupby("control")
                if control in ("negative", "positive")
            ]
        lines += [
            f"  {status}: "
            + ", ".join(f"{row.well} ({row.n_fields_used} fields used)" for row in group.itertuples())
            for status, group in wells.groupby("status")
            if status in ("partial", "no_images", "failed")
        ]
    return "\n".join(lines) + "\n"


def failed_fields(fields: pd.DataFrame, max_failed_fraction: float) -> tuple[str, bool]:
    """What to say of fields that failed, and whether they are too many.

    Returns
    -------
    report : str
        One line per failed field, after a line with the totals.
    too_many : bool
        Whether more than `max_failed_fraction` of the imaged fields of any plate failed.
    """
    failed = fields[fields["status"] == "failed"]
    lines, too_many = [], False
    for plate, group in fields.groupby("plate"):
        n_failed = int((group["status"] == "failed").sum())
        share = n_failed / len(group)
        too_many |= share > max_failed_fraction
        lines.append(
            f"plate {plate}: {n_failed} of {len(group)} imaged fields failed "
            f"({share:.1%}, allowed {max_failed_fraction:.1%})"
        )
    lines += [
        f"  {row.plate} {row.well} field {row.field} timepoint {row.timepoint}: {row.code}: {row.message}"
        for row in failed.itertuples()
    ]
    return "\n".join(lines), too_many
