"""How many wells to dye, in words."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import pandas as pd

from livedead.errors import LivedeadError
from livedead.statistics.audit_plans import N_AUDITS, plan_audit


@dataclass(frozen=True)
class PlanSettings:
    """What is wanted of an audit, and what is assumed of the network.

    Attributes
    ----------
    half_width : float
        Of the 95 % interval of the corrected viability.
    viability : sequence of float
        Of the undyed wells that matter.
    cells_per_well : int
    sensitivity, specificity : float
        Share of the dead cells that the network reads as dead, and of the live ones as live.
    spread : float
        How far these errors differ from well to well, see `livedead.statistics.audits`.
    plate : str, optional
        A plate whose audit says all of this, but for what is wanted.
    """

    half_width: float
    viability: Sequence[float]
    cells_per_well: int
    sensitivity: float
    specificity: float
    spread: float
    plate: str | None = None

    def as_found(self, audit: pd.DataFrame) -> "PlanSettings":
        """With the errors, and the cells of a well, that an audit found.

        Parameters
        ----------
        audit : DataFrame
            `livedead.tables.AUDIT`, of which the last timepoint counts.

        Raises
        ------
        LivedeadError
            If it found none.
        """
        last = audit[audit["timepoint"] == audit["timepoint"].max()]
        rates = last[last["level"] == "plate"].filter(["sensitivity", "specificity", "spread"])
        if not rates.notna().all(axis=1).any():
            raise LivedeadError(
                f"audit.plate: the audit of plate {self.plate} knows no errors, see its audit.csv; set it to "
                "null, and assume audit.sensitivity, audit.specificity and audit.spread"
            )
        of_wells = last.loc[last["level"] == "well", ["n_live_dyed", "n_dead_dyed"]].sum(axis=1)
        return replace(self, cells_per_well=max(1, round(of_wells.mean())), **rates.iloc[0])


def describe_plan(settings: PlanSettings) -> str:
    """The least number of wells to dye for each viability, and what other numbers would give."""
    plan = plan_audit(
        settings.half_width,
        settings.viability,
        settings.cells_per_well,
        settings.sensitivity,
        settings.specificity,
        settings.spread,
    )
    lines = [
        f"wells of {settings.cells_per_well} cells; {settings.sensitivity:.3f} of the dead ones are read as "
        f"dead, {settings.specificity:.3f} of the live ones as live; spread of errors {settings.spread:.3f}"
    ]
    for viability, rows in plan.groupby("viability"):
        enough = rows.loc[rows["enough"], "n_wells"]
        answer = (
            f"audit {enough.min()} wells"
            if len(enough)
            else f"not even {rows['n_wells'].max()} wells are enough; image more fields of each well, or "
            "accept a wider interval"
        )
        lines.append(f"viability {viability:g} to within {settings.half_width:g}: {answer}")
    widths = plan.pivot(index="n_wells", columns="viability", values="half_width")
    widths.columns = [f"viability {viability:g}" for viability in widths]
    table = widths.reset_index().rename(columns={"n_wells": "audited wells"})
    lines += ["", f"half-width of the 95 % interval (mean of {N_AUDITS} simulated audits):"]
    lines.append(table.to_string(index=False, float_format="{:.3f}".format, na_rep="refused"))
    return "\n".join(lines) + "\n"
