"""Draw the errors that measure_accuracy found."""

from pathlib import Path

from livedead import stores
from livedead.job import run
from livedead.pictures import accuracy, figures
from livedead.tables import ACCURACY


def draw_accuracy(errors: Path, picture: Path) -> None:
    """Write a PNG."""
    figures.write(accuracy.draw(stores.read_table(errors, ACCURACY)), [picture])


if __name__ == "__main__":
    run(draw_accuracy, snakemake)
