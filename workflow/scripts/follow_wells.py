"""Say when half of the cells of every well and treatment were dead."""

from pathlib import Path
from typing import Any

from livedead import stores
from livedead.logs import log_to
from livedead.plates.plate_maps import MapColumns
from livedead.tables import TIME_COURSES, WELLS
from livedead.wells.analysis import follow_wells as follow


def follow_wells(wells: Path, courses: Path, *, plate_map: dict[str, Any]) -> None:
    """Write one row per well, and one per treatment."""
    found = follow(stores.read_table(wells, WELLS), MapColumns(**plate_map))
    stores.write_table(courses, found, TIME_COURSES)


if __name__ == "__main__":
    with log_to(snakemake.log[0], snakemake.input):
        follow_wells(
            Path(snakemake.input.wells),
            Path(snakemake.output.courses),
            plate_map=snakemake.params.plate_map,
        )
