"""Export the normalized fields of one plate as OME-TIFF, for eyes and other tools."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from livedead.fields.exported import open_exported_plate
from livedead.images.ome_tiff import write_ome_tiff
from livedead.job import run
from livedead.logs import progress


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
    """Write one OME-TIFF a well, an image per field; see `livedead.fields.exported.ExportedPlate`."""
    plate = open_exported_plate(raw, images, normalization, channels, bit_depth)
    timepoints = plate.timepoints

    def named(well: str) -> Iterator[tuple[str, tuple[int, int], Iterator[np.ndarray]]]:
        for field, shape in plate.shapes(well).items():
            fields = (plate.field((well, field, timepoint), shape) for timepoint in timepoints)
            yield f"{well} field {field}", shape, (plane for image in fields for plane in image)

    wells = plate.images.wells()
    for well in progress(wells, len(wells), "wells"):
        write_ome_tiff(folder / f"{well}.ome.tiff", named(well), len(timepoints), channels, pixel_size_um)


if __name__ == "__main__":
    run(export_normalized, snakemake)
