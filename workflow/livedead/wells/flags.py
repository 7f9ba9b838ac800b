"""QC flags of fields, which change no number: what to look at before a well is believed."""

import logging
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import pandas as pd

from livedead.errors import FieldError
from livedead.plates.geometry import well_position
from livedead.tables import FIELD_KEY

log = logging.getLogger(__name__)

FIELD = FIELD_KEY[1:]
"""Columns that name a field within its plate."""

OF_QUALITY = ["out_of_focus", "saturated", "dark", "uneven", "drift", "low_range"]
FLAGS = [*OF_QUALITY, "suspect", "duplicate_image"]
"""The QC flags that a field may carry."""

SHOWN = 3
"""Other fields with the same pixels that are named before they are only counted."""
FEW = 0.2
"""Far fewer cells: less than this share of what the fields around have."""
MANY_CELLS = 30
"""Cells of a state that make its median area worth comparing."""
UNUSUAL_AREA = 1.5
"""Factor by which an area is unusual; a pixel size that is wrong by a quarter changes areas by more."""
ENOUGH_CELLS = 10
"""With fewer cells in the fields around, a field without any says nothing."""


def flag_fields(quality: pd.DataFrame, thresholds: Mapping[str, float | None]) -> pd.DataFrame:
    """Compare each field with thresholds and with its plate.

    Parameters
    ----------
    quality : DataFrame
        ``well, field, timepoint, channel, status``, `QUALITY`, and ``min_range``.
    thresholds : mapping
        ``min_focus`` (share of the plate's median focus), ``max_saturated_fraction``,
        ``max_dark_fraction``, ``max_illumination_residual``, ``max_drift`` (distance of the
        field's median from the plate's, as a share of it), ``min_range`` (counts); None leaves
        that flag out.

    Returns
    -------
    DataFrame
        ``well, field, timepoint``, ``drift`` of the first channel, and ``qc_flags``: those of `FLAGS`
        that rest on quality, of any channel, joined by semicolons, in their order.
    """
    by_channel = quality.groupby("channel", sort=False)
    median = by_channel["median_counts"].transform("median")
    drift = quality["median_counts"] / median.where(median > 0) - 1
    limits = {name: np.nan if value is None else value for name, value in thresholds.items()}
    marked = {
        "out_of_focus": quality["focus"] < limits["min_focus"] * by_channel["focus"].transform("median"),
        "saturated": quality["saturated_fraction"] > limits["max_saturated_fraction"],
        "dark": quality["dark_fraction"] > limits["max_dark_fraction"],
        "uneven": quality["illumination_residual"] > limits["max_illumination_residual"],
        "drift": drift.abs() > limits["max_drift"],
        "low_range": quality["range_counts"] < limits["min_range"],
    }
    first = quality["channel"] == quality["channel"].iloc[0]
    table = quality[FIELD].assign(**marked).groupby(FIELD, sort=False, as_index=False)[OF_QUALITY].any()
    flags = [
        ";".join(name for name, is_so in zip(OF_QUALITY, row, strict=True) if is_so)
        for row in table[OF_QUALITY].to_numpy()
    ]
    drifts = quality[FIELD].assign(drift=drift)[first]
    return table[FIELD].assign(qc_flags=flags).merge(drifts, on=FIELD, how="left", validate="one_to_one")


def flag_counted(fields: pd.DataFrame) -> pd.DataFrame:
    """Add the QC flags that rest on what was read and counted to those of quality.

    ``duplicate_image``: another field of the plate has the same pixels, as where files were copied
    under two names or the stage was stuck; `duplicate_of` names the others. ``suspect``: see
    `_are_suspect`.

    Parameters
    ----------
    fields : DataFrame
        A field: ``well, field, timepoint, status, pixels_sha256, n_total, drift, qc_flags``. Failed
        fields have no hash, and get no flag.

    Returns
    -------
    DataFrame
        The same, with more `qc_flags`, and ``duplicate_of``: well, field and timepoint of the other
        fields, `SHOWN` of them, joined by semicolons.
    """
    duplicate_of = _duplicates(fields)
    marks = {"suspect": _are_suspect(fields), "duplicate_image": duplicate_of != ""}
    flags = fields["qc_flags"].fillna("")
    for name, marked in marks.items():
        flags = flags.where(~marked, flags + np.where(flags == "", name, f";{name}"))
    return fields.assign(duplicate_of=duplicate_of, qc_flags=flags)


def _duplicates(fields: pd.DataFrame) -> pd.Series:
    hashes = fields["pixels_sha256"].fillna("")
    shared = fields[(hashes != "") & hashes.duplicated(keep=False)]
    others = pd.Series("", index=fields.index)
    for _, same in shared.groupby("pixels_sha256"):
        names = [f"{row.well} field {row.field} timepoint {row.timepoint}" for row in same.itertuples()]
        for k, row in enumerate(same.index):
            rest = names[:k] + names[k + 1 :]
            more = [f"and {len(rest) - SHOWN} more"] if len(rest) > SHOWN else []
            others[row] = "; ".join(rest[:SHOWN] + more)
    return others


def _are_suspect(fields: pd.DataFrame) -> pd.Series:
    """Fields flagged ``drift`` that drift further than any around them with cells, and have hardly any cells.

    Around a field are the wells next to its own, diagonal ones too, at the same timepoint; where none
    of them has cells, all other wells. So looks damage that no file format can detect, such as swapped
    bytes. A well that a compound darkens and kills is excused by a neighbour that is as dark and lives.
    """
    suspect = pd.Series(False, index=fields.index)
    for _, usable in fields[fields["status"] == "ok"].groupby("timepoint"):
        places = np.array([well_position(well) for well in usable["well"]])
        drift = usable["drift"].abs().to_numpy(float)
        cells = usable["n_total"].to_numpy(float, na_value=np.nan)
        drifting = usable["qc_flags"].fillna("").str.split(";").map(lambda flags: "drift" in flags)
        for k in np.flatnonzero(drifting):
            steps = np.abs(places - places[k]).max(axis=1)
            others = (steps > 0) & (cells >= ENOUGH_CELLS)
            around = others & (steps == 1) if (others & (steps == 1)).any() else others
            if around.any() and cells[k] < FEW * np.median(cells[around]):
                suspect[usable.index[k]] = drift[k] > drift[around].max()
    return suspect


def flag_areas(cells: pd.DataFrame, usual_um2: Mapping[str, float]) -> list[str]:
    """The QC flag of a plate whose cells are far larger, or far smaller, than those that the network knows.

    Parameters
    ----------
    cells : DataFrame
        The plate's cells: ``state, area_um2``.
    usual_um2 : mapping
        State -> median area of a cell, see `livedead.network.experience.Experience`.

    Returns
    -------
    list of str
        ``unusual_cell_area`` if every state with at least `MANY_CELLS` cells is off by more than a factor of
        `UNUSUAL_AREA`, all in one direction; drugs change one state or the other, a wrong pixel size both.
    """
    of_state = cells.groupby("state")["area_um2"]
    median = of_state.median()[of_state.size() >= MANY_CELLS]
    ratio = {state: median[state] / area for state, area in usual_um2.items() if state in median}
    if not ratio or (min(ratio.values()) <= UNUSUAL_AREA and max(ratio.values()) >= 1 / UNUSUAL_AREA):
        return []
    areas = ", ".join(
        f"{state} cells have a median of {median[state]:.0f} um2, usual are {usual_um2[state]:.0f}"
        for state in ratio
    )
    log.warning("unusual_cell_area: %s; pixel_size_um in plates.tsv may be wrong", areas)
    return ["unusual_cell_area"]


def flag_plate(reads: Mapping[str, Any], cells: pd.DataFrame) -> list[str]:
    """The QC flags of a plate as a whole.

    Parameters
    ----------
    reads : mapping
        The record of what reads: the certificate of a network's weights, or that of the plate's dyes.
    cells : DataFrame
        See `flag_areas`.
    """
    seen = reads.get("experience") or {}
    return [*reads.get("flags", ()), *flag_areas(cells, seen.get("cell_area_um2", {}))]


def exclude_flagged(
    fields: pd.DataFrame, cells: pd.DataFrame, exclude_flags: Iterable[str], counted: list[str]
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Turn counted fields that carry an excluded QC flag into failed ones, and drop their cells.

    Parameters
    ----------
    fields : DataFrame
        ``well, field, timepoint, status, code, message``, numbers, and ``qc_flags``.
    cells : DataFrame
        ``well, field, timepoint`` and others.
    exclude_flags : iterable of str
        Of `FLAGS`.
    counted : list of str
        Columns of `fields` that are NA for a failed field.
    """
    excluded = [name for name in FLAGS if name in set(exclude_flags)]
    carried = fields["qc_flags"].fillna("").map(lambda flags: [f for f in excluded if f in flags.split(";")])
    removed = (carried.str.len() > 0) & (fields["status"] == "ok")
    fields = fields.copy()
    for row, flags in carried[removed].items():
        error = FieldError("excluded_qc", f"marked {', '.join(flags)}, which qc.exclude_flags leaves out")
        fields.loc[row, ["status", "code", "message"]] = "failed", error.code, str(error)
    fields.loc[removed, counted] = pd.NA
    gone = pd.MultiIndex.from_frame(fields.loc[removed, FIELD])
    return fields, cells[~pd.MultiIndex.from_frame(cells[FIELD]).isin(gone)]
