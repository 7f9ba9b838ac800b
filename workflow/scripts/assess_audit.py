"""Say what the audit of one plate found."""

from pathlib import Path

from livedead import stores
from livedead.job import run
from livedead.tables import AUDIT
from livedead.wells import audits


def assess_audit(
    audit: Path, platemap: Path | None, table: Path, *, n_wells: int, treatment_columns: list[str]
) -> None:
    """Write the network's errors on the plate, on each treatment, and what was seen in each audited well."""
    found = audits.assess_audit(audits.read_audits(audit, platemap, n_wells, treatment_columns))
    stores.write_table(table, found, AUDIT)


if __name__ == "__main__":
    run(assess_audit, snakemake)
