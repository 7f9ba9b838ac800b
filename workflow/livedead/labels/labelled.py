"""The fields of a plate whose cells are known, labelled one after another."""

import logging
from collections.abc import Callable, Iterator, Mapping

import numpy as np

from livedead.dyes.dyed_fields import ReadField, read_signals
from livedead.dyes.plate_dyes import PlateDyes
from livedead.errors import FieldError, LivedeadError, SheetError
from livedead.fields.plate_images import PlateImages
from livedead.images.instances import read_instances
from livedead.labels.of_boxes import BoxSettings, as_boxes, label_from_boxes
from livedead.labels.of_dyes import LabelSettings, label_from_dyes
from livedead.labels.of_masks import MaskSettings, dead_by_dye, dead_by_table, label_from_masks
from livedead.logs import progress
from livedead.network.classes import Classes
from livedead.normalization.transforms import Key
from livedead.plates.boxes import DrawnCells

log = logging.getLogger(__name__)

Label = Callable[[Key], dict[str, np.ndarray]]
"""Makes the arrays of a field, as `label_fields` gives them; raises `FieldError` if it cannot."""

NO_CELLS = DrawnCells(np.empty((0, 4)), np.empty(0, bool))


def label_fields(plate: PlateImages, keys: list[Key], label: Label) -> Iterator[ReadField]:
    """Label fields one after another; one that cannot be is left out, with a warning in the log.

    Parameters
    ----------
    plate : PlateImages
    keys : list of Key
        Fields of the dyed wells.
    label : callable
        `labels_of_dyes`, `labels_of_masks` or `labels_of_boxes`.

    Yields
    ------
    row : dict
        The field, from `livedead.fields.plate_images.PlateImages.describe`.
    arrays : dict
        ``maps``: class map, (H, W) uint8; where cells were drawn, ``instances``: (H, W), 0 or the number of
        a cell; where as boxes, ``boxes``: (n, 4), upper, left, lower and right side of each, in px.

    Raises
    ------
    LivedeadError
        After the last, if no field could be labelled.
    """
    left_out: list[FieldError] = []
    for key in progress(keys, len(keys), "dyed fields"):
        try:
            found = label(key)
            yield plate.describe(key), found
        except FieldError as error:
            log.warning("%s field %d timepoint %d: %s: %s", *key, error.code, error)
            left_out.append(error)
    if len(left_out) == len(keys):
        why = f", the first because: {left_out[0]}" if left_out else ": the dyed wells have no images"
        raise LivedeadError(f"plate {plate.plate}: none of {len(keys)} dyed fields could be labelled{why}")
    if left_out:
        log.warning("%d of %d dyed fields are left out, see above", len(left_out), len(keys))


def labels_of_dyes(
    plate: PlateImages, dyes: PlateDyes, channel: str, classes: Classes, settings: LabelSettings
) -> Label:
    """Labels from the dyes alone; cells are outlined in the brightfield `channel`."""

    def label(key: Key) -> dict[str, np.ndarray]:
        signals, _ = read_signals(plate, key, dyes)
        brightfield = plate.cropped(plate.plane(key, channel))
        return {"maps": label_from_dyes(signals, dyes, brightfield, classes, settings)}

    return label


def labels_of_masks(
    plate: PlateImages,
    masks: Mapping[Key, str],
    channel: str,
    states: Mapping[str, Mapping[int, str]] | None,
    classes: Classes,
    settings: MaskSettings,
) -> Label:
    """Labels from drawn objects.

    Parameters
    ----------
    masks : mapping of Key -> str
        File of each field's drawn objects, from `livedead.plates.masks.mask_paths`.
    channel : str
        That of the dead dye, which tells the states; with `states` it only gives the size of a field.
    states : mapping, optional
        File -> object -> its state, from `livedead.plates.states.read_states`.
    """

    def label(key: Key) -> dict[str, np.ndarray]:
        plane, path = plate.plane(key, channel), masks[key]
        objects = read_instances(path)
        if objects.shape != plane.shape:
            raise FieldError("wrong_shape", f"{path}: {objects.shape} px, but the field {plane.shape}")
        try:
            is_dead = (
                dead_by_dye(objects, plane, settings.dead_offset)
                if states is None
                else dead_by_table(objects, states.get(path, {}))
            )
        except SheetError as error:
            raise SheetError(f"{path}: {error}") from error
        maps = label_from_masks(objects, is_dead, classes, settings)
        return {"maps": plate.cropped(maps), "instances": plate.cropped(objects)}

    return label


def labels_of_boxes(
    plate: PlateImages,
    drawn: Mapping[Key, DrawnCells],
    channel: str,
    classes: Classes,
    settings: BoxSettings,
    pixel_size_um: float,
) -> Label:
    """Labels from boxes or points; a field without any has no cells.

    Parameters
    ----------
    drawn : mapping of Key -> DrawnCells
        From `livedead.plates.boxes.read_boxes`.
    channel : str
        Gives the size of a field.
    """

    def label(key: Key) -> dict[str, np.ndarray]:
        shape = plate.plane(key, channel).shape
        cells = drawn.get(key, NO_CELLS)
        boxes = as_boxes(cells, settings, pixel_size_um)
        maps, instances = label_from_boxes(boxes, cells.is_dead, shape, classes, settings)
        arrays = {"maps": plate.cropped(maps), "instances": plate.cropped(instances)}
        return arrays | {"boxes": (boxes - np.tile(plate.crop_px, 2)).astype(np.float32)}

    return label


def known_by_boxes(keys: list[Key], drawn: Mapping[Key, DrawnCells], settings: BoxSettings) -> list[Key]:
    """Those fields whose cells a sheet of boxes tells: the listed ones, or all if the others are empty."""
    unlisted = [key for key in keys if key not in drawn]
    empty = settings.unlisted == "empty"
    if unlisted:
        log.warning(
            "%d of %d dyed fields, the first %s field %d timepoint %d, are not in the sheet of boxes: %s",
            len(unlisted), len(keys), *unlisted[0],
            "taken as fields without cells" if empty else "left out; see labels.boxes.unlisted",
        )  # fmt: skip
    return keys if empty else [key for key in keys if key in drawn]


def known_by_states(
    keys: list[Key], masks: Mapping[Key, str], states: Mapping[str, Mapping[int, str]]
) -> list[Key]:
    """Those fields whose cells are all live or dead by a table of states.

    A cell that nobody could judge is neither: as a live or dead cell, or as background, it would teach what
    is not known. So its field is left out.
    """
    undecided = {
        key: label
        for key in keys
        for label, state in states.get(masks[key], {}).items()
        if state not in ("live", "dead")
    }
    if undecided:
        key, label = next(iter(undecided.items()))
        log.warning(
            "%d of %d dyed fields, the first %s field %d timepoint %d (label %d), are left out: a cell is "
            "neither live nor dead in the table of states; decide on it, or take it out of image and table",
            len(undecided), len(keys), *key, label,
        )  # fmt: skip
    return [key for key in keys if key not in undecided]
