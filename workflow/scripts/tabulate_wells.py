"""Make the well table of one plate."""

from pathlib import Path

import livedead
from livedead import stores
from livedead.cells.tallies import check_cells
from livedead.logs import log_to
from livedead.plates import plate_maps
from livedead.tables import CELLS, FIELDS, WELLS
from livedead.wells import table


def tabulate_wells(
    fields: Path,
    cells: Path,
    certificate: Path,
    platemap: Path | None,
    output: Path,
    *,
    plate: str,
    n_wells: int,
    fields_per_well: int | None,
    treatment_columns: list[str],
    config_sha256: str,
) -> None:
    """Write one row per well and timepoint."""
    of_fields, of_cells = stores.read_table(fields, FIELDS), stores.read_table(cells, CELLS)
    check_cells(of_cells, of_fields, f"{cells} and {fields}")
    of_wells = table.tabulate_wells(
        of_fields,
        of_cells,
        None if platemap is None else plate_maps.read_plate_map(platemap, n_wells, treatment_columns),
        plate=plate,
        n_fields_expected=fields_per_well,
        treatment_columns=treatment_columns,
        provenance={
            "model_sha256": stores.read_json(certificate)["unet_sha256"],
            "config_sha256": config_sha256,
            "version": livedead.__version__,
        },
    )
    stores.write_table(output, of_wells, WELLS)


if __name__ == "__main__":
    with log_to(snakemake.log[0], snakemake.input):
        tabulate_wells(
            Path(snakemake.input.fields),
            Path(snakemake.input.cells),
            Path(snakemake.input.certificate),
            Path(snakemake.input.platemap[0]) if snakemake.input.platemap else None,
            Path(snakemake.output.wells),
            plate=snakemake.params.plate,
            n_wells=snakemake.params.n_wells,
            fields_per_well=snakemake.params.fields_per_well,
            treatment_columns=snakemake.params.treatment_columns,
            config_sha256=snakemake.params.config_sha256,
        )
