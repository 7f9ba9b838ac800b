"""Fit the normalization of one plate on all of its fields."""

from pathlib import Path
from typing import Any

import pandas as pd

from livedead import stores
from livedead.fields.plate_images import PlateImages, read_transforms, store_transform
from livedead.logs import log, log_to
from livedead.normalization.fitting import fit_channel, unreadable_plate
from livedead.normalization.settings import NormalizationSettings
from livedead.tables import IMAGES


def normalize_plate(
    raw: Path,
    images: Path,
    control: Path | None,
    normalization: Path,
    *,
    channels: list[str],
    bit_depth: int,
    settings: dict[str, Any],
    threads: int = 1,
) -> None:
    """Write the transform of every channel, or that of the `control` plate, and every field's quality.

    Of a channel that cannot be read in one field there is no transform, and the plate's fields fail.
    """
    # The sha256, which takes as long as the fit, is checked where the pixels are counted.
    plate = PlateImages(raw, stores.read_table(images, IMAGES), bit_depth, checksum="crc32")
    keys = plate.keys()
    fit = NormalizationSettings(**settings)
    given = {} if control is None else read_transforms(stores.read_normalization(control)[0], channels)
    fitted, rows = {}, []
    for channel in channels:
        transform, total, quality = fit_channel(
            lambda key, channel=channel: plate.plane(key, channel),
            keys,
            fit,
            fluorescence=channel in fit.fluorescence,
            given=given.get(channel),
            bit_depth=bit_depth,
            threads=threads,
        )
        if not transform.gain.size:
            failed = {key: (row["code"], row["message"]) for key, row in zip(keys, quality, strict=True)}
            log.warning("channel %s: %s", channel, unreadable_plate(failed))
        fitted[channel] = {**store_transform(transform), "histogram": total}
        for (well, field, timepoint), found in zip(keys, quality, strict=True):
            key = {"well": well, "field": field, "timepoint": timepoint, "channel": channel}
            rows.append({**key, **found})
    stores.write_normalization(normalization, fitted, pd.DataFrame(rows))


if __name__ == "__main__":
    with log_to(snakemake.log[0], snakemake.input):
        normalize_plate(
            Path(snakemake.input.raw),
            Path(snakemake.input.images),
            Path(snakemake.input.control[0]) if snakemake.input.control else None,
            Path(snakemake.output.normalization),
            channels=snakemake.params.channels,
            bit_depth=snakemake.params.bit_depth,
            settings=snakemake.params.settings,
            threads=snakemake.threads,
        )
