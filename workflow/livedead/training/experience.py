"""What a network has seen, measured on the fields that it was trained on and on others like them."""

import copy
from collections.abc import Collection, Iterable, Iterator
from typing import NamedTuple

import numpy as np
import pandas as pd

from livedead.cells.measures import measure_cells
from livedead.cells.rules import CountingRules
from livedead.errors import FieldError
from livedead.fields.normalized_plate import NormalizedPlate
from livedead.logs import log, progress
from livedead.network.classes import Classes
from livedead.network.experience import STATES, Experience
from livedead.network.plan import Plan
from livedead.network.segmenter import Segmentation, Segmenter
from livedead.network.unet import UNet
from livedead.training.evaluate import calibrate, judge_cells
from livedead.training.labelled_fields import LabelledFields


class Reading(NamedTuple):
    """One field, as the network reads it.

    Attributes
    ----------
    well : str
        ``plate/well``.
    found : Segmentation
    truth : ndarray, (H, W), uint8, optional
        The class map of its labels.
    instances : ndarray, (H, W), int, optional
        Its drawn cells.
    """

    well: str
    found: Segmentation
    truth: np.ndarray | None = None
    instances: np.ndarray | None = None


def read_labelled(network: UNet, fields: LabelledFields, plan: Plan, classes: Classes) -> Iterator[Reading]:
    """Read the labelled fields of several plates, one after another."""
    segmenters = [_segmenter(network, plate.inputs, plan, classes) for plate in fields.plates]
    for k, place in enumerate(progress(fields.places, len(fields.places), "fields")):
        counts = fields.plates[place.source].inputs.counts(place.key)
        found = segmenters[place.source].segment(counts, place.key)
        yield Reading(place.well, found, fields.class_map(k), fields.instances(k))


def read_unlabelled(network: UNet, plate: NormalizedPlate, plan: Plan, classes: Classes) -> Iterator[Reading]:
    """Read all fields of a plate without labels; one that cannot be read is left out."""
    segmenter = _segmenter(network, plate, plan, classes)
    keys = plate.images.keys()
    for key in progress(keys, len(keys), "fields"):
        try:
            found = segmenter.segment(plate.counts(key), key)
        except FieldError as error:
            log.warning("%s field %d timepoint %d: %s: %s", *key, error.code, error)
            continue
        yield Reading(f"{plate.images.plate}/{key[0]}", found)


def _segmenter(network: UNet, plate: NormalizedPlate, plan: Plan, classes: Classes) -> Segmenter:
    return Segmenter(copy.deepcopy(network), list(plate.seen.values()), plan, classes)


def measure_experience(
    readings: Iterable[Reading],
    unseen: Collection[str],
    classes: Classes,
    rules: CountingRules,
    pixel_size_um: float,
) -> Experience:
    """What the network has seen.

    Parameters
    ----------
    readings : iterable of Reading
        Of fields that it was trained on, and of others like them.
    unseen : collection of str
        Wells (``plate/well``) that it was not trained on. Their labelled cells tell what its log odds are
        worth; without such wells that stays unknown, for of its training cells it is too sure.
    classes : Classes
    rules : CountingRules
    pixel_size_um : float
    """
    areas, judged = [], []
    for reading in readings:
        cells = measure_cells(reading.found.class_map, classes, rules, pixel_size_um)
        areas.append(cells[["state", "area_um2"]])
        if reading.truth is not None and reading.well in unseen:
            judged.append(
                judge_cells(reading.found, reading.truth, classes, rules, pixel_size_um, reading.instances)
            )
    median = pd.concat(areas).groupby("state")["area_um2"].median() if areas else {}
    calibration = calibrate(pd.concat(judged)) if judged else None
    log.info("%s, from %d fields that it was not trained on", calibration or "no calibration", len(judged))
    return Experience(
        pixel_size_um,
        {state: float(median[state]) for state in STATES if state in median},
        calibration,
    )
