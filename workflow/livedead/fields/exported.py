"""The normalized fields of one plate as 16-bit images, for eyes and other tools."""

import logging
from functools import cached_property
from pathlib import Path

import numpy as np

from livedead.errors import FieldError, StoreError
from livedead.fields.normalized_plate import NormalizedPlate, open_normalized_plate
from livedead.normalization.transforms import Key

log = logging.getLogger(__name__)


class ExportedPlate:
    """The fields of one plate, uint16: black at 0 and white at 65,535.

    What cannot be read is left black: a field is shown at all timepoints of its plate, in all channels.

    Parameters
    ----------
    plate : NormalizedPlate

    Attributes
    ----------
    images : livedead.fields.plate_images.PlateImages
    channels : list of str
    """

    def __init__(self, plate: NormalizedPlate):
        self.images = plate.images
        self.channels = list(plate.transforms)
        self._plate = plate

    @cached_property
    def timepoints(self) -> list[int]:
        """Of all fields of the plate, sorted."""
        keys = self.images.keys()
        return sorted({timepoint for _, _, timepoint in keys})

    def shapes(self, well: str) -> dict[int, tuple[int, int]]:
        """Field of a well -> (H, W) of its images, the largest of all timepoints; none without a size."""
        fields = sorted({field for _, field, _ in self.images.keys([well])})
        shapes = {
            field: self._plate.largest_shape((well, field, timepoint) for timepoint in self.timepoints)
            for field in fields
        }
        return {field: shape for field, shape in shapes.items() if all(shape)}

    def field(self, key: Key, shape: tuple[int, int]) -> np.ndarray:
        """A field, (C, H, W) uint16, at the upper left of an image of `shape`."""
        image = np.full((len(self.channels), *shape), -1, np.float32)
        try:
            normalized = self._plate.normalized(key)
            image[:, : normalized.shape[1], : normalized.shape[2]] = normalized
        except FieldError as error:
            log.warning("%s field %d timepoint %d: %s: %s", *key, error.code, error)
        return np.rint((image + 1) * np.float32(32767.5)).astype(np.uint16)


def open_exported_plate(
    raw: Path, images: Path, normalization: Path, channels: list[str], bit_depth: int
) -> ExportedPlate:
    """The plate that `livedead.fields.normalized_plate.open_normalized_plate` gives.

    Raises
    ------
    StoreError
        If not one field of it can be read: there is nothing to show.
    """
    plate = open_normalized_plate(raw, images, normalization, channels, bit_depth)
    if not all(next(iter(plate.seen.values())).gain.shape):
        raise StoreError(
            f"{normalization}: not one field of the plate can be read; its images would be black"
        )
    return ExportedPlate(plate)
