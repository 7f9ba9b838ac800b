"""Say in a few lines what the run found."""

from pathlib import Path
from typing import TYPE_CHECKING

from livedead import stores
from livedead import wells as well_tables
from livedead.logs import log_to

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake


def summarize_run(wells: Path, certificate: Path, summary: Path) -> None:
    """Write the summary as text."""
    verified = stores.read_json(certificate)["classes_verified"]
    text = well_tables.summarize(stores.read_table(wells), str(wells), classes_verified=verified)
    stores.write_bytes(summary, text.encode())


if __name__ == "__main__":
    with log_to(snakemake.log[0], snakemake.input):
        summarize_run(
            Path(snakemake.input.wells),
            Path(snakemake.input.certificate),
            Path(snakemake.output.summary),
        )
