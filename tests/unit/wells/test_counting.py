"""The rules of counting that the dyes of a plate decide."""

from types import SimpleNamespace

import pytest

from livedead.wells.counting import dye_rules

COUNTING = {"min_area_um2": 15, "ambiguous_margin": 0.1, "split_depth_um": None}


@pytest.mark.parametrize(
    ("given", "expected"),
    # 1.2 px of 0.5 um.
    [(None, 0.6), (0.25, 0.25), (0, 0)],
)
def test_the_plate_decides_what_the_configuration_leaves_open(given, expected):
    settings = SimpleNamespace(dead_by="mean", both="live")
    dyes = SimpleNamespace(split_depth_px=1.2, dead_fraction=0.3, settings=settings)
    rules = dye_rules({**COUNTING, "split_depth_um": given}, dyes, pixel_size_um=0.5)
    assert rules.split_depth_um == pytest.approx(expected)
    assert (rules.dead_fraction, rules.dead_by, rules.both) == (0.3, "mean", "live")
    assert (rules.min_area_um2, rules.ambiguous_margin) == (15, 0.1)
