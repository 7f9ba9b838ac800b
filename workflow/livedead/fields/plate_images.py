"""The images of one plate: the planes of its fields, read through the gate."""

import logging
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from livedead import stores
from livedead.errors import FieldError
from livedead.images.gate import read_plane
from livedead.normalization.transforms import Key, check_shape
from livedead.plates.geometry import well_position
from livedead.tables import FIELD_KEY, IMAGES

log = logging.getLogger(__name__)

_PROBLEMS = {
    "missing_file": "the export lists the file, but it is not there; copy the export again",
    "missing_plane": "the focal plane or page is absent, so the field does not compare with the others",
    "acquisition_failed": "the microscope reports that the acquisition failed",
    "doubled": "several images claim this plane, or several planes this image; tell them apart "
    "by 'file_pattern' in config.yaml, or, where they are of several plates, by 'files' in plates.tsv; move "
    "what is a copy out of 'raw'",
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

    Attributes
    ----------
    plate : str
        Its name.
    hours : dict
        Key of a field -> when its first plane was taken, NaN where the export does not say.
    crop_px : (int, int)
        Rows and columns that `cropped` leaves out at either side.
    """

    def __init__(self, raw: Path, images: pd.DataFrame, bit_depth: int, checksum: str = "sha256"):
        self.plate = str(images["plate"].iloc[0])
        self.folder = raw
        self.bit_depth = bit_depth
        self.checksum = checksum
        self.crop_px = int(images["crop_y_px"].max()), int(images["crop_x_px"].max())
        self._index = images
        self._rows: dict[tuple[str, int, int, str], list[Any]] = {}
        for row in images.itertuples():
            key = row.well, int(row.field), int(row.timepoint), row.channel
            self._rows.setdefault(key, []).append(row)
        self.hours: dict[Key, float] = images.groupby(FIELD_KEY[1:])["hours"].min().to_dict()

    @property
    def any_size(self) -> bool:
        """Whether its fields were declared to have several sizes."""
        return "sizes" in self._index["accept"].iloc[0].split(",")

    @property
    def largest_px(self) -> int:
        """Pixels of its largest plane, by the headers."""
        return int((self._index["height"] * self._index["width"]).max())

    def keys(self, wells: Iterable[str] | None = None) -> list[Key]:
        """(well, field, timepoint) of every field, or of those in `wells`, in plate order."""
        chosen = None if wells is None else set(wells)
        found = {key[:3] for key in self._rows if chosen is None or key[0] in chosen}
        return sorted(found, key=lambda key: (well_position(key[0]), *key[1:]))

    def wells(self) -> list[str]:
        """The imaged wells, in plate order."""
        return list(dict.fromkeys(well for well, _, _ in self.keys()))

    def describe(self, key: Key, error: FieldError | None = None, pixels_sha256: str = "") -> dict[str, Any]:
        """The first columns of a row about a field: its key, how reading it went, and what was read."""
        return {
            "plate": self.plate,
            "well": key[0],
            "field": key[1],
            "timepoint": key[2],
            "hours": self.hours.get(key, float("nan")),
            "status": "ok" if error is None else "failed",
            "code": "" if error is None else error.code,
            "message": "" if error is None else str(error),
            "pixels_sha256": pixels_sha256,
        }

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

    def shape(self, key: Key, channel: str) -> tuple[int, int]:
        """Height and width of a plane by its header, uncropped; (0, 0) if there is none."""
        rows = self._rows.get((*key, channel), [])
        return (int(rows[0].height), int(rows[0].width)) if rows else (0, 0)

    def planes(self, key: Key, channels: Iterable[str], shape: tuple[int, ...]) -> dict[str, np.ndarray]:
        """Raw counts of those channels that the field has, cropped, readable and of `shape`."""
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

    def cropped(self, field: np.ndarray) -> np.ndarray:
        """A field (..., H, W) without what it shares with its neighbours, if the index says so."""
        y, x = self.crop_px
        if not (y or x) or not field.size:
            return field
        height, width = field.shape[-2:]
        if 2 * y >= height or 2 * x >= width:
            raise FieldError(
                "wrong_shape", f"nothing is left of {height} x {width} px cropped by {y} and {x}"
            )
        return field[..., y : height - y, x : width - x]


def open_plate(raw: Path, images: Path, bit_depth: int, checksum: str = "sha256") -> PlateImages:
    """The images in the folder `raw` that the index, a file, lists; see `PlateImages`."""
    return PlateImages(raw, stores.read_table(images, IMAGES), bit_depth, checksum)
