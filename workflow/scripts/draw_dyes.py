"""Draw the histogram and the threshold of each dye of one plate."""

from pathlib import Path

from livedead.dyes.stored import read_dyes
from livedead.job import run
from livedead.pictures import figures, thresholds


def draw_dyes(dyes: Path, pictures: list[Path], *, plate: str) -> None:
    """Write a PNG and an SVG."""
    figures.write(thresholds.draw(plate, read_dyes(dyes)), pictures)


if __name__ == "__main__":
    run(draw_dyes, snakemake)
