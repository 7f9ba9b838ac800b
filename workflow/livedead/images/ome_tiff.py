"""The fields of a well as OME-TIFF, for eyes and other tools."""

from collections.abc import Iterable
from pathlib import Path

import numpy as np
import tifffile

from livedead.stores import replacing


def write_ome_tiff(
    path: Path,
    images: Iterable[tuple[str, Iterable[np.ndarray]]],
    shape: tuple[int, int, int, int],
    channels: list[str],
    pixel_size_um: float,
) -> None:
    """Write the fields of one well as OME-TIFF (deflate), one plane in memory at a time.

    Parameters
    ----------
    images : iterable of (name, planes)
        An OME image each, such as a field; its planes, (H, W) uint16, channel by channel,
        timepoint after timepoint.
    shape : tuple
        (T, C, H, W) of every image.
    channels : list of str
        Their names.
    """
    metadata = {
        "axes": "TCYX",
        "Channel": {"Name": channels},
        "PhysicalSizeX": pixel_size_um,
        "PhysicalSizeY": pixel_size_um,
        "PhysicalSizeXUnit": "µm",
        "PhysicalSizeYUnit": "µm",
    }
    with replacing(path) as temporary, tifffile.TiffWriter(temporary, ome=True) as file:
        for name, planes in images:
            file.write(
                iter(planes),
                shape=shape,
                dtype=np.uint16,
                compression="zlib",
                photometric="minisblack",
                metadata={**metadata, "Name": name},
            )
