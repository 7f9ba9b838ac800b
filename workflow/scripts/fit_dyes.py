"""Find the thresholds of one plate's dyes."""

from pathlib import Path

from livedead import stores
from livedead.dyes import fitting
from livedead.dyes.settings import DyeSettings
from livedead.dyes.stored import describe, write_dyes
from livedead.fields.plate_images import open_plate
from livedead.job import run
from livedead.normalization.settings import NormalizationSettings
from livedead.tables import DYES


def fit_dyes(
    raw: Path,
    images: Path,
    dyes: Path,
    table: Path,
    model: Path,
    *,
    dyed_wells: list[str],
    controls: dict[str, list[str]],
    pixel_size_um: float,
    bit_depth: int,
    settings: DyeSettings,
    normalization: NormalizationSettings,
    threads: int,
) -> None:
    """Write all that reading a field needs, the table of it, and the record that results point to.

    Parameters
    ----------
    dyed_wells : list of str
        Empty where all wells are dyed.
    controls : dict
        ``negative`` and ``positive`` -> wells.
    """
    plate = open_plate(raw, images, bit_depth)
    fitted = fitting.fit_dyes(
        lambda key, channel: plate.cropped(plate.plane(key, channel)),
        plate.keys(dyed_wells or None),
        settings,
        normalization,
        controls,
        pixel_size_um,
        threads,
    )
    write_dyes(dyes, fitted)
    stores.write_table(table, fitted.table(plate.plate), DYES)
    stores.write_json(model, describe(fitted, pixel_size_um))


if __name__ == "__main__":
    run(fit_dyes, snakemake)
