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

SEPARATED = 4.0
"""Least `separation` of two populations: twice the 2.0 of clean separation (Ashman, Bird & Zepf 1994,
Astron. J. 108:2348, https://doi.org/10.1086/117248), which the two halves of one population reach, too: those
of a normal distribution are 2.6 apart, those of an even one 3.5."""


@dataclass(frozen=True)
class Threshold:
    """A threshold, and how it came about.

    Attributes
    ----------
    counts : float
        Over the background of a field.
    method : str
        One of `METHODS`, or ``fixed``.
    separation : float
        Of the populations below and above it; NaN where one is empty.
    verdict : {'separated', 'none stained', 'not separated', 'given'}
        ``none stained``: nothing is brighter than noise. ``given``: by the configuration.
    """

    counts: float
    method: str
    separation: float
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
) -> Threshold:
    """The threshold of a dye.

    Parameters
    ----------
    method : str or float
        ``controls``: Otsu's threshold of the negative and the positive control wells, which weigh the same;
        ``otsu``: that of the plate; ``auto``: of the controls if there are both, else of the plate;
        ``sigma``: `least`; a number: itself.
    plate : ndarray, (N_BINS,)
        `histogram` of the plate.
    controls : mapping
        ``negative`` and ``positive`` -> `histogram` of these wells, where there are some.
    least : float
        No signal under it is told from noise.

    Examples
    --------
    >>> signals = np.r_[np.full(900, 4.0), np.full(100, 2500.0)]
    >>> found = choose_threshold("auto", histogram(signals), {}, least=30)
    >>> found.method, found.verdict, 30 <= found.counts < 2500
    ('otsu', 'separated', True)
    """
    if not isinstance(method, str):
        return Threshold(float(method), "fixed", separation(plate, float(method)), "given")
    if method == "sigma":
        return Threshold(least, method, separation(plate, least), "given")
    both = [counts for counts in controls.values() if counts.sum()]
    if method == "auto":
        method = "controls" if len(both) == 2 else "otsu"
    pooled = sum(counts / counts.sum() for counts in both) if method == "controls" else plate
    counts = max(otsu(pooled), least)
    apart = separation(pooled, counts)
    if not (above(pooled, counts) and np.isfinite(apart)):
        return Threshold(counts, method, apart, "none stained")
    return Threshold(counts, method, apart, "separated" if apart >= SEPARATED else "not separated")


def otsu(counts: np.ndarray) -> float:
    """Otsu's threshold of a `histogram`, as a signal.

    The middle of those bins that part the same populations. Otsu (1979), IEEE Trans. Syst. Man Cybern. 9:62,
    https://doi.org/10.1109/TSMC.1979.4310076.
    """
    n_below = np.cumsum(counts)[:-1]
    n_above = n_below[-1] + counts[-1] - n_below
    sums = np.cumsum(counts * _CENTRES)
    with np.errstate(invalid="ignore", divide="ignore"):
        between = n_below * n_above * (sums[:-1] / n_below - (sums[-1] - sums[:-1]) / n_above) ** 2
    between = np.nan_to_num(between)
    best = np.flatnonzero(between >= between.max() * (1 - 1e-12))
    return float(_EDGES[(best[0] + best[-1]) // 2 + 1] ** 2)


_EDGES = np.arange(N_BINS + 1) * BIN
_CENTRES = _EDGES[:-1] + BIN / 2


def above(counts: np.ndarray, threshold: float) -> float:
    """How much of a `histogram` is above a threshold."""
    return float(counts[_EDGES[:-1] >= np.sqrt(threshold)].sum())


def separation(counts: np.ndarray, threshold: float) -> float:
    """Distance of the populations below and above a threshold over their spread: Ashman's D.

    NaN where one of them is empty.
    """
    over = _EDGES[:-1] >= np.sqrt(threshold)
    if not (counts[over].sum() and counts[~over].sum()):
        return float("nan")
    means, variances = np.array([_moments(counts * part) for part in (over, ~over)]).T
    return float(np.sqrt(2) * abs(means[0] - means[1]) / max(np.sqrt(variances.sum()), BIN))


def _moments(counts: np.ndarray) -> tuple[float, float]:
    mean = np.average(_CENTRES, weights=counts)
    return float(mean), float(np.average((_CENTRES - mean) ** 2, weights=counts))
