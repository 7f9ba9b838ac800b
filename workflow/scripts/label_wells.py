"""Make class maps of the dyed wells of one plate, for training."""

from pathlib import Path
from typing import Any

from livedead import stores
from livedead.dyes.stored import read_dyes
from livedead.fields.plate_images import open_plate
from livedead.job import run
from livedead.labels import labelled
from livedead.labels.of_boxes import BoxSettings
from livedead.labels.of_dyes import LabelSettings
from livedead.labels.of_masks import MaskSettings
from livedead.network.classes import Classes
from livedead.plates.boxes import read_boxes
from livedead.plates.masks import mask_paths
from livedead.plates.states import read_states
from livedead.tables import IMAGES


def label_wells(
    raw: Path,
    images: Path,
    dyes: Path | None,
    boxes: Path | None,
    states: Path | None,
    class_maps: Path,
    *,
    dyed_wells: list[str],
    masks: str,
    dead_dye: str | None,
    bit_depth: int,
    pixel_size_um: float,
    input_channels: list[str],
    classes: Classes,
    labels: dict[str, Any],
) -> None:
    """Write one class map per dyed field, and the drawn cells that it was made of, if there are any.

    Where cells are drawn, as `boxes` or points or as `masks`, there are no `dyes`; of masks, a table of
    `states` tells which cells are dead, or the dead dye.
    """
    plate = open_plate(raw, images, bit_depth)
    keys, channel = plate.keys(dyed_wells), input_channels[0]
    if boxes is not None:
        of_boxes = BoxSettings.from_config(labels["boxes"])
        drawn = read_boxes(boxes, stores.read_table(images, IMAGES))
        keys = labelled.known_by_boxes(keys, drawn, of_boxes)
        label = labelled.labels_of_boxes(plate, drawn, channel, classes, of_boxes, pixel_size_um)
    elif dyes is None:
        of_masks = MaskSettings.from_config(labels["masks"])
        paths = mask_paths(masks, plate.keys())
        told = None if states is None else read_states(states, paths.values())
        keys = labelled.known_by_states(keys, paths, told or {})
        shown = dead_dye if dead_dye and told is None else channel
        label = labelled.labels_of_masks(plate, paths, shown, told, classes, of_masks)
    else:
        of_dyes = LabelSettings.from_config(labels["dyes"])
        label = labelled.labels_of_dyes(plate, read_dyes(dyes), channel, classes, of_dyes)
    stores.write_segmentations(class_maps, labelled.label_fields(plate, keys, label))


if __name__ == "__main__":
    run(label_wells, snakemake)
