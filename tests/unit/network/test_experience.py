"""What a network has seen, as it is carried."""

import json

import pytest

from livedead.network.calibration import Calibration
from livedead.network.experience import Experience

SEEN = {"pixel_size_um": 0.65, "cell_area_um2": {"live": 60.5, "dead": 41.0}}


def test_a_record_comes_back_from_json():
    found = Experience.from_dict(json.loads(json.dumps(SEEN)))
    assert found == Experience(0.65, {"live": 60.5, "dead": 41.0})
    assert found.as_dict() == SEEN
    assert Experience.from_dict({}) == Experience()
    surer = Experience(calibration=Calibration(slope=0.5, offset=-0.1, n_live=30, n_dead=40))
    assert Experience.from_dict(json.loads(json.dumps(surer.as_dict()))) == surer


@pytest.mark.parametrize(
    "record",
    [
        {"pixel_size_um": 0},
        {"pixel_size_um": float("nan")},
        {"pixel_size_um": "wide"},
        {"cell_area_um2": {"live": -1}},
        {"cell_area_um2": {"lively": 1}},
        {"pixels": 0.65},
        {"calibration": {"slope": -1, "offset": 0}},
        {"calibration": {"slope": 1}},
        "0.65",
    ],
)
def test_another_record_is_refused(record):
    with pytest.raises(ValueError, match=r"allowed|unknown|no record|could not convert|at least 0"):
        Experience.from_dict(record)


def test_a_pixel_size_is_added_and_none_is_changed():
    assert Experience().of_pixel_size(0.5).pixel_size_um == 0.5
    assert Experience(0.5).of_pixel_size(0.5).pixel_size_um == 0.5
    with pytest.raises(ValueError, match=r"trained on pixels of 0.5 um; the configuration says 0.65 um"):
        Experience(0.5).of_pixel_size(0.65)
