import numpy as np
import pandas as pd
import pytest
from scipy.stats import binomtest

from livedead.errors import CountError
from livedead.tables import KEYS, RESULTS
from livedead.wells.table import join_plates, tabulate_wells

PROVENANCE = {"model_sha256": "m", "config_sha256": "c", "version": "1"}


def field(well, number, n_live=0, n_dead=0, n_ambiguous=0, status="ok"):
    counts = {"n_live": n_live, "n_dead": n_dead, "n_ambiguous": n_ambiguous}
    total = n_live + n_dead + n_ambiguous
    row = {
        "plate": "p",
        "well": well,
        "field": number,
        "timepoint": 1,
        "hours": 6 + number / 10,
        "status": status,
    }
    if status == "failed":
        return {**row, "code": "truncated", "message": "half", "pixels_sha256": ""}
    return {
        **row,
        "pixels_sha256": f"{well}-{number}",
        **counts,
        "n_total": total,
        "area_mm2": 0.5,
        "edge_rule": "keep",
        "n_by_hand": 0,
        "focus": 2.0,
        "saturated_fraction": 0.0,
        "unfamiliarity": number / 4 if well == "A01" else np.nan,
        "n_live_expected": np.nan,
        "n_dead_expected": np.nan,
        "code": "",
        "message": "",
    }


FIELDS = pd.DataFrame(
    [
        field("A01", 1, n_live=30, n_dead=10),
        field("A01", 2, n_live=10, n_dead=10, n_ambiguous=5),
        field("A02", 1, n_live=4, n_dead=0),
        field("A02", 2, status="failed"),
        field("A03", 1),
        field("A03", 2),
        field("B01", 1, status="failed"),
        field("B01", 2, status="failed"),
        field("C01", 1, n_live=1, n_dead=3),
        field("C01", 2, n_live=1, n_dead=3),
    ]
)
CELLS = pd.DataFrame(
    [
        {
            "well": well,
            "timepoint": 1,
            "state": state,
            "area_um2": area,
            "component_area_um2": area,
            "touches_cell": False,
        }
        for well, state, area in [
            ("A01", "live", 100.0),
            ("A01", "live", 120.0),
            ("A01", "live", 250.0),
            ("A01", "dead", 50.0),
            ("A02", "live", 110.0),
            ("C01", "dead", 60.0),
        ]
    ]
)
MAP = pd.DataFrame(
    {
        "well": ["A01", "A02", "A03", "B01", "D12"],
        "drug": ["x", "y", "z", "NA", "w"],
        "control": ["negative", "", "", "", ""],
    }
)


def table(**changes):
    arguments = {"fields": FIELDS, "cells": CELLS, "plate_map": MAP, **changes}
    return tabulate_wells(
        **arguments, n_fields_expected=None, treatment_columns=["drug"], provenance=PROVENANCE
    ).set_index("well")


def test_every_mapped_and_every_imaged_well_has_one_row():
    found = table()
    assert list(found.index) == ["A01", "A02", "A03", "B01", "C01", "D12"]
    assert found["status"].to_dict() == {
        "A01": "ok",
        "A02": "partial",
        "A03": "no_cells",
        "B01": "failed",
        "C01": "ok",
        "D12": "no_images",
    }
    assert list(found["drug"])[:4] == ["x", "y", "z", "NA"]
    assert found["n_fields_used"].to_dict() == {"A01": 2, "A02": 1, "A03": 2, "B01": 0, "C01": 2, "D12": 0}


def test_a_map_may_have_columns_of_any_name_that_the_result_has_not():
    named = MAP.rename(columns={"drug": "n_imaged"}).assign(squares="7", index="8", level_0="9")
    found = table(plate_map=named)
    assert list(found.columns[5:10]) == ["n_imaged", "control", "squares", "index", "level_0"]
    assert list(found["n_imaged"]) == ["x", "y", "z", "NA", "", "w"]
    assert list(found["status"]) == list(table()["status"])


def test_hours_of_the_configuration_fill_what_the_export_does_not_tell(caplog):
    told = table(hours_per_timepoint=5.0)["hours"]
    pd.testing.assert_series_equal(told, table()["hours"])
    filled = table(fields=FIELDS.assign(hours=np.nan), hours_per_timepoint=5.0)["hours"]
    imaged = table()["status"] != "no_images"
    assert (filled[imaged] == 0).all()
    assert filled[~imaged].isna().all(), "a well that was not imaged has no time"
    assert table(fields=FIELDS.assign(hours=np.nan))["hours"].isna().all()
    assert "plate_map.hours_per_timepoint" not in caplog.text


def test_times_that_contradict_the_configuration_are_warned_of_and_count(caplog):
    fields = pd.concat(
        [FIELDS, FIELDS.assign(timepoint=1 + FIELDS["timepoint"].max(), hours=FIELDS["hours"] + 8)]
    )
    found = table(fields=fields, hours_per_timepoint=4.0)
    assert found.loc["A01", "hours"].tolist() == pytest.approx([6.1, 14.1])
    assert "8 h passed by the export and 4 h by plate_map.hours_per_timepoint" in caplog.text


def test_counts_and_ratios_by_hand():
    row = table().loc["A01"]
    assert (row["n_live"], row["n_dead"], row["n_ambiguous"], row["n_total"]) == (40, 20, 5, 65)
    assert row["viability"] == pytest.approx(40 / 60)
    assert row["viability_field_sd"] == pytest.approx(np.std([0.75, 0.5], ddof=1))
    assert row["area_mm2"] == 1.0
    assert row["live_per_mm2"] == 40
    assert row["hours"] == 6.1, "of its first field"
    assert row["median_area_um2_live"] == 120
    assert row["median_area_um2_dead"] == 50
    # Median of all six cells is 105; one of four is larger than 1.75 times that.
    assert row["clump_fraction"] == 0.25
    # Of its two fields the stranger one; where a network's training is not known, neither is this.
    assert row["unfamiliarity"] == 0.5
    assert np.isnan(table().at["A02", "unfamiliarity"])


def test_zero_cells_is_an_answer_and_no_image_is_none():
    found = table()
    assert found.at["A03", "n_total"] == 0
    assert np.isnan(found.at["A03", "viability"])
    assert found.loc[["B01", "D12"], ["n_live", "n_dead", "n_total", "area_mm2"]].isna().all().all()


def test_controls_are_the_mean_of_the_negative_ones():
    found = table()
    assert found.at["A01", "live_vs_control"] == 1
    assert found.at["A02", "live_vs_control"] == pytest.approx((4 / 0.5) / 40)
    assert found.at["C01", "total_vs_control"] == pytest.approx(8 / 65)


def test_interval_is_wilson_when_fields_scatter_as_cells_do():
    even = FIELDS[FIELDS["well"] == "C01"]
    found = tabulate_wells(
        even,
        CELLS,
        None,
        n_fields_expected=2,
        treatment_columns=[],
        provenance=PROVENANCE,
    ).iloc[0]
    expected = binomtest(2, 8).proportion_ci(0.95, "wilson")
    assert found["viability_low"] == pytest.approx(expected.low)
    assert found["viability_high"] == pytest.approx(expected.high)


def test_intervals_of_single_fields_rest_on_replicates():
    wells_of = [f"{row}{column:02d}" for row in "ABCD" for column in range(1, 13)]
    rng = np.random.default_rng(0)
    # Wells of 200 cells that scatter five times as wide as cells would.
    live = np.clip(rng.normal(100, 5 * np.sqrt(50), 48), 0, 200).astype(int)
    fields = pd.DataFrame(
        [field(w, 1, n_live=n, n_dead=200 - n) for w, n in zip(wells_of, live, strict=True)]
    )
    plate_map = pd.DataFrame({"well": wells_of, "drug": np.repeat(["a", "b", "c", "d"], 12)})
    found = {
        name: tabulate_wells(
            fields,
            CELLS,
            plate_map,
            n_fields_expected=1,
            treatment_columns=columns,
            provenance=PROVENANCE,
        )
        for name, columns in {"replicates": ["drug", "absent"], "none": []}.items()
    }
    assert set(found["replicates"]["viability_interval"]) == {"wilson_icc_replicates"}
    assert set(found["none"]["viability_interval"]) == {"wilson_independent_cells"}
    width = {name: (t["viability_high"] - t["viability_low"]).mean() for name, t in found.items()}
    assert 3.5 < width["replicates"] / width["none"] < 6


def test_clumps_are_components_larger_than_a_single_cell():
    # Singles of 100 µm²; a component of 200 cut into two cells; one of 170, not cut.
    clumped = CELLS[:6].assign(
        area_um2=[100.0, 100, 100, 100, 100, 170],
        component_area_um2=[100.0, 100, 200, 200, 100, 170],
        touches_cell=[False, False, True, True, False, False],
    )
    found = table(cells=clumped)["clump_fraction"]
    assert found["A01"] == 0.5
    assert found["A02"] == 0
    assert found["C01"] == 0


def test_reversed_controls_are_flagged_in_every_row():
    swapped = MAP.assign(control=["positive", "", "", "", ""])
    dead = [field("C01", 3, n_live=1, n_dead=90)]
    mapped = pd.concat([swapped, pd.DataFrame([{"well": "C01", "drug": "u", "control": "negative"}])])
    found = table(fields=pd.concat([FIELDS, pd.DataFrame(dead)]), plate_map=mapped)
    assert set(found["qc_flags"]) == {"controls_reversed", "fields_missing;controls_reversed"}
    assert found.at["C01", "qc_flags"] == "controls_reversed"


def test_row_hash_changes_with_the_images_and_with_nothing_foreign():
    first = table()["row_sha256"]
    assert first.is_unique
    changed = FIELDS.assign(pixels_sha256=["other", *FIELDS["pixels_sha256"][1:]])
    second = table(fields=changed)["row_sha256"]
    assert (first != second).to_dict() == {w: w == "A01" for w in first.index}


def test_plates_with_other_map_columns_join():
    one = table().reset_index()[["plate", "row", "column", "timepoint", "hours", "well", "drug", *RESULTS]]
    two = (
        table()
        .reset_index()
        .assign(plate="q")
        .rename(columns={"drug": "dose"})[
            ["plate", "row", "column", "timepoint", "hours", "well", "dose", *RESULTS]
        ]
    )
    joined = join_plates([one, two])
    assert list(joined.columns) == [*KEYS, "hours", "drug", "dose", *RESULTS]
    assert len(joined) == 12
    with pytest.raises(CountError, match="twice"):
        join_plates([one, one])


def test_a_well_bears_the_flags_of_its_fields():
    flagged = FIELDS.assign(qc_flags=["", "saturated;blurred", *[""] * (len(FIELDS) - 2)])
    found = table(fields=flagged)["qc_flags"]
    assert found["A01"] == "blurred;saturated"
    assert found["A02"] == "fields_missing"
