"""How often the interval of a plate's share of disagreement holds the truth, and how wide it is, by method.

``PYTHONPATH=workflow nice python tests/benchmarks/review.py --plates 500``

Plates have 6,000 cells in strata of state and confidence, of which some are judged, as the rule draws them.
Errors are alike everywhere, or more frequent among unsure cells or dead calls; last, in a few fields.
"""

import argparse
from collections.abc import Callable
from itertools import product

import numpy as np
import pandas as pd
from scipy.stats import beta, norm

from livedead.statistics.strata import divide, estimate_share

Z = norm.ppf(0.975)
N_CELLS = 6000
PLATES = {
    "viability 0.5": (0.25, 0.25, 0.25, 0.25),
    "viability 0.9": (0.45, 0.45, 0.05, 0.05),
    "viability 0.98": (0.49, 0.49, 0.01, 0.01),
    "no confidence, 0.8": (0.8, 0.2),
    "ambiguous cells": (0.4, 0.4, 0.07, 0.07, 0.06),
}
"""Shares of the strata: live unsure, live sure, dead unsure, dead sure, ambiguous."""

ERRORS = {
    "alike": (1, 1, 1, 1, 1),
    "where unsure": (10, 1, 10, 1, 10),
    "of dead calls": (1, 1, 6, 6, 1),
}
"""How many times as frequent errors are in each stratum."""

SHARES = (0.005, 0.02, 0.05, 0.15, 0.3)
JUDGED = (50, 100, 200, 400)


def wald(sizes, n, d):
    w, p = sizes / sizes.sum(), d / n
    half = Z * np.sqrt(w**2 @ ((1 - n / sizes) * p * (1 - p) / np.maximum(n - 1, 1)))
    return w @ p - half, w @ p + half


def wilson(p, n, z):
    centre, half = p + z**2 / (2 * n), z * np.sqrt(p * (1 - p) / n + z**2 / (4 * n**2))
    return (centre - half) / (1 + z**2 / n), (centre + half) / (1 + z**2 / n)


def stratified_wilson(sizes, n, d):
    """Yan & Su (2010), J. Biopharm. Stat. 20:2, with the plate's weights."""
    w, p = sizes / sizes.sum(), d / n
    deviations = w * np.sqrt(p * (1 - p) / n)
    z = Z * np.sqrt((deviations**2).sum()) / deviations.sum() if deviations.sum() else Z / np.sqrt(len(n))
    low, high = wilson(p, n, z)
    return w @ low, w @ high


def effective_wilson(sizes, n, d):
    """Wilson's on the effective number of cells (Korn & Graubard 1998); on all of them without a hit."""
    w, p = sizes / sizes.sum(), d / n
    variance = w**2 @ (p * (1 - p) / n)
    share = w @ p
    return wilson(share, share * (1 - share) / variance if variance else n.sum(), Z)


def jeffreys(sizes, n, d):
    """Posterior of the weighted sum, each stratum with Beta(1/2, 1/2) before."""
    draws = np.random.default_rng(0).beta(d + 0.5, n - d + 0.5, (2000, len(n)))
    return np.quantile(draws @ (sizes / sizes.sum()), [0.025, 0.975])


def jeffreys_moments(sizes, n, d):
    """The same, as the beta distribution of its mean and variance."""
    w, mean = sizes / sizes.sum(), (d + 0.5) / (n + 1)
    m, v = w @ mean, w**2 @ (mean * (1 - mean) / (n + 2))
    scale = m * (1 - m) / v - 1
    return beta.ppf([0.025, 0.975], m * scale, (1 - m) * scale)


def bootstrap(sizes, n, d):
    """Percentiles of cells drawn again within their strata."""
    again = np.random.default_rng(0).binomial(n.astype(int), d / n, (2000, len(n)))
    return np.quantile((again / n) @ (sizes / sizes.sum()), [0.025, 0.975])


def score(sizes, n, d):
    return estimate_share(sizes, n, d)[1:]


METHODS: dict[str, Callable] = {
    "Wald": wald,
    "stratified Wilson": stratified_wilson,
    "Wilson, effective cells": effective_wilson,
    "Jeffreys": jeffreys,
    "Jeffreys, moments": jeffreys_moments,
    "bootstrap": bootstrap,
    "score": score,
}


def strata(shares: tuple[float, ...], n: int) -> tuple[np.ndarray, np.ndarray]:
    """Cells of each stratum, and how many are judged: of each state, and in it of each half, alike."""
    sizes = np.round(N_CELLS * np.array(shares)).astype(int)
    halves = 1 if len(sizes) == 2 else 2
    states = np.split(sizes, range(halves, len(sizes), halves))
    of_states = divide([int(state.sum()) for state in states], n)
    judged = [divide(state, of_state) for state, of_state in zip(states, of_states, strict=True)]
    return sizes, np.concatenate(judged)


def simulate(sizes, judged, times, share, n_plates, rng):
    """Errors that are found on plates, (n_plates, n_strata), and the true share of each plate."""
    rates = np.minimum(share * times / ((sizes / N_CELLS) @ times), 0.95)
    wrong = rng.binomial(sizes, rates, (n_plates, len(sizes)))
    return rng.hypergeometric(wrong, sizes - wrong, judged), wrong.sum(1) / N_CELLS


def alike_in_fields(per_field: int, n_plates: int, rng) -> float:
    """How often the interval holds the truth if 200 cells are drawn, at most some from a field.

    5 % of the calls of a plate are wrong, nearly all of them in a tenth of its 200 fields of 30 cells.
    """
    holds = []
    for _ in range(n_plates):
        bad = rng.random(200) < 0.1
        wrong = rng.random((200, 30)) < np.where(bad, 0.4, 0.011)[:, None]
        if per_field:
            fields = rng.choice(200, 200 // per_field, replace=False)
            found = sum(rng.choice(wrong[field], per_field, replace=False).sum() for field in fields)
        else:
            found = rng.choice(wrong.ravel(), 200, replace=False).sum()
        low, high = estimate_share([wrong.size], [200], [found])[1:]
        holds.append(low <= wrong.mean() <= high)
    return float(np.mean(holds))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--plates", type=int, default=500)
    n_plates = parser.parse_args().plates
    rng = np.random.default_rng(5)
    rows = []
    for (name, shares), (where, errors), share, n in product(PLATES.items(), ERRORS.items(), SHARES, JUDGED):
        sizes, judged = strata(shares, n)
        times = np.array(errors, float)[[0, 2] if len(sizes) == 2 else slice(len(sizes))]
        found, truth = simulate(sizes, judged, times, share, n_plates, rng)
        for method, interval in METHODS.items():
            once, place = np.unique(found, axis=0, return_inverse=True)
            low, high = np.array([interval(sizes, judged, d) for d in once])[place].T
            holds = ((low <= truth + 1e-9) & (truth - 1e-9 <= high)).mean()
            rows.append((name, where, share, n, method, holds, (high - low).mean()))
    table = pd.DataFrame(rows, columns=["plate", "errors", "share", "judged", "method", "holds", "width"])
    summary = table.groupby("method").agg(
        mean=("holds", "mean"), least=("holds", "min"), below_93=("holds", lambda x: (x < 0.93).mean()),
        width=("width", "mean"),
    )  # fmt: skip
    print(summary.round(3).to_string())
    for by in ("share", "judged", "errors", "plate"):
        print(table.pivot_table(index="method", columns=by, values="holds").round(3).to_string())
    print(table[table["method"] == "score"].nsmallest(12, "holds").to_string())
    for per_field, how in ((0, "any cells"), (4, "4 cells of 50 fields"), (20, "20 cells of 10 fields")):
        print(f"errors in a tenth of the fields, {how}: {alike_in_fields(per_field, 10 * n_plates, rng):.3f}")


if __name__ == "__main__":
    main()
