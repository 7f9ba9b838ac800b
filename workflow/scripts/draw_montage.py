"""Draw the images of one plate where their wells lie."""

from pathlib import Path

from livedead import stores
from livedead.fields.normalized_plate import open_normalized_plate
from livedead.job import run
from livedead.pictures import figures, montage
from livedead.pictures.choice import usable_fields
from livedead.tables import FIELDS
from livedead.wells.timing import timepoint_name


def draw_montage(
    raw: Path,
    images: Path,
    normalization: Path,
    fields: Path,
    picture: Path,
    *,
    shown: dict[str, str],
    n_wells: int,
    pixel_size_um: float,
    bit_depth: int,
) -> None:
    """Write a PNG of the first usable field of every well at the last timepoint.

    Parameters
    ----------
    shown : dict
        What is drawn, ``input`` of a network or a dye -> its channel.
    """
    plate = open_normalized_plate(raw, images, normalization, list(shown.values()), bit_depth)
    table = stores.read_table(fields, FIELDS)
    last = int(table["timepoint"].max())
    title = f"{table['plate'].iloc[0]}, {timepoint_name(last, table)}: {', '.join(shown.values())}"
    read = plate.in_one_contrast().normalized
    drawn = montage.draw(usable_fields(table, last), read, title, n_wells, shown, pixel_size_um)
    figures.write(drawn, [picture])


if __name__ == "__main__":
    run(draw_montage, snakemake)
