"""Draw the counted viability of a simulated plate against the true one."""

from pathlib import Path

from livedead import stores
from livedead.job import run
from livedead.pictures import agreement, figures
from livedead.tables import AGREEMENT


def draw_agreement(wells: Path, pictures: list[Path], *, plate: str) -> None:
    """Write a PNG and an SVG."""
    compared = stores.read_table(wells, AGREEMENT)
    figures.write(agreement.draw(compared, ("counted", "true"), plate), pictures)


if __name__ == "__main__":
    run(draw_agreement, snakemake)
