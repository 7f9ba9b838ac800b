"""Draw fields of one plate from raw counts to counted cells."""

from pathlib import Path
from typing import Any

from livedead import stores
from livedead.cells.tallies import check_cells
from livedead.fields.normalized_plate import open_normalized_plate
from livedead.job import run
from livedead.pictures import figures, overlay
from livedead.pictures.choice import choose_wells, first_readable, heading, usable_fields
from livedead.plates.corrections import read_corrections
from livedead.tables import CELLS, FIELDS, WELLS
from livedead.wells.counting import counted_fields, counter_of


def draw_fields(
    raw: Path,
    images: Path,
    normalization: Path,
    wells: Path,
    fields: Path,
    cells: Path,
    class_maps: list[Path],
    dyes: Path | None,
    model: Path,
    corrections: list[Path],
    pictures: list[Path],
    *,
    shown: dict[str, str],
    bit_depth: int,
    pixel_size_um: float,
    classes: list[dict[str, str]],
    counting: dict[str, Any],
) -> None:
    """Write a field of the most, the middle and the least viable well, as PNG and SVG.

    Parameters
    ----------
    shown : dict
        What is drawn, ``input`` of a network or a dye -> its channel.
    """
    plate = open_normalized_plate(raw, images, normalization, list(shown.values()), bit_depth)
    counted, tabulated = stores.read_table(fields, FIELDS), stores.read_table(wells, WELLS)
    marked = stores.read_table(cells, CELLS)
    check_cells(marked, tabulated, f"{cells} and {wells}", ["plate", "well", "timepoint"])
    told, pixels = {}, {}
    for _, row in choose_wells(tabulated).iterrows():
        keys = usable_fields(counted, row.timepoint)[row.well]
        for key, read in first_readable(keys, lambda key: (plate.raw(key), plate.normalized(key))):
            told[key], pixels[key] = heading(row, key[1]), read
    reads, by_hand = stores.read_json(model), read_corrections(corrections)
    counter = counter_of(plate.images, dyes, reads, classes, counting, [], pixel_size_um, by_hand)
    again = counted_fields(class_maps, counter, pixels)
    drawn = overlay.shown_fields(told, pixels, again, marked, str(cells))
    figures.write(overlay.draw(drawn, shown, counter.classes, pixel_size_um), pictures)


if __name__ == "__main__":
    run(draw_fields, snakemake)
