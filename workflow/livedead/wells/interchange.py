"""The well table as other tools want it: cytomining profiles, R's drc, GRmetrics."""

import numpy as np
import pandas as pd

from livedead.plates.plate_maps import MapColumns
from livedead.tables import OF_WELLS
from livedead.wells.analysis import designed

FEATURES = {
    "n_live": "Cells_Count_Live",
    "n_dead": "Cells_Count_Dead",
    "n_ambiguous": "Cells_Count_Ambiguous",
    "n_total": "Cells_Count_Total",
    "viability": "Cells_Viability",
    "viability_corrected": "Cells_ViabilityCorrected",
    "live_per_mm2": "Cells_Density_Live",
    "dead_per_mm2": "Cells_Density_Dead",
    "median_area_um2_live": "Cells_AreaShape_MedianLive",
    "median_area_um2_dead": "Cells_AreaShape_MedianDead",
    "clump_fraction": "Cells_ClumpFraction",
}


def cytomining(wells: pd.DataFrame) -> pd.DataFrame:
    """Profiles for pycytominer and its kin: ``Metadata_`` columns, then features.

    Everything that pycytominer should not take for a feature is metadata: the key, the plate
    map, the status and the hashes.
    """
    own = {
        "plate": "Metadata_Plate",
        "well": "Metadata_Well",
        "timepoint": "Metadata_Timepoint",
        "hours": "Metadata_Hours",
        "status": "Metadata_Status",
        "qc_flags": "Metadata_QC_Flags",
        "n_fields_used": "Metadata_Fields_Used",
        "row_sha256": "Metadata_Row_SHA256",
    }
    described = [column for column in wells if column not in OF_WELLS]
    taken = set(own.values())
    names = {column: f"Metadata_{column}" for column in described}
    # A plate map may have a column 'Status'.
    names = {column: f"Metadata_Map_{column}" if name in taken else name for column, name in names.items()}
    names |= own | FEATURES
    return wells[list(names)].rename(columns=names)


def drc(wells: pd.DataFrame, columns: MapColumns) -> pd.DataFrame:
    """For ``drm(n_live / n_total ~ dose, agent, weights = n_total, type = "binomial")`` of R's drc.

    ``n_total`` is here the number of decided cells, ``n_live + n_dead``; wells without any, and
    positive controls, are left out. Negative controls have dose 0, and appear once for every
    agent of their plate, cell line and timepoint, as drc fits each curve to its own rows.
    """
    table = designed(wells, columns)
    decided = table["n_live"] + table["n_dead"]
    table = table.assign(n_decided=decided)[(decided > 0) & (table["control"] != "positive")]
    dosed = table[table["dose"] > 0]
    place = ["plate", "cell_line", "timepoint"]
    agents = dosed[[*place, "agent"]].drop_duplicates()
    untreated = table[(table["control"] == "negative") | ((table["dose"] == 0) & (table["control"] == ""))]
    own = untreated[untreated["control"] == ""]
    shared = untreated[untreated["control"] == "negative"].drop(columns="agent").merge(agents, on=place)
    rows = pd.concat([shared.assign(dose=0.0), own, dosed], ignore_index=True)
    rows = rows.sort_values(["plate", "agent", "cell_line", "timepoint", "dose", "well"], ignore_index=True)
    exported = rows[
        ["plate", "well", "timepoint", "hours", "agent", "cell_line", "dose", "n_live", "n_decided"]
    ]
    return exported.rename(columns={"n_decided": "n_total"}).assign(dose_unit=columns.dose_unit)


GRMETRICS_COLUMNS = ["cell_line", "agent", "plate", "well", "time", "concentration"]
GRMETRICS_COLUMNS += ["cell_count", "cell_count__ctrl", "cell_count__time0"]


def grmetrics(wells: pd.DataFrame, columns: MapColumns) -> pd.DataFrame:
    """Input of GRmetrics' ``GRfit``, case A: live cells per mm² now, in controls, and at time 0.

    Time 0 is the first timepoint; its count is the mean of the negative controls of the same
    plate and cell line, as is ``cell_count__ctrl`` at the time itself. ``time`` is the same for all
    wells of a timepoint: hours since time 0 where they are known, else the timepoint. Rows exist only
    where there is a later timepoint and such controls, else the table has a header alone.

    References
    ----------
    Hafner et al. (2016), Nat. Methods 13:521, https://doi.org/10.1038/nmeth.3853.
    """
    table = designed(wells, columns)
    first = table["timepoint"].min()
    table = table.assign(time=_since_first(table))
    place = ["plate", "cell_line"]
    control = (
        table[table["control"] == "negative"]
        .groupby([*place, "timepoint"], as_index=False)["live_per_mm2"]
        .mean()
    )
    start = control[control["timepoint"] == first].drop(columns="timepoint")
    start = start.rename(columns={"live_per_mm2": "cell_count__time0"})
    control = control.rename(columns={"live_per_mm2": "cell_count__ctrl"})
    later = table[(table["timepoint"] > first) & (table["dose"] > 0) & table["live_per_mm2"].notna()]
    joined = later.merge(control, on=[*place, "timepoint"]).merge(start, on=place)
    joined = joined.rename(columns={"dose": "concentration", "live_per_mm2": "cell_count"})
    known = np.isfinite(joined[["cell_count__ctrl", "cell_count__time0"]].to_numpy(float)).all(axis=1)
    return joined.loc[known, GRMETRICS_COLUMNS].reset_index(drop=True)


def _since_first(table: pd.DataFrame) -> pd.Series:
    """The time of each row's timepoint: hours since the plate's first one, or the timepoint itself."""
    time = table.groupby(["plate", "timepoint"])["time"].transform("median")
    start = (
        time.where(table["timepoint"] == table["timepoint"].min()).groupby(table["plate"]).transform("min")
    )
    return time.where(table["time_unit"] != "h", time - start)
