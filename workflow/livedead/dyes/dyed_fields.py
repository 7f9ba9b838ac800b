"""The dyed fields of a plate, labelled one after another."""

import logging
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from livedead.dyes.labels import MaskSettings, label_from_dyes, label_from_masks
from livedead.dyes.nuclei import DyeSettings
from livedead.errors import FieldError, LivedeadError
from livedead.fields.plate_images import PlateImages
from livedead.images.instances import read_instances
from livedead.logs import progress
from livedead.network.classes import Classes
from livedead.normalization.transforms import Key

log = logging.getLogger(__name__)


def label_fields(
    plate: PlateImages,
    wells: list[str],
    masks: str,
    channel: str,
    classes: Classes,
    labels: Mapping[str, Any],
) -> Iterator[tuple[dict[str, Any], dict[str, np.ndarray]]]:
    """Label the fields of the dyed wells; a field that cannot be is left out, with a warning in the log.

    Parameters
    ----------
    plate : PlateImages
    wells : list of str
    masks : str
        Path of a field's drawn objects, with ``{well}``, ``{field}`` and ``{timepoint}`` in it: the dead
        dye then only tells their state. Empty where the dyes tell objects and state.
    channel : str
        Brightfield, in which the dyes' cells are outlined.
    classes : Classes
    labels : mapping
        The section ``labels`` of the configuration.

    Yields
    ------
    row : dict
        The field, from `livedead.fields.plate_images.PlateImages.describe`.
    arrays : dict
        ``maps``: class map, (H, W) uint8; ``instances``: the drawn objects, where they are given.

    Raises
    ------
    LivedeadError
        After the last, if no field could be labelled.
    """
    keys = plate.keys(wells)
    left_out: list[FieldError] = []
    for key in progress(keys, len(keys), "dyed fields"):
        try:
            found = _labelled(plate, key, masks, channel, classes, labels)
            yield plate.describe(key), {kind: plate.cropped(array) for kind, array in found.items()}
        except FieldError as error:
            log.warning("%s field %d timepoint %d: %s: %s", *key, error.code, error)
            left_out.append(error)
    if len(left_out) == len(keys):
        why = f", the first because: {left_out[0]}" if left_out else ": the dyed wells have no images"
        raise LivedeadError(f"plate {plate.plate}: none of {len(keys)} dyed fields could be labelled{why}")
    if left_out:
        log.warning("%d of %d dyed fields are left out, see above", len(left_out), len(keys))


def _labelled(
    plate: PlateImages, key: Key, masks: str, channel: str, classes: Classes, labels: Mapping[str, Any]
) -> dict[str, np.ndarray]:
    dead_dye = plate.plane(key, labels["dead_dye"])
    if not masks:
        live_dye, brightfield = plate.plane(key, labels["live_dye"]), plate.plane(key, channel)
        return {
            "maps": label_from_dyes(
                live_dye, dead_dye, brightfield, classes, DyeSettings.from_config(labels["dyes"])
            )
        }
    path = masks.format(**dict(zip(("well", "field", "timepoint"), key, strict=True)))
    objects = read_instances(path)
    if objects.shape != dead_dye.shape:
        raise FieldError("wrong_shape", f"{path}: {objects.shape} px, but the field {dead_dye.shape}")
    return {
        "maps": label_from_masks(objects, dead_dye, classes, MaskSettings.from_config(labels["masks"])),
        "instances": objects,
    }
