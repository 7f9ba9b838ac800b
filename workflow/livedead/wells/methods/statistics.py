"""Sentences on intervals, controls, replicates and curves."""

from livedead.statistics.intervals import METHODS
from livedead.wells.methods.run import Run
from livedead.wells.methods.wording import listed, number, with_interval


def audit(run: Run) -> str:
    """Errors of the network that dyes measured."""
    told = []
    for row in run.audits[(run.audits["level"] == "plate") & (run.audits["reason"] == "")].itertuples():
        when = f", timepoint {row.timepoint}" if run.wells["timepoint"].nunique() > 1 else ""
        told.append(
            f"plate {row.plate}{when}, {number(row.n_wells, 'well')}, sensitivity "
            f"{with_interval(row, 'sensitivity')}, specificity {with_interval(row, 'specificity')}"
        )
    if not told:
        return ""
    return (
        "Viability was also corrected for the network's errors (Rogan & Gladen 1978; Lang & Reiczigel 2014), "
        f"as dyes showed them in some wells: {'; '.join(told)}."
    )


def intervals(run: Run) -> str:
    """Intervals of viability."""
    sources = {
        METHODS["fields"]: "cells, with the intraclass correlation of fields within wells (Donner 1986)",
        METHODS["replicates"]: "cells, with the intraclass correlation of replicate wells (Donner 1986)",
        METHODS["none"]: "cells, taken as independent",
    }
    used = [what for name, what in sources.items() if (run.wells["viability_interval"] == name).any()]
    if not used:
        return ""
    of_cells = listed(used)
    return f"95 % intervals of viability were Wilson's (Wilson 1927), for an effective number of {of_cells}."


def z_prime(run: Run) -> str:
    """Z' of each plate."""
    rows = run.quality[(run.quality["measure"] == "viability") & run.quality["z_prime"].notna()]
    if rows.empty:
        return ""
    last = rows.groupby("plate", sort=False).tail(1)
    when = " at the last timepoint" if rows["timepoint"].nunique() > 1 else ""
    told = [
        f"plate {row.plate}, {with_interval(row, 'z_prime')}, {row.n_negative} negative and "
        f"{row.n_positive} positive control wells"
        for row in last.itertuples()
    ]
    return f"Z' of viability{when} (Zhang et al. 1999), with bootstrap intervals: {'; '.join(told)}."


def replicates(run: Run) -> str:
    """How plates were joined."""
    if len(run.sheets) < 2 or run.wells["viability"].isna().all():
        return ""
    return (
        "Wells that were treated alike were averaged by plate, then over plates, with Student's intervals "
        "over plates (Lord et al. 2020)."
    )


def doses(run: Run) -> str:
    """Dose-response curves."""
    if run.curves.empty:
        return ""
    return (
        "Dose-response curves were four-parameter logistic curves of the share of live cells with "
        "quasi-binomial errors; intervals of the IC50 were profile-likelihood intervals (Venzon & Moolgavkar "
        "1988)."
    )
