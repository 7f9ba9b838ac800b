"""Draw one plate from its tables: viability and number of cells, and its quality."""

from pathlib import Path

from livedead import stores
from livedead.job import run
from livedead.pictures import figures, heat_map
from livedead.pictures import quality as quality_sheet
from livedead.tables import FIELDS, PLATE_QUALITY, RESIDUALS, WELLS


def draw_plate(
    wells: Path,
    fields: Path,
    normalization: Path,
    quality: Path,
    residuals: Path,
    heat_maps: list[Path],
    sheets: list[Path],
    *,
    n_wells: int,
) -> None:
    """Write the heat map and the quality sheet, each as PNG and SVG."""
    figures.write(heat_map.draw(stores.read_table(wells, WELLS), n_wells), heat_maps)
    channels, of_fields = stores.read_normalization(normalization)
    channel = of_fields["channel"].iloc[0]
    sheet = quality_sheet.draw(
        stores.read_table(fields, FIELDS),
        stores.read_table(quality, PLATE_QUALITY),
        stores.read_table(residuals, RESIDUALS),
        channels[channel]["gain"],
        channel,
        n_wells,
    )
    figures.write(sheet, sheets)


if __name__ == "__main__":
    run(draw_plate, snakemake)
