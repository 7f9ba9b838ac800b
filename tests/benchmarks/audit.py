"""How often the interval of a corrected viability holds the truth, and how wide it is, by method.

``PYTHONPATH=workflow nice python tests/benchmarks/audit.py --audits 200``

Audits and undyed wells are simulated with errors that differ from well to well, by a normal distribution of
their logits: not the distribution that the method assumes. The truth is the expected viability of each
undyed well.
"""

import argparse
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.special import expit, logit
from scipy.stats import norm, t

from livedead.statistics.audits import SHARES, Errors, fit_audit

VIABILITIES = np.array([0.02, 0.1, 0.3, 0.5, 0.7, 0.9, 0.98])
"""Of the undyed wells, one each an audit."""


@dataclass(frozen=True)
class Scenario:
    """A plate; spreads are standard deviations of the logit of a rate between wells (treatments)."""

    wells: int = 8
    cells: int = 200
    undyed_cells: int = 200
    sensitivity: float = 0.9
    specificity: float = 0.95
    spread: float = 0.5
    opposed: float = 0.0
    """Correlation: where more live cells are read as dead, fewer dead ones are read as live."""
    found: tuple[float, float] = (1.0, 1.0)
    """Live and dead cells of which the reading says a state."""
    unknown: tuple[float, float] = (0.0, 0.0)
    """Specks read as live and as dead cells, per cell."""
    audited: tuple[float, ...] = ()
    """Viabilities of the audited wells, in turn; else even from 0.02 to 0.98."""
    treatments: int = 0
    treatment_spread: float = 0.0
    same_treatment: bool = True
    """Whether the undyed wells are of an audited treatment, or of one of their own."""
    told_apart: bool = True
    """Whether the audit is told the treatments."""
    shift: float = 0.0
    """Of the logit of both error rates in the undyed wells, which the audit cannot know."""


SCENARIOS = {
    "as usual": Scenario(),
    "4 wells": Scenario(wells=4),
    "4 wells, equal": Scenario(wells=4, spread=0),
    "4 wells, very unequal": Scenario(wells=4, spread=1),
    "4 wells of 20 cells": Scenario(wells=4, cells=20, undyed_cells=20),
    "5 wells of 10 cells": Scenario(wells=5, cells=10, undyed_cells=10),
    "6 wells": Scenario(wells=6),
    "12 wells": Scenario(wells=12),
    "24 wells": Scenario(wells=24),
    "24 wells, equal": Scenario(wells=24, spread=0),
    "24 wells, very unequal": Scenario(wells=24, spread=1),
    "equal": Scenario(spread=0),
    "a little unequal": Scenario(spread=0.25),
    "very unequal": Scenario(spread=1),
    "20 cells": Scenario(cells=20, undyed_cells=20),
    "2,000 cells": Scenario(cells=2000, undyed_cells=2000),
    "2,000 cells, equal": Scenario(cells=2000, undyed_cells=2000, spread=0),
    "20 cells audited, 2,000 not": Scenario(cells=20, undyed_cells=2000),
    "rates of 0.99": Scenario(sensitivity=0.99, specificity=0.99),
    "rates of 0.8": Scenario(sensitivity=0.8, specificity=0.8),
    "0.99 and 0.8": Scenario(sensitivity=0.8, specificity=0.99),
    "opposed errors": Scenario(opposed=0.9),
    "opposed errors, 2,000 cells": Scenario(opposed=0.9, cells=2000, undyed_cells=2000),
    "controls audited": Scenario(audited=(0.97, 0.05)),
    "controls audited, 4 wells": Scenario(audited=(0.97, 0.05), wells=4),
    "live wells audited": Scenario(audited=(0.97, 0.9, 0.85)),
    "dead cells lost": Scenario(found=(0.97, 0.8)),
    "half of the dead cells lost": Scenario(found=(0.97, 0.5)),
    "specks": Scenario(unknown=(0.01, 0.05)),
    "4 treatments": Scenario(wells=16, treatments=4, treatment_spread=0.7),
    "8 treatments": Scenario(treatments=8, treatment_spread=0.7),
    "new of 4 treatments": Scenario(wells=8, treatments=4, treatment_spread=0.7, same_treatment=False),
    "new of 8 treatments": Scenario(treatments=8, treatment_spread=0.7, same_treatment=False),
    "new of 2 treatments": Scenario(treatments=2, treatment_spread=0.7, same_treatment=False),
    "new of 2, not told apart": Scenario(
        treatments=2, treatment_spread=0.7, same_treatment=False, told_apart=False
    ),
    "unaudited, errors thrice": Scenario(shift=np.log(3)),
}


@dataclass(frozen=True)
class Simulated:
    """One audit: counts and treatments of its wells; counts of undyed wells of `VIABILITIES`."""

    counts: np.ndarray
    treatments: np.ndarray | None
    n_live: np.ndarray
    n_dead: np.ndarray
    undyed_treatments: np.ndarray | None


def simulate(scenario: Scenario, rng: np.random.Generator) -> Simulated:
    """Draw the treatments' errors, the wells' errors around them, and the cells."""
    many = max(scenario.treatments, 1)
    of_treatment = scenario.treatment_spread * rng.standard_normal((2, many + 1))
    audited = np.arange(scenario.wells) % many
    undyed = (
        rng.integers(0, many, len(VIABILITIES))
        if scenario.same_treatment
        else np.full(len(VIABILITIES), many)
    )
    viability = rng.permutation(
        np.resize(scenario.audited or np.linspace(0.02, 0.98, scenario.wells), scenario.wells)
    )
    counts = _wells(scenario, viability, scenario.cells, of_treatment[:, audited], rng)
    seen = _wells(
        scenario, VIABILITIES, scenario.undyed_cells, of_treatment[:, undyed] + scenario.shift, rng
    )[:, :2].sum(2)
    told = scenario.treatments and scenario.told_apart
    return Simulated(
        counts, audited.astype(str) if told else None, *seen.T, undyed.astype(str) if told else None
    )


def _wells(
    scenario: Scenario, viability: np.ndarray, cells: int, shift: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
    """Counts, (n_wells, 4, 4): [by the reading, by the dye]."""
    n = len(viability)
    first, second = rng.standard_normal((2, n))
    second = np.sqrt(1 - scenario.opposed**2) * second - scenario.opposed * first
    size = np.maximum(rng.poisson(cells * rng.gamma(8, 1 / 8, n)), 1)
    counts = np.zeros((n, 4, 4), int)
    of_dye = rng.binomial(size, viability)
    of_dye = np.stack([of_dye, size - of_dye])
    rates = (1 - scenario.specificity, 1 - scenario.sensitivity)
    for state, (rate, deviation, found) in enumerate(
        zip(rates, (first, second), scenario.found, strict=True)
    ):
        misread = expit(logit(rate) + scenario.spread * deviation + shift[state])
        share = 1.0 if found == 1 else expit(logit(found) + 0.3 * rng.standard_normal(n))
        decided = rng.binomial(of_dye[state], share)
        counts[:, 1 - state, state] = rng.binomial(decided, misread)
        counts[:, state, state] = decided - counts[:, 1 - state, state]
        counts[:, 3, state] = of_dye[state] - decided
        counts[:, state, 3] = rng.poisson(scenario.unknown[state] * size)
    return counts


Interval = tuple[np.ndarray, np.ndarray]


def random_effects(found: Simulated) -> Interval:
    """The chosen method: Rogan-Gladen over draws of beta-binomial errors."""
    audit = fit_audit(found.counts, found.treatments)
    corrected = audit.correct(found.n_live, found.n_dead, found.undyed_treatments)
    return corrected.low, corrected.high


def difference(found: Simulated) -> Interval:
    """Read minus true viability of the audited wells, subtracted (Angelopoulos et al. 2023, by wells)."""
    read, true = _viabilities(found.counts)
    bias, k = read - true, len(read)
    n, viability = found.n_live + found.n_dead, found.n_live / (found.n_live + found.n_dead)
    centre = viability - bias.mean()
    shrunk = (np.clip(centre, 0, 1) * n + 2) / (n + 4)
    half = t.ppf(0.975, k - 1) * np.sqrt(bias.var(ddof=1) * (1 + 1 / k) + shrunk * (1 - shrunk) / n)
    return np.clip(centre - half, 0, 1), np.clip(centre + half, 0, 1)


def delta(found: Simulated) -> Interval:
    """Rogan-Gladen; variance between wells by moments, propagated by the delta method."""
    errors = Errors(found.counts, np.ones(len(found.counts)))
    rates, variances = [], []
    for name in SHARES[:2]:
        hits, cells = errors.pairs[name]
        rate, k = hits.sum() / cells.sum(), (cells > 0).sum()
        of_mean = k / (k - 1) * ((hits - cells * rate) ** 2).sum() / cells.sum() ** 2
        sampled = rate * (1 - rate) / cells.sum()
        between = max(of_mean - sampled, 0) * cells.sum() ** 2 / (cells**2).sum()
        rates.append(rate)
        variances.append(max(of_mean, sampled) + between)
    n, read = found.n_live + found.n_dead, found.n_live / (found.n_live + found.n_dead)
    index = 1 - sum(rates)
    viability = (read - rates[1]) / index
    variance = read * (1 - read) / n + viability**2 * variances[0] + (1 - viability) ** 2 * variances[1]
    half = norm.ppf(0.975) * np.sqrt(variance) / abs(index)
    return np.clip(viability - half, 0, 1), np.clip(viability + half, 0, 1)


def regression(found: Simulated) -> Interval:
    """Logit of the true on the logit of the read viability over audited wells."""
    x, y = (logit(np.clip(values, 0.005, 0.995)) for values in _viabilities(found.counts))
    centred, k = x - x.mean(), len(x)
    slope = centred @ y / (centred**2).sum()
    variance = ((y - y.mean() - slope * centred) ** 2).sum() / (k - 2)
    n = found.n_live + found.n_dead
    new = logit((found.n_live + 0.5) / (n + 1)) - x.mean()
    fitted = y.mean() + slope * new
    share = np.clip(expit(fitted), 0.02, 0.98)
    spread = variance * (1 + 1 / k + new**2 / (centred**2).sum()) + 1 / (n * share * (1 - share))
    half = t.ppf(0.975, k - 2) * np.sqrt(spread)
    return expit(fitted - half), expit(fitted + half)


def _viabilities(counts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Read and true, of the wells that have both."""
    read, true = counts[:, :2].sum(2), counts[:, :, :2].sum(1)
    both = (read.sum(1) > 0) & (true.sum(1) > 0)
    return read[both, 0] / read[both].sum(1), true[both, 0] / true[both].sum(1)


METHODS: dict[str, Callable[[Simulated], Interval]] = {
    "random effects": random_effects,
    "difference": difference,
    "delta method": delta,
    "regression": regression,
}


def coverage(scenario: Scenario, methods: Sequence[str], n_audits: int, seed: int = 0) -> pd.DataFrame:
    """A row a method: share of intervals that hold the truth, of all and at each viability; their width."""
    rng = np.random.default_rng(seed)
    found: dict[str, list[Interval]] = {name: [] for name in methods}
    for _ in range(n_audits):
        simulated = simulate(scenario, rng)
        for name in methods:
            with np.errstate(divide="ignore", invalid="ignore"):
                found[name].append(METHODS[name](simulated))
    rows = []
    for name, intervals in found.items():
        low, high = (pd.DataFrame(ends, columns=VIABILITIES) for ends in zip(*intervals, strict=True))
        held = (low.le(VIABILITIES) & high.ge(VIABILITIES)).where(low.notna()).astype(float)
        row = {
            "method": name,
            "coverage": held.stack().mean(),
            "width": (high - low).stack().mean(),
            "refused": low.isna().to_numpy().mean(),
        }
        rows.append(row | held.mean().to_dict())
    return pd.DataFrame(rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--audits", type=int, default=200, help="simulated, in each scenario")
    parser.add_argument("--methods", nargs="+", default=list(METHODS), choices=METHODS)
    parser.add_argument("--scenarios", nargs="+", default=list(SCENARIOS), choices=SCENARIOS)
    chosen = parser.parse_args()
    for number, name in enumerate(chosen.scenarios):
        table = coverage(SCENARIOS[name], chosen.methods, chosen.audits)
        table.insert(0, "scenario", name)
        print(
            table.to_string(index=False, header=number == 0, float_format="{:.3f}".format, col_space=6),
            flush=True,
        )


if __name__ == "__main__":
    main()
