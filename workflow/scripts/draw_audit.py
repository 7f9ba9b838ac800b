"""Draw the viability of one plate as the network reads it, as its dyes do, and corrected."""

from pathlib import Path

from livedead import stores
from livedead.job import run
from livedead.pictures import audit as audits
from livedead.pictures import figures
from livedead.tables import AUDIT, WELLS


def draw_audit(audit: Path, wells: Path, pictures: list[Path]) -> None:
    """Write a PNG and an SVG."""
    drawn = audits.draw(stores.read_table(audit, AUDIT), stores.read_table(wells, WELLS))
    figures.write(drawn, pictures)


if __name__ == "__main__":
    run(draw_audit, snakemake)
