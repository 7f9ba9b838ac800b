"""Make the well table of one plate."""

from pathlib import Path

from livedead import stores
from livedead.cells.tallies import check_cells
from livedead.job import run
from livedead.plates.plate_maps import read_plate_map
from livedead.tables import CELLS, FIELDS, WELLS
from livedead.wells import table
from livedead.wells.audits import read_audits
from livedead.wells.flags import flag_plate


def tabulate_wells(
    fields: Path,
    cells: Path,
    model: Path,
    platemap: Path | None,
    audit: Path | None,
    audit_map: Path | None,
    wells: Path,
    *,
    n_wells: int,
    fields_per_well: int | None,
    treatment_columns: list[str],
    config_sha256: str,
    hours_per_timepoint: float | None,
) -> None:
    """Write one row per well and timepoint."""
    of_fields, of_cells = stores.read_table(fields, FIELDS), stores.read_table(cells, CELLS)
    check_cells(of_cells, of_fields, f"{cells} and {fields}")
    reads = stores.read_json(model)
    of_wells = table.tabulate_wells(
        of_fields,
        of_cells,
        read_plate_map(platemap, n_wells, treatment_columns) if platemap else None,
        n_fields_expected=fields_per_well,
        treatment_columns=treatment_columns,
        provenance=table.provenance_of(reads, config_sha256),
        plate_flags=flag_plate(reads, of_cells),
        audits=read_audits(audit, audit_map, n_wells, treatment_columns),
        hours_per_timepoint=hours_per_timepoint,
    )
    stores.write_table(wells, of_wells, WELLS)


if __name__ == "__main__":
    run(tabulate_wells, snakemake)
