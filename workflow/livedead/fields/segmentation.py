"""The fields of one plate, segmented: a class map for each, or why there is none."""

import logging
import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch

from livedead.errors import FieldError, LivedeadError
from livedead.fields.ahead import read_ahead, work_ahead
from livedead.fields.normalized_plate import NormalizedPlate
from livedead.network.classes import Classes
from livedead.network.devices import choose_device, keep_memory
from livedead.network.experience import Experience
from livedead.network.pixel_size import scale_to
from livedead.network.plan import LARGE_FIELD_PX, Plan
from livedead.network.segmenter import SeamCheck, Segmenter
from livedead.normalization.transforms import ANY_SIZE, Key, Transform
from livedead.weights import unet_io
from livedead.weights.assay import certified_experience

log = logging.getLogger(__name__)


class SegmentedField(NamedTuple):
    """A field, as files of segmentations hold it.

    Attributes
    ----------
    row : dict
        See `livedead.fields.plate_images.PlateImages.describe`.
    arrays : dict of str -> ndarray
        ``maps``, ``unstable``, ``runners_up`` and ``log_odds``, see
        `livedead.network.segmenter.Segmentation`; none where the field failed.
    check : SeamCheck, optional
        Of a field that was chosen for one.
    """

    row: dict[str, Any]
    arrays: dict[str, np.ndarray]
    check: SeamCheck | None = None


def set_up_device(device: str, threads: int) -> torch.device:
    """Choose the device that this job computes on, and the threads of its processor.

    Raises
    ------
    ConfigError
        If the scheduler gave the job a GPU that PyTorch cannot reach: never fall back to the CPU unseen.
    """
    torch.set_num_threads(threads)
    return choose_device(device, os.environ.get("CUDA_VISIBLE_DEVICES", ""))


def open_segmenter(
    unet: Path, transforms: Iterable[Transform], plan: Plan, pixel_size_um: float
) -> Segmenter:
    """The network in the file `unet`, ready for fields of these transforms.

    Parameters
    ----------
    transforms : iterable of Transform
        Of each input channel, such as the values of `NormalizedPlate.seen`.
    pixel_size_um : float
        Of the plate.

    Raises
    ------
    ConfigError
        As `set_up_device`, and if the network knows pixels of quite another size only.
    """
    transforms = list(transforms)
    set_up_device(plan.device, plan.threads)
    gain = transforms[0].gain
    # What a large field leaves is given back: there is no room for two.
    if gain.shape != ANY_SIZE.shape and gain.size <= LARGE_FIELD_PX:
        keep_memory()
    network, certificate = unet_io.read(unet)
    scale = _scale(certified_experience(certificate), pixel_size_um)
    return Segmenter(network, transforms, plan, Classes.from_config(certificate["classes"]), scale)


def _scale(experience: Experience | None, pixel_size_um: float) -> float:
    """The network's pixels per pixel of the plate; tells the log where that is not 1, or not known."""
    known_um = None if experience is None else experience.pixel_size_um
    scale = scale_to(known_um, pixel_size_um)
    if known_um is None:
        log.warning(
            "the pixel size that the network was trained at is not known, so fields are read as they are; "
            "if you know it, set experience.pixel_size_um in config.yaml"
        )
    elif scale != 1:
        log.info("fields are resampled from pixels of %g um to the network's %g um", pixel_size_um, known_um)
    return scale


def choose_checked(keys: list[Key], n_checks: int, seed: int) -> dict[Key, np.random.Generator]:
    """Fields chosen at random for a seam check, and the random stream that places each check."""
    chosen = np.random.default_rng(seed).permutation(len(keys))[:n_checks].tolist()
    return {keys[k]: np.random.default_rng([seed, k]) for k in chosen}


def segmented_fields(
    plate: NormalizedPlate,
    keys: Iterable[Key],
    segmenter: Segmenter,
    checked: Mapping[Key, np.random.Generator] | None = None,
    n_readers: int = 2,
) -> Iterator[SegmentedField]:
    """Segment fields in the order of their keys, reading ahead; one that cannot be is a failed one.

    Parameters
    ----------
    plate : NormalizedPlate
    keys : iterable of tuple
    segmenter : Segmenter
        From `open_segmenter`, with the plate's transforms.
    checked : mapping, optional
        From `choose_checked`.
    n_readers : int
        Threads that read, and fields that they read ahead.
    """
    streams = checked or {}

    def segmented(read: tuple[Key, tuple[np.ndarray, str] | FieldError]) -> SegmentedField:
        key, outcome = read
        check = None
        try:
            if isinstance(outcome, FieldError):
                raise outcome
            counts, pixels_sha256 = outcome
            if key in streams:
                found, check = segmenter.segment_checked(counts, streams[key], key)
            else:
                found = segmenter.segment(counts, key)
        except FieldError as error:
            log.warning("%s field %d timepoint %d: %s: %s", *key, error.code, error)
            return SegmentedField(plate.images.describe(key, error), {})
        arrays = {
            "maps": found.class_map,
            "unstable": found.unstable,
            "runners_up": found.runners_up,
            "log_odds": found.log_odds,
        }
        return SegmentedField(plate.images.describe(key, pixels_sha256=pixels_sha256), arrays, check)

    is_large = plate.images.largest_px > LARGE_FIELD_PX
    # While one field is written, the next is computed; a GPU has two in flight.
    n_ahead = 0 if is_large else 2 if segmenter.device.type == "cuda" else 1
    fields = read_ahead(plate.read, keys, 0 if is_large else n_readers)
    return work_ahead(segmented, fields, n_ahead, max(1, n_ahead))


def check_seam(field: SegmentedField, max_difference: float) -> None:
    """Log the seam check of a field, if it has one.

    Raises
    ------
    LivedeadError
        If a probability differs by more than `max_difference`.
    """
    if field.check is None:
        return
    where = f"{field.row['well']} field {field.row['field']} timepoint {field.row['timepoint']}"
    log.info("%s: %s", where, field.check)
    if not field.check.largest_difference <= max_difference:
        raise LivedeadError(f"{where}: {field.check} is over max_difference {max_difference}")


def describe_segmentation(
    segmenter: Segmenter, n_unstable_px: int, checks: Iterable[SeamCheck]
) -> dict[str, Any]:
    """What a file of segmentations tells of itself: how its fields were computed, and how surely."""
    checks = list(checks)
    on_gpu = segmenter.device.type == "cuda"
    return {
        "device": segmenter.device.type,
        "gpu": torch.cuda.get_device_name(segmenter.device) if on_gpu else "",
        "precision": segmenter.plan.precision,
        "tf32": torch.backends.cudnn.allow_tf32,
        "torch": str(torch.__version__),
        "threads": torch.get_num_threads(),
        "n_unstable_px": n_unstable_px,
        "seam_largest_difference": max((check.largest_difference for check in checks), default=0.0),
        "seam_n_changed": sum(check.n_changed for check in checks),
        "seam_n_pixels": sum(check.n_pixels for check in checks),
    }
