import numpy as np
import pandas as pd
import pytest

from livedead.plates.geometry import well_name
from livedead.wells.flags import FLAGS, exclude_flagged, flag_areas, flag_counted

WELLS = [well_name(row, column) for row in range(4) for column in range(4)]


def plate(n_total=40, drift=0.02, **of_wells):
    """Two fields a well; `of_wells`: well -> what is other in its fields."""
    rows = []
    for well in WELLS:
        for field in (1, 2):
            row = {"well": well, "field": field, "timepoint": 1, "status": "ok", "qc_flags": ""}
            row |= {"pixels_sha256": f"{well}{field}", "n_total": n_total, "drift": drift}
            rows.append(row | of_wells.get(well, {}))
    table = pd.DataFrame(rows)
    table.loc[table["drift"].abs() > 0.5, "qc_flags"] = "drift"
    return table.astype({"n_total": "Int64"})


def marked(table, flag):
    found = flag_counted(table)
    return [f"{row.well}.{row.field}" for row in found.itertuples() if flag in str(row.qc_flags).split(";")]


def test_a_field_as_usual_bears_no_mark():
    table = flag_counted(plate())
    assert set(table["qc_flags"]) == {""}
    assert set(table["duplicate_of"]) == {""}


@pytest.mark.parametrize("drift", [14.7, -0.98])
def test_brightness_like_no_other_and_hardly_a_cell_is_suspect(drift):
    assert marked(plate(B02={"drift": drift, "n_total": 0}), "suspect") == ["B02.1", "B02.2"]
    assert marked(plate(B02={"drift": drift, "n_total": 7}), "suspect") == ["B02.1", "B02.2"]
    assert marked(plate(B02={"drift": drift, "n_total": 0}), "drift") == ["B02.1", "B02.2"]


@pytest.mark.parametrize(
    "wells",
    [
        {"B02": {"drift": 14.7, "n_total": 30}},  # bright, and full of cells
        {"B02": {"drift": 0.4, "n_total": 0}},  # an empty well, hardly brighter
        {
            "B02": {"drift": -0.7, "n_total": 0},
            "B03": {"drift": -0.72},
        },  # the next dose is as dark and lives
        {"B02": {"drift": -0.7, "n_total": None, "status": "failed"}},
    ],
)
def test_what_is_told_otherwise_or_excused_is_not_suspect(wells):
    assert marked(plate(**wells), "suspect") == []


def test_on_a_plate_without_cells_none_is_missed():
    assert marked(plate(n_total=3, B02={"drift": 5.0, "n_total": 0}), "suspect") == []


def test_wells_damaged_side_by_side_do_not_excuse_each_other():
    damaged = {"drift": 14.7, "n_total": 0}
    assert marked(plate(A01=damaged, A02=damaged), "suspect") == ["A01.1", "A01.2", "A02.1", "A02.2"]


def test_equal_pixels_name_each_other():
    table = plate(C01={"pixels_sha256": "stuck"}, D04={"pixels_sha256": "stuck"})
    table = table[(table["well"] != "D04") | (table["field"] == 1)]
    found = flag_counted(table).set_index(["well", "field"])
    assert found.loc[("D04", 1), "duplicate_of"] == "C01 field 1 timepoint 1; C01 field 2 timepoint 1"
    assert found.loc[("C01", 2), "duplicate_of"] == "C01 field 1 timepoint 1; D04 field 1 timepoint 1"
    assert marked(table, "duplicate_image") == ["C01.1", "C01.2", "D04.1"]


def test_many_equal_fields_are_counted():
    found = flag_counted(plate(**{well: {"pixels_sha256": "stuck"} for well in WELLS[:3]}))
    assert found["duplicate_of"].iloc[0] == (
        "A01 field 2 timepoint 1; A02 field 1 timepoint 1; A02 field 2 timepoint 1; and 2 more"
    )


def test_failed_fields_have_no_pixels_to_be_equal():
    failed = {"pixels_sha256": "", "status": "failed", "n_total": None, "drift": np.nan}
    assert marked(plate(C01=failed, D04=failed), "duplicate_image") == []
    missing = {**failed, "pixels_sha256": None, "qc_flags": None}
    assert marked(plate(C01=missing, D04=missing), "duplicate_image") == []


def test_marks_follow_each_other_in_their_order():
    table = plate(B02={"drift": 9.0, "n_total": 0, "pixels_sha256": "same"})
    flags = flag_counted(table).set_index("well").loc["B02", "qc_flags"].iloc[0].split(";")
    assert flags == ["drift", "suspect", "duplicate_image"] == [flag for flag in FLAGS if flag in flags]


def test_only_excluded_flags_remove_a_field():
    table = pd.DataFrame(
        {
            "well": "A01",
            "field": [1, 2, 3],
            "timepoint": 1,
            "status": ["ok", "ok", "failed"],
            "code": ["", "", "blank"],
            "message": "",
            "n_live": pd.array([5, 6, None], "Int64"),
            "qc_flags": ["drift", "dark;drift", "dark"],
        }
    )
    cells = pd.DataFrame({"well": "A01", "field": [1, 2, 2], "timepoint": 1, "cell": [1, 1, 2]})
    same, all_cells = exclude_flagged(table, cells, [], ["n_live"])
    pd.testing.assert_frame_equal(same, table)
    assert len(all_cells) == 3
    left, counted = exclude_flagged(table, cells, ["dark"], ["n_live"])
    assert list(left["code"]) == ["", "excluded_qc", "blank"]
    assert list(left["status"]) == ["ok", "failed", "failed"]
    assert left["n_live"].isna().tolist() == [False, True, True]
    assert list(counted["field"]) == [1]


def cells_of(**areas):
    """40 cells of each state, of about that area, um2; or (how many, area)."""
    rng = np.random.default_rng(0)
    drawn = []
    for state, given in areas.items():
        n, area = given if isinstance(given, tuple) else (40, given)
        drawn.append(pd.DataFrame({"state": state, "area_um2": rng.normal(area, area / 20, n)}))
    return pd.concat(drawn, ignore_index=True)


@pytest.mark.parametrize(
    ("areas", "is_flagged"),
    [
        ({"live": 100, "dead": 60}, False),
        ({"live": 170, "dead": 100}, True),  # a pixel size that is 1.3 times too large
        ({"live": 25, "dead": 15}, True),  # half the pixel size
        ({"live": 170, "dead": 60}, False),  # a drug that swells the living
        ({"live": 170, "dead": 30}, False),
        ({"live": 170, "dead": (29, 60)}, True),  # too few dead cells to say anything
        ({"live": (29, 400), "dead": (29, 240)}, False),
        ({"live": 140, "dead": 85}, False),
    ],
)
def test_a_plate_whose_cells_are_all_of_another_area_is_flagged(areas, is_flagged, caplog):
    cells = cells_of(**areas, ambiguous=(50, 1000))
    flags = flag_areas(cells, {"live": 100.0, "dead": 60.0})
    assert flags == ["unusual_cell_area"] * is_flagged
    assert ("pixel_size_um in plates.tsv may be wrong" in caplog.text) == is_flagged


def test_areas_that_are_not_known_flag_nothing():
    assert flag_areas(cells_of(live=1000), {}) == []
    assert flag_areas(cells_of(live=1000).iloc[:0], {"live": 100.0}) == []
