import numpy as np
import pandas as pd
import pytest

from livedead.errors import CountError
from livedead.tables import COUNTED, FIELDS, SHARD_FIELDS
from livedead.wells.fields import OF_PLATE, finish_fields, judge_fields

THRESHOLDS = {
    "min_focus": 0.5,
    "max_saturated_fraction": 0.1,
    "max_dark_fraction": None,
    "max_illumination_residual": None,
    "max_drift": None,
    "max_unfamiliarity": 1,
    "min_range": 100,
}
WELLS = ["A01", "A02", "A03"]
KEY = {"plate": "p", "field": 1, "timepoint": 1}


def counted():
    """Three wells of one field; that of A03 failed."""
    rows = [
        {
            **KEY, "well": well, "status": "ok", "pixels_sha256": well, "n_live": 20, "n_dead": 0,
            "n_ambiguous": 0, "n_total": 20, "area_mm2": 0.5, "edge_rule": "keep", "n_by_hand": 0,
        }
        for well in WELLS[:2]
    ]  # fmt: skip
    failed = {**KEY, "well": "A03", "status": "failed", "code": "truncated", "message": "half of it"}
    return SHARD_FIELDS.rows([*rows, failed])


def quality(**of_bf):
    """Two channels a field; `of_bf` are columns of the first one."""
    usual = {"status": "ok", "focus": 2.0, "saturated_fraction": 0.0, "dark_fraction": 0.0}
    usual |= {"illumination_residual": 0.0, "median_counts": 8000.0, "range_counts": 500.0}
    table = pd.DataFrame(
        [
            {"well": well, "field": 1, "timepoint": 1, "channel": channel, **usual}
            for channel in ("bf", "pi")
            for well in WELLS
        ]
    )
    for name, values in of_bf.items():
        table.loc[table["channel"] == "bf", name] = values
    return table


def cells():
    return pd.DataFrame(
        [{**KEY, "well": well, "cell": n, "state": "live"} for well in WELLS[:2] for n in range(20)]
    )


def test_a_field_has_the_quality_of_its_first_channel_and_the_flags_of_all():
    found = judge_fields(
        counted(), quality(focus=[2.0, 0.4, np.nan], saturated_fraction=[0.2, 0, 0]), THRESHOLDS, "both"
    ).set_index("well")
    assert found["focus"].tolist()[:2] == [2.0, 0.4]
    assert found["qc_flags"].to_dict() == {"A01": "saturated", "A02": "out_of_focus", "A03": ""}
    of_pi = quality()
    of_pi.loc[(of_pi["channel"] == "pi") & (of_pi["well"] == "A02"), "range_counts"] = 50
    found = judge_fields(counted(), of_pi, THRESHOLDS, "both").set_index("well")
    assert found["qc_flags"].to_dict() == {"A01": "", "A02": "low_range", "A03": ""}
    assert found["range_counts"].tolist() == [500.0] * 3


def test_other_fields_in_both_tables_are_an_error():
    for fields, of_quality in ((counted()[1:], quality()), (counted(), quality().query("well != 'A01'"))):
        with pytest.raises(CountError, match=r"^both do not list the same fields: 1 in one only, .*'A01'"):
            judge_fields(fields, of_quality, THRESHOLDS, "both")


def test_finished_fields_have_every_column_of_their_table():
    judged = judge_fields(counted(), quality(), THRESHOLDS, "both")
    fields, kept = finish_fields(counted(), cells(), judged, [])
    assert set(OF_PLATE) <= set(FIELDS.conform(fields))
    assert fields["n_total"].tolist()[:2] == [20, 20]
    assert fields["status"].tolist() == ["ok", "ok", "failed"]
    pd.testing.assert_frame_equal(kept, cells())


def test_a_field_with_an_excluded_flag_fails_without_cells_and_the_others_stay():
    judged = judge_fields(counted(), quality(focus=[0.4, 2.0, 2.0]), THRESHOLDS, "both")
    fields, kept = finish_fields(counted(), cells(), judged, ["out_of_focus"])
    first = fields.iloc[0]
    assert (first["status"], first["code"]) == ("failed", "excluded_qc")
    assert first["message"] == "marked out_of_focus, which qc.exclude_flags leaves out"
    assert first[COUNTED].isna().all()
    assert fields.iloc[1]["status"] == "ok"
    # A reason of its own is kept.
    assert fields.iloc[2]["code"] == "truncated"
    assert set(kept["well"]) == {"A02"}


def test_a_part_of_a_plate_is_finished_with_what_the_whole_plate_says():
    judged = judge_fields(counted(), quality(focus=[0.4, 2.0, 2.0]), THRESHOLDS, "both")
    whole, _ = finish_fields(counted(), cells(), judged, ["out_of_focus"])
    part, _ = finish_fields(counted()[:1], cells()[:20], FIELDS.conform(whole), ["out_of_focus"])
    pd.testing.assert_series_equal(part.iloc[0], whole.iloc[0])
