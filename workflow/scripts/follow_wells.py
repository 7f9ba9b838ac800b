"""Find when half of the cells were dead, in every well and for every treatment."""

from pathlib import Path

from livedead import stores
from livedead.job import run
from livedead.plates.plate_maps import MapColumns
from livedead.tables import TIME_COURSES, WELLS
from livedead.wells.analysis import follow_wells as follow


def follow_wells(wells: Path, courses: Path, *, plate_map: MapColumns) -> None:
    """Write one row per well, and one per treatment."""
    stores.write_table(courses, follow(stores.read_table(wells, WELLS), plate_map), TIME_COURSES)


if __name__ == "__main__":
    run(follow_wells, snakemake)
