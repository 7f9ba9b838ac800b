"""Count live and dead cells in every field of one shard."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from livedead import stores
from livedead.cells import (
    CELL_COLUMNS,
    COUNTS,
    FIELD_COLUMNS,
    CountingRules,
    class_numbers,
    count_states,
    join_cells,
    measure_cells,
)
from livedead.logs import log_to

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake

KEY = ("plate", "well", "field", "timepoint")


def count_cells(
    class_maps: Path,
    fields: Path,
    cells: Path,
    *,
    classes: list[dict[str, str]],
    pixel_size_um: float,
    counting: dict[str, Any],
) -> None:
    """Write one row a field and one row a cell."""
    numbers, rules = class_numbers(classes), CountingRules(**counting)
    field_rows: list[dict[str, Any]] = []
    cell_tables: list[pd.DataFrame] = []
    for row, class_map in stores.read_class_maps(class_maps):
        if class_map is None:
            field_rows.append(row)
            continue
        found = measure_cells(class_map, numbers, rules, pixel_size_um)
        area_mm2 = class_map.size * pixel_size_um**2 / 1e6
        field_rows.append({**row, **count_states(found), "area_mm2": area_mm2})
        cell_tables.append(found.assign(**{name: row[name] for name in KEY})[CELL_COLUMNS])
    table = pd.DataFrame(field_rows, columns=FIELD_COLUMNS)
    stores.write_table(fields, table.astype(dict.fromkeys(COUNTS, "Int64")))
    stores.write_table(cells, join_cells(cell_tables))


if __name__ == "__main__":
    with log_to(snakemake.log[0]):
        count_cells(
            Path(snakemake.input.class_maps),
            Path(snakemake.output.fields),
            Path(snakemake.output.cells),
            classes=snakemake.params.classes,
            pixel_size_um=snakemake.params.pixel_size_um,
            counting=snakemake.params.counting,
        )
