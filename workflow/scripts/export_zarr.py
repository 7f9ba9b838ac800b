"""Export the wells of one shard as OME-Zarr: normalized images, and label images of counted cells."""

from pathlib import Path
from typing import Any

from livedead import stores
from livedead.fields.exported import open_exported_plate
from livedead.job import run
from livedead.labels.exported import usable_fields
from livedead.labels.zarr_fields import write_wells
from livedead.plates.corrections import read_corrections
from livedead.wells.counting import counter_of


def export_zarr(
    raw: Path,
    images: Path,
    normalization: Path,
    class_maps: Path,
    dyes: Path | None,
    model: Path,
    corrections: list[Path],
    fields: Path,
    cells: Path,
    folder: Path,
    *,
    channels: list[str],
    classes: list[dict[str, str]],
    pixel_size_um: float,
    bit_depth: int,
    counting: dict[str, Any],
) -> None:
    """Write the wells that the shard's class maps are of into `folder`, corrections applied."""
    plate = open_exported_plate(raw, images, normalization, channels, bit_depth)
    counter = counter_of(
        plate.images,
        dyes,
        stores.read_json(model),
        classes,
        counting,
        [],
        pixel_size_um,
        read_corrections(corrections),
    )
    rows = stores.list_class_maps(class_maps).to_dict("records")
    wells = list(dict.fromkeys(row["well"] for row in rows))
    counted = usable_fields([class_maps], counter, fields, cells)
    with stores.replacing_folder(folder) as temporary:
        write_wells(temporary, plate, wells, counted, pixel_size_um)


if __name__ == "__main__":
    run(export_zarr, snakemake)
