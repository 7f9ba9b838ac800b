"""The input channels of one plate's fields, normalized as the network reads them."""

import hashlib
from collections.abc import Iterable
from dataclasses import replace
from functools import cached_property
from pathlib import Path

import numpy as np

from livedead import stores
from livedead.errors import FieldError
from livedead.fields.plate_images import PlateImages, open_plate
from livedead.fields.stored_transforms import read_transforms
from livedead.normalization.transforms import ANY_SIZE, Key, Transform, check_shape, normalize


class NormalizedPlate:
    """The input channels of one plate's fields.

    Parameters
    ----------
    images : PlateImages
    transforms : dict of str -> Transform
        Of each input channel, in the order of the network's input.
    """

    def __init__(self, images: PlateImages, transforms: dict[str, Transform]):
        self.images = images
        self.transforms = transforms

    @cached_property
    def seen(self) -> dict[str, Transform]:
        """The transforms of what is left of a cropped field."""
        return {
            name: replace(
                transform,
                gain=self.images.cropped(transform.gain),
                offset=None if transform.offset is None else self.images.cropped(transform.offset),
            )
            for name, transform in self.transforms.items()
        }

    def counts(self, key: Key) -> np.ndarray:
        """Counts of a field, (C, H, W) uint16: illumination-corrected per field if so fitted, and cropped.

        Raises
        ------
        FieldError
            If a channel cannot be read, or has not the shape of the plate's other fields.
        """
        return self._counts(self._planes(key))

    def read(self, key: Key) -> tuple[np.ndarray, str]:
        """The `counts` of a field, and the hash of the raw pixels that they were made of."""
        planes = self._planes(key)
        return self._counts(planes), pixels_sha256(planes)

    def raw(self, key: Key) -> np.ndarray:
        """Raw counts of a field, (C, H, W) uint16, cropped; raises as `counts`."""
        return self.images.cropped(np.stack(self._planes(key)))

    def normalized(self, key: Key) -> np.ndarray:
        """What the network reads of a field, (C, H, W) float32 in [-1, 1]; raises as `counts`."""
        planes = []
        for plane, transform in zip(self.counts(key), self.seen.values(), strict=True):
            black, scale = transform.levels(key)
            planes.append(normalize(plane.astype(np.float32), transform.gain, black, scale, transform.offset))
        return np.stack(planes)

    def in_one_contrast(self) -> "NormalizedPlate":
        """The same with the plate's black and white in every field, also where a field has its own."""
        of_plate = {name: replace(transform, local={}) for name, transform in self.transforms.items()}
        return NormalizedPlate(self.images, of_plate)

    def largest_shape(self, keys: Iterable[Key]) -> tuple[int, int]:
        """(H, W) of the plate's fields, cropped; where it has several, the largest of these, by headers."""
        channel, transform = next(iter(self.seen.items()))
        if transform.gain.shape != ANY_SIZE.shape:
            return transform.gain.shape
        heights, widths = zip(*(self.images.shape(key, channel) for key in keys), strict=True)
        return max(heights), max(widths)

    def _planes(self, key: Key) -> list[np.ndarray]:
        return [self.images.plane(key, channel) for channel in self.transforms]

    def _counts(self, planes: list[np.ndarray]) -> np.ndarray:
        planes = [
            transform.illumination_corrected(plane)
            for plane, transform in zip(planes, self.transforms.values(), strict=True)
        ]
        for plane, transform in zip(planes, self.transforms.values(), strict=True):
            check_shape(plane, transform.gain.shape)
            if plane.shape != planes[0].shape:
                sizes = " and ".join(str(channel.shape) for channel in planes)
                raise FieldError("wrong_shape", f"channels of one field with {sizes} px")
        # One channel is the common case, and a large field is not copied for nothing.
        return self.images.cropped(planes[0][np.newaxis] if len(planes) == 1 else np.stack(planes))


def pixels_sha256(planes: Iterable[np.ndarray]) -> str:
    """Hash of raw counts, the same for every byte order, compression and layout of their files.

    Parameters
    ----------
    planes : iterable of ndarray, (H, W), uint16
    """
    digest = hashlib.sha256()
    for plane in planes:
        digest.update(np.ascontiguousarray(plane, "<u2").data)
    return digest.hexdigest()


def open_normalized_plate(
    raw: Path,
    images: Path,
    normalization: Path,
    channels: list[str],
    bit_depth: int,
    in_memory: int | None = None,
) -> NormalizedPlate:
    """The input `channels` of the plate in the folder `raw`, from its index and its normalization.

    Parameters
    ----------
    raw, images, bit_depth
        See `livedead.fields.plate_images.open_plate`.
    normalization : Path
    channels : list of str
    in_memory : int, optional
        Flat-fields of more pixels stay on disk, see `livedead.stores.read_normalization`.
    """
    stored, _ = stores.read_normalization(normalization, in_memory)
    return NormalizedPlate(open_plate(raw, images, bit_depth), read_transforms(stored, channels))
