"""Count live and dead cells in every field of one shard."""

from pathlib import Path
from typing import Any

import pandas as pd

from livedead import stores
from livedead.cells.counting import count_field, join_cells
from livedead.cells.measures import cell_columns
from livedead.cells.rules import CountingRules
from livedead.cells.tallies import check_cells
from livedead.fields.plate_images import PlateImages
from livedead.job import run
from livedead.logs import progress
from livedead.network.classes import Classes
from livedead.tables import CELLS, IMAGES, SHARD_FIELDS


def count_cells(
    class_maps: Path,
    raw: Path,
    images: Path,
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
    numbers, rules = Classes.from_config(classes), CountingRules(**counting)
    plate = PlateImages(raw, stores.read_table(images, IMAGES), bit_depth)
    columns = cell_columns(intensity_channels, rules.shape_descriptors)
    field_rows: list[dict[str, Any]] = []
    cell_tables = [pd.DataFrame(columns=columns)]
    n_fields = len(stores.list_class_maps(class_maps))
    for row, found in progress(stores.read_segmentations(class_maps), n_fields, "fields"):
        if not found:
            field_rows.append(row)
            continue
        key = (row["well"], row["field"], row["timepoint"])
        class_map = found["maps"]
        planes = plate.planes(key, intensity_channels, class_map.shape)
        counted, of_field = count_field(
            row, class_map, found["unstable"], found["runners_up"], numbers, rules, pixel_size_um, planes
        )
        field_rows.append(counted)
        cell_tables.append(of_field.reindex(columns=columns))
    table, all_cells = SHARD_FIELDS.rows(field_rows), join_cells(cell_tables)
    check_cells(all_cells, table, f"{class_maps}: cells and fields")
    stores.write_table(fields, table, SHARD_FIELDS)
    stores.write_table(cells, all_cells, CELLS)


if __name__ == "__main__":
    run(count_cells, snakemake)
