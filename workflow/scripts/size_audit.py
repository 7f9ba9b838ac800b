"""Say how many wells to dye."""

from pathlib import Path

from livedead import stores
from livedead.job import run
from livedead.tables import AUDIT
from livedead.wells.audit_plans import PlanSettings, describe_plan


def size_audit(audit: Path | None, plan: Path, *, settings: PlanSettings) -> None:
    """Write it as text; an `audit` that was made replaces what is assumed of the network."""
    known = settings if audit is None else settings.as_found(stores.read_table(audit, AUDIT))
    stores.write_bytes(plan, describe_plan(known).encode())


if __name__ == "__main__":
    run(size_audit, snakemake)
