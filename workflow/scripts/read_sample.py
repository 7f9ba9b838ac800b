"""Read the fields of a random sample of wells by their dyes a second time."""

from pathlib import Path

from livedead import stores
from livedead.dyes.dyed_fields import read_fields
from livedead.dyes.stored import read_dyes
from livedead.fields.plate_images import open_plate
from livedead.job import run
from livedead.tables import WELLS
from livedead.wells.verification import choose_wells


def read_sample(
    raw: Path,
    images: Path,
    dyes: Path,
    wells: Path,
    class_maps: Path,
    *,
    seed: int,
    sample: int,
    bit_depth: int,
) -> None:
    """Write the class maps of `sample` wells that the table of `wells` counted."""
    chosen = choose_wells(stores.read_table(wells, WELLS), sample, seed)
    plate = open_plate(raw, images, bit_depth)
    stores.write_segmentations(class_maps, read_fields(plate, plate.keys(chosen), read_dyes(dyes)))


if __name__ == "__main__":
    run(read_sample, snakemake)
