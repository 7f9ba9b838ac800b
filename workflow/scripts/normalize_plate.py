"""Fit the normalization of one plate on all of its fields."""

from pathlib import Path

import pandas as pd

from livedead import stores
from livedead.fields.plate_images import open_plate
from livedead.fields.stored_transforms import read_transforms, store_transform
from livedead.job import run
from livedead.logs import log
from livedead.normalization.fitting import fit_channel, unreadable_plate
from livedead.normalization.settings import NormalizationSettings


def normalize_plate(
    raw: Path,
    images: Path,
    control: Path | None,
    normalization: Path,
    *,
    channels: list[str],
    bit_depth: int,
    settings: NormalizationSettings,
    threads: int,
) -> None:
    """Write the transform of every channel, or that of the `control` plate, and every field's quality.

    Of a channel that cannot be read in one field there is no transform, and the plate's fields fail.
    """
    # The sha256, which takes as long as the fit, is checked where the pixels are counted.
    plate = open_plate(raw, images, bit_depth, checksum="crc32")
    keys = plate.keys()
    given = {} if control is None else read_transforms(stores.read_normalization(control)[0], channels)
    fitted, rows = {}, []
    for channel in channels:
        transform, histogram, quality = fit_channel(
            lambda key, channel=channel: plate.plane(key, channel),
            keys,
            settings,
            fluorescence=channel in settings.fluorescence,
            given=given.get(channel),
            any_size=plate.any_size,
            bit_depth=bit_depth,
            threads=threads,
        )
        if not transform.gain.size:
            failed = {key: (row["code"], row["message"]) for key, row in zip(keys, quality, strict=True)}
            log.warning("channel %s: %s", channel, unreadable_plate(failed))
        fitted[channel] = {**store_transform(transform), "histogram": histogram}
        for (well, field, timepoint), found in zip(keys, quality, strict=True):
            key = {"well": well, "field": field, "timepoint": timepoint, "channel": channel}
            rows.append({**key, **found})
    stores.write_normalization(normalization, fitted, pd.DataFrame(rows))


if __name__ == "__main__":
    run(normalize_plate, snakemake)
