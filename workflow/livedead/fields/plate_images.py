"""The fields of one plate: their planes, read through the gate and normalized."""

import hashlib
import logging
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import pandas as pd

from livedead.errors import FieldError
from livedead.images.gate import read_plane
from livedead.normalization.transforms import Key, Transform, check_shape, normalize
from livedead.plates.geometry import well_position

Item = TypeVar("Item")
Result = TypeVar("Result")
log = logging.getLogger(__name__)

_PROBLEMS = {
    "missing_file": "the export lists the file, but it is not there; copy the export again",
    "missing_plane": "the focal plane or page is absent, so the field does not compare with the others",
    "acquisition_failed": "the microscope reports that the acquisition failed",
    "doubled": "several images claim this plane, or several planes this image; tell them apart "
    "by 'file_pattern' in config.yaml, or, where one is a copy, move that out of 'raw'",
    "unreadable": "the file could not be read when the plate was indexed; copy it again",
}


class PlateImages:
    """The images of one plate.

    Parameters
    ----------
    raw : Path
        Folder that the index's paths are relative to.
    images : DataFrame
        The index, see `livedead.readers.index.index_plate`.
    bit_depth : int
        Bits that the camera used.
    checksum : {'sha256', 'crc32'}
        What of the index every file that is read must have.
    """

    def __init__(self, raw: Path, images: pd.DataFrame, bit_depth: int, checksum: str = "sha256"):
        self.folder = raw
        self.bit_depth = bit_depth
        self.checksum = checksum
        self._crop_px = int(images["crop_y_px"].max()), int(images["crop_x_px"].max())
        self._rows: dict[tuple[str, int, int, str], list[Any]] = {}
        for row in images.itertuples():
            key = row.well, int(row.field), int(row.timepoint), row.channel
            self._rows.setdefault(key, []).append(row)

    def keys(self, wells: Iterable[str] | None = None) -> list[Key]:
        """(well, field, timepoint) of every field, or of those in `wells`, in plate order."""
        chosen = None if wells is None else set(wells)
        found = {key[:3] for key in self._rows if chosen is None or key[0] in chosen}
        return sorted(found, key=lambda key: (well_position(key[0]), *key[1:]))

    def plane(self, key: Key, channel: str) -> np.ndarray:
        """Raw counts of one channel, (H, W) uint16, uncropped; raises `FieldError`.

        Several focal planes become the maximum or the mean that the index asks for.
        """
        rows = self._rows.get((*key, channel))
        if rows is None:
            raise FieldError("missing_channel", f"channel {channel!r} was not imaged in this field")
        for row in rows:
            if row.problem:
                listed = ", ".join(str(self.folder / path) for path in dict.fromkeys(r.path for r in rows))
                raise FieldError(row.problem, f"{listed}: {_PROBLEMS[row.problem]}")
        if len(rows) == 1:
            return self._read(rows[0])
        planes = [self._read(row) for row in rows]
        for other in planes[1:]:
            check_shape(other, planes[0].shape)
        if rows[0].projection == "max":
            return np.maximum.reduce(planes)
        return np.rint(np.mean(planes, axis=0)).astype(np.uint16)

    def _read(self, row: Any) -> np.ndarray:
        return read_plane(
            self.folder / row.path,
            int(row.page),
            pages=int(row.pages),
            dataset=row.dataset,
            axes=row.axes,
            accept=row.accept.split(",") if row.accept else (),
            checksum=(self.checksum, getattr(row, self.checksum)),
            n_bytes=int(row.bytes),
            bit_depth=self.bit_depth,
        )

    def raw(self, key: Key, transforms: dict[str, Transform]) -> np.ndarray:
        """Counts of the channels, (C, H, W) uint16, evened by their own light if so fitted, and cropped."""
        return self.evened([self.plane(key, channel) for channel in transforms], transforms)

    def evened(self, planes: list[np.ndarray], transforms: dict[str, Transform]) -> np.ndarray:
        """What `raw` makes of the channels' planes, each (H, W) uint16 as it was read."""
        planes = [
            transform.illumination_corrected(plane)
            for plane, transform in zip(planes, transforms.values(), strict=True)
        ]
        for plane, transform in zip(planes, transforms.values(), strict=True):
            check_shape(plane, transform.gain.shape)
        # One channel is the common case, and a large field is not copied for nothing.
        return self.cropped(planes[0][np.newaxis] if len(planes) == 1 else np.stack(planes))

    def planes(self, key: Key, channels: list[str], shape: tuple[int, ...]) -> dict[str, np.ndarray]:
        """Raw counts of those channels that the field has, readable and of `shape`."""
        found = {}
        for channel in channels:
            try:
                plane = self.cropped(self.plane(key, channel))
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
        """What the network reads, (C, H, W) float32 in [-1, 1], cropped; raises `FieldError`."""
        planes = []
        for plane, transform in zip(self.raw(key, transforms), self.seen(transforms).values(), strict=True):
            black, scale = transform.levels(key)
            planes.append(normalize(plane.astype(np.float32), transform.gain, black, scale, transform.offset))
        return np.stack(planes)

    def seen(self, transforms: dict[str, Transform]) -> dict[str, Transform]:
        """The transforms of what is left of a cropped field."""
        return {
            name: replace(
                transform,
                gain=self.cropped(transform.gain),
                offset=None if transform.offset is None else self.cropped(transform.offset),
            )
            for name, transform in transforms.items()
        }

    def cropped(self, field: np.ndarray) -> np.ndarray:
        """A field (..., H, W) without what it shares with its neighbours, if the index says so."""
        y, x = self._crop_px
        if not (y or x) or not field.size:
            return field
        height, width = field.shape[-2:]
        if 2 * y >= height or 2 * x >= width:
            raise FieldError(
                "wrong_shape", f"nothing is left of {height} x {width} px cropped by {y} and {x}"
            )
        return field[..., y : height - y, x : width - x]


def work_ahead(
    work: Callable[[Item], Result], items: Iterable[Item], n_ahead: int, n_threads: int = 1
) -> Iterator[Result]:
    """Results in the order of `items`, up to `n_ahead` of them made before they are asked for.

    With 0 each is made when it is asked for, so that no two are in memory at once.
    """
    with ThreadPoolExecutor(n_threads) as pool:
        waiting: deque[Future[Result]] = deque()
        for item in items:
            waiting.append(pool.submit(work, item))
            if len(waiting) > n_ahead:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()


def read_ahead(
    read: Callable[[Key], Result], keys: Iterable[Key], n_ahead: int = 2
) -> Iterator[tuple[Key, Result | FieldError]]:
    """Read fields while the one before is computed; a `FieldError` comes in place of its field."""

    def outcome(key: Key) -> tuple[Key, Result | FieldError]:
        try:
            return key, read(key)
        except FieldError as error:
            return key, error

    return work_ahead(outcome, keys, n_ahead, max(1, n_ahead))


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


def describe(
    plate: str, key: Key, error: FieldError | None = None, pixels_sha256: str = ""
) -> dict[str, Any]:
    """The first columns of a row about a field: its key, how reading it went, and what was read."""
    return {
        "plate": plate,
        "well": key[0],
        "field": key[1],
        "timepoint": key[2],
        "status": "ok" if error is None else "failed",
        "code": "" if error is None else error.code,
        "message": "" if error is None else str(error),
        "pixels_sha256": pixels_sha256,
    }


def read_transforms(channels: dict[str, dict[str, Any]], names: list[str]) -> dict[str, Transform]:
    """Transforms of the named channels from what `livedead.stores.read_normalization` gives."""
    return {name: _transform(channels[name]) for name in names}


def _transform(stored: dict[str, Any]) -> Transform:
    local = {}
    if "local_wells" in stored:
        keys = zip(
            (well.decode() for well in stored["local_wells"]),
            stored["local_fields"].tolist(),
            stored["local_timepoints"].tolist(),
            strict=True,
        )
        local = dict(zip(keys, map(tuple, stored["local_levels"].tolist()), strict=True))
    return Transform(
        stored["gain"],
        float(stored["black"]),
        float(stored["white"]),
        stored.get("offset"),
        local,
        int(stored["own_light"]),
        float(stored["floor"]),
    )


def store_transform(transform: Transform) -> dict[str, Any]:
    """What `livedead.stores.write_normalization` takes and `read_transforms` reads back."""
    stored: dict[str, Any] = {
        "gain": transform.gain,
        "black": transform.black,
        "white": transform.white,
        "own_light": transform.illumination_degree,
        "floor": transform.floor,
    }
    if transform.offset is not None:
        stored["offset"] = transform.offset
    if transform.local:
        wells, fields, timepoints = zip(*transform.local, strict=True)
        stored["local_wells"] = np.array(wells, "S4")
        stored["local_fields"] = np.array(fields, np.int64)
        stored["local_timepoints"] = np.array(timepoints, np.int64)
        stored["local_levels"] = np.array(list(transform.local.values()), np.float64)
    return stored
