"""Export the normalized fields of one plate as OME-TIFF, for eyes and other tools."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from livedead.errors import FieldError, StoreError
from livedead.fields.normalized_plate import open_normalized_plate
from livedead.images.ome_tiff import write_ome_tiff
from livedead.job import run
from livedead.logs import log, progress


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

    What cannot be read is left black: the image of a field has all timepoints and channels. If not one
    field of the plate can be read, there is nothing to show, and a `StoreError` is raised.
    """
    plate = open_normalized_plate(raw, images, normalization, channels, bit_depth)
    if not all(next(iter(plate.seen.values())).gain.shape):
        raise StoreError(f"{normalization}: not one field of the plate can be read; {folder} would be black")
    keys = plate.images.keys()
    timepoints = sorted({timepoint for _, _, timepoint in keys})

    def pixels(well: str, field: int, shape: tuple[int, int]) -> Iterator[np.ndarray]:
        for timepoint in timepoints:
            image = np.full((len(channels), *shape), -1, np.float32)
            try:
                normalized = plate.normalized((well, field, timepoint))
                image[:, : normalized.shape[1], : normalized.shape[2]] = normalized
            except FieldError as error:
                log.warning("%s field %d timepoint %d: %s: %s", well, field, timepoint, error.code, error)
            yield from np.rint((image + 1) * np.float32(32767.5)).astype(np.uint16)

    def named(well: str) -> Iterator[tuple[str, tuple[int, int], Iterator[np.ndarray]]]:
        for field in sorted({field for found, field, _ in keys if found == well}):
            shape = plate.largest_shape((well, field, timepoint) for timepoint in timepoints)
            if all(shape):
                yield f"{well} field {field}", shape, pixels(well, field, shape)

    wells = plate.images.wells()
    for well in progress(wells, len(wells), "wells"):
        write_ome_tiff(folder / f"{well}.ome.tiff", named(well), len(timepoints), channels, pixel_size_um)


if __name__ == "__main__":
    run(export_normalized, snakemake)
