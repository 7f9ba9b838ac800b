"""Count live and dead cells in every field of one shard."""

from pathlib import Path
from typing import Any

from livedead import stores
from livedead.cells.tallies import check_cells
from livedead.fields.plate_images import open_plate
from livedead.job import run
from livedead.plates.corrections import read_corrections
from livedead.tables import CELLS, SHARD_FIELDS
from livedead.wells.counting import count_class_maps, counter_of


def count_cells(
    class_maps: Path,
    raw: Path,
    images: Path,
    dyes: Path | None,
    model: Path,
    corrections: list[Path],
    fields: Path,
    cells: Path,
    *,
    classes: list[dict[str, str]],
    pixel_size_um: float,
    bit_depth: int,
    intensity_channels: list[str],
    counting: dict[str, Any],
) -> None:
    """Write one row a field and one row a cell."""
    plate = open_plate(raw, images, bit_depth)
    counter = counter_of(
        plate,
        dyes,
        stores.read_json(model),
        classes,
        counting,
        intensity_channels,
        pixel_size_um,
        read_corrections(corrections),
    )
    of_fields, of_cells = count_class_maps(class_maps, counter)
    check_cells(of_cells, of_fields, f"{class_maps}: cells and fields")
    stores.write_table(fields, of_fields, SHARD_FIELDS)
    stores.write_table(cells, of_cells, CELLS)


if __name__ == "__main__":
    run(count_cells, snakemake)
