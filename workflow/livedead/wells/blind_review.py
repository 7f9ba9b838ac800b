"""How often a person disagrees with the states of a plate's cells, from a sample that was judged blind."""

import hashlib
from collections.abc import Iterator, Sequence
from itertools import combinations

import numpy as np
import pandas as pd

from livedead.cells.tallies import STATES
from livedead.errors import CorrectionError
from livedead.plates.judgements import JUDGED, Judgements
from livedead.statistics.raters import cohens_kappa
from livedead.statistics.strata import divide, estimate_share
from livedead.tables import CELL_KEY, FLOAT_FORMAT, REVIEW, REVIEWERS

ALL = "all"
"""State of the row of all cells."""

STRATUM = ["state", "sure"]


def cells_sha256(cells: pd.DataFrame) -> str:
    """Hash of a plate's cells: which there are, where, of which states, and how sure.

    Parameters
    ----------
    cells : DataFrame
        `livedead.tables.CELLS` of the plate.
    """
    told = cells[[*CELL_KEY, "y_px", "x_px", "state", "confidence"]]
    return hashlib.sha256(told.to_csv(index=False, float_format=FLOAT_FORMAT).encode()).hexdigest()


def sample_cells(cells: pd.DataFrame, n: int, seed: int) -> pd.DataFrame:
    """Draw cells at random: of each state equally many, half of them less sure than the state's median.

    Where no confidence is known, a state is not halved. A state that has fewer cells leaves its places to
    the others.

    Parameters
    ----------
    cells : DataFrame
        `livedead.tables.CELLS` of the plate.
    n : int
        Cells to draw.
    seed : int

    Returns
    -------
    DataFrame
        The rows of `cells` that were drawn, in random order, so that any first part of them is a sample, too;
        their number, from 1, is the index. ``sure`` tells the halves.
    """
    known = _with_strata(cells)
    strata = [np.flatnonzero(known["state"] == state) for state in STATES]
    # The cells have their part in the seed, or all plates would show the same places of their tables.
    rng = np.random.default_rng([seed, int(cells_sha256(cells)[:16], 16)])
    drawn = []
    for rows, n_of_state in zip(strata, divide([len(rows) for rows in strata], n), strict=True):
        sure = known["sure"].to_numpy()[rows]
        halves = [rows[~sure], rows[sure]]
        for half, n_of_half in zip(halves, divide([len(half) for half in halves], n_of_state), strict=True):
            drawn.append(rng.choice(half, n_of_half, replace=False))
    order = rng.permutation(np.concatenate(drawn))
    return known.iloc[order].set_index(pd.RangeIndex(1, len(order) + 1, name="number"))


def _with_strata(cells: pd.DataFrame) -> pd.DataFrame:
    """Cells of the states that a person can judge, and whether each is as sure as the median of its state."""
    known = cells[cells["state"].isin(STATES)]
    medians = known.groupby("state")["confidence"].transform("median")
    return known.assign(sure=known["confidence"] >= medians)


def review(plate: str, cells: pd.DataFrame, judgements: Sequence[Judgements]) -> pd.DataFrame:
    """What each reviewer disagreed with, and what that means for all cells of the plate.

    A judgement disagrees with a call if it is anything but the called state.

    Parameters
    ----------
    plate : str
    cells : DataFrame
        `livedead.tables.CELLS` of the plate.
    judgements : sequence of Judgements

    Returns
    -------
    DataFrame
        `livedead.tables.REVIEW`: a row for each reviewer and state, and one for `ALL`. Where judgements are
        of other cells, nothing is known but the ``reason``.

    Raises
    ------
    CorrectionError
        If a reviewer judged what was not drawn.
    """
    own, rows = cells_sha256(cells), []
    sizes = _with_strata(cells).groupby(STRATUM).size()
    for judgement in judgements:
        key = {"plate": plate, "reviewer": judgement.reviewer}
        if judgement.cells_sha256 != own:
            rows.append({**key, "state": ALL, "n_cells": sizes.sum(), "reason": _outdated(judgement)})
            continue
        drawn = judged_sample(cells, judgement)
        for state in (*STATES, ALL):
            of_state = sizes if state == ALL else sizes[sizes.index.get_level_values("state") == state]
            sample = drawn if state == ALL else drawn[drawn["state"] == state]
            rows.append({**key, "state": state, **_summary(of_state, sample)})
    return REVIEW.rows(rows)


def _outdated(judgement: Judgements) -> str:
    return (
        f"{judgement.file} was made on other cells than the plate has now; take the file out and judge the "
        "page review_sample.html again"
    )


def judged_sample(cells: pd.DataFrame, judgement: Judgements) -> pd.DataFrame:
    """The sample that a reviewer saw, with what they ``judged``; missing where they stopped before."""
    sample = sample_cells(cells, judgement.n_drawn, judgement.seed)
    strange = sorted(set(judgement.judged) - set(sample.index))
    if strange:
        raise CorrectionError(
            f"{judgement.file}: cell {strange[0]} was not drawn; the sample has the cells 1 to "
            f"{len(sample)}; download the file from the page again"
        )
    judged = pd.Series(judgement.judged, dtype=object, name="judged")
    return sample.join(judged)


def _summary(sizes: pd.Series, sample: pd.DataFrame) -> dict[str, object]:
    """The columns of a row of `livedead.tables.REVIEW` for the cells of some strata."""

    def counts(chosen: pd.DataFrame) -> list[int]:
        return list(chosen.groupby(STRATUM).size().reindex(sizes.index, fill_value=0))

    judged = sample[sample["judged"].notna()]
    differs, none = judged["judged"] != judged["state"], judged["judged"] == "none"
    found: dict[str, object] = {"n_cells": sizes.sum(), "n_drawn": len(sample), "n_judged": len(judged)}
    found |= {"n_disagreed": differs.sum()}
    found |= {f"judged_{what}": (judged["judged"] == what).sum() for what in JUDGED}
    for name, hits in (("disagreement", differs), ("no_cell", none)):
        estimate = estimate_share(list(sizes), counts(judged), counts(judged[hits]))
        found |= dict(zip((name, f"{name}_low", f"{name}_high"), estimate, strict=True))
    return found


def compare_reviewers(plate: str, cells: pd.DataFrame, judgements: Sequence[Judgements]) -> pd.DataFrame:
    """How far any two reviewers agree on the cells that both judged, if there are any.

    Returns
    -------
    DataFrame
        `livedead.tables.REVIEWERS`; judgements of other cells have no part.
    """
    own, rows = cells_sha256(cells), []
    valid = [judgement for judgement in judgements if judgement.cells_sha256 == own]
    for first, second in combinations(valid, 2):
        both, other = (
            judged_sample(cells, judgement).dropna(subset="judged") for judgement in (first, second)
        )
        both = both.merge(other, on=CELL_KEY, suffixes=("", "_other"))
        if both.empty:
            continue
        codes = (pd.Categorical(both[name], JUDGED).codes for name in ("judged", "judged_other"))
        counts = np.zeros((len(JUDGED), len(JUDGED)), int)
        np.add.at(counts, tuple(codes), 1)
        kappa = dict(zip(("kappa", "kappa_low", "kappa_high"), cohens_kappa(counts), strict=True))
        names = {"plate": plate, "reviewer": first.reviewer, "other": second.reviewer}
        rows.append({**names, "n_judged": len(both), "n_agreed": np.trace(counts), **kappa})
    return REVIEWERS.rows(rows)


def describe(plate: str, table: pd.DataFrame, reviewers: pd.DataFrame) -> str:
    """`livedead.tables.REVIEW` and `livedead.tables.REVIEWERS` of a plate in plain English."""
    lines = [f"PLATE {plate}"]
    if table.empty:
        lines.append(
            f"nobody has judged its cells yet: make results/{plate}/review_sample.html with the target "
            "review_sample, judge the cells, and put the file that it gives you into the folder "
            "review.judgements"
        )
    for name, rows in table.groupby("reviewer", sort=False):
        lines += ["", *_of_reviewer(_called(str(name)), rows.set_index("state"))]
    for row in reviewers.itertuples():
        names = " and ".join(map(_called, (row.reviewer, row.other)))
        kappa = f"kappa {row.kappa:.2f} ({row.kappa_low:.2f} to {row.kappa_high:.2f})"
        lines += ["", f"{names} both judged {row.n_judged} cells, and agreed on {row.n_agreed}; {kappa}"]
    return "\n".join(lines) + "\n"


def _called(reviewer: str) -> str:
    return reviewer or "a reviewer without a name"


def _of_reviewer(name: str, rows: pd.DataFrame) -> Iterator[str]:
    """What a reviewer found, by state and for all cells."""
    whole = rows.loc[ALL]
    if whole["reason"]:
        yield f"{name}: REFUSED: {whole['reason']}"
        return
    yield f"{name} judged {whole['n_judged']} of {whole['n_drawn']} cells, without seeing their states"
    for state in STATES:
        row = rows.loc[state]
        if not row["n_judged"]:
            continue
        others = ", ".join(
            f"{row[f'judged_{what}']} {'no cell' if what == 'none' else what}"
            for what in JUDGED
            if what != state and row[f"judged_{what}"]
        )
        said = f" ({others})" if others else ""
        yield (
            f"  disagreed with {row['n_disagreed']} of {row['n_judged']} {state} calls{said}; of all "
            f"{row['n_cells']:,} {state} calls of the plate that means {_interval(row, 'disagreement')}"
        )
    if whole["n_judged"]:
        yield (
            f"  For the whole plate that means {_interval(whole, 'disagreement')} of the "
            f"{whole['n_cells']:,} calls; {_interval(whole, 'no_cell')} are no cell"
        )


def _interval(row: pd.Series, name: str) -> str:
    share, low, high = (100 * row[f"{name}{end}"] for end in ("", "_low", "_high"))
    return f"{share:.1f} % ({low:.1f} to {high:.1f} %)"
