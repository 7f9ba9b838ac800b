"""Make class maps of the dyed wells of one plate, for training."""

from pathlib import Path
from typing import Any

from livedead import stores
from livedead.dyes.dyed_fields import label_fields, labels_of_dyes, labels_of_masks
from livedead.dyes.labels import LabelSettings, MaskSettings
from livedead.dyes.stored import read_dyes
from livedead.fields.plate_images import open_plate
from livedead.job import run
from livedead.network.classes import Classes


def label_dyes(
    raw: Path,
    images: Path,
    dyes: Path | None,
    class_maps: Path,
    *,
    dyed_wells: list[str],
    masks: str,
    dead_dye: str,
    bit_depth: int,
    input_channels: list[str],
    classes: Classes,
    labels: dict[str, Any],
) -> None:
    """Write one class map per dyed field, and the drawn objects that it was made of, if there are any.

    Parameters
    ----------
    dyes : Path, optional
        None where `masks` are drawn, of which the dead dye only tells the state.
    """
    plate = open_plate(raw, images, bit_depth)
    if dyes is None:
        of_masks = MaskSettings.from_config(labels["masks"])
        label = labels_of_masks(plate, masks, dead_dye, classes, of_masks)
    else:
        of_dyes = LabelSettings.from_config(labels["dyes"])
        label = labels_of_dyes(plate, read_dyes(dyes), input_channels[0], classes, of_dyes)
    stores.write_segmentations(class_maps, label_fields(plate, dyed_wells, label))


if __name__ == "__main__":
    run(label_dyes, snakemake)
