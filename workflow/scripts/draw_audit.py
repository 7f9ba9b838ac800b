"""Draw the viability of one plate as the network reads it, as its dyes do, and corrected."""

from pathlib import Path

from livedead import stores
from livedead.job import run
from livedead.pictures import audit as audits
from livedead.tables import AUDIT, WELLS


def draw_audit(audit: Path, wells: Path, picture: Path) -> None:
    """Write a PNG."""
    drawn = audits.draw(stores.read_table(audit, AUDIT), stores.read_table(wells, WELLS))
    stores.write_bytes(picture, drawn)


if __name__ == "__main__":
    run(draw_audit, snakemake)
