"""Draw the histogram and the threshold of each dye of one plate."""

from pathlib import Path

from livedead import stores
from livedead.dyes.stored import read_dyes
from livedead.job import run
from livedead.pictures import thresholds


def draw_dyes(dyes: Path, picture: Path, *, plate: str) -> None:
    """Write a PNG."""
    stores.write_bytes(picture, thresholds.draw(plate, read_dyes(dyes)))


if __name__ == "__main__":
    run(draw_dyes, snakemake)
