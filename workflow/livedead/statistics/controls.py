"""How well a plate separates its negative (untreated) from its positive (killed) controls."""

from collections.abc import Callable

import numpy as np

from livedead.statistics.bootstrap import SEED, percentile_interval, resampled

MAD_TO_SD = 1.482602218505602
"""1 / norm.ppf(0.75): standard deviation of a normal distribution over its median absolute deviation
(Rousseeuw & Croux 1993, J. Am. Stat. Assoc. 88:1273, https://doi.org/10.1080/01621459.1993.10476408)."""

Measure = Callable[[np.ndarray, np.ndarray], np.ndarray]


def z_prime(negative: np.ndarray, positive: np.ndarray) -> np.ndarray:
    """``1 - 3 (s_n + s_p) / |m_n - m_p|``, over the last axis.

    References
    ----------
    Zhang, Chung & Oldenburg (1999), J. Biomol. Screen. 4:67,
    https://doi.org/10.1177/108705719900400206.
    """
    spread = negative.std(-1, ddof=1) + positive.std(-1, ddof=1)
    return 1 - 3 * spread / np.abs(negative.mean(-1) - positive.mean(-1))


def robust_z_prime(negative: np.ndarray, positive: np.ndarray) -> np.ndarray:
    """`z_prime` of medians and scaled median absolute deviations, over the last axis."""
    spread = _scaled_mad(negative) + _scaled_mad(positive)
    return 1 - 3 * spread / np.abs(np.median(negative, -1) - np.median(positive, -1))


def _scaled_mad(values: np.ndarray) -> np.ndarray:
    return MAD_TO_SD * np.median(np.abs(values - np.median(values, -1, keepdims=True)), -1)


def ssmd(negative: np.ndarray, positive: np.ndarray) -> np.ndarray:
    """Strictly standardized mean difference, negative minus positive, over the last axis.

    References
    ----------
    Zhang (2007), Genomics 89:552, https://doi.org/10.1016/j.ygeno.2007.01.003.
    """
    variance = negative.var(-1, ddof=1) + positive.var(-1, ddof=1)
    return (negative.mean(-1) - positive.mean(-1)) / np.sqrt(variance)


MEASURES: dict[str, Measure] = {"z_prime": z_prime, "robust_z_prime": robust_z_prime, "ssmd": ssmd}


def separation(negative: np.ndarray, positive: np.ndarray, level: float = 0.95) -> dict[str, float]:
    """Z', robust Z' and SSMD with bootstrap intervals over the control wells.

    Plates have few control wells, and with eight of each kind percentile intervals cover the
    true value in only three of four cases. So deviations from the mean are widened by
    ``sqrt(n / (n - 1))``, and the interval is the basic one on the logarithm of the measure's
    ratio (spread over difference, or difference over spread): this covers it in 90 to 95 % of
    cases with six or more wells of each kind.

    Parameters
    ----------
    negative, positive : ndarray, (n_wells,)
        One value per well; missing values are left out.
    level : float
        Of the intervals.

    Returns
    -------
    dict
        ``z_prime, z_prime_low, z_prime_high``, and the same for ``robust_z_prime`` and ``ssmd``;
        NaN with fewer than two wells of either kind, intervals NaN with fewer than three.

    References
    ----------
    Davison & Hinkley (1997), Bootstrap Methods and their Application, sections 2.3 and 5.2.

    Examples
    --------
    >>> found = separation(np.array([0.90, 0.94, 0.96, 0.92]), np.array([0.04, 0.08, 0.06]))
    >>> round(found["z_prime"], 2), round(found["ssmd"], 2)
    (0.84, 26.64)
    >>> found["z_prime_low"] < found["z_prime"] < found["z_prime_high"]
    True
    """
    negative, positive = negative[~np.isnan(negative)], positive[~np.isnan(positive)]
    fewest = min(len(negative), len(positive))
    names = [f"{name}{end}" for name in MEASURES for end in ("", "_low", "_high")]
    found = dict.fromkeys(names, float("nan"))
    if fewest < 2:
        return found
    rng = np.random.default_rng(SEED)
    drawn = [resampled(_widened(values), rng) for values in (negative, positive)]
    # A resample may draw the same well throughout: no spread, or no difference.
    with np.errstate(divide="ignore", invalid="ignore"):
        for name, measure in MEASURES.items():
            found[name] = float(measure(negative, positive))
            if fewest < 3:
                continue
            samples = measure(*drawn)
            if name == "ssmd":
                low, high = _basic_interval(found[name], samples, level)
            else:
                ratio_low, ratio_high = _basic_interval((1 - found[name]) / 3, (1 - samples) / 3, level)
                low, high = 1 - 3 * ratio_high, 1 - 3 * ratio_low
            found |= {f"{name}_low": low, f"{name}_high": high}
    return found


def _widened(values: np.ndarray) -> np.ndarray:
    """The values spread out so that their resamples have the unbiased variance."""
    n = len(values)
    return values.mean() + np.sqrt(n / (n - 1)) * (values - values.mean())


def _basic_interval(estimate: float, samples: np.ndarray, level: float) -> tuple[float, float]:
    """Basic bootstrap interval, on the logarithm unless the sign itself is uncertain."""
    low, high = percentile_interval(samples[np.isfinite(samples)], level)
    if low * estimate > 0 and high * estimate > 0:
        return estimate**2 / high, estimate**2 / low
    return 2 * estimate - high, 2 * estimate - low


def alarm(negative_viability: float, positive_viability: float) -> str:
    """What is wrong with the controls: swapped dyes or channels, or a mislabelled plate map.

    Parameters
    ----------
    negative_viability, positive_viability : float
        Of all cells of the negative and of the positive controls; NaN without any.

    Returns
    -------
    str
        ``controls_reversed``, ``negative_controls_dead``, ``positive_controls_alive`` or ``""``.
    """
    dead, alive = negative_viability < 0.5, positive_viability > 0.5
    if dead and alive:
        return "controls_reversed"
    return "negative_controls_dead" if dead else "positive_controls_alive" if alive else ""
