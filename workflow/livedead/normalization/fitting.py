"""Fit the normalization of one channel on the fields of its plate."""

import itertools
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import numpy as np

from livedead.errors import FieldError
from livedead.logs import progress
from livedead.normalization.field_illumination import correct_illumination
from livedead.normalization.flat_field import (
    background_offset,
    flat_field_gain,
    illumination_profile,
    sampled,
)
from livedead.normalization.histograms import N_BINS, histogram, percentiles
from livedead.normalization.quality import measure_quality
from livedead.normalization.settings import NormalizationSettings
from livedead.normalization.transforms import ANY_SIZE, UNFITTED, Key, Transform, check_shape
from livedead.tables import QUALITY


def fit_channel(
    read: Callable[[Key], np.ndarray],
    keys: Sequence[Key],
    settings: NormalizationSettings,
    *,
    fluorescence: bool = False,
    given: Transform | None = None,
    any_size: bool = False,
    bit_depth: int = 16,
    threads: int = 1,
) -> tuple[Transform, np.ndarray, list[dict[str, Any]]]:
    """Fit the transform of one channel on all fields of a plate, one field in memory a thread.

    Parameters
    ----------
    read : callable
        Key -> (H, W) uint16; a `FieldError` leaves that field out and is reported.
    keys : sequence
        The plate's fields, those of a well together.
    settings : NormalizationSettings
    fluorescence : bool
        Whether the channel's background is to be subtracted.
    given : Transform, optional
        Another plate's transform, taken as it is; the plate is only measured with it.
    any_size : bool
        Whether fields may differ in size; then there is no flat-field.

    Returns
    -------
    transform : Transform
        `UNFITTED` if not one field can be read.
    total : ndarray, (65536,), int64
        Histogram of all corrected pixels of the plate.
    rows : list of dict
        For each key ``status, code, message`` and the field's quality, see `measure_quality`.
    """
    degree, floor = settings.own_light, settings.floor
    if given is not None:
        degree, floor = given.illumination_degree, given.floor
    if fluorescence:
        degree, settings = 0, replace(settings, contrast=None)

    def corrected(key: Key) -> np.ndarray:
        return correct_illumination(read(key), degree, floor)

    fitted = given or (
        Transform(ANY_SIZE, 0.0, 1.0)
        if any_size
        else fit_flat_field(corrected, keys, settings, fluorescence, threads)
    )

    def examine(key: Key) -> tuple[np.ndarray | None, dict[str, Any]]:
        return _examine(corrected, key, fitted, bit_depth, settings)

    with ThreadPoolExecutor(threads) as pool:
        examined = progress(pool.map(examine, keys), len(keys), "fields")
        total, local, rows = _pooled(zip(keys, examined, strict=True), settings)
    if given is not None:
        return given, total, rows
    if not total.any():
        return UNFITTED, total, rows
    black, white = levels(total, settings)
    return Transform(fitted.gain, black, white, fitted.offset, local, degree, floor), total, rows


def levels(counts: np.ndarray, settings: NormalizationSettings) -> tuple[float, float]:
    """Black and white of a histogram, at least ``min_range`` apart."""
    black: float
    white: float
    if settings.contrast is None:
        black, white = percentiles(counts, settings.low_percentile, settings.high_percentile)
    else:
        (median,) = percentiles(counts, 50)
        black, white = median * (1 - settings.contrast), median * (1 + settings.contrast)
    return float(black), float(max(white, black + settings.min_range))


def _pooled(
    examined: Iterable[tuple[Key, tuple[np.ndarray | None, dict[str, Any]]]], settings: NormalizationSettings
) -> tuple[np.ndarray, dict[Key, tuple[float, float]], list[dict[str, Any]]]:
    """Histogram of a plate, black and white of its wells or fields if asked for, and its rows.

    Parameters
    ----------
    examined : iterable
        Key, and what `_examine` gives of it; the fields of a well follow each other.
    """
    total = np.zeros(N_BINS, np.int64)
    local: dict[Key, tuple[float, float]] = {}
    rows = []
    for _, of_well in itertools.groupby(examined, key=lambda one: one[0][0]):
        well, keys = np.zeros(N_BINS, np.int64), []
        for key, (counts, row) in of_well:
            keys.append(key)
            rows.append(row)
            if counts is not None:
                well += counts
                if settings.scope == "field":
                    local[key] = levels(counts, settings)
        total += well
        if settings.scope == "well" and well.any():
            local |= dict.fromkeys(keys, levels(well, settings))
    return total, local, rows


def _examine(
    read: Callable[[Key], np.ndarray],
    key: Key,
    transform: Transform,
    bit_depth: int,
    settings: NormalizationSettings,
) -> tuple[np.ndarray | None, dict[str, Any]]:
    """Histogram of a field's corrected counts, None if it failed, and its row of `fit_channel`."""
    try:
        plane = read(key)
        check_shape(plane, transform.gain.shape)
    except FieldError as error:
        failed = {"status": "failed", "code": error.code, "message": str(error)}
        return None, {**failed, **dict.fromkeys(QUALITY, np.nan)}
    counts = histogram(plane, transform.gain, transform.offset)
    measured = measure_quality(plane, counts, transform, bit_depth, settings)
    return counts, {"status": "ok", "code": "", "message": "", **measured}


def fit_flat_field(
    read: Callable[[Key], np.ndarray],
    keys: Sequence[Key],
    settings: NormalizationSettings,
    fluorescence: bool,
    threads: int,
) -> Transform:
    """Flat-field and offset from a fixed, seeded sample of fields; black and white are still open.

    See `fit_channel`; `UNFITTED` if not one field can be read.
    """

    def read_sample(key: Key) -> tuple[tuple[int, ...], np.ndarray] | None:
        try:
            plane = read(key)
        except FieldError:
            return None
        return plane.shape, sampled(plane, settings.smooth_px)

    rng = np.random.default_rng(settings.seed)
    chosen = sorted(rng.permutation(len(keys))[: max(settings.flat_fields, 1)])
    with ThreadPoolExecutor(threads) as pool:
        sample = list(filter(None, pool.map(read_sample, [keys[k] for k in chosen])))
    if not sample:
        sample = list(itertools.islice(filter(None, map(read_sample, keys)), 1))
    if not sample:
        return UNFITTED
    shape = Counter(own for own, _ in sample).most_common(1)[0][0]
    if not settings.flat_fields:
        return Transform(np.ones(shape, np.float32), 0.0, 1.0)
    of_shape = np.stack([pixels for own, pixels in sample if own == shape])
    profile = illumination_profile(of_shape, shape, settings.smooth_px)
    if not fluorescence:
        return Transform(flat_field_gain(profile, settings.floor), 0.0, 1.0)
    gain = flat_field_gain(np.maximum(profile - settings.camera_counts, 0), settings.floor)
    return Transform(gain, 0.0, 1.0, background_offset(profile, gain))


def unreadable_plate(failed: Mapping[Key, tuple[str, str]]) -> str:
    """What to say of a plate of which no field can be read: the commonest reason, and its remedy.

    Parameters
    ----------
    failed : mapping
        Every field of the plate -> code and message of its `FieldError`.
    """
    counts = Counter(code for code, _ in failed.values())
    commonest = counts.most_common(1)[0][0]
    key = min(key for key, (code, _) in failed.items() if code == commonest)
    reasons = ", ".join(f"{n} {code}" for code, n in counts.most_common())
    return (
        f"not one field of the plate can be read; of {len(failed)} are {reasons}. For example well {key[0]} "
        f"field {key[1]} timepoint {key[2]}: {failed[key][1]}"
    )
