"""Draw the errors that measure_accuracy found."""

from pathlib import Path

from livedead import stores
from livedead.logs import log_to
from livedead.pictures import accuracy
from livedead.tables import ACCURACY


def draw_accuracy(errors: Path, picture: Path) -> None:
    """Write a PNG."""
    stores.write_bytes(picture, accuracy.draw(stores.read_table(errors, ACCURACY)))


if __name__ == "__main__":
    with log_to(snakemake.log[0], snakemake.input):
        draw_accuracy(Path(snakemake.input.errors), Path(snakemake.output.picture))
