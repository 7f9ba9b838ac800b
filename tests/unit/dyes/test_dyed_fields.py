"""Dyed fields of a plate, read or failed."""

from dataclasses import replace
from types import MappingProxyType

import numpy as np
import pytest
from dyed_plate import dye_settings, fit, known_dyes
from scipy import ndimage

from livedead.dyes.dyed_fields import dye_signals, read_fields, read_signals
from livedead.errors import FieldError
from livedead.fields.plate_images import PlateImages

BOTH = {"total": "hoechst", "dead": "draq7"}


class Plate:
    """Three fields of one object each, dead in the second; the third cannot be read."""

    plate = "p"
    hours = MappingProxyType({})
    describe = PlateImages.describe

    def keys(self, wells):
        return [key for key in [("A01", 1, 1), ("A01", 2, 1), ("B01", 1, 1)] if key[0] in wells]

    def plane(self, key, channel):
        if key == ("B01", 1, 1):
            raise FieldError("truncated", "B01.tif: cut off")
        plane = np.full((32, 40), 200, np.uint16)
        if channel == "draq7" and key[1] == 2:
            plane[10:20, 10:20] = 900
        return plane

    def cropped(self, array):
        return array[:30]


class Dyed(Plate):
    """Three fields of two nuclei, one of them dead; what `broken` says of a field is raised for it."""

    def __init__(self, broken=None):
        self.broken = broken or {}

    def plane(self, key, channel):
        if key in self.broken:
            raise self.broken[key]
        y, x = np.mgrid[:32, :40]
        nuclei = [(15, 10)] if channel == "draq7" else [(15, 10), (15, 28)]
        drawn = np.any([np.hypot(y - a, x - b) < 5 for a, b in nuclei], axis=0).astype(float)
        return (200 + 3000 * ndimage.gaussian_filter(drawn, 0.7)).astype(np.uint16)


KEYS = Dyed().keys(["A01", "B01"])


@pytest.fixture(scope="module")
def dyes():
    plate = Dyed()
    planes = {key: {c: plate.cropped(plane) for c, plane in planes_of(plate, key).items()} for key in KEYS}
    return fit(planes, dye_settings(**BOTH))


def planes_of(plate, key):
    return {channel: plate.plane(key, channel) for channel in BOTH.values()}


def test_signals_are_over_the_background_and_cropped_like_the_field(dyes):
    signals, planes = read_signals(Dyed(), KEYS[0], dyes)
    assert list(signals) == ["total", "dead"]
    assert {plane.shape for plane in planes} == {(32, 40)}
    assert signals["total"].shape == (30, 40) and signals["total"].dtype == np.float32
    assert signals["total"][0, 0] == 0
    assert signals["dead"][15, 10] == pytest.approx(3000, rel=0.02)
    assert signals["dead"][15, 28] == 0


@pytest.mark.parametrize("threads", [1, 3])
def test_fields_are_read_in_order_whatever_the_threads(dyes, threads):
    found = list(read_fields(Dyed(), KEYS, dyes, threads))
    assert [(row["well"], row["field"]) for row, _ in found] == [key[:2] for key in KEYS]
    for row, arrays in found:
        assert (row["status"], len(row["pixels_sha256"])) == ("ok", 64)
        assert [arrays["maps"][place] for place in [(15, 10), (15, 28), (0, 0)]] == [3, 2, 0]
        assert arrays["unstable"].size == arrays["runners_up"].size == 0


def test_a_bad_field_fails_alone_and_says_why(dyes):
    broken = {
        KEYS[0]: FieldError("truncated", "A01.tif: cut off"),
        KEYS[2]: FieldError("missing_channel", "no image of channel draq7"),
    }
    found = list(read_fields(Dyed(broken), KEYS, dyes))
    rows = [row for row, _ in found]
    assert [(row["status"], row["code"]) for row in rows] == [
        ("failed", "truncated"),
        ("ok", ""),
        ("failed", "missing_channel"),
    ]
    assert rows[0]["message"] == "A01.tif: cut off"
    assert "plates.tsv, dyed_wells" in rows[2]["message"]
    assert [bool(arrays) for _, arrays in found] == [False, True, False]


def test_a_field_of_another_shape_fails():
    [(row, arrays)] = read_fields(Dyed(), KEYS[:1], known_dyes((20, 20), **BOTH))
    assert (row["status"], row["code"], arrays) == ("failed", "wrong_shape", {})


def test_no_field_is_read_by_dyes_that_tell_nothing():
    dyes = known_dyes((30, 40), total="hoechst")
    lost = replace(dyes.dyes["total"].threshold, verdict="not separated")
    dyes = replace(dyes, dyes={"total": replace(dyes.dyes["total"], threshold=lost)})
    for row, arrays in read_fields(Dyed(), KEYS, dyes):
        assert (row["status"], row["code"], arrays) == ("failed", "not_separated", {})
        assert "channel hoechst" in row["message"] and "dyes.threshold" in row["message"]


def test_signals_for_counting_are_those_of_reading(dyes):
    signals_of = dye_signals(Dyed(), dyes)
    found = signals_of(KEYS[0], ["hoechst", "draq7"], (30, 40))
    assert {channel: signal.marks for channel, signal in found.items()} == {"hoechst": "", "draq7": "dead"}
    read, _ = read_signals(Dyed(), KEYS[0], dyes)
    np.testing.assert_array_equal(found["draq7"].plane, read["dead"])
    assert found["draq7"].threshold == dyes.dyes["dead"].threshold.counts


def test_signals_that_cannot_be_read_any_more_are_missing_unless_they_decide(dyes, caplog):
    broken = Dyed({KEYS[0]: FieldError("truncated", "A01.tif: cut off")})
    assert dye_signals(broken, dyes)(KEYS[0], ["hoechst"], (30, 40)) == {}
    assert "A01 field 1 timepoint 1 without signals: A01.tif: cut off" in caplog.text
    by_mean = replace(dyes, settings=replace(dyes.settings, dead_by="mean"))
    with pytest.raises(FieldError, match="cut off"):
        dye_signals(broken, by_mean)(KEYS[0], ["hoechst"], (30, 40))
