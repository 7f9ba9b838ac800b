"""The fields of one plate: their planes, read through the gate and normalized."""

import logging
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from livedead.errors import FieldError
from livedead.images import read_plane
from livedead.normalization import Key, Transform, check_shape, normalize
from livedead.plates import well_position

log = logging.getLogger(__name__)


class PlateImages:
    """The images of one plate.

    Parameters
    ----------
    raw : Path
        Folder that the index's paths are relative to.
    images : DataFrame
        The index, see `livedead.readers.index_plate`.
    bit_depth : int
        Bits that the camera used.
    """

    def __init__(self, raw: Path, images: pd.DataFrame, bit_depth: int):
        self.folder = raw
        self.bit_depth = bit_depth
        self._rows = {
            (row.well, int(row.field), int(row.timepoint), row.channel): row for row in images.itertuples()
        }

    def keys(self, wells: Iterable[str] | None = None) -> list[Key]:
        """(well, field, timepoint) of every field, or of those in `wells`, in plate order."""
        chosen = None if wells is None else set(wells)
        found = {key[:3] for key in self._rows if chosen is None or key[0] in chosen}
        return sorted(found, key=lambda key: (well_position(key[0]), *key[1:]))

    def plane(self, key: Key, channel: str) -> np.ndarray:
        """Raw counts of one channel, (H, W) uint16; raises `FieldError`."""
        row = self._rows.get((*key, channel))
        if row is None:
            raise FieldError("missing_channel", f"channel {channel!r} was not imaged in this field")
        return read_plane(
            self.folder / row.path,
            int(row.page),
            sha256=row.sha256,
            n_bytes=int(row.bytes),
            bit_depth=self.bit_depth,
        )

    def raw(self, key: Key, transforms: dict[str, Transform]) -> np.ndarray:
        """Raw counts of the transforms' channels, (C, H, W) uint16; raises `FieldError`."""
        planes = [self.plane(key, channel) for channel in transforms]
        for plane, transform in zip(planes, transforms.values(), strict=True):
            check_shape(plane, transform.gain.shape)
        # One channel is the common case, and a large field is not copied for nothing.
        return planes[0][np.newaxis] if len(planes) == 1 else np.stack(planes)

    def planes(self, key: Key, channels: list[str], shape: tuple[int, ...]) -> dict[str, np.ndarray]:
        """Raw counts of those channels that the field has, readable and of `shape`."""
        found = {}
        for channel in channels:
            try:
                plane = self.plane(key, channel)
            except FieldError as error:
                if error.code != "missing_channel":
                    log.warning("%s field %d timepoint %d without %s: %s", *key, channel, error)
                continue
            if plane.shape == shape:
                found[channel] = plane
            else:
                log.warning("%s field %d timepoint %d: %s is %s px", *key, channel, plane.shape)
        return found

    def normalized(self, key: Key, transforms: dict[str, Transform]) -> np.ndarray:
        """What the network reads, (C, H, W) float32 in [-1, 1]; raises `FieldError`."""
        normalized = [
            normalize(plane.astype(np.float32), transform.gain, transform.black, transform.scale())
            for plane, transform in zip(self.raw(key, transforms), transforms.values(), strict=True)
        ]
        return np.stack(normalized)


def read_ahead(
    read: Callable[[Key], np.ndarray], keys: Iterable[Key], n_ahead: int = 2
) -> Iterator[tuple[Key, np.ndarray | FieldError]]:
    """Read fields while the one before is computed; a `FieldError` comes in place of its field."""
    with ThreadPoolExecutor(max(1, n_ahead)) as pool:
        waiting: deque[tuple[Key, Future[np.ndarray]]] = deque()
        for key in keys:
            waiting.append((key, pool.submit(read, key)))
            if len(waiting) > n_ahead:
                yield _outcome(*waiting.popleft())
        while waiting:
            yield _outcome(*waiting.popleft())


def _outcome(key: Key, future: Future[np.ndarray]) -> tuple[Key, np.ndarray | FieldError]:
    try:
        return key, future.result()
    except FieldError as error:
        return key, error


def describe(plate: str, key: Key, error: FieldError | None = None) -> dict[str, Any]:
    """The first columns of a row about a field: its key, and how reading it went."""
    return {
        "plate": plate,
        "well": key[0],
        "field": key[1],
        "timepoint": key[2],
        "status": "ok" if error is None else "failed",
        "code": "" if error is None else error.code,
        "message": "" if error is None else str(error),
    }


def read_transforms(channels: dict[str, dict[str, Any]], names: list[str]) -> dict[str, Transform]:
    """Transforms of the named channels from what `livedead.stores.read_normalization` gives."""
    return {
        name: Transform(
            channels[name]["gain"], float(channels[name]["black"]), float(channels[name]["white"])
        )
        for name in names
    }
