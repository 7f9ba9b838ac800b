"""Draw the dose-response curves and the time courses of one plate."""

from pathlib import Path

from livedead import stores
from livedead.job import run
from livedead.pictures import dose_response, figures, time_courses
from livedead.plates.plate_maps import MapColumns
from livedead.tables import DOSE_RESPONSE, TIME_COURSES, WELLS


def draw_curves(
    wells: Path,
    curves: Path,
    courses: Path,
    of_doses: list[Path],
    of_times: list[Path],
    *,
    plate: str,
    plate_map: MapColumns,
) -> None:
    """Write both pictures, each as PNG and SVG; where there is nothing to draw, they say so."""
    table = stores.read_table(wells, WELLS).query("plate == @plate")
    fitted = stores.read_table(curves, DOSE_RESPONSE)
    figures.write(dose_response.draw(fitted, table, plate_map, plate), of_doses)
    halves = stores.read_table(courses, TIME_COURSES)
    figures.write(time_courses.draw(halves, table, plate_map, plate), of_times)


if __name__ == "__main__":
    run(draw_curves, snakemake)
