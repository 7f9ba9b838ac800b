"""Dyed wells as auditors: the errors of a label-free reading, and the viability of undyed wells without them.

What is known of an audited well is the number of cells of each state by the reading and by the dye. What an
undyed well is corrected by are six shares (`SHARES`): cells read in the wrong state and cells lost, of the
live and of the dead, and cells read that the dye does not show. Each differs from well to well.

References
----------
Rogan & Gladen (1978), Am. J. Epidemiol. 107:71, https://doi.org/10.1093/oxfordjournals.aje.a112510;
Lang & Reiczigel (2014), Prev. Vet. Med. 113:13, https://doi.org/10.1016/j.prevetmed.2013.09.015.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from scipy.special import betaincinv
from scipy.stats import qmc, t

from livedead.statistics.shares import N_DRAWS, Share

LIVE, DEAD, AMBIGUOUS, NONE = range(4)
"""States along both axes of the counts of a well: [by the reading, by the dye]."""

SHARES = ("live_misread", "dead_misread", "live_lost", "dead_lost", "unknown", "unknown_live")

MIN_WELLS = 4
"""Audited wells that are needed; or audited treatments, to correct wells of another treatment."""

MIN_CELLS = 10
"""Cells of each state, by the dye, that are needed in these wells together."""

TAIL = 0.025
"""Beyond each end of an interval."""

_POINTS = qmc.Sobol(7, scramble=False).random(N_DRAWS) + 0.5 / N_DRAWS
"""Evenly spread quantiles: of each of `SHARES` in an undyed well, and of what is read there."""

_WELLS_AT_ONCE = 1000


class Corrected(NamedTuple):
    """Viability of undyed wells as the dye would show it; NaN where there is a reason."""

    viability: np.ndarray
    low: np.ndarray
    high: np.ndarray
    reason: np.ndarray


def true_viability(read: np.ndarray, shares: Mapping[str, Any]) -> np.ndarray:
    """The viability at which a share `read` of the decided cells is expected to be read as live.

    Of L live and D dead cells, the reading finds ``l = L (1 - live_lost)`` and ``d = D (1 - dead_lost)``, and
    besides these the share ``unknown`` of its cells that the dye does not show. So::

        read = (1 - unknown) (l (1 - live_misread) + d dead_misread) / (l + d) + unknown unknown_live

    Without lost and unknown cells its solution is Rogan and Gladen's
    ``(read - dead_misread) / (1 - live_misread - dead_misread)``.

    Parameters
    ----------
    read : ndarray
    shares : mapping of str -> float or ndarray
        Each of `SHARES`.

    Returns
    -------
    ndarray
        ``L / (L + D)``, 0 to 1; NaN where live and dead cells are read alike.
    """
    known = (read - shares["unknown"] * shares["unknown_live"]) / (1 - shares["unknown"])
    live = (1 - shares["dead_lost"]) * np.maximum(known - shares["dead_misread"], 0)
    dead = (1 - shares["live_lost"]) * np.maximum(1 - shares["live_misread"] - known, 0)
    return np.divide(live, live + dead, out=np.full(np.shape(live + dead), np.nan), where=live + dead > 0)


@dataclass(frozen=True)
class Errors:
    """Errors of the reading in audited wells that are taken to be alike.

    Attributes
    ----------
    counts : ndarray, (n_wells, 4, 4), int
    weights : ndarray, (n_wells,)
        How many independent wells a well stands for.
    """

    counts: np.ndarray
    weights: np.ndarray

    @property
    def pairs(self) -> dict[str, tuple[np.ndarray, np.ndarray]]:
        """Of each of `SHARES`, the cells that it counts and the cells that it is a share of, (n_wells,)."""
        counts = self.counts
        of_dye, decided = counts.sum(1), counts[:, [LIVE, DEAD]].sum(1)
        unknown = decided[:, AMBIGUOUS] + decided[:, NONE]
        pairs = (
            (counts[:, DEAD, LIVE], decided[:, LIVE]),
            (counts[:, LIVE, DEAD], decided[:, DEAD]),
            (of_dye[:, LIVE] - decided[:, LIVE], of_dye[:, LIVE]),
            (of_dye[:, DEAD] - decided[:, DEAD], of_dye[:, DEAD]),
            (unknown, decided.sum(1)),
            (counts[:, LIVE, AMBIGUOUS] + counts[:, LIVE, NONE], unknown),
        )
        return dict(zip(SHARES, pairs, strict=True))

    @cached_property
    def shares(self) -> dict[str, Share]:
        """Each of `SHARES`."""
        return {name: Share.fit(*pair, self.weights) for name, pair in self.pairs.items()}

    @cached_property
    def pooled(self) -> dict[str, float]:
        """`shares` of all cells together; 0 where there are none."""
        return {name: float(np.nan_to_num(share.pooled)) for name, share in self.shares.items()}

    @cached_property
    def draws(self) -> dict[str, np.ndarray]:
        """Evenly likely errors of a further well, (1, n_draws) each."""
        return {name: self.shares[name].at(_POINTS[:, k])[None] for k, name in enumerate(SHARES)}

    @property
    def n_cells(self) -> tuple[int, int]:
        """Cells, live and dead by the dye, of which the reading says a state."""
        decided = self.counts[:, [LIVE, DEAD]].sum((0, 1))
        return int(decided[LIVE]), int(decided[DEAD])

    def shortage(self, unit: str = "wells") -> str:
        """What is missing to know these errors; empty if nothing is."""
        n_units, (n_live, n_dead) = round(self.weights.sum()), self.n_cells
        if n_units >= MIN_WELLS and min(n_live, n_dead) >= MIN_CELLS:
            return ""
        return (
            f"{n_units} audited {unit} with {n_live} live and {n_dead} dead cells; "
            f"needed are {MIN_WELLS} with {MIN_CELLS} of each"
        )

    @cached_property
    def failure(self) -> str:
        """Why nothing can be corrected although these errors are known; empty if it can."""
        by_chance = (self.draws["live_misread"] + self.draws["dead_misread"] >= 1).mean()
        if by_chance <= TAIL:
            return ""
        index = 1 - self.pooled["live_misread"] - self.pooled["dead_misread"]
        return (
            f"live and dead may be read no better than by chance: "
            f"sensitivity + specificity - 1 is {index:.2f}, and not above 0 in {by_chance:.0%} of such wells"
        )

    def correct(self, n_live: np.ndarray, n_decided: np.ndarray) -> np.ndarray:
        """Viability, and the ends of its interval, (3, n_wells), of wells in which cells were read."""
        viability = true_viability(n_live / n_decided, self.pooled)
        misses = (n_decided - n_live)[:, None] + 0.5
        drawn = true_viability(betaincinv(n_live[:, None] + 0.5, misses, _POINTS[:, len(SHARES)]), self.draws)
        low = np.quantile(np.nan_to_num(drawn, nan=0), TAIL, axis=1)
        high = np.quantile(np.nan_to_num(drawn, nan=1), 1 - TAIL, axis=1)
        return np.stack([viability, np.fmin(low, viability), np.fmax(high, viability)])

    def summary(self) -> dict[str, Any]:
        """Sensitivity for dead, specificity, and bias of the counts, with their intervals.

        Returns
        -------
        dict
            ``n_wells, n_live, n_dead`` (decided cells, by the dye); ``sensitivity`` and ``specificity`` (dead
            cells read as dead, live ones read as live, among those read as either: all cells together, and
            the interval of the mean over wells); ``spread`` (the larger of `Share.spread` of their
            complements); ``total_bias, live_bias, dead_bias`` (of `count_bias`); all with ``_low, _high``.
        """
        n_live, n_dead = self.n_cells
        found: dict[str, Any] = {"n_wells": len(self.counts), "n_live": n_live, "n_dead": n_dead}
        misread = {"sensitivity": self.shares["dead_misread"], "specificity": self.shares["live_misread"]}
        for name, share in misread.items():
            found |= {name: 1 - share.pooled, f"{name}_low": 1 - share.high, f"{name}_high": 1 - share.low}
        found["spread"] = max(share.spread for share in misread.values())
        for name, states in (("total", [LIVE, DEAD, AMBIGUOUS]), ("live", [LIVE]), ("dead", [DEAD])):
            read, dyed = self.counts[:, states].sum((1, 2)), self.counts[:, :, states].sum((1, 2))
            for end, value in zip(("", "_low", "_high"), count_bias(read, dyed), strict=True):
                found[f"{name}_bias{end}"] = value
        return found


@dataclass(frozen=True)
class Audit:
    """Errors of a plate's label-free reading.

    Attributes
    ----------
    everywhere : Errors
        Of all audited wells.
    of_treatment : dict of str -> Errors
        Of the wells of each treatment; empty if treatments were not told apart.
    """

    everywhere: Errors
    of_treatment: dict[str, Errors]

    def errors(self, treatment: str | None) -> tuple[Errors, str]:
        """The errors by which wells of a treatment are corrected, or the reason why they are not.

        A treatment is judged by its own audited wells if these are enough, whatever others say. Else it is
        taken as one more draw from treatments that differ as the audited ones do, if these are enough.
        """
        own = self.of_treatment.get(treatment or "")
        if own is not None and not own.shortage():
            return own, own.failure
        missing = self.everywhere.shortage("treatments" if self.of_treatment else "wells")
        if not missing:
            return self.everywhere, self.everywhere.failure
        if not self.of_treatment:
            return self.everywhere, missing
        of_own = own.shortage() if own is not None else "no audited wells"
        return self.everywhere, f"this treatment has {of_own}; to speak for it there are {missing}"

    def correct(
        self,
        n_live: np.ndarray,
        n_dead: np.ndarray,
        groups: Sequence[str] | np.ndarray | None = None,
        design_effect: np.ndarray | float = 1.0,
    ) -> Corrected:
        """Viability of undyed wells as the dye would show it, with 95 % intervals.

        Like `livedead.statistics.intervals.viability_interval`, the interval is one for the expected
        viability of the well, of which its imaged cells are a sample. It is the middle 95 % of
        `true_viability` over 512 evenly spread draws (a Sobol sequence, so equal counts give equal
        numbers) of the six shares in a further well (`Share`) and of the share read as live
        (Jeffreys' beta distribution, on the effective number of cells). The viability itself is
        `true_viability` at the shares of all audited cells together.

        Parameters
        ----------
        n_live, n_dead : ndarray, (n_wells,), int
            Cells of each state by the reading.
        groups : sequence of str, (n_wells,), optional
            Treatment of each well.
        design_effect : float or ndarray, (n_wells,)
            From `livedead.statistics.intervals.design_effect`.

        Returns
        -------
        Corrected
            Arrays (n_wells,).
        """
        n_live, n_decided = np.asarray(n_live, float), np.asarray(n_live + n_dead, float)
        names = np.asarray([None] * len(n_live) if groups is None else groups, dtype=object)
        values = np.full((3, len(n_live)), np.nan)
        reason = np.where(n_decided > 0, "", "no cells were read as live or dead").astype(object)
        effect = np.broadcast_to(np.asarray(design_effect, float), n_live.shape)
        for name in dict.fromkeys(names):
            chosen = np.flatnonzero((names == name) & (n_decided > 0))
            errors, why_not = self.errors(name)
            if why_not:
                reason[chosen] = why_not
                continue
            for wells in np.split(chosen, range(_WELLS_AT_ONCE, len(chosen), _WELLS_AT_ONCE)):
                values[:, wells] = errors.correct(
                    n_live[wells] / effect[wells], n_decided[wells] / effect[wells]
                )
        viability, low, high = values
        return Corrected(viability, low, high, reason)

    def summary(self) -> pd.DataFrame:
        """`Errors.summary` of all wells and of each treatment, and the ``reason`` why it corrects none."""
        rows = [{"treatment": "", **self.everywhere.summary(), "reason": self.errors(None)[1]}]
        for name, errors in self.of_treatment.items():
            rows.append({"treatment": name, **errors.summary(), "reason": self.errors(name)[1]})
        return pd.DataFrame(rows)


def fit_audit(counts: np.ndarray, groups: Sequence[str] | np.ndarray | None = None) -> Audit:
    """The errors of the reading, from wells that were read both ways.

    Parameters
    ----------
    counts : ndarray, (n_wells, 4, 4), int
        Cells by the state that was read and by the state that the dye shows: live, dead, ambiguous, none.
    groups : sequence of str, (n_wells,), optional
        Treatment of each well. Each treatment then also gets errors of its own, and in those of all wells
        together a treatment counts as much as one well.
    """
    counts = np.asarray(counts)
    if groups is None:
        return Audit(Errors(counts, np.ones(len(counts))), {})
    names, group, sizes = np.unique(np.asarray(groups, dtype=str), return_inverse=True, return_counts=True)
    of_treatment = {str(name): Errors(counts[group == k], np.ones(sizes[k])) for k, name in enumerate(names)}
    return Audit(Errors(counts, 1 / sizes[group]), of_treatment)


def count_bias(read: np.ndarray, dyed: np.ndarray) -> tuple[float, float, float]:
    """Sum of counts relative to a reference, minus 1, with its 95 % interval.

    Parameters
    ----------
    read, dyed : ndarray, (n_wells,)

    Returns
    -------
    bias, low, high : float
        The interval is one of the logarithm of the ratio, by linearization over wells and Student's t; NaN
        with fewer than two wells.

    References
    ----------
    Cochran (1977), Sampling Techniques, 3rd edition, section 6.
    """
    n, total = len(read), read.sum()
    if not total or not dyed.sum():
        return np.nan, np.nan, np.nan
    ratio = total / dyed.sum()
    if n < 2:
        return ratio - 1, np.nan, np.nan
    error = np.sqrt(n / (n - 1) * ((read - ratio * dyed) ** 2).sum()) / total
    low, high = ratio * np.exp(np.array([-1, 1]) * t.ppf(1 - TAIL, n - 1) * error)
    return ratio - 1, low - 1, high - 1
