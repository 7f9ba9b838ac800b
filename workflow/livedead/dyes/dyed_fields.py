"""The dyed fields of a plate, read by their dyes one after another."""

import logging
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np

from livedead.cells.signals import Signal
from livedead.cells.tables import ReadSignals
from livedead.dyes.plate_dyes import PlateDyes
from livedead.dyes.reading import class_map
from livedead.errors import FieldError
from livedead.fields.ahead import work_ahead
from livedead.fields.normalized_plate import pixels_sha256
from livedead.fields.plate_images import PlateImages
from livedead.normalization.transforms import Key, check_shape

log = logging.getLogger(__name__)

ReadField = tuple[dict[str, Any], dict[str, np.ndarray]]
"""Row and arrays of a field, as `livedead.stores.SegmentationWriter` takes them."""

CERTAIN: dict[str, np.ndarray] = {"unstable": np.empty(0, np.int64), "runners_up": np.empty(0, np.uint8)}
"""No rounding decides on a pixel: thresholds are compared in the same arithmetic everywhere."""


def read_signals(
    plate: PlateImages, key: Key, dyes: PlateDyes
) -> tuple[dict[str, np.ndarray], list[np.ndarray]]:
    """Signals of a field's dyes, and the raw planes that they were made of.

    Raises
    ------
    FieldError
        If a channel cannot be read, or has not the shape of the plate's other fields.
    """
    signals, planes = {}, []
    for role, dye in dyes.dyes.items():
        planes.append(plate.plane(key, dye.channel))
        plane = plate.cropped(planes[-1])
        check_shape(plane, dye.gain.shape)
        signals[role] = dye.signal(plane)
    return signals, planes


def read_fields(
    plate: PlateImages, keys: Iterable[Key], dyes: PlateDyes, threads: int = 1
) -> Iterator[ReadField]:
    """Read the class maps of fields off their dyes; a field that cannot be read has none, and says why.

    Parameters
    ----------
    plate : PlateImages
    keys : iterable
    dyes : PlateDyes
    threads : int
        Number of fields that are read at once; changes no number.
    """
    undecided = [dye.channel for dye in dyes.dyes.values() if not dye.threshold.holds]

    def read(key: Key) -> ReadField:
        try:
            if not dyes.used:
                raise FieldError(
                    "not_separated",
                    f"no threshold parts stained from unstained in channel {', '.join(undecided)}; look at "
                    "report/dyes.png of the plate, and set dyes.threshold to counts in the configuration",
                )
            signals, planes = read_signals(plate, key, dyes)
        except FieldError as error:
            return plate.describe(key, _advised(error)), {}
        row = plate.describe(key, pixels_sha256=pixels_sha256(planes))
        return row, {"maps": class_map(signals, dyes)} | CERTAIN

    return work_ahead(read, keys, threads, threads)


def _advised(error: FieldError) -> FieldError:
    """The error; of a channel that is not there also what a user who dyed a part of the plate has to do."""
    if error.code != "missing_channel":
        return error
    return FieldError(
        error.code, f"{error}; if only some wells are dyed, name them in plates.tsv, dyed_wells"
    )


def dye_signals(plate: PlateImages, dyes: PlateDyes) -> ReadSignals:
    """The signals of a plate's fields, as counting asks for them.

    Those of a field that cannot be read any more are missing, with a warning in the log, unless they decide
    on the states of its cells.
    """
    marks = {dye.channel: role for role, dye in dyes.dyes.items() if role in dyes.used and role != "total"}

    def signals_of(key: Key, channels: Sequence[str], shape: tuple[int, ...]) -> dict[str, Signal]:
        try:
            found, _ = read_signals(plate, key, dyes)
        except FieldError as error:
            if dyes.settings.dead_by == "mean":
                raise
            log.warning("%s field %d timepoint %d without signals: %s", *key, error)
            return {}
        signals = {dye.channel: (found[role], dye.threshold.counts) for role, dye in dyes.dyes.items()}
        return {channel: Signal(*signals[channel], marks.get(channel, "")) for channel in channels}

    return signals_of
