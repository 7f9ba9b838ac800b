"""Export the counted cells of one plate as label images, a table of states, and ROIs for ImageJ."""

from pathlib import Path
from typing import Any

from livedead import stores
from livedead.fields.plate_images import open_plate
from livedead.job import run
from livedead.labels.exported import export_fields, usable_fields
from livedead.plates.corrections import read_corrections
from livedead.wells.counting import counter_of


def export_labels(
    class_maps: list[Path],
    raw: Path,
    images: Path,
    dyes: Path | None,
    model: Path,
    corrections: list[Path],
    fields: Path,
    cells: Path,
    folder: Path,
    *,
    classes: list[dict[str, str]],
    pixel_size_um: float,
    bit_depth: int,
    counting: dict[str, Any],
) -> None:
    """Write the cells of every usable field into `folder`, corrections applied."""
    plate = open_plate(raw, images, bit_depth)
    counter = counter_of(
        plate,
        dyes,
        stores.read_json(model),
        classes,
        counting,
        [],
        pixel_size_um,
        read_corrections(corrections),
    )
    counted = usable_fields(class_maps, counter, fields, cells)
    export_fields(folder, counted, plate.keys(), plate.crop_px, pixel_size_um)


if __name__ == "__main__":
    run(export_labels, snakemake)
