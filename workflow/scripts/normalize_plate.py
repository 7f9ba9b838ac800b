"""Fit the normalization of one plate on all of its fields."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from livedead import stores
from livedead.fields import PlateImages
from livedead.logs import log_to, progress
from livedead.normalization import fit_channel

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake


def normalize_plate(
    raw: Path,
    images: Path,
    normalization: Path,
    *,
    channels: list[str],
    bit_depth: int,
    settings: dict[str, Any],
    threads: int = 1,
) -> None:
    """Write the transform of every channel and the quality of every field."""
    plate = PlateImages(raw, stores.read_table(images), bit_depth)
    keys = plate.keys()
    fitted, rows = {}, []
    for channel in progress(channels, len(channels), "channels"):
        transform, total, quality = fit_channel(
            lambda key, channel=channel: plate.plane(key, channel),
            keys,
            bit_depth=bit_depth,
            threads=threads,
            **settings,
        )
        fitted[channel] = {
            "gain": transform.gain,
            "black": transform.black,
            "white": transform.white,
            "histogram": total,
        }
        for (well, field, timepoint), found in zip(keys, quality, strict=True):
            key = {"well": well, "field": field, "timepoint": timepoint, "channel": channel}
            rows.append({**key, **found})
    stores.write_normalization(normalization, fitted, pd.DataFrame(rows))


if __name__ == "__main__":
    with log_to(snakemake.log[0]):
        normalize_plate(
            Path(snakemake.input.raw),
            Path(snakemake.input.images),
            Path(snakemake.output.normalization),
            channels=snakemake.params.channels,
            bit_depth=snakemake.params.bit_depth,
            settings=snakemake.params.settings,
            threads=snakemake.threads,
        )
