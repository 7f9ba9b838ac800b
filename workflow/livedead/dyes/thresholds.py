"""Thresholds from the histograms of a plate: pure arithmetic.

Histograms count square roots of signals, which even out the noise of counted photons (Anscombe 1948,
Biometrika 35:246, https://doi.org/10.1093/biomet/35.3-4.246), and in which a dim population is as wide as a
bright one.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

METHODS = ("auto", "controls", "otsu", "sigma")

BIN = 0.05
"""Width of a bin, in square roots of counts."""

N_BINS = 12_000
"""Up to 360,000 counts: the camera's limit, times the largest gain."""

NEAR = 0.8, 1.25
"""A signal is near a threshold if it is between so many times of it: the answer hangs on these."""

MAX_NEAR = 0.35
"""Two populations are apart if there are at most this many signals near the threshold for one in the smaller
of them. In one population, cut anywhere, there are 0.45 (even from 0 to its maximum) to 1.2 (normal, with a
standard deviation of a quarter of its mean)."""

MAX_NEAR_OF_PIXELS = 0.5
"""The same of pixels: the rims of nuclei fill the valley between the background and the stained ones. Sharp,
blurred and hazy nuclei had 0.06 to 0.42, bleed-through and haze alone 0.58 to 9.9."""


@dataclass(frozen=True)
class Threshold:
    """A threshold, and how it came about.

    Attributes
    ----------
    counts : float
        Over the background of a field.
    method : str
        One of `METHODS`, or ``fixed``.
    near : float
        Signals near it for one in the smaller of the two populations; NaN where one is empty.
    verdict : {'separated', 'none stained', 'not separated', 'given'}
        ``none stained``: nothing is brighter than noise. ``given``: by the configuration.
    """

    counts: float
    method: str
    near: float
    verdict: str

    @property
    def holds(self) -> bool:
        """Whether what is above the threshold may be counted."""
        return self.verdict != "not separated"


def histogram(signal: np.ndarray) -> np.ndarray:
    """How often each square root of a signal occurs, (N_BINS,) int64; what is below 0 is 0."""
    bins = (np.sqrt(np.maximum(signal, 0)) / BIN).astype(np.intp).ravel()
    return np.bincount(np.minimum(bins, N_BINS - 1), minlength=N_BINS)


def choose_threshold(
    method: str | float,
    plate: np.ndarray,
    controls: Mapping[str, np.ndarray],
    least: float,
    of_cells: bool,
) -> Threshold:
    """The threshold of a dye.

    Parameters
    ----------
    method : str or float
        ``otsu``: Otsu's threshold of the plate; ``controls``, ``auto``: that of the negative and the positive
        control wells, which weigh the same, or of the plate where one of them has no signals. Of cells it
        is the `valley` of the plate that is next to it. ``sigma``: `least`; a number: itself.
    plate : ndarray, (N_BINS,)
        `histogram` of the plate.
    controls : mapping
        ``negative`` and ``positive`` -> `histogram` of these wells, where there are some.
    least : float
        No signal under it is told from noise.
    of_cells : bool
        Whether signals are those of cells; else of pixels.

    Examples
    --------
    >>> signals = np.r_[np.full(900, 4.0), np.full(100, 2500.0)]
    >>> found = choose_threshold("auto", histogram(signals), {}, least=30, of_cells=True)
    >>> found.method, found.verdict, 30 <= found.counts < 2500
    ('otsu', 'separated', True)
    """
    if not isinstance(method, str):
        return Threshold(float(method), "fixed", nearness(plate, float(method)), "given")
    if method == "sigma":
        return Threshold(least, method, nearness(plate, least), "given")
    both = [counts for counts in controls.values() if counts.sum()]
    if method in ("auto", "controls"):
        method = "controls" if len(both) == 2 else "otsu"
    apart = sum(counts / counts.sum() for counts in both) if method == "controls" else plate
    counts = max(valley(plate, otsu(apart)) if of_cells else otsu(apart), least)
    near = nearness(plate, counts)
    if not plate[_EDGES[:-1] >= np.sqrt(counts)].any():
        verdict = "none stained"
    else:
        verdict = "separated" if near <= (MAX_NEAR if of_cells else MAX_NEAR_OF_PIXELS) else "not separated"
    return Threshold(counts, method, near, verdict)


def otsu(counts: np.ndarray) -> float:
    """Otsu's threshold of a `histogram`, as a signal.

    The middle of those bins that part the same populations; 0 where all signals are equal. Otsu (1979), IEEE
    Trans. Syst. Man Cybern. 9:62, https://doi.org/10.1109/TSMC.1979.4310076.
    """
    n_below = np.cumsum(counts)[:-1]
    n_above = n_below[-1] + counts[-1] - n_below
    sums = np.cumsum(counts * _CENTRES)
    with np.errstate(invalid="ignore", divide="ignore"):
        between = n_below * n_above * (sums[:-1] / n_below - (sums[-1] - sums[:-1]) / n_above) ** 2
    between = np.nan_to_num(between)
    if not between.any():
        return 0.0
    best = np.flatnonzero(between >= between.max() * (1 - 1e-12))
    return float(_EDGES[(best[0] + best[-1]) // 2 + 1] ** 2)


_EDGES = np.arange(N_BINS + 1) * BIN
_CENTRES = _EDGES[:-1] + BIN / 2


def valley(counts: np.ndarray, first: float) -> float:
    """The threshold between two populations of a `histogram` that the fewest signals are near.

    Parameters
    ----------
    counts : ndarray, (N_BINS,)
    first : float
        A threshold that parts the populations, such as Otsu's. That lies midway between their means, and so
        within the wider one; the valley is looked for between these. Of equals it is the middle one.
    """
    below = _EDGES[:-1] < np.sqrt(first)
    if not (counts[below].sum() and counts[~below].sum()):
        return first
    means = [float(np.average(_CENTRES, weights=counts * part)) for part in (below, ~below)]
    first_bin, last_bin = np.searchsorted(_EDGES, means)
    candidates = _EDGES[first_bin:last_bin]
    near = _number_near(counts, candidates**2)
    best = np.flatnonzero(near == near.min())
    return float(candidates[best[len(best) // 2]] ** 2)


def nearness(counts: np.ndarray, threshold: float) -> float:
    """Signals of a `histogram` near a threshold for one in the smaller population; NaN if that is empty."""
    over = counts[_EDGES[:-1] >= np.sqrt(threshold)].sum()
    smaller = min(over, counts.sum() - over)
    return float(_number_near(counts, np.array([threshold]))[0] / smaller) if smaller else float("nan")


def _number_near(counts: np.ndarray, thresholds: np.ndarray) -> np.ndarray:
    """How many signals are near each of several thresholds."""
    below = np.append(0, np.cumsum(counts))
    low, high = (np.searchsorted(_EDGES, np.sqrt(scale * thresholds)) for scale in NEAR)
    return below[np.minimum(high, N_BINS)] - below[np.minimum(low, N_BINS)]
