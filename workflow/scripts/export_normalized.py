"""Export the normalized fields of one plate as OME-TIFF, for eyes and other tools."""

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from livedead import stores
from livedead.errors import FieldError
from livedead.fields import PlateImages, read_transforms
from livedead.images import write_ome_tiff
from livedead.logs import log, log_to, progress

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake


def export_normalized(
    raw: Path,
    images: Path,
    normalization: Path,
    folder: Path,
    *,
    channels: list[str],
    bit_depth: int,
    pixel_size_um: float,
) -> None:
    """Write one OME-TIFF a field, uint16, black at 0 and white at 65,535."""
    plate = PlateImages(raw, stores.read_table(images), bit_depth)
    transforms = read_transforms(stores.read_normalization(normalization)[0], channels)
    folder.mkdir(parents=True, exist_ok=True)
    keys = plate.keys()
    for key in progress(keys, len(keys), "fields"):
        well, field, timepoint = key
        try:
            normalized = plate.normalized(key, transforms)
        except FieldError as error:
            log.warning("%s field %d timepoint %d: %s: %s", *key, error.code, error)
            continue
        pixels = np.rint((normalized + 1) * np.float32(32767.5)).astype(np.uint16)
        path = folder / f"{well}_t{timepoint}_f{field}.ome.tiff"
        write_ome_tiff(path, pixels, channels, pixel_size_um)


if __name__ == "__main__":
    with log_to(snakemake.log[0]):
        export_normalized(
            Path(snakemake.input.raw),
            Path(snakemake.input.images),
            Path(snakemake.input.normalization),
            Path(snakemake.output.folder),
            channels=snakemake.params.channels,
            bit_depth=snakemake.params.bit_depth,
            pixel_size_um=snakemake.params.pixel_size_um,
        )
