"""Join the well tables of all plates."""

from pathlib import Path

from livedead import stores
from livedead.cells.tallies import check_wells
from livedead.logs import log_to
from livedead.plates import plate_maps
from livedead.tables import FIELDS, WELLS
from livedead.wells.table import join_plates


def gather_wells(
    plate_tables: list[Path], fields: list[Path], output: Path, *, platemaps: list[str], n_wells: list[int]
) -> None:
    """Write all wells; plate-map columns that a plate lacks are empty there."""
    tables = [stores.read_table(path, WELLS) for path in plate_tables]
    for table, of_wells, of_fields, platemap, size in zip(
        tables, plate_tables, fields, platemaps, n_wells, strict=True
    ):
        mapped = list(plate_maps.read_plate_map(platemap, size)["well"]) if platemap else []
        check_wells(stores.read_table(of_fields, FIELDS), table, f"{of_fields} and {of_wells}", mapped)
    stores.write_table(output, join_plates(tables), WELLS)


if __name__ == "__main__":
    with log_to(snakemake.log[0], snakemake.input):
        gather_wells(
            [Path(path) for path in snakemake.input.wells],
            [Path(path) for path in snakemake.input.fields],
            Path(snakemake.output.wells),
            platemaps=snakemake.params.platemaps,
            n_wells=snakemake.params.n_wells,
        )
