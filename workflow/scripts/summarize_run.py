"""Say in a few lines what the run found."""

from pathlib import Path

from livedead import stores
from livedead.dyes.notes import read_dye_notes
from livedead.job import run
from livedead.readers.inventory import differing_pixel_size
from livedead.results import not_in_sheet, plates_not_in_sheet
from livedead.tables import FIELDS, PLATE_QUALITY, WELLS
from livedead.wells import summary as summaries
from livedead.wells.audits import read_audit_notes
from livedead.wells.timing import contradicted_hours


def summarize_run(
    wells: Path,
    fields: list[Path],
    quality: list[Path],
    exports: list[Path],
    models: list[Path],
    dyes: list[Path],
    dyed_cells: list[Path],
    audits: list[Path],
    audit_dyes: list[Path],
    summary: Path,
    *,
    sheet: str,
    plates: list[str],
    pixel_size_um: list[float],
    hours_per_timepoint: float | None,
    max_failed_fraction: float,
    min_z_prime: float | None,
) -> None:
    """Write the summary; `dyes`, `dyed_cells` are of plates that dyes read, `audits`, `audit_dyes` audit."""
    table = stores.read_table(wells, WELLS)
    of_dyes = read_dye_notes(dyes, dyed_cells) | read_audit_notes(audits, audit_dyes)
    records = [stores.read_json(model) for model in models]
    sections, pixels = [], {}
    for plate, its_fields, its_quality, export, size in zip(
        plates, fields, quality, exports, pixel_size_um, strict=True
    ):
        of_wells, of_fields = table[table["plate"] == plate], stores.read_table(its_fields, FIELDS)
        pixels[plate] = of_fields[["well", "field", "timepoint", "pixels_sha256"]]
        differing = differing_pixel_size(stores.read_json(export)["expected"], size)
        notes = [f"PIXEL SIZE: {differing}"] if differing else []
        notes += [*contradicted_hours(of_wells, hours_per_timepoint), *of_dyes.get(plate, [])]
        notes += summaries.resampled(records, size)
        found = of_wells, of_fields, stores.read_table(its_quality, PLATE_QUALITY)
        required = {"max_failed_fraction": max_failed_fraction, "min_z_prime": min_z_prime}
        sections.append(summaries.describe_plate(*found, **required, notes=notes))
    notes = summaries.shared_images(pixels)
    notes += [not_in_sheet(plate, sheet) for plate in plates_not_in_sheet(summary.parent, plates)]
    notes += summaries.unknown_of(records)
    text = summaries.describe_run(table, str(wells), sections, notes, by_dyes=bool(dyes))
    stores.write_bytes(summary, text.encode())


if __name__ == "__main__":
    run(summarize_run, snakemake)
