"""When images were taken: texts that are times, texts that are none, and the times of a plate.

``00d12h30m`` is how Incucyte names its exports, ``2603051430`` how it names its archive.
"""

import datetime
import logging
import math

import numpy as np
import pandas as pd
import pytest

from livedead.errors import ExportError
from livedead.readers.scan import Plane
from livedead.readers.times import TO_BE_NUMBERED, clock_hours, read_moment, stated_clock, with_times


@pytest.mark.parametrize(
    ("text", "number"), [("0", 0), ("1", 1), ("0012", 12), ("000000012", 12), ("99999", 99_999)]
)
def test_a_number_is_that_of_a_timepoint(text, number):
    moment = read_moment(text)
    assert moment.timepoint == number
    assert math.isnan(moment.hours)
    assert math.isnan(moment.clock)


@pytest.mark.parametrize(
    ("text", "hours"),
    [
        ("00d00h00m", 0),
        ("00d12h30m", 12.5),
        ("02D03h00m", 51),
        ("00d24h00m", 24),  # however it is written, it is one day
        ("01d00h00m", 24),
        ("36h", 36),
        ("3d", 72),
        ("90min", 1.5),
        ("1h30m", 1.5),
        ("0h0m36s", 0.01),
    ],
)
def test_a_time_since_the_start_is_hours(text, hours):
    moment = read_moment(text)
    assert moment.timepoint == TO_BE_NUMBERED
    assert moment.hours == hours
    assert math.isnan(moment.clock)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("2026-03-05 14:30", (2026, 3, 5, 14, 30)),
        ("2026-03-05T14:30:15", (2026, 3, 5, 14, 30, 15)),
        ("2026.03.05_14.30", (2026, 3, 5, 14, 30)),
        ("2026-03-05/14-30", (2026, 3, 5, 14, 30)),
        ("20260305_1430", (2026, 3, 5, 14, 30)),
        ("20260305_14h30m", (2026, 3, 5, 14, 30)),
        ("2026y03m05d_14h30m", (2026, 3, 5, 14, 30)),
        ("202603051430", (2026, 3, 5, 14, 30)),
        ("20260305143015", (2026, 3, 5, 14, 30, 15)),
        ("2603051430", (2026, 3, 5, 14, 30)),
        ("240305_1230", (2024, 3, 5, 12, 30)),
        ("240305_123015", (2024, 3, 5, 12, 30, 15)),
        ("2003051430", (2020, 3, 5, 14, 30)),  # not the year 2003 and 30 o'clock
        ("20240229_1200", (2024, 2, 29, 12, 0)),
    ],
)
def test_a_date_and_clock_is_counted_from_1970(text, told):
    moment = read_moment(text)
    assert moment.timepoint == TO_BE_NUMBERED
    assert moment.clock == datetime.datetime(*told, tzinfo=datetime.UTC).timestamp() / 3600


@pytest.mark.parametrize(
    "text",
    [
        "20240305", "240305", "100000",  # a date without a clock, or the number of no timepoint
        "20230229_1200", "20240431_1200", "20241305_1200", "20240305_2400", "20240305_1260",  # no such moment
        "12h30",  # at half past twelve, or after as long?
        "05-03-24_12-30", "050320231430", "05032023_14_30", "05-03-2023_14_30",  # the day may stand first
        "240305143000",  # the year 2403?
        "2024-03-05T14:30Z", "2024-03-05T14:30+01:00",  # zones are for metadata
        "", "t12", "-1", "1.5h", "12s", "d", "hm", "²", "٣", "12 ", "00d12h30m\n", "99999999999999999999d",
    ],
)  # fmt: skip
def test_a_text_that_is_no_moment_is_refused_with_what_is_allowed(text):
    with pytest.raises(
        ValueError, match=r"(tells no time|is on no calendar); allowed: a number up to 99999, "
    ):
        read_moment(text)


def test_the_file_of_a_text_that_is_no_moment_is_named():
    with pytest.raises(
        ExportError, match=r"^x/B03_20240305\.tif: timepoint '20240305' tells no time; allowed"
    ):
        Plane.from_texts("x/B03_20240305.tif", well="B03", timepoint="20240305")


def test_clocks_of_metadata_have_zones_and_may_be_none():
    # 10:19:26.58 at +01:00 is 09:19:26.58 in Greenwich.
    day = datetime.datetime(2022, 12, 19, tzinfo=datetime.UTC).timestamp() / 3600
    assert stated_clock("2022-12-19T10:19:26.58+01:00") == pytest.approx(day + 9 + 19 / 60 + 26.58 / 3600)
    assert stated_clock("2022-12-19T09:19:26.5800000Z") == stated_clock("2022-12-19T10:19:26.58+01:00")
    assert stated_clock("2022-12-19T00:00:00") == day
    unset = ["", None, "soon", "0001-01-01T00:00:00", "0001-01-01T00:00:00+10:00", "9999-99-99T00:00:00"]
    assert all(math.isnan(stated_clock(text)) for text in unset)


def plate(*told, well="A1", **more):
    """A plane of one well for each timepoint that is told."""
    return [Plane.from_texts(f"{well}_{text}.tif", well=well, timepoint=text, **more) for text in told]


def timed(*planes):
    return with_times(pd.DataFrame(planes, columns=[*Plane._fields]))


def test_times_are_numbered_by_their_order():
    found = timed(*plate("01d12h00m", "00d00h00m", "00d04h30m", "00d12h00m"))
    assert found["timepoint"].tolist() == [4, 1, 2, 3]
    assert found["hours"].tolist() == [36, 0, 4.5, 12]
    # The export counts from its own start: a lost first image moves no other.
    assert timed(*plate("00d04h30m", "00d12h00m"))["hours"].tolist() == [4.5, 12]


def test_clocks_count_from_the_first_image_of_the_plate():
    found = timed(*plate("20240229_2330", "20240301_0030"), *plate("20240229_2330", well="A2"))
    assert found["hours"].tolist() == pytest.approx([0, 1, 0])
    assert found["timepoint"].tolist() == [1, 2, 1]


def test_equal_times_are_one_timepoint_however_they_are_written():
    found = timed(*plate("00d24h00m", "01d00h00m", "100m", "1h40m"))
    assert found["timepoint"].tolist() == [2, 2, 1, 1]


def test_numbers_stay_and_have_no_hours():
    found = timed(*plate("0", "1", "2", "4"))
    assert found["timepoint"].tolist() == [0, 1, 2, 4]
    assert found["hours"].isna().all()


@pytest.mark.parametrize(
    ("told", "message"),
    [
        (("3", "00d12h00m"), "A1_3.tif tells the number of a timepoint, A1_00d12h00m.tif does not"),
        (("00d12h00m", "3"), "A1_3.tif tells the number of a timepoint, A1_00d12h00m.tif does not"),
        (("20240305_1200", "36h"), "A1_20240305_1200.tif tells a date, A1_36h.tif does not"),
        (("36h", "20240305_1200"), "A1_20240305_1200.tif tells a date, A1_36h.tif does not"),
    ],
)
def test_two_ways_to_tell_the_time_are_refused(told, message):
    with pytest.raises(ExportError, match=message):
        timed(*plate(*told))


def test_the_times_of_single_images_are_no_timepoints():
    planes = [plane for k in range(3) for plane in plate(f"20240305_120{k}", well=f"A{k + 1}")]
    with pytest.raises(ExportError, match="tell 3 times, but no field has more than 1"):
        timed(*planes)


def measured(*rows):
    """Planes of metadata: a timepoint and its clock, in hours since the middle of some day."""
    noon = clock_hours(datetime.datetime(2024, 3, 5, 12))
    return [
        Plane(f"{k}.tif", "A1", 1, timepoint, clock=noon + told) for k, (timepoint, told) in enumerate(rows)
    ]


def test_numbers_with_clocks_keep_both_where_one_is_missing_in_the_middle():
    found = timed(*measured((1, 0), (2, 3), (4, 12)))
    assert found["timepoint"].tolist() == [1, 2, 4]
    assert found["hours"].tolist() == pytest.approx([0, 3, 12])


def test_clocks_and_times_since_the_start_are_not_put_on_one_scale():
    by_start = [Plane(f"A2_{k}.tif", "A2", 1, k, hours=100.0 * k) for k in (1, 2)]
    found = timed(*measured((1, 0), (2, 3)), *by_start)["hours"].tolist()
    assert found[:2] == pytest.approx([0, 3])
    assert np.isnan(found[2:]).all()
    # Where every plane tells the time since the start, that counts, whatever else is told.
    both = [
        plane._replace(hours=told) for plane, told in zip(measured((1, 0), (2, 3)), (5.0, 8.0), strict=True)
    ]
    assert timed(*both)["hours"].tolist() == [5, 8]


def test_an_image_without_a_clock_has_no_hours():
    assert np.isnan(timed(*measured((1, 0), (2, np.nan)))["hours"].iloc[1])


@pytest.mark.parametrize("rows", [((1, 0), (2, 0)), ((1, 5), (2, 3))])
def test_times_that_contradict_the_numbers_are_left_aside(rows, caplog):
    with caplog.at_level(logging.WARNING):
        assert timed(*measured(*rows))["hours"].isna().all()
    assert "well A1 field 1: by the export's own times, timepoint 2 was not taken after" in caplog.text
