"""Draw fields of one plate with their counted cells marked."""

from pathlib import Path

from livedead import stores
from livedead.cells.tallies import check_cells
from livedead.errors import FieldError
from livedead.fields.normalized_plate import open_normalized_plate
from livedead.job import run
from livedead.logs import log
from livedead.pictures import overlay
from livedead.tables import CELLS, FIELDS, WELLS


def draw_fields(
    raw: Path,
    images: Path,
    normalization: Path,
    wells: Path,
    fields: Path,
    cells: Path,
    picture: Path,
    *,
    shown: dict[str, str],
    bit_depth: int,
) -> None:
    """Write a PNG of the first counted field of the most, the middle and the least viable well.

    Parameters
    ----------
    shown : dict
        What is drawn, ``input`` of a network or a dye -> its channel.
    """
    plate = open_normalized_plate(raw, images, normalization, list(shown.values()), bit_depth)
    counted = stores.read_table(fields, FIELDS).query("status == 'ok'")
    marked, tabulated = stores.read_table(cells, CELLS), stores.read_table(wells, WELLS)
    check_cells(marked, tabulated, f"{cells} and {wells}", ["plate", "well", "timepoint"])
    panels = []
    for _, row in overlay.choose_wells(tabulated).iterrows():
        of_well = counted[(counted["well"] == row.well) & (counted["timepoint"] == row.timepoint)]
        for number in sorted(of_well["field"]):
            key = row.well, int(number), int(row.timepoint)
            try:
                planes = plate.normalized(key)
            except FieldError as error:
                # It was readable when it was counted, and a picture is no reason to end the run.
                log.warning("%s field %d timepoint %d: %s: %s", *key, error.code, error)
                continue
            here = (marked[["well", "field", "timepoint"]] == list(key)).all(axis=1)
            panels.append((overlay.title(row), planes, marked[here]))
            break
    stores.write_bytes(picture, overlay.draw(panels, shown))


if __name__ == "__main__":
    run(draw_fields, snakemake)
