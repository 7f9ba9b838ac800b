"""The viability of wells corrected by an audit, against Rogan and Gladen's formula, and when it is not."""

import numpy as np
import pandas as pd
import pytest

from livedead.tables import AUDIT, AUDIT_CELLS, CORRECTED, DYES
from livedead.wells.audits import assess_audit, audit_notes, audits_of, correct_viability, treatments_of

WELLS = [f"A{k:02d}" for k in range(1, 13)]
COLUMNS = ["drug", "dose_um"]
PAIRS = {("live", "live"): 160, ("dead", "live"): 40, ("live", "dead"): 10, ("dead", "dead"): 90}
"""Cells of each well, by (network, dyes): 0.8 of the live ones, and 0.9 of the dead ones, are read right."""


def cells(wells=WELLS, pairs=PAIRS, plate="p", timepoint=1):
    states = [pair for pair, n in pairs.items() for _ in range(n)]
    of_well = pd.DataFrame(states, columns=["read", "dyed"])
    tables = [of_well.assign(well=well) for well in wells]
    table = pd.concat(tables, ignore_index=True) if tables else of_well.assign(well="").iloc[:0]
    return AUDIT_CELLS.rows(table.assign(plate=plate, field=1, timepoint=timepoint).to_dict("records"))


def wells(plate="p", timepoints=(1,), **columns):
    rows = [
        {"plate": plate, "well": f"B{k:02d}", "timepoint": t, "n_live": n_live, "n_dead": 300 - n_live}
        for t in timepoints
        for k, n_live in enumerate((60, 150, 225), start=1)
    ]
    return pd.DataFrame(rows).astype({"n_live": "Int64", "n_dead": "Int64"}).assign(**columns)


def corrected(table, audits, columns=()):
    return correct_viability(table, audits, columns, np.ones(len(table)))


def without_errors(read, live_misread=0.2, dead_misread=0.1):
    return (read - dead_misread) / (1 - live_misread - dead_misread)


def test_viability_is_corrected_for_what_the_dyes_say_of_misread_cells():
    found = corrected(wells(), audits_of(cells(), None, COLUMNS))
    expected = without_errors(np.array([0.2, 0.5, 0.75]))
    assert found["viability_corrected"].to_numpy() == pytest.approx(expected)
    assert (found["viability_corrected_low"] < expected).all()
    assert (found["viability_corrected_high"] > expected).all()
    assert list(found) == CORRECTED


def test_a_treatment_is_corrected_by_its_own_errors():
    mild = {("live", "live"): 190, ("dead", "live"): 10, ("live", "dead"): 10, ("dead", "dead"): 90}
    tables = [cells(WELLS[:6]), cells(WELLS[6:], mild)]
    plate_map = pd.DataFrame({"well": WELLS, "drug": ["x"] * 6 + ["y"] * 6})
    audits = audits_of(pd.concat(tables, ignore_index=True), plate_map, COLUMNS)
    for drug, live_misread in (("x", 0.2), ("y", 0.05)):
        found = corrected(wells(drug=drug), audits, COLUMNS)["viability_corrected"]
        assert found.to_numpy() == pytest.approx(without_errors(np.array([0.2, 0.5, 0.75]), live_misread))
    # Two treatments say too little of a third one.
    assert corrected(wells(drug="z"), audits, COLUMNS).isna().all(axis=None)


def test_timepoints_that_were_not_audited_are_not_corrected():
    audits = audits_of(cells(timepoint=2), None, COLUMNS)
    found = corrected(wells(timepoints=(1, 2, 3)), audits).notna().all(axis=1)
    assert found.groupby(wells(timepoints=(1, 2, 3))["timepoint"]).all().to_dict() == {
        1: False, 2: True, 3: False,
    }  # fmt: skip


def test_a_borrowed_audit_corrects_the_last_timepoint_by_the_lender_s_last_one():
    tables = [
        cells(plate="lender", timepoint=1),
        cells(pairs={**PAIRS, ("dead", "live"): 0}, plate="lender", timepoint=4),
    ]
    audits = audits_of(pd.concat(tables, ignore_index=True), None, COLUMNS)
    table = wells(timepoints=(1, 4, 70))
    found = corrected(table, audits)["viability_corrected"]
    assert found[table["timepoint"] < 70].isna().all()
    expected = without_errors(np.array([0.2, 0.5, 0.75]), live_misread=0)
    assert found[table["timepoint"] == 70].to_numpy() == pytest.approx(expected)


@pytest.mark.parametrize(
    ("audited", "reason"),
    [(WELLS[:1], "1 audited wells"), (WELLS[:3], "3 audited wells"), ([], "no audited cell")],
)
def test_too_small_an_audit_corrects_nothing_and_says_why(audited, reason):
    audits = audits_of(cells(audited), None, COLUMNS)
    assert corrected(wells(), audits).isna().all(axis=None)
    (note,) = audit_notes(assess_audit(audits), DYES.rows([]))
    assert note.startswith("AUDIT refused: ")
    assert reason in note
    assert note.endswith("viability is not corrected")


def test_a_network_that_tells_nothing_corrects_nothing():
    blind = {("live", "live"): 50, ("dead", "live"): 50, ("live", "dead"): 50, ("dead", "dead"): 50}
    audits = audits_of(cells(pairs=blind), None, COLUMNS)
    assert corrected(wells(), audits).isna().all(axis=None)
    (note,) = audit_notes(assess_audit(audits), DYES.rows([]))
    assert "no better than by chance" in note


def test_wells_without_a_cell_are_not_corrected():
    table = wells().assign(
        n_live=pd.array([0, pd.NA, 225], "Int64"), n_dead=pd.array([0, pd.NA, 75], "Int64")
    )
    found = corrected(table, audits_of(cells(), None, COLUMNS))["viability_corrected"]
    assert found.notna().tolist() == [False, False, True]


def test_the_table_has_the_plate_each_treatment_and_each_well():
    pairs = {**PAIRS, ("none", "live"): 50, ("dead", "none"): 30, ("ambiguous", "dead"): 20}
    plate_map = pd.DataFrame({"well": WELLS[:4], "drug": ["x", "x", "y", "y"], "dose_um": ["1", "1", "", ""]})
    table = assess_audit(audits_of(cells(WELLS[:4], pairs), plate_map, COLUMNS))
    assert table["level"].tolist() == ["plate", "treatment", "treatment", "well", "well", "well", "well"]
    assert table["treatment"].tolist() == ["", "x, 1", "y", "x, 1", "x, 1", "y", "y"]
    well = table.iloc[3]
    # By the network 170 live, and 130 + 30 dead; by the dyes 200 + 50 live and 100 + 20 dead.
    assert well[["n_live", "n_dead", "n_live_dyed", "n_dead_dyed"]].tolist() == [170, 160, 250, 120]
    assert well["viability"] == pytest.approx(170 / 330)
    assert well["viability_dyed"] == pytest.approx(250 / 370)
    plate = table.iloc[0]
    assert plate[["n_wells", "n_live", "n_dead_dyed"]].tolist() == [4, 680, 480]
    assert (plate["specificity"], plate["sensitivity"]) == (pytest.approx(0.8), pytest.approx(0.9))
    # 170 + 160 + 20 ambiguous cells for 370.
    assert plate["total_bias"] == pytest.approx(350 / 370 - 1)
    assert table["timepoint"].eq(1).all()
    assert AUDIT.conform(table).equals(table)


def test_wells_that_the_plate_map_does_not_name_are_a_treatment_of_their_own():
    plate_map = pd.DataFrame({"well": WELLS[:6], "drug": "x"})
    table = assess_audit(audits_of(cells(), plate_map, COLUMNS))
    assert table.loc[table["level"] != "well", ["level", "treatment", "n_wells"]].values.tolist() == [
        ["plate", "", 12],
        ["treatment", "", 6],
        ["treatment", "x", 6],
    ]


def test_the_summary_says_how_often_the_network_errs_and_of_whom_it_says_nothing():
    plate_map = pd.DataFrame({"well": WELLS, "drug": ["x"] * 9 + ["y"] * 3})
    table = assess_audit(audits_of(cells(), plate_map, COLUMNS))
    rates, others, refused = audit_notes(table, DYES.rows([]))
    assert rates.startswith("AUDIT by 12 wells: 0.800 (")
    assert "of the live cells are read live, 0.900 (" in rates
    assert rates.endswith("the count is off by +0.0%")
    assert others.startswith("AUDIT does not correct treatments that were not audited: ")
    assert refused.startswith("AUDIT does not correct 1 treatment(s) (audit.csv), such as y: ")


def test_a_treatment_is_what_all_of_its_columns_say():
    table = pd.DataFrame({"drug": ["x", "", "x"], "dose_um": ["1", "", ""], "replicate": ["1", "2", "3"]})
    assert treatments_of(table, COLUMNS) == ["x, 1", "", "x"]
    assert treatments_of(table, ["cell_line"]) == ["", "", ""]
