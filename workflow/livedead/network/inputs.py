"""What the network reads: windows of raw fields, uploaded as they are and normalized on the device."""

from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from livedead.network.windows import Rectangle, padded, padded_window
from livedead.normalization.transforms import ANY_SIZE, Key, Transform, normalize


class RawField(NamedTuple):
    """One field before normalization.

    Attributes
    ----------
    counts : ndarray, (C, H, W), uint16
        Raw counts.
    levels : list of (float, float)
        Black and scale of each channel, from `Transform.levels`.
    """

    counts: np.ndarray
    levels: list[tuple[float, float]]


class Inputs:
    """A plate's flat-fields on a device, and what they make of its fields.

    Parameters
    ----------
    transforms : list of Transform
        Normalization of each input channel. What of it lies on disk stays there, and is read
        window by window.
    device : torch.device
    """

    def __init__(self, transforms: list[Transform], device: torch.device):
        self._transforms = transforms
        self._device = device
        self._gains = [self._resident(transform.gain) for transform in transforms]
        self._offsets = [
            None if transform.offset is None else self._resident(transform.offset) for transform in transforms
        ]

    def field(self, counts: np.ndarray, key: Key | None) -> RawField:
        """A field's raw counts with the levels that hold for it."""
        return RawField(counts, [transform.levels(key) for transform in self._transforms])

    def window(self, field: RawField, window: Rectangle) -> Tensor:
        """The network's input in one window of the padded field, (C, h, w) float32."""
        channels = []
        parts = zip(field.counts, field.levels, self._gains, self._offsets, strict=True)
        for plane, (black, scale), gain, offset in parts:
            counts = self._upload(padded_window(plane, window)).float()
            background = None if offset is None else self._cut(offset, window)
            channels.append(normalize(counts, self._cut(gain, window), black, scale, background))
        return torch.stack(channels)

    def _resident(self, array: Any) -> Any:
        """An array in memory, on the device, padded unless it holds for any size; a file's array as it is."""
        if not isinstance(array, np.ndarray):
            return array
        return self._upload(array if array.shape == ANY_SIZE.shape else padded(array))

    def _cut(self, array: Any, window: Rectangle) -> Tensor:
        if isinstance(array, Tensor):
            return array if array.shape == ANY_SIZE.shape else array[window]
        return self._upload(padded_window(array, window))

    def _upload(self, array: np.ndarray) -> Tensor:
        """An array on the device; from pinned memory to a GPU, so that the copy need not wait."""
        tensor = torch.from_numpy(np.require(array, requirements=("C", "W")))
        if self._device.type == "cuda":
            return tensor.pin_memory().to(self._device, non_blocking=True)
        return tensor
