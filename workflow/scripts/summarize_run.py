"""Say in a few lines what the run found."""

from collections.abc import Iterator
from pathlib import Path

from livedead import stores
from livedead.logs import log_to
from livedead.readers.inventory import differing_pixel_size
from livedead.results import plates_not_in_sheet
from livedead.tables import FIELDS, PLATE_QUALITY, WELLS
from livedead.wells.summary import (
    CLASSES_NOT_VERIFIED,
    NOT_IN_SHEET,
    describe_plate,
    describe_run,
    shared_images,
)


def summarize_run(
    wells: Path,
    fields: list[Path],
    quality: list[Path],
    exports: list[Path],
    certificate: Path,
    summary: Path,
    *,
    plates: list[str],
    pixel_size_um: list[float],
    max_failed_fraction: float,
    min_z_prime: float | None,
) -> None:
    """Write the summary as text."""
    table = stores.read_table(wells, WELLS)
    pixels = {}

    def sections() -> Iterator[list[str]]:
        for plate, its_fields, its_quality, export, size in zip(
            plates, fields, quality, exports, pixel_size_um, strict=True
        ):
            of_fields = stores.read_table(its_fields, FIELDS)
            pixels[plate] = of_fields[["well", "field", "timepoint", "pixels_sha256"]]
            differing = differing_pixel_size(stores.read_json(export)["expected"], size)
            yield describe_plate(
                table[table["plate"] == plate],
                of_fields,
                stores.read_table(its_quality, PLATE_QUALITY),
                max_failed_fraction=max_failed_fraction,
                min_z_prime=min_z_prime,
                notes=[f"PIXEL SIZE: {differing}"] if differing else [],
            )

    found = list(sections())
    notes = shared_images(pixels)
    notes += [NOT_IN_SHEET.format(plate=plate) for plate in plates_not_in_sheet(summary.parent, plates)]
    if not stores.read_json(certificate)["classes_verified"]:
        notes.append(CLASSES_NOT_VERIFIED)
    stores.write_bytes(summary, describe_run(table, str(wells), found, notes).encode())


if __name__ == "__main__":
    with log_to(snakemake.log[0], snakemake.input):
        summarize_run(
            Path(snakemake.input.wells),
            [Path(path) for path in snakemake.input.fields],
            [Path(path) for path in snakemake.input.quality],
            [Path(path) for path in snakemake.input.exports],
            Path(snakemake.input.certificate),
            Path(snakemake.output.summary),
            plates=snakemake.params.plates,
            pixel_size_um=snakemake.params.pixel_size_um,
            max_failed_fraction=snakemake.params.max_failed_fraction,
            min_z_prime=snakemake.params.min_z_prime,
        )
