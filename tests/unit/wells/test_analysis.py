import numpy as np
import pandas as pd
import pytest

from livedead.errors import SheetError
from livedead.plates.plate_maps import MapColumns
from livedead.statistics.dose_response import ABOVE, ESTIMATED
from livedead.wells import analysis


def plate(seed=0, reverse=False, rim=0.0):
    """A 96-well plate of two agents over 10 columns, controls in columns 1 and 12, 200 cells a well."""
    rng = np.random.default_rng(seed)
    rows = []
    for row in range(8):
        for column in range(12):
            agent, ic50 = [("one", 1.0), ("two", 1e9)][row // 4]
            control = {0: "negative", 11: "positive"}.get(column, "")
            dose = 0.0 if control else 100 / 10 ** ((10 - column) / 2)
            dosed = 0.05 + 0.9 / (1 + (dose / ic50) ** 1.5)
            alive = {"negative": 0.95, "positive": 0.05}.get(control, dosed)
            alive = 1 - alive if reverse and control else alive
            on_rim = row in (0, 7) or column in (0, 11)
            n = 200
            n_live = rng.binomial(n, float(alive) - rim * on_rim)
            rows.append(
                {
                    "plate": "p",
                    "well": f"{'ABCDEFGH'[row]}{column + 1:02d}",
                    "timepoint": 1,
                    "treatment": control or agent,
                    "dose_um": dose,
                    "control": control,
                    "n_live": n_live,
                    "n_dead": n - n_live,
                    "n_total": n,
                    "viability": n_live / n,
                    "live_per_mm2": n_live / 0.5,
                }
            )
    return pd.DataFrame(rows).assign(hours=np.nan)


def test_quality_of_a_good_plate():
    quality, residuals = analysis.assess_plate(plate(), MapColumns(), 96)
    row = quality[quality["measure"] == "viability"].iloc[0]
    # Binomial wells of 200 cells: sd sqrt(0.05 * 0.95 / 200) in both controls.
    expected = 1 - 3 * 2 * np.sqrt(0.05 * 0.95 / 200) / 0.9
    assert row["z_prime"] == pytest.approx(expected, abs=0.04)
    assert row["z_prime_low"] < row["z_prime"] < row["z_prime_high"]
    assert (row["n_negative"], row["n_positive"]) == (8, 8)
    assert row["edge_effect_low"] < 0 < row["edge_effect_high"]
    assert row["alarm"] == ""
    assert len(quality) == 2
    assert len(residuals) == 2 * 96


def test_a_rim_effect_is_seen_and_treated_columns_are_not():
    # A treatment of four wells on rows A to D has one on the rim: its deviation keeps 1 of 1.
    quality, residuals = analysis.assess_plate(plate(rim=0.05), MapColumns(), 96)
    assert quality["edge_effect_high"].iloc[0] < 0
    rows = residuals[residuals["measure"] == "viability"].drop_duplicates("row_effect")
    effects = dict(zip(rows["well"].str[0], rows["row_effect"], strict=True))
    assert effects["A"] < -0.02
    assert effects["H"] < -0.02
    assert all(abs(effects[row]) < 0.03 for row in "CDEF")


def test_swapped_channels_raise_an_alarm():
    quality, _ = analysis.assess_plate(plate(reverse=True), MapColumns(), 96)
    assert set(quality["alarm"]) == {"controls_reversed"}


def test_a_plate_without_a_map_is_assessed_too():
    bare = plate().drop(columns=["treatment", "dose_um", "control"])
    quality, residuals = analysis.assess_plate(bare, MapColumns(), 96)
    assert quality["z_prime"].isna().all()
    assert len(residuals) == 192
    assert analysis.fit_doses(bare, MapColumns()).empty


def test_doses_are_fitted_per_agent_with_the_controls_as_dose_0():
    curves = analysis.fit_doses(plate(), MapColumns(dose_unit="µM")).set_index("agent")
    assert list(curves.index) == ["one", "two"]
    assert curves.at["one", "verdict"] == ESTIMATED
    assert curves.at["one", "ic50_low"] < curves.at["one", "ic50"] < curves.at["one", "ic50_high"]
    assert curves.at["two", "verdict"] == ABOVE
    assert (curves["n_wells"] == 40 + 8).all()
    assert (curves["n_doses"] == 10).all()
    assert (curves["dose_unit"] == "µM").all()


def test_the_ic50_is_recovered_without_bias():
    found = [analysis.fit_doses(plate(seed), MapColumns())["ic50"].iloc[0] for seed in range(12)]
    # One plate's standard error is about 5 % of the IC50, twelve plates' 1.5 %.
    assert np.mean(np.log(found)) == pytest.approx(0, abs=0.045)


def test_a_chamber_slide_is_all_rim():
    wells = plate()
    slide = wells[wells["well"].isin(["A01", "A02", "A03", "A04"])].reset_index(drop=True)
    quality, residuals = analysis.assess_plate(slide, MapColumns(), 4)
    assert quality["edge_effect"].isna().all(), "no well within, so nothing to compare the rim with"
    assert residuals["well"].tolist() == ["A01", "A02", "A03", "A04"] * 2


def test_columns_of_the_map_are_configurable():
    renamed = plate().rename(columns={"treatment": "drug", "dose_um": "nM"})
    columns = MapColumns(agent_column="drug", dose_column="nM")
    pd.testing.assert_frame_equal(
        analysis.fit_doses(renamed, columns), analysis.fit_doses(plate(), MapColumns())
    )
    two_lines = pd.concat([plate(1).assign(cell_line="a"), plate(2).assign(cell_line="b")])
    assert len(analysis.fit_doses(two_lines, MapColumns())) == 4


def test_a_dose_that_is_no_number_is_named():
    wrong = plate().astype({"dose_um": object})
    wrong.loc[5, "dose_um"] = "0,5"
    with pytest.raises(SheetError, match="well A06, column 'dose_um': '0,5'"):
        analysis.fit_doses(wrong, MapColumns())


HOURS = (0.0, 3.0, 4.5, 12.0)
"""Of the images of well A01; A02 is imaged a fifth of an hour later."""


def courses_of_wells(**changes):
    counts = {"A01": [(90, 10), (80, 20), (60, 40), (20, 80)], "A02": [(45, 5), (10, 40), (5, 45), (0, 50)]}
    rows = [
        {
            "plate": "p",
            "well": well,
            "timepoint": k + 1,
            "hours": HOURS[k] + (0.2 if well == "A02" else 0),
            "treatment": "x",
            "dose_um": 1.0,
            "control": "",
            "n_live": live,
            "n_dead": dead,
            "n_total": live + dead,
        }
        for well, of_well in counts.items()
        for k, (live, dead) in enumerate(of_well)
    ]
    return pd.DataFrame(rows).assign(**changes)


def test_half_times_of_wells_and_treatments():
    found = analysis.follow_wells(courses_of_wells(), MapColumns())
    wells = found[found["level"] == "well"].set_index("well")["lt50"]
    # 0.6 -> 0.2 passes 0.5 after a quarter of the 7.5 h from 4.5 h on; 0.9 -> 0.2 after 4/7 of the first 3 h.
    assert wells["A01"] == pytest.approx(4.5 + 7.5 / 4)
    assert wells["A02"] == pytest.approx(0.2 + 3 * 4 / 7)
    # Pooled, each time between those of the two wells: 135/150 at 0.1 h, 90/150 at 3.1 h, 65/150 at 4.6 h.
    pooled = found[found["level"] == "treatment"].iloc[0]
    assert pooled["n_timepoints"] == 4
    assert pooled["lt50"] == pytest.approx(3.1 + 1.5 * (0.6 - 0.5) / (0.6 - 65 / 150))
    assert (found["time_unit"] == "h").all()


def test_a_timepoint_missing_in_the_middle_keeps_the_hours_of_the_others():
    gap = courses_of_wells().query("timepoint != 3")
    found = analysis.follow_wells(gap, MapColumns()).set_index(["level", "well"])["lt50"]
    assert found["well", "A01"] == pytest.approx(3 + 9 * (0.8 - 0.5) / (0.8 - 0.2))


def test_where_no_hours_are_known_timepoints_count_and_an_unknown_one_is_left_out():
    untimed = analysis.follow_wells(courses_of_wells(hours=np.nan), MapColumns())
    assert (untimed["time_unit"] == "timepoint").all()
    assert untimed["lt50"].iloc[0] == pytest.approx(3.25)
    # Of one image the time is lost: it is no guess between its neighbours.
    table = courses_of_wells()
    table.loc[2, "hours"] = np.nan
    found = analysis.follow_wells(table, MapColumns()).set_index(["level", "well"])
    assert found.loc[("well", "A01"), "n_timepoints"] == 3
    assert found.loc[("well", "A01"), "lt50"] == pytest.approx(3 + 9 * 0.3 / 0.6)


def test_each_plate_has_the_unit_that_its_export_tells():
    both = pd.concat([courses_of_wells(), courses_of_wells(plate="q", hours=np.nan)], ignore_index=True)
    found = analysis.follow_wells(both, MapColumns())
    assert found.groupby("plate")["time_unit"].unique().map(list).to_dict() == {
        "p": ["h"],
        "q": ["timepoint"],
    }
