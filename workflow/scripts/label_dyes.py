"""Make class maps of the dyed wells of one plate, for training."""

from pathlib import Path
from typing import Any

from livedead import stores
from livedead.dyes.dyed_fields import label_fields
from livedead.fields.plate_images import open_plate
from livedead.job import run
from livedead.network.classes import Classes


def label_dyes(
    raw: Path,
    images: Path,
    class_maps: Path,
    *,
    dyed_wells: list[str],
    masks: str,
    bit_depth: int,
    input_channels: list[str],
    classes: Classes,
    labels: dict[str, Any],
) -> None:
    """Write one class map per dyed field, and the drawn objects that it was made of, if there are any."""
    plate = open_plate(raw, images, bit_depth)
    labelled = label_fields(plate, dyed_wells, masks, input_channels[0], classes, labels)
    stores.write_segmentations(class_maps, labelled)


if __name__ == "__main__":
    run(label_dyes, snakemake)
