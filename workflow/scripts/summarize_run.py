"""Say in a few lines what the run found."""

from pathlib import Path

from livedead import stores
from livedead.dyes.notes import dye_notes
from livedead.job import run
from livedead.readers.inventory import differing_pixel_size
from livedead.results import not_in_sheet, plates_not_in_sheet
from livedead.tables import CELLS, DYES, FIELDS, PLATE_QUALITY, WELLS
from livedead.wells import summary as summaries


def summarize_run(
    wells: Path,
    fields: list[Path],
    quality: list[Path],
    exports: list[Path],
    models: list[Path],
    dyes: list[Path],
    dyed_cells: list[Path],
    summary: Path,
    *,
    sheet: str,
    plates: list[str],
    pixel_size_um: list[float],
    max_failed_fraction: float,
    min_z_prime: float | None,
    max_unfamiliarity: float | None,
) -> None:
    """Write the summary as text; `dyes` and `dyed_cells` are tables of plates that their dyes read."""
    table = stores.read_table(wells, WELLS)
    of_dyes = {
        path.parent.name: dye_notes(stores.read_table(path, DYES), stores.read_table(of_cells, CELLS))
        for path, of_cells in zip(dyes, dyed_cells, strict=True)
    }
    # Of a network; the record of a plate's dyes has no such key.
    seen = [
        record.get("experience") or {} for record in map(stores.read_json, models) if "experience" in record
    ]
    network_um = seen[0].get("pixel_size_um") if seen else None
    sections, pixels = [], {}
    for plate, its_fields, its_quality, export, size in zip(
        plates, fields, quality, exports, pixel_size_um, strict=True
    ):
        of_fields = stores.read_table(its_fields, FIELDS)
        pixels[plate] = of_fields[["well", "field", "timepoint", "pixels_sha256"]]
        differing = differing_pixel_size(stores.read_json(export)["expected"], size)
        notes = [
            *([f"PIXEL SIZE: {differing}"] if differing else []),
            *summaries.resampled(network_um, size),
            *summaries.unfamiliar(table[table["plate"] == plate], max_unfamiliarity),
            *of_dyes.get(plate, []),
        ]
        section = summaries.describe_plate(
            table[table["plate"] == plate],
            of_fields,
            stores.read_table(its_quality, PLATE_QUALITY),
            max_failed_fraction=max_failed_fraction,
            min_z_prime=min_z_prime,
            notes=notes,
        )
        sections.append(section)
    notes = summaries.shared_images(pixels)
    notes += [not_in_sheet(plate, sheet) for plate in plates_not_in_sheet(summary.parent, plates)]
    if any(stores.read_json(model).get("classes_verified") is False for model in models):
        notes.append(summaries.CLASSES_NOT_VERIFIED)
    if seen and network_um is None:
        notes.append(summaries.PIXEL_SIZE_UNKNOWN)
    if seen and "familiarity" not in seen[0]:
        notes.append(summaries.FAMILIARITY_UNKNOWN)
    text = summaries.describe_run(table, str(wells), sections, notes, by_dyes=bool(dyes))
    stores.write_bytes(summary, text.encode())


if __name__ == "__main__":
    run(summarize_run, snakemake)
