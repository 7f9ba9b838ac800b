"""Draw the viability and the cell density of one plate as heat maps."""

from pathlib import Path

from livedead import stores
from livedead.job import run
from livedead.pictures import heat_map
from livedead.tables import WELLS


def draw_plate(wells: Path, picture: Path, *, n_wells: int) -> None:
    """Write a PNG."""
    stores.write_bytes(picture, heat_map.draw(stores.read_table(wells, WELLS), n_wells))


if __name__ == "__main__":
    run(draw_plate, snakemake)
