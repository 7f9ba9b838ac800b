"""What audited cells say of a network's errors on a plate, and of the viability of its wells."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from livedead import stores
from livedead.dyes.notes import dye_notes
from livedead.plates.geometry import sort_wells
from livedead.plates.plate_maps import read_plate_map
from livedead.statistics.audits import DEAD, LIVE, Audit, fit_audit
from livedead.tables import AUDIT, AUDIT_CELLS, CORRECTED, DYES

STATES = ("live", "dead", "ambiguous", "none")
"""States of a cell in either reading, in the order of `livedead.statistics.audits`."""


@dataclass(frozen=True)
class AuditedWells:
    """The audited wells of a plate at one timepoint.

    Attributes
    ----------
    plate : str
    wells : list of str
        Those with a cell in either reading, in plate order.
    treatments : list of str
        What each of them got, see `treatments_of`.
    counts : ndarray, (n_wells, 4, 4), int64
        Cells by their state in the network's reading and in that of the dyes, of `STATES`.
    audit : Audit
        What they say of the network's errors.
    """

    plate: str
    wells: list[str]
    treatments: list[str]
    counts: np.ndarray
    audit: Audit

    @classmethod
    def of(
        cls, cells: pd.DataFrame, plate_map: pd.DataFrame | None, treatment_columns: Sequence[str]
    ) -> "AuditedWells":
        """From the `livedead.tables.AUDIT_CELLS` of one timepoint, and the map of their plate."""
        wells = sort_wells(set(cells["well"]))
        counts = np.zeros((len(wells), len(STATES), len(STATES)), np.int64)
        of_column = {"well": wells, "read": STATES, "dyed": STATES}
        places = [pd.Categorical(cells[name], values).codes for name, values in of_column.items()]
        np.add.at(counts, tuple(places), 1)
        mapped = pd.DataFrame({"well": wells})
        if plate_map is not None:
            mapped = mapped.merge(plate_map, on="well", how="left").fillna("")
        treatments = treatments_of(mapped, treatment_columns)
        audit = fit_audit(counts, treatments if any(treatments) else None)
        return cls(str(cells["plate"].iloc[0]), wells, treatments, counts, audit)


def treatments_of(wells: pd.DataFrame, columns: Sequence[str]) -> list[str]:
    """What each well got, as one text.

    Parameters
    ----------
    wells : DataFrame
        A well, with the columns of the plate map.
    columns : sequence of str
        Those that say what a well got; a map may lack them.

    Examples
    --------
    >>> wells = pd.DataFrame({"drug": ["x", "none"], "control": ["", "negative"]})
    >>> treatments_of(wells, ["drug", "dose_um", "control"])
    ['x', 'none, negative']
    """
    told = wells[[column for column in columns if column in wells]].to_numpy(object)
    return [", ".join(filter(None, row)) for row in told]


def audits_of(
    cells: pd.DataFrame, plate_map: pd.DataFrame | None, treatment_columns: Sequence[str]
) -> dict[int, AuditedWells]:
    """The audit of each timepoint at which wells were dyed.

    Parameters
    ----------
    cells : DataFrame
        `livedead.tables.AUDIT_CELLS`.
    plate_map : DataFrame, optional
        Of their plate, from `livedead.plates.plate_maps.read_plate_map`.
    treatment_columns : sequence of str
    """
    return {
        int(timepoint): AuditedWells.of(at_time, plate_map, treatment_columns)
        for timepoint, at_time in cells.groupby("timepoint")
    }


def read_audits(
    audit: Path | None, audit_map: Path | None, n_wells: int, treatment_columns: Sequence[str]
) -> dict[int, AuditedWells]:
    """`audits_of` the audited cells in a file, and of the map of their plate; none without the file."""
    if audit is None:
        return {}
    plate_map = read_plate_map(audit_map, n_wells, treatment_columns) if audit_map else None
    return audits_of(stores.read_table(audit, AUDIT_CELLS), plate_map, treatment_columns)


def correct_viability(
    wells: pd.DataFrame,
    audits: Mapping[int, AuditedWells],
    treatment_columns: Sequence[str],
    design_effect: np.ndarray,
) -> pd.DataFrame:
    """The viability of each well without the network's errors, as the audit of its timepoint knows them.

    An audit that another plate lends says what the network's errors were after the last reading, when the
    dyes were added; so the last of its timepoints stands for the last one here.

    Parameters
    ----------
    wells : DataFrame
        The well table of one plate: ``plate, timepoint, n_live, n_dead``, and columns of the plate map.
    audits : mapping
        From `audits_of`.
    treatment_columns : sequence of str
    design_effect : ndarray, (n_wells,)
        From `livedead.statistics.intervals.design_effect`.

    Returns
    -------
    DataFrame, indexed as `wells`
        `CORRECTED`; missing at timepoints without an audit, and where the audit refuses.
    """
    corrected = pd.DataFrame(np.nan, wells.index, CORRECTED)
    plate, last = wells["plate"].iloc[0], wells["timepoint"].max()
    if audits and audits[max(audits)].plate != plate:
        audits = {last: audits[max(audits)]}
    for timepoint, audited in audits.items():
        at_time = (wells["timepoint"] == timepoint).to_numpy()
        n_live, n_dead = wells.loc[at_time, ["n_live", "n_dead"]].to_numpy(float, na_value=np.nan).T
        treatments = treatments_of(wells[at_time], treatment_columns)
        found = audited.audit.correct(n_live, n_dead, treatments, design_effect[at_time])
        corrected.loc[at_time] = np.column_stack([found.viability, found.low, found.high])
    return corrected


def assess_audit(audits: Mapping[int, AuditedWells]) -> pd.DataFrame:
    """What the audits of a plate found: in all audited wells together, in each treatment, in each well.

    Returns
    -------
    DataFrame
        `livedead.tables.AUDIT`: cells in both readings, `livedead.statistics.audits.Errors.summary`, and the
        ``reason`` why these errors correct no well. At the level ``plate`` they are the errors by which
        wells of a treatment are corrected that was not audited.
    """
    rows = []
    for timepoint, audited in audits.items():
        treatments, counts = np.array(audited.treatments, dtype=object), audited.counts
        key = {"plate": audited.plate, "timepoint": timepoint}
        # Cells that one reading did not find, or found ambiguous, are counted here, too.
        whole, *of_treatments = audited.audit.summary().to_dict("records")
        rows.append({**key, "level": "plate", **whole, **_seen(counts)})
        for errors in of_treatments:
            of_level = counts[treatments == errors["treatment"]]
            rows.append({**key, "level": "treatment", **errors, **_seen(of_level)})
        for well, treatment, of_well in zip(audited.wells, treatments, counts, strict=True):
            told = {"level": "well", "well": well, "treatment": treatment, "n_wells": 1}
            rows.append({**key, **told, **_seen(of_well[None])})
    return AUDIT.rows(rows)


def _seen(counts: np.ndarray) -> dict[str, float]:
    """Cells of both readings, and the viability in each; NaN without a live or dead cell."""
    found: dict[str, float] = {}
    for name, cells in (("", counts.sum(axis=(0, 2))), ("_dyed", counts.sum(axis=(0, 1)))):
        n_live, n_dead = int(cells[LIVE]), int(cells[DEAD])
        decided = n_live + n_dead
        found |= {f"n_live{name}": n_live, f"n_dead{name}": n_dead}
        found[f"viability{name}"] = n_live / decided if decided else np.nan
    return found


def read_audit_notes(audits: Sequence[Path], dyes: Sequence[Path]) -> dict[str, Iterator[str]]:
    """Plate -> `audit_notes` of its tables, which lie in a folder called like it."""
    return {
        path.parent.name: audit_notes(stores.read_table(path, AUDIT), stores.read_table(of_dyes, DYES))
        for path, of_dyes in zip(audits, dyes, strict=True)
    }


def audit_notes(audit: pd.DataFrame, dyes: pd.DataFrame) -> Iterator[str]:
    """What to know of a plate's audit, a line for each timepoint, after what to know of its dyes.

    Parameters
    ----------
    audit : DataFrame
        `livedead.tables.AUDIT` of the plate.
    dyes : DataFrame
        `livedead.tables.DYES` of the plate.
    """
    yield from dye_notes(dyes, pd.DataFrame())
    plate = audit[audit["level"] == "plate"]
    if plate.empty:
        yield (
            "AUDIT refused: no audited cell; are the audit_wells and their dyes imaged, and do the dyes tell "
            "live from dead cells (dyes.csv)? viability is not corrected"
        )
    for row in plate.itertuples():
        when = f" of timepoint {row.timepoint}" if len(plate) > 1 else ""
        treatments = audit[(audit["level"] == "treatment") & (audit["timepoint"] == row.timepoint)]
        if row.reason and (treatments["reason"] != "").all():
            first = next(treatments.itertuples(), row)
            of_first = f" for {first.treatment}" if first.treatment else ""
            yield f"AUDIT{when} refused{of_first}: {first.reason}; viability is not corrected"
            continue
        rates = [
            f"{value:.3f} ({low:.3f} to {high:.3f}) of the {state} cells are read {state}"
            for state, value, low, high in (
                ("live", row.specificity, row.specificity_low, row.specificity_high),
                ("dead", row.sensitivity, row.sensitivity_low, row.sensitivity_high),
            )
        ]
        bias = f"the count is off by {row.total_bias:+.1%}"
        yield f"AUDIT{when} by {row.n_wells} wells: {', '.join(rates)}, {bias}"
        if row.reason:
            yield f"AUDIT{when} does not correct treatments that were not audited: {row.reason}"
        refused = treatments[treatments["reason"] != ""]
        if len(refused):
            first = f"{refused['treatment'].iloc[0]}: {refused['reason'].iloc[0]}"
            yield f"AUDIT{when} does not correct {len(refused)} treatment(s) (audit.csv), such as {first}"
