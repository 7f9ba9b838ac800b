"""A sample of cells, judged by reviewers whose disagreement is known."""

import numpy as np
import pandas as pd
import pytest

from livedead.errors import CorrectionError
from livedead.plates.judgements import Judgements
from livedead.tables import REVIEW, REVIEWERS
from livedead.wells.blind_review import cells_sha256, compare_reviewers, describe, review, sample_cells


def plate_of(states, confidence, seed=0):
    """A table of cells with what the review reads; 30 cells a field, 4 fields a well."""
    n, place = len(states), np.random.default_rng(seed).uniform(0, 500, (len(states), 2))
    field = np.arange(n) // 30
    return pd.DataFrame(
        {
            "plate": "p",
            "well": [f"{'ABCDEFGH'[k // 48]}{k // 4 % 12 + 1:02d}" for k in field],
            "field": field % 4 + 1,
            "timepoint": 1,
            "cell": np.arange(n) % 30 + 1,
            "y_px": place[:, 0],
            "x_px": place[:, 1],
            "state": states,
            "confidence": confidence,
        }
    )


@pytest.fixture(scope="module")
def cells():
    """4,000 live, 990 dead and 10 ambiguous cells, mixed; the ambiguous ones have no confidence."""
    rng = np.random.default_rng(1)
    states = rng.permutation(np.repeat(["live", "dead", "ambiguous"], [4000, 990, 10]))
    confidence = np.where(states == "ambiguous", np.nan, rng.uniform(0.5, 1, len(states)))
    return plate_of(states, confidence)


def judgements(cells, judged, reviewer="Anna", n=200, seed=0, **other):
    return Judgements("a.json", reviewer, other.get("sha256", cells_sha256(cells)), n, seed, judged)


def test_states_and_the_halves_of_their_confidence_are_drawn_equally(cells):
    drawn = sample_cells(cells, 200, seed=0)
    assert drawn["state"].value_counts().to_dict() == {"live": 95, "dead": 95, "ambiguous": 10}
    medians = cells.groupby("state")["confidence"].median()
    below = drawn["confidence"] < drawn["state"].map(medians)
    assert below.groupby(drawn["state"]).sum().to_dict() == {"live": 47, "dead": 47, "ambiguous": 0}
    assert not drawn.duplicated(["well", "field", "cell"]).any()
    assert drawn.index.tolist() == list(range(1, 201))


def test_the_seed_decides_which_are_drawn(cells):
    first, again, other = (sample_cells(cells, 200, seed) for seed in (0, 0, 1))
    assert first.equals(again)
    key = ["well", "field", "cell"]
    assert len(first.merge(other, on=key)) < 60


def test_the_order_tells_no_state(cells):
    """Over many seeds, a live cell is in the first half of the sample as often as not."""
    early = [(sample_cells(cells, 100, seed).iloc[:50]["state"] == "live").sum() for seed in range(60)]
    # 45 live cells of 100: hypergeometric, mean 22.5, standard deviation 2.5; of the mean of 60, 0.32.
    assert abs(np.mean(early) - 22.5) < 1.0
    assert 1.7 < np.std(early) < 3.3


def test_without_a_confidence_states_alone_are_strata(cells):
    drawn = sample_cells(cells.assign(confidence=np.nan), 100, seed=0)
    assert drawn["state"].value_counts().to_dict() == {"live": 45, "dead": 45, "ambiguous": 10}
    assert drawn["sure"].nunique() == 1


def test_a_plate_with_fewer_cells_is_judged_whole_and_one_without_cells_has_an_empty_sample(cells):
    assert len(sample_cells(cells.iloc[:30], 200, seed=0)) == 30
    assert len(sample_cells(cells.iloc[:0], 200, seed=0)) == 0


def test_reviewers_with_known_errors_are_estimated_within_the_interval():
    """200 plates with errors that gather in unsure cells and in every twelfth well."""
    rng, held, of_dead = np.random.default_rng(2), [], []
    for _ in range(200):
        n_live = int(rng.integers(600, 1000))
        states = rng.permutation(np.repeat(["live", "dead"], [n_live, 1200 - n_live]))
        confidence = rng.uniform(0.5, 1, 1200)
        cells = plate_of(states, confidence)
        rate = np.where(cells["well"].str.endswith("01"), 0.3, 0.01) + np.where(confidence < 0.7, 0.05, 0)
        says = np.where(rng.random(1200) < rate, rng.choice(["none", "ambiguous"], 1200), states)
        told = sample_cells(cells.assign(says=says), 200, seed=0)["says"].to_dict()
        table = review("p", cells, [judgements(cells, told)]).set_index("state")
        for state, found in (("all", held), ("dead", of_dead)):
            of_state = slice(None) if state == "all" else states == state
            truth = (says != states)[of_state].mean()
            found.append(table.at[state, "disagreement_low"] <= truth <= table.at[state, "disagreement_high"])
    # Of 200 intervals that hold the truth with 0.95, 181 to 198 do with a chance of 99 %.
    assert 181 <= sum(held) <= 198
    assert 181 <= sum(of_dead) <= 198


def test_the_row_of_a_state_counts_what_was_said_and_weighs_the_plate(cells):
    drawn = sample_cells(cells, 200, seed=0)
    told = drawn["state"].to_dict()
    live, dead = (drawn.index[drawn["state"] == state] for state in ("live", "dead"))
    told |= (
        dict.fromkeys(live[:5], "dead")
        | dict.fromkeys(live[5:7], "none")
        | dict.fromkeys(dead[:1], "ambiguous")
    )
    table = review("p", cells, [judgements(cells, told)]).set_index("state")
    row = table.loc["live"]
    assert row[["n_cells", "n_drawn", "n_judged", "n_disagreed"]].tolist() == [4000, 95, 95, 7]
    assert row[["judged_live", "judged_dead", "judged_ambiguous", "judged_none"]].tolist() == [88, 5, 0, 2]
    assert table.at["all", "n_cells"] == 5000
    sure = drawn["sure"]
    wrong = np.array([sum(~sure[live[:7]]), sum(sure[live[:7]])])
    assert row["disagreement"] == pytest.approx((wrong / [47, 48]).mean(), abs=1e-6)
    one_dead = 1 / (48 if sure[dead[0]] else 47) / 2
    expected = 0.8 * row["disagreement"] + 0.198 * one_dead
    assert table.at["all", "disagreement"] == pytest.approx(expected, abs=1e-6)
    assert table.at["dead", "no_cell"] == 0
    text = describe("p", table.reset_index(), REVIEWERS.rows([]))
    assert "Anna judged 200 of 200 cells, without seeing their states" in text
    assert "disagreed with 7 of 95 live calls (5 dead, 2 no cell); of all 4,000 live calls" in text
    assert "disagreed with 0 of 10 ambiguous calls; of all 10" in text


def test_the_first_fifty_judgements_are_a_sample_too(cells):
    drawn = sample_cells(cells, 200, seed=0)
    table = review("p", cells, [judgements(cells, drawn["state"].iloc[:50].to_dict())]).set_index("state")
    assert table.loc["all", ["n_drawn", "n_judged", "n_disagreed"]].tolist() == [200, 50, 0]
    assert 0.02 < table.at["all", "disagreement_high"] < 0.2
    assert table.at["all", "disagreement"] == 0


def test_judgements_of_other_cells_give_no_number(cells):
    drawn = sample_cells(cells, 200, seed=0)
    outdated = judgements(cells, drawn["state"].to_dict(), sha256="of older cells")
    table = review("p", cells, [outdated])
    assert table["state"].tolist() == ["all"]
    assert table[["n_judged", "disagreement", "disagreement_high"]].isna().all(axis=None)
    assert "other cells than the plate has now; take the file out and judge" in table["reason"].iloc[0]
    assert "Anna: REFUSED: a.json" in describe("p", table, compare_reviewers("p", cells, [outdated]))


@pytest.mark.parametrize(
    "changed",
    [{"state": "dead"}, {"confidence": 0.9}, {"x_px": 1.0}, {"cell": 99}],
    ids=lambda new: next(iter(new)),
)
def test_the_hash_tells_every_change_of_a_cell(cells, changed):
    other = cells.copy()
    [(column, value)] = changed.items()
    other.loc[0, column] = value if other.loc[0, column] != value else "live"
    assert cells_sha256(other) != cells_sha256(cells)
    assert cells_sha256(cells.assign(mean_brightfield=1.0)) == cells_sha256(cells)


def test_a_cell_that_was_not_drawn_is_refused(cells):
    with pytest.raises(
        CorrectionError, match=r"a\.json: cell 201 was not drawn; the sample has the cells 1 to 200"
    ):
        review("p", cells, [judgements(cells, {201: "live"})])


def test_reviewers_are_compared_on_the_cells_that_both_judged(cells):
    drawn = sample_cells(cells, 200, seed=0)
    told = drawn["state"].to_dict()
    less = {k: told[k] for k in range(1, 101)}
    dead = [k for k in less if less[k] == "dead"][:10]
    other = judgements(cells, {**less, **dict.fromkeys(dead, "live")}, "Bo")
    table = compare_reviewers("p", cells, [judgements(cells, told), other])
    row = table.iloc[0]
    assert (row["reviewer"], row["other"], row["n_judged"], row["n_agreed"]) == ("Anna", "Bo", 100, 90)
    assert 0 < row["kappa_low"] < row["kappa"] < 0.9
    whole = review("p", cells, [judgements(cells, told), other])
    assert list(whole["reviewer"]) == ["Anna"] * 4 + ["Bo"] * 4
    assert "Anna and Bo both judged 100 cells, and agreed on 90; kappa 0." in describe("p", whole, table)


def test_what_nobody_judged_says_what_to_do(cells):
    assert review("p", cells, []).equals(REVIEW.rows([]))
    assert "nobody has judged its cells yet" in describe(
        "p", review("p", cells, []), compare_reviewers("p", cells, [])
    )
