"""Match the cells of audited wells, as the network and as the dyes see them."""

from pathlib import Path
from typing import Any

from livedead import stores
from livedead.cells.tallies import check_cells
from livedead.dyes.stored import read_dyes
from livedead.fields.plate_images import open_plate
from livedead.job import run
from livedead.tables import AUDIT_CELLS, CELLS, FIELDS
from livedead.wells import audited_cells


def audit_cells(
    raw: Path,
    images: Path,
    dyes: Path,
    fields: Path,
    cells: Path,
    audit: Path,
    *,
    audit_wells: list[str],
    pixel_size_um: float,
    bit_depth: int,
    counting: dict[str, Any],
    threads: int,
) -> None:
    """Write one row per cell that either of the two readings found."""
    of_fields, of_cells = stores.read_table(fields, FIELDS), stores.read_table(cells, CELLS)
    check_cells(of_cells, of_fields, f"{cells} and {fields}")
    found = audited_cells.audit_cells(
        open_plate(raw, images, bit_depth),
        read_dyes(dyes),
        of_fields,
        of_cells,
        audit_wells,
        counting,
        pixel_size_um,
        threads,
    )
    stores.write_table(audit, found, AUDIT_CELLS)


if __name__ == "__main__":
    run(audit_cells, snakemake)
