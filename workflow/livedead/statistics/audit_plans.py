"""How many wells to dye, so that the corrected viability of the others is as certain as wanted."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from livedead.statistics.audits import DEAD, LIVE, fit_audit
from livedead.statistics.bootstrap import SEED
from livedead.statistics.shares import beta_parameters

N_WELLS = (4, 6, 8, 12, 16, 24, 32, 48)
N_AUDITS = 30
"""Simulated for each number of wells."""


def plan_audit(
    half_width: float,
    viability: Sequence[float] | np.ndarray,
    n_cells: int,
    sensitivity: float,
    specificity: float,
    spread: float = 0.5,
    n_wells: Sequence[int] = N_WELLS,
) -> pd.DataFrame:
    """Half-widths of the interval of an undyed well, over simulated audits of several sizes.

    Simulated wells lose no cells, and differ in their errors as `beta_parameters` says. The viabilities of
    the audited ones are spread evenly from 0.1 to 0.9: a plan for an audit of wells of all kinds.

    Parameters
    ----------
    half_width : float
        Wanted.
    viability : sequence of float
        Of the undyed wells that matter.
    n_cells : int
        Cells of a well.
    sensitivity, specificity : float
        Dead cells read as dead, and live ones read as live; assumed, or from `Audit.summary`.
    spread : float
        Of their complements between wells, likewise.
    n_wells : sequence of int
        Numbers of audited wells to try.

    Returns
    -------
    DataFrame
        A row for each number of wells and viability: ``n_wells, viability, half_width`` (mean over simulated
        audits), ``refused`` (share of them that corrects nothing), ``enough`` (whether the half-width is at
        most the wanted one, and no audit refused). More wells never bring it below what the cells of the
        undyed well itself, and its own errors, leave open.

    Examples
    --------
    >>> plan = plan_audit(0.1, [0.9], 300, sensitivity=0.9, specificity=0.97, n_wells=[4, 16])
    >>> plan["half_width"].is_monotonic_decreasing
    True
    """
    rng = np.random.default_rng(SEED)
    of_undyed = np.asarray(viability, float)
    misread = (1 - specificity, 1 - sensitivity)
    undyed = [_read_wells(of_undyed, n_cells, misread, spread, rng).sum(2) for _ in range(N_AUDITS)]
    rows = []
    for n in n_wells:
        halves = []
        for read in undyed:
            audit = fit_audit(_read_wells(np.linspace(0.1, 0.9, n), n_cells, misread, spread, rng))
            corrected = audit.correct(read[:, LIVE], read[:, DEAD])
            halves.append((corrected.high - corrected.low) / 2)
        table = pd.DataFrame(halves)
        for column, value in enumerate(of_undyed):
            mean, refused = table[column].mean(), table[column].isna().mean()
            rows.append((n, value, mean, refused, bool(mean <= half_width and not refused)))
    return pd.DataFrame(rows, columns=["n_wells", "viability", "half_width", "refused", "enough"])


def _read_wells(
    viability: np.ndarray, n_cells: int, misread: tuple[float, float], spread: float, rng: np.random.Generator
) -> np.ndarray:
    """Counts, (n_wells, 4, 4): [by the reading, by the dye]; `misread` of the live and of the dead cells."""
    counts = np.zeros((len(viability), 4, 4), int)
    n_live = rng.binomial(n_cells, viability)
    for state, (cells, mean) in enumerate(zip((n_live, n_cells - n_live), misread, strict=True)):
        share = rng.beta(*beta_parameters(mean, spread), len(viability)) if mean and spread else mean
        counts[:, 1 - state, state] = rng.binomial(cells, share)
        counts[:, state, state] = cells - counts[:, 1 - state, state]
    return counts
