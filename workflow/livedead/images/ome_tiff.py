"""The fields of a well as OME-TIFF, for eyes and other tools."""

from collections.abc import Iterable
from pathlib import Path

import numpy as np
import tifffile

from livedead.stores import replacing


def write_ome_tiff(
    path: Path,
    images: Iterable[tuple[str, tuple[int, int], Iterable[np.ndarray]]],
    n_timepoints: int,
    channels: list[str],
    pixel_size_um: float,
) -> None:
    """Write the fields of one well as OME-TIFF (deflate), one plane in memory at a time.

    Parameters
    ----------
    images : iterable of (name, shape, planes)
        An OME image each, such as a field; its (H, W), and its planes, uint16, channel by channel,
        timepoint after timepoint.
    n_timepoints : int
        Of every image.
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
        for name, shape, planes in images:
            file.write(
                iter(planes),
                shape=(n_timepoints, len(channels), *shape),
                dtype=np.uint16,
                compression="zlib",
                photometric="minisblack",
                metadata={**metadata, "Name": name},
            )
