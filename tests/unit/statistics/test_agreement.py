import math

import numpy as np
import pandas as pd
import pytest

from livedead.statistics import agreement
from livedead.statistics.controls import z_prime

WELLS = ["n_total", "true_total", "viability", "true_viability"]


def cells(**counts):
    """Cells named true_found, so many of each, spread over wells in turn."""
    rows = [tuple(name.split("_")) for name, n in counts.items() for _ in range(n)]
    return pd.DataFrame(rows, columns=["true", "found"]).assign(
        well=[f"A{k % 4 + 1:02}" for k in range(len(rows))]
    )


CELLS = cells(live_live=40, live_dead=5, live_missed=5, dead_dead=18, dead_live=2, none_live=8, none_dead=2)


def test_confusion_precision_and_recall_by_hand():
    table = agreement.confusion(CELLS)
    assert table.to_numpy().tolist() == [[40, 5, 5], [2, 18, 0], [8, 2, 0]]
    found = agreement.per_class(table).set_index("state")
    # 50 were called live, 40 of them rightly, of 50 that are; 25 dead, 18 rightly, of 20.
    assert found.loc["live"].tolist() == pytest.approx([40 / 50, 40 / 50, 0.8])
    assert found.loc["dead"].tolist() == pytest.approx([18 / 25, 18 / 20, 36 / 45])
    assert agreement.accuracy(table) == pytest.approx(58 / 70)


def test_a_state_that_no_cell_has():
    found = agreement.per_class(agreement.confusion(cells(live_live=3))).set_index("state")
    assert found.loc["live"].tolist() == [1, 1, 1]
    assert found.loc["dead"].isna().all()


def test_reliabilities_of_found_cells_by_hand():
    read = cells(live_live=3, dead_live=1, dead_dead=1, live_missed=2, none_live=5)
    # Log odds of 4/1 and of 1/9; the network's own cells and missed ones take no part.
    read["log_odds"] = np.log([4, 4, 4, 4, 1 / 9, *[np.nan] * 2, *[4] * 5])
    read["confidence"] = [0.75] * 4 + [0.95] + [np.nan] * 2 + [0.99] * 5
    found = agreement.reliabilities(read)
    assert found["softmax"]["confidence"].tolist() == pytest.approx([0.8, 0.9])
    assert found["confidence"]["confidence"].tolist() == pytest.approx([0.75, 0.95])
    for bins in found.values():
        assert bins["n"].tolist() == [4, 1]
        assert bins["right"].tolist() == [0.75, 1]
    errors = agreement.summary(read, pd.DataFrame(columns=WELLS, dtype=float))
    assert errors["calibration_error"] == pytest.approx((4 * 0 + 0.05) / 5)
    assert errors["calibration_error_softmax"] == pytest.approx((4 * 0.05 + 0.1) / 5)


def test_wells_by_hand():
    wells = pd.DataFrame(
        {
            "n_total": [10, 12, 9],
            "true_total": [10, 10, 10],
            "viability": [0.5, 0.8, np.nan],
            "true_viability": [0.6, 0.6, 0.5],
        }
    )
    found = agreement.agreement_of_wells(wells)
    assert found["count_error"] == pytest.approx(0.1)
    assert found["count_bias"] == pytest.approx(1 / 30)
    assert found["viability_error"] == pytest.approx(0.15)
    # Differences -0.1 and 0.2: mean 0.05, standard deviation 0.3 / sqrt(2).
    assert (found["bias"], found["high"]) == pytest.approx((0.05, 0.05 + 1.96 * 0.3 / math.sqrt(2)))
    assert found["low"] == pytest.approx(0.1 - found["high"])


def test_the_worst_fields_come_first():
    fields = CELLS.assign(plate="p", well="A01", timepoint=1, field=1)
    fields.loc[fields["true"] == "dead", "field"] = 2
    fields.loc[fields["true"] == "none", "field"] = 3
    perfect = cells(live_live=4).assign(plate="p", well="A02", timepoint=1, field=1)
    found = agreement.worst_fields(pd.concat([fields, perfect]), 2)
    # Of field 1, 5 were called dead and 5 missed; field 3 is 10 cells that are not there; 2 has 2.
    assert found[["field", "n_wrong", "n_cells"]].to_numpy().tolist() == [[1, 10, 50], [3, 10, 10]]
    assert len(agreement.worst_fields(perfect, 5)) == 0


def test_the_interval_is_wider_where_wells_differ():
    """Half of the cells are right: in every well, or all in one half of the wells."""
    wells = np.repeat([f"A{k:02}" for k in range(12)], 20)
    found = np.tile(["live", "dead"], 120)
    alike = pd.DataFrame({"well": wells, "true": "live", "found": found})
    apart = alike.assign(found=np.sort(found))
    assert agreement.accuracy_interval(alike) == (0.5, 0.5)
    low, high = agreement.accuracy_interval(apart)
    # The share of right wells is binomial, 12 draws of 1/2: 95 % lie within 0.5 -+ 0.28.
    assert (low, high) == pytest.approx((0.25, 0.75), abs=0.09)


def test_summary_of_a_perfect_reading():
    perfect = cells(live_live=8, dead_dead=8).assign(log_odds=[99.0] * 8 + [-99.0] * 8, confidence=1.0)
    wells = pd.DataFrame(
        {"n_total": [4] * 4, "true_total": [4] * 4, "viability": [0.5] * 4, "true_viability": [0.5] * 4}
    )
    found = agreement.summary(perfect, wells)
    assert (found["n_wells"], found["n_cells"]) == (4, 16)
    ones = ["accuracy", "accuracy_low", "precision_live", "recall_dead"]
    zeros = [
        "calibration_error",
        "calibration_error_softmax",
        "count_error",
        "count_bias",
        "viability_error",
        "bias",
        "low",
        "high",
    ]
    assert {found[name] for name in ones} == {1.0}
    assert {found[name] for name in zeros} == {0.0}


def read_plate():
    """Two folds of two negative and two positive wells of ten cells; one cell in ten read wrongly."""
    folds = []
    for fold in range(2):
        wells, cells = [], []
        for k, control in enumerate(["negative", "negative", "positive", "positive"]):
            true, well = "live" if control == "negative" else "dead", f"{'AB'[fold]}0{k + 1}"
            n_live = (9 - (k + fold) % 2) if true == "live" else (k + fold) % 2 + 1
            found = ["live"] * n_live + ["dead"] * (10 - n_live)
            cells += [("p", well, 1, 1, 1.0, true, state, np.nan, np.nan) for state in found]
            wells.append((well, control, 10, n_live / 10, 10, float(true == "live") * 0.9 + 0.05 * k))
        columns = [
            "plate",
            "well",
            "field",
            "timepoint",
            "area_um2",
            "true",
            "found",
            "log_odds",
            "confidence",
        ]
        names = ["well", "control", "n_total", "viability", "true_total", "true_viability"]
        folds.append((pd.DataFrame(cells, columns=columns), pd.DataFrame(wells, columns=names)))
    return folds


def test_a_row_for_every_fold_and_one_for_all():
    folds = read_plate()
    # Every cell was detected, and in the state that it was read in.
    folds = [(cells, wells, cells) for cells, wells in folds]
    whole = tuple(pd.concat(tables, ignore_index=True) for tables in zip(*folds, strict=True))
    found = agreement.summaries(folds, whole).set_index("fold")
    assert list(found.index) == ["1", "2", "all"]
    assert found["n_wells"].tolist() == [4, 4, 8]
    assert found["n_cells"].tolist() == [40, 40, 80]
    cells, wells, _ = whole
    assert found["detection_f1"].tolist() == [1.0] * 3
    assert found.at["all", "state_of_detected"] == pytest.approx(found.at["all", "accuracy"])
    assert found.at["all", "accuracy"] == pytest.approx((cells["true"] == cells["found"]).mean())
    values = [
        wells.loc[wells["control"] == kind, "viability"].to_numpy() for kind in ("negative", "positive")
    ]
    assert found.at["all", "z_prime_undyed"] == pytest.approx(float(z_prime(*values)))
    assert found.at["all", "z_prime_low_undyed"] < found.at["all", "z_prime_undyed"]
    assert "z_prime_dye" in found
    # One network alone needs no row of its own, and a plate without controls has no Z'.
    cells, wells, detected = folds[0]
    alone = agreement.summaries(folds[:1], (cells, wells.drop(columns="control"), detected))
    assert list(alone["fold"]) == ["all"]
    assert "z_prime_undyed" not in alone
