"""Write the page of one plate, on which people look at its cells and correct them."""

from pathlib import Path
from typing import Any

from livedead import stores
from livedead.fields.normalized_plate import open_normalized_plate
from livedead.job import run
from livedead.pictures import plate_page
from livedead.pictures.plate_page import PageSettings
from livedead.plates.corrections import read_corrections
from livedead.plates.plate_maps import MapColumns
from livedead.tables import DOSE_RESPONSE, FIELDS, PLATE_QUALITY, WELLS
from livedead.wells.counting import counted_fields, counter_of


def write_page(
    raw: Path,
    images: Path,
    normalization: Path,
    class_maps: list[Path],
    dyes: Path | None,
    model: Path,
    corrections: list[Path],
    wells: Path,
    fields: Path,
    quality: Path,
    curves: Path,
    page: Path,
    *,
    plate: str,
    n_wells: int,
    shown: dict[str, str],
    classes: list[dict[str, str]],
    pixel_size_um: float,
    bit_depth: int,
    counting: dict[str, Any],
    plate_map: MapColumns,
    settings: PageSettings,
) -> None:
    """Write one self-contained HTML page; `shown` is what is drawn, see `draw_fields`."""
    seen = open_normalized_plate(raw, images, normalization, list(shown.values()), bit_depth)
    made_of = dyes, stores.read_json(model), classes, counting, [], pixel_size_um
    counter = counter_of(seen.images, *made_of, read_corrections(corrections))
    of_fields = stores.read_table(fields, FIELDS)
    counted = counted_fields(class_maps, counter, plate_page.choose_fields(of_fields, settings))
    written = plate_page.page(
        plate,
        n_wells,
        stores.read_table(wells, WELLS),
        of_fields,
        stores.read_table(quality, PLATE_QUALITY),
        stores.read_table(curves, DOSE_RESPONSE).query("plate == @plate"),
        plate_page.field_pictures(counted, seen, of_fields, shown, counter.classes, settings),
        counter.classes,
        plate_map,
        len(corrections),
    )
    stores.write_bytes(page, written)


if __name__ == "__main__":
    run(write_page, snakemake)
