"""Export the normalized fields of one plate as OME-TIFF, for eyes and other tools."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from livedead import stores
from livedead.errors import FieldError, StoreError
from livedead.fields.plate_images import PlateImages, read_transforms
from livedead.images.ome_tiff import write_ome_tiff
from livedead.logs import log, log_to, progress
from livedead.tables import IMAGES


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
    """Write one OME-TIFF a well, uint16, black at 0 and white at 65,535, an image per field.

    What could not be read is left black: the images of a well have all timepoints and channels.

    Raises
    ------
    StoreError
        If not one field of the plate can be read: there is nothing to show.
    """
    plate = PlateImages(raw, stores.read_table(images, IMAGES), bit_depth)
    transforms = read_transforms(stores.read_normalization(normalization)[0], channels)
    shape = next(iter(plate.seen(transforms).values())).gain.shape
    if not all(shape):
        raise StoreError(f"{normalization}: not one field of the plate can be read; {folder} would be black")
    keys = plate.keys()
    timepoints = sorted({timepoint for _, _, timepoint in keys})

    def pixels(well: str, field: int) -> Iterator[np.ndarray]:
        for timepoint in timepoints:
            try:
                normalized = plate.normalized((well, field, timepoint), transforms)
            except FieldError as error:
                log.warning("%s field %d timepoint %d: %s: %s", well, field, timepoint, error.code, error)
                normalized = np.full((len(channels), *shape), -1, np.float32)
            yield from np.rint((normalized + 1) * np.float32(32767.5)).astype(np.uint16)

    wells = list(dict.fromkeys(well for well, _, _ in keys))
    for well in progress(wells, len(wells), "wells"):
        fields = sorted({field for found, field, _ in keys if found == well})
        write_ome_tiff(
            folder / f"{well}.ome.tiff",
            ((f"{well} field {field}", pixels(well, field)) for field in fields),
            (len(timepoints), len(channels), *shape),
            channels,
            pixel_size_um,
        )


if __name__ == "__main__":
    with log_to(snakemake.log[0], snakemake.input):
        export_normalized(
            Path(snakemake.input.raw),
            Path(snakemake.input.images),
            Path(snakemake.input.normalization),
            Path(snakemake.output.folder),
            channels=snakemake.params.channels,
            bit_depth=snakemake.params.bit_depth,
            pixel_size_um=snakemake.params.pixel_size_um,
        )
