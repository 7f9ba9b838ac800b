"""From raw counts to what the network reads: fitted once on a plate, applied to every field.

The transform of a channel is ``x = (raw * gain + offset - black) * scale - 1``, clipped to [-1, 1].
The gain undoes the uneven light; the offset, of fluorescence only, evens out the background; black
and white are percentiles of the whole plate, or of a well or a field. Counting corrected pixels
in a histogram of 65,536 bins makes the percentiles exact, in flat memory, and the same whatever
the order of the fields.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, TypeVar

import numpy as np
from numpy.polynomial.chebyshev import chebvander
from scipy.ndimage import binary_erosion, binary_fill_holes, gaussian_filter, laplace

from livedead.errors import FieldError
from livedead.tables import QUALITY

Array = TypeVar("Array", bound=Any)
"""A NumPy array or a PyTorch tensor: both know ``*``, ``-`` and ``clip``."""

Key = tuple[str, int, int]
"""Well, field, timepoint."""

N_BINS = 65_536

_BLOCK_PX = 2**18
_FRACTION_BITS = np.uint32(2**23 - 1)


@dataclass(frozen=True)
class Transform:
    """The normalization of one channel.

    Attributes
    ----------
    gain : ndarray, (H, W), float32
        Factor per pixel, 1 on average where there is light.
    black, white : float
        Corrected counts of the plate that become -1 and +1.
    offset : ndarray, (H, W), float32, optional
        Counts per pixel, added after the gain, that even out a fluorescent background.
    local : mapping
        Key -> (black, white) of its field or well, where these hold instead of the plate's.
    """

    gain: np.ndarray
    black: float
    white: float
    offset: np.ndarray | None = None
    local: Mapping[Key, tuple[float, float]] = field(default_factory=dict)
    own_light: int = 0
    """Degree of `without_own_light`, by which every field is evened out first; 0 leaves it."""
    floor: float = 0.2
    """`Settings.floor`, for that."""

    def levels(self, key: Key | None) -> tuple[float, float]:
        """Black of a field, and the factor from corrected counts to the interval of length 2."""
        black, white = self.local.get(key, (self.black, self.white)) if key else (self.black, self.white)
        return float(black), float(np.float32(2 / (white - black)))


UNFITTED = Transform(np.ones((0, 0), np.float32), 0.0, 1.0)
"""Of a channel that cannot be read in one field of the plate: it has no pixels, so no field fits it."""


@dataclass(frozen=True)
class Settings:
    """How a channel is fitted; the keys of ``normalization`` in config.yaml.

    Attributes
    ----------
    low_percentile, high_percentile : float
        Shares of the pixels, in percent, that become black and white.
    min_range : int
        Smallest distance of white from black, counts; a field or plate without range stays
        flat instead of becoming amplified noise.
    flat_fields : int
        Number of fields, drawn with `seed`, that show the light; 0 leaves it as it is.
    smooth_px : float
        Standard deviation of the Gaussian that removes what is left of objects and noise.
    floor : float
        Light below this fraction of the brightest is not amplified further: there is the
        wall of the well, not a dark part of the picture.
    seed : int
    scope : str
        ``plate``, ``well`` (all its fields and timepoints) or ``field``: whose pixels the
        percentiles are taken of.
    fluorescence : sequence of str
        Channels whose background is subtracted before the division; others are divided only.
    camera_counts : float
        Counts of the camera without light, for the light of fluorescence.
    own_light : int
        Degree of `without_own_light`, 0 for none.
    """

    low_percentile: float
    high_percentile: float
    min_range: int
    flat_fields: int
    smooth_px: float
    floor: float
    seed: int
    scope: str = "plate"
    fluorescence: Sequence[str] = ()
    camera_counts: float = 0.0
    own_light: int = 0


def sampled(plane: np.ndarray, smooth_px: float) -> np.ndarray:
    """Every n-th pixel in both directions: all of a small field, of a large one what is needed.

    A smoothing by `smooth_px` averages over some 200 of them, on a grid of 340 or more a side.
    """
    step = max(1, min(int(smooth_px // 4), min(plane.shape) // 340))
    return plane[step // 2 :: step, step // 2 :: step].copy()


def light(sample: np.ndarray, shape: tuple[int, ...], smooth_px: float) -> np.ndarray:
    """Smooth picture of the light, from fields whose objects lie in different places.

    Parameters
    ----------
    sample : ndarray, (N, h, w), uint16
        Fields of one channel from `sampled`; their per-pixel median shows the light without
        the objects.
    shape : tuple
        (H, W) of the fields.
    smooth_px : float
        Standard deviation, in pixels of the field.

    Returns
    -------
    ndarray, (H, W), float32
    """
    median = np.median(np.ascontiguousarray(np.moveaxis(sample, 0, -1)), axis=-1).astype(np.float32)
    spacing = shape[0] / median.shape[0]
    # Smoothing is done on a coarse grid: the light has no detail, and a wide Gaussian is slow.
    step = max(1, int(smooth_px // 4))
    rough = gaussian_filter(median, step / 2 / spacing) if step > 1 or spacing == 1 else median
    coarse = _resized(rough, tuple(-(-side // step) for side in shape))
    sigma = smooth_px / step
    # An odd reflection keeps the slope at the edge, which an even one would flatten.
    reach = min(int(4 * sigma), *(side - 1 for side in coarse.shape))
    extended = np.pad(coarse, reach, mode="reflect", reflect_type="odd")
    inner = tuple(slice(reach, reach + side) for side in coarse.shape)
    return _resized(gaussian_filter(extended, sigma, mode="nearest")[inner], shape)


def flat_field(smooth: np.ndarray, floor: float) -> np.ndarray:
    """Gain that evens out the light.

    Parameters
    ----------
    smooth : ndarray, (H, W), float32
        From `light`.
    floor : float
        See `Settings`.

    Returns
    -------
    ndarray, (H, W), float32
    """
    held = np.maximum(smooth, floor * float(smooth.max()))
    bright = float(np.quantile(sampled(held, 64), 0.95))
    return _without_last_bits((bright / np.maximum(held, 1)).astype(np.float32))


def _without_last_bits(gain: np.ndarray) -> np.ndarray:
    """The gain to 1 part in 65,536, less than a count: a third of the file, in half of the time."""
    return ((gain.view(np.uint32) + np.uint32(2**7)) & ~np.uint32(2**8 - 1)).view(np.float32)


def background_offset(smooth: np.ndarray, gain: np.ndarray) -> np.ndarray:
    """Counts to add to ``raw * gain`` so that a fluorescent background is even.

    ``(raw - smooth) * gain`` has no background; its median over the field is added back, so that
    noise around zero is not cut off.
    """
    return np.float32(np.median(sampled(smooth, 64))) - smooth * gain


def _resized(image: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """Linear interpolation to another shape; the outlines of both coincide."""
    for axis, side in enumerate(shape):
        old = image.shape[axis]
        if old == side:
            continue
        at = np.clip((np.arange(side) + 0.5) * (old / side) - 0.5, 0, old - 1)
        low = np.minimum(at.astype(int), max(old - 2, 0))
        share = (at - low).astype(np.float32).reshape((-1, 1) if axis == 0 else (1, -1))
        below, above = np.take(image, low, axis), np.take(image, np.minimum(low + 1, old - 1), axis)
        image = below + (above - below) * share
    return image


def without_own_light(plane: np.ndarray, degree: int, floor: float) -> np.ndarray:
    """Even out a brightfield field by its own light, where the light differs from well to well.

    A polynomial is fitted to the logarithm of the counts inside the well, again and again without
    what lies off it (worms, cells, dirt), and divided out; its median stays. Outside, at the wall,
    nothing changes.

    Parameters
    ----------
    plane : ndarray, (H, W), uint16
    degree : int
        Of the polynomial in both directions together.
    floor : float
        What is under this fraction of the brightest is the wall of the well.

    Returns
    -------
    ndarray, (H, W), uint16
    """
    step = max(1, min(plane.shape) // 130)
    coarse = plane[step // 2 :: step, step // 2 :: step].astype(np.float32)
    lit = binary_fill_holes(coarse > floor * np.percentile(coarse, 95))
    inner = binary_erosion(lit, iterations=2) & (coarse > 0)
    powers = np.array([(i, j) for i in range(degree + 1) for j in range(degree + 1 - i)]).T
    if inner.sum() < 4 * powers.shape[1]:
        return plane
    y, x = (chebvander(np.linspace(-1, 1, side), 2 * degree) for side in coarse.shape)
    logs = np.log(np.maximum(coarse, 1))
    kept = inner
    for _ in range(8):
        own = _fitted(logs, kept, y, x, powers)
        off = logs - own
        spread = 1.48 * np.median(np.abs(off[kept]))
        # Objects are darker than the light, rarely brighter.
        kept = inner & (off > -1.5 * spread) & (off < 3 * spread)
    gain = np.exp(np.where(lit, np.median(own[inner]) - own, 0)).astype(np.float32)
    corrected = np.rint(plane * _resized(gain, plane.shape))
    return np.minimum(corrected, N_BINS - 1).astype(np.uint16)


def _fitted(
    values: np.ndarray, kept: np.ndarray, y: np.ndarray, x: np.ndarray, powers: np.ndarray
) -> np.ndarray:
    """Least-squares polynomial of the `kept` values, (H, W), in products of Chebyshev polynomials.

    The normal equations need only moments, since T_i T_k = (T_{i+k} + T_{|i-k|}) / 2. einsum and not
    BLAS, whose sums hang on the number of its threads.

    Parameters
    ----------
    values, kept : ndarray, (H, W)
    y, x : ndarray, (H, 2 d + 1), (W, 2 d + 1)
        Chebyshev polynomials up to twice the degree d.
    powers : ndarray, (2, n_terms)
        Degrees in y and in x of each term.
    """

    def moments(weights: np.ndarray) -> np.ndarray:
        return np.einsum("ya,yb->ab", y, np.einsum("yx,xb->yb", weights, x))

    of_mask = moments(kept.astype(float))
    rows, columns = ((np.add.outer(p, p), np.abs(np.subtract.outer(p, p))) for p in powers)
    products = sum(of_mask[row, column] for row in rows for column in columns) / 4
    factors = np.zeros((len(of_mask), len(of_mask)))
    factors[tuple(powers)] = np.linalg.lstsq(products, moments(kept * values)[tuple(powers)], rcond=None)[0]
    return np.einsum("ya,ax->yx", y, np.einsum("ab,xb->ax", factors, x))


def histogram(field: np.ndarray, gain: np.ndarray, offset: np.ndarray | None = None) -> np.ndarray:
    """How often each corrected count occurs in a field, (65536,) int64."""
    total = np.zeros(N_BINS, np.int64)
    # In blocks that stay in the processor's cache, but no smaller: between two operations a thread
    # waits while another one counts, which Python does not do in parallel. And by operations that
    # need no casting buffer.
    n_rows = max(1, _BLOCK_PX // max(1, field.shape[1]))
    corrected = np.empty((n_rows, field.shape[1]), np.float32)
    bins = np.empty(corrected.shape, np.int64)
    for top in range(0, len(field), n_rows):
        rows = slice(top, top + n_rows)
        block, numbers = corrected[: len(field[rows])], bins[: len(field[rows])]
        block[...] = field[rows]
        np.multiply(block, gain[rows], out=block)
        if offset is not None:
            np.add(block, offset[rows], out=block)
            np.maximum(block, 0, out=block)
        # Adding 2^23 rounds a float32 to a whole number, half to even, and leaves it in the low bits,
        # if it is smaller; the gain is at most 100, as the floor of the light is 0.01 or more.
        np.add(block, np.float32(2**23), out=block)
        bits = block.view(np.uint32)
        np.bitwise_and(bits, _FRACTION_BITS, out=bits)
        numbers[...] = bits
        counts = np.bincount(numbers.ravel())
        total[: len(counts)] += counts[:N_BINS]
        total[-1] += counts[N_BINS:].sum()
    return total


def percentile(counts: np.ndarray, percent: float) -> int:
    """Exact percentile from a histogram: the smallest value with at least that share at or below.

    NumPy calls this definition ``inverted_cdf``.
    """
    return _percentiles(counts, percent)[0]


def _percentiles(counts: np.ndarray, *percents: float) -> list[int]:
    below = np.cumsum(counts)
    total = int(below[-1])
    if total == 0:
        raise ValueError("percentile of an empty histogram")
    ranks = [max(1, int(np.ceil(np.float64(percent) / 100 * total))) for percent in percents]
    return [int(k) for k in np.searchsorted(below, ranks)]


def levels(counts: np.ndarray, settings: Settings) -> tuple[float, float]:
    """Black and white of a histogram, at least ``min_range`` apart."""
    black, white = _percentiles(counts, settings.low_percentile, settings.high_percentile)
    return float(black), float(max(white, black + settings.min_range))


def fit_channel(
    read: Callable[[Key], np.ndarray],
    keys: Sequence[Key],
    settings: Settings,
    *,
    fluorescence: bool = False,
    given: Transform | None = None,
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
    settings : Settings
    fluorescence : bool
        Whether the channel's background is to be subtracted.
    given : Transform, optional
        Another plate's transform, taken as it is; the plate is only measured with it.

    Returns
    -------
    transform : Transform
        `UNFITTED` if not one field can be read.
    total : ndarray, (65536,), int64
        Histogram of all corrected pixels of the plate.
    rows : list of dict
        For each key ``status, code, message`` and the field's `quality`.
    """
    source = given or settings
    if source.own_light and not fluorescence:
        as_imaged = read

        def read(key: Key) -> np.ndarray:
            return without_own_light(as_imaged(key), source.own_light, source.floor)

    fitted = given or _uneven_light(read, keys, settings, fluorescence, threads)
    shape, gain, offset = fitted.gain.shape, fitted.gain, fitted.offset

    def examine(key: Key) -> tuple[np.ndarray | None, dict[str, Any]]:
        try:
            plane = read(key)
            check_shape(plane, shape)
        except FieldError as error:
            failed = {"status": "failed", "code": error.code, "message": str(error)}
            return None, {**failed, **dict.fromkeys(QUALITY, np.nan)}
        counts = histogram(plane, gain, offset)
        found = quality(plane, counts, fitted, bit_depth, settings)
        return counts, {"status": "ok", "code": "", "message": "", **found}

    total = np.zeros(N_BINS, np.int64)
    rows = []
    local: dict[Key, tuple[float, float]] = {}
    well = np.zeros(N_BINS, np.int64)
    with ThreadPoolExecutor(threads) as pool:
        for k, (counts, row) in enumerate(pool.map(examine, keys)):
            rows.append(row)
            if counts is not None:
                total += counts
                well += counts
                if settings.scope == "field":
                    local[keys[k]] = levels(counts, settings)
            if k + 1 == len(keys) or keys[k + 1][0] != keys[k][0]:
                if settings.scope == "well" and well.any():
                    local.update({key: levels(well, settings) for key in keys if key[0] == keys[k][0]})
                well[:] = 0
    if given is not None:
        return given, total, rows
    if not total.any():
        return UNFITTED, total, rows
    black, white = levels(total, settings)
    own_light = 0 if fluorescence else settings.own_light
    return Transform(gain, black, white, offset, local, own_light, settings.floor), total, rows


def _uneven_light(
    read: Callable[[Key], np.ndarray],
    keys: Sequence[Key],
    settings: Settings,
    fluorescence: bool,
    threads: int,
) -> Transform:
    """Gain and offset from a fixed, seeded sample of fields; black and white are still open.

    `UNFITTED` if not one field can be read.
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
        sample = [found for found in pool.map(read_sample, [keys[k] for k in chosen]) if found is not None]
    if not sample:
        found = (one for key in keys if (one := read_sample(key)) is not None)
        sample = [one for one in [next(found, None)] if one is not None]
    if not sample:
        return UNFITTED
    shape = Counter(found for found, _ in sample).most_common(1)[0][0]
    gain = np.ones(shape, np.float32)
    if not settings.flat_fields:
        return Transform(gain, 0.0, 1.0)
    smooth = light(np.stack([one for found, one in sample if found == shape]), shape, settings.smooth_px)
    if not fluorescence:
        return Transform(flat_field(smooth, settings.floor), 0.0, 1.0)
    gain = flat_field(np.maximum(smooth - settings.camera_counts, 0), settings.floor)
    return Transform(gain, 0.0, 1.0, background_offset(smooth, gain))


def check_shape(plane: np.ndarray, shape: tuple[int, ...]) -> None:
    """Raise a `FieldError` if a plane is not of its plate's shape, or the plate has none (`UNFITTED`)."""
    if not all(shape):
        raise FieldError(
            "not_normalized",
            "there is nothing to normalize it by: when that was fitted, not one field of its plate, or of "
            "the plate's control_plate, could be read; mend those, then: snakemake -R normalize_plate",
        )
    if plane.shape != tuple(shape):
        raise FieldError(
            "wrong_shape", f"field of {plane.shape} px on a plate whose fields have {tuple(shape)} px"
        )


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


def normalize(field: Array, gain: Array, black: float, scale: float, offset: Array | None = None) -> Array:
    """Raw counts to [-1, 1]; the same arithmetic for NumPy arrays and PyTorch tensors.

    Parameters
    ----------
    field, gain : array or tensor, (..., H, W), float32
        Raw counts and the plate's gain.
    black, scale : float
        From `Transform.levels`.
    offset : array or tensor, (H, W), float32, optional
        `Transform.offset`.
    """
    corrected = field * gain if offset is None else field * gain + offset
    return ((corrected - black) * scale - 1).clip(-1, 1)


def quality(
    plane: np.ndarray, counts: np.ndarray, transform: Transform, bit_depth: int, settings: Settings
) -> dict[str, float]:
    """Quality of one field, from its histogram and a few of its pixels.

    Parameters
    ----------
    plane : ndarray, (H, W), uint16
        Raw counts.
    counts : ndarray, (65536,), int64
        Its `histogram`.
    transform : Transform
        Gain and offset.

    Returns
    -------
    dict
        ``focus``: variance of the Laplacian over the squared median, on patches in a grid over
        the field, dimensionless, larger is sharper (Pech-Pacheco et al. 2000);
        ``saturated_fraction``: share of pixels at the largest value that `bit_depth` allows;
        ``dark_fraction``: share of corrected pixels under half of their median;
        ``illumination_residual``: 5th to 95th percentile of the medians of 8 x 8 blocks of the
        corrected field, over their median; ``median_counts``: median of the corrected field;
        ``range_counts``: from the low to the high percentile, of the corrected field or of the raw
        one, whichever is less, so that neither the light nor its correction passes for a signal.
    """
    low, median, high = _percentiles(counts, settings.low_percentile, 50, settings.high_percentile)
    limit = 2**bit_depth - 1
    saturated = float((plane >= limit).mean()) if plane.max() >= limit else 0.0
    sharp = laplace(gaussian_filter(_patches(plane).astype(np.float32), (0, 1, 1)), axes=(1, 2))
    blocks = _block_medians(plane, transform)
    return {
        "focus": float(sharp.var()) / max(float(median), 1.0) ** 2,
        "saturated_fraction": saturated,
        "dark_fraction": float(counts[: median // 2].sum() / plane.size),
        "illumination_residual": float(np.ptp(np.quantile(blocks, [0.05, 0.95])) / max(np.median(blocks), 1)),
        "median_counts": float(median),
        "range_counts": float(min(high - low, np.ptp(_raw_levels(plane, settings)))),
    }


def _raw_levels(plane: np.ndarray, settings: Settings) -> np.ndarray:
    """Low and high percentile of the raw counts, of some 256 x 256 of them."""
    step = max(1, min(plane.shape) // 256)
    percents = settings.low_percentile, settings.high_percentile
    return np.percentile(plane[step // 2 :: step, step // 2 :: step], percents, method="inverted_cdf")


def _block_medians(plane: np.ndarray, transform: Transform, n: int = 8) -> np.ndarray:
    """Medians of n x n blocks of a corrected field, of some 128 x 128 of its pixels."""
    if min(plane.shape) < n:
        return plane.astype(np.float32)
    rows, columns = (np.arange(n * max(1, min(side, 128) // n)) for side in plane.shape)
    at = np.ix_(rows * plane.shape[0] // len(rows), columns * plane.shape[1] // len(columns))
    even = plane[at] * transform.gain[at]
    if transform.offset is not None:
        even = even + transform.offset[at]
    blocks = even.reshape(n, len(rows) // n, n, len(columns) // n).swapaxes(1, 2)
    return np.median(blocks.reshape(n * n, -1), axis=1)


def _patches(plane: np.ndarray, side: int = 32, n: int = 6) -> np.ndarray:
    """Patches of a field in a regular grid of n x n, (n * n, side, side), or the whole if it is small."""
    if min(plane.shape) < n * side:
        return plane[None]
    tops, lefts = (np.linspace(0, length - side, n).astype(int) for length in plane.shape)
    return np.stack([plane[top : top + side, left : left + side] for top in tops for left in lefts])
