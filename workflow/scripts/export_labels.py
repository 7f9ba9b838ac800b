"""Export the counted cells of one plate as label images, a table of states, and ROIs for ImageJ."""

from pathlib import Path
from typing import Any

from livedead import stores
from livedead.fields.plate_images import open_plate
from livedead.job import run
from livedead.labels.exported import as_in_table, export_fields
from livedead.logs import progress
from livedead.plates.corrections import read_corrections
from livedead.tables import CELLS, FIELD_KEY, FIELDS
from livedead.wells.counting import counted_fields, counter_of


def export_labels(
    class_maps: list[Path],
    raw: Path,
    images: Path,
    dyes: Path | None,
    model: Path,
    corrections: list[Path],
    fields: Path,
    cells: Path,
    folder: Path,
    *,
    classes: list[dict[str, str]],
    pixel_size_um: float,
    bit_depth: int,
    counting: dict[str, Any],
) -> None:
    """Write the cells of every usable field into `folder`, corrections applied."""
    plate = open_plate(raw, images, bit_depth)
    counter = counter_of(
        plate,
        dyes,
        stores.read_json(model),
        classes,
        counting,
        [],
        pixel_size_um,
        read_corrections(corrections),
    )
    of_fields = stores.read_table(fields, FIELDS)
    usable = of_fields.loc[of_fields["status"] == "ok", FIELD_KEY[1:]]
    keys = set(usable.itertuples(index=False, name=None))
    counted = progress(counted_fields(class_maps, counter, keys), len(keys), "fields")
    same = as_in_table(counted, stores.read_table(cells, CELLS), str(cells))
    export_fields(folder, same, plate.keys(), plate.crop_px, pixel_size_um)


if __name__ == "__main__":
    run(export_labels, snakemake)
