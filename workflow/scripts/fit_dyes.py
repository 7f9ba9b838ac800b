"""Find the thresholds of one plate's dyes."""

import math
from pathlib import Path

from livedead import stores
from livedead.dyes import fitting
from livedead.dyes.settings import DyeSettings
from livedead.dyes.stored import write_dyes
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
    record = {
        "model_sha256": fitted.sha256,
        "thresholds": {role: dye.threshold.counts for role, dye in fitted.dyes.items()},
        "diameter_px": None if math.isnan(fitted.diameter_px) else fitted.diameter_px,
        "split_depth_um": fitted.split_depth_px * pixel_size_um,
    }
    stores.write_json(model, record)


if __name__ == "__main__":
    run(fit_dyes, snakemake)
