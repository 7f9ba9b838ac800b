import numpy as np
import pytest

from livedead.statistics import time_courses
from livedead.statistics.time_courses import half_time


@pytest.mark.parametrize(
    ("time", "viability", "expected", "words"),
    [
        ([0, 2, 4], [0.9, 0.6, 0.2], 2 + 2 * 0.1 / 0.4, time_courses.REACHED),
        ([0, 2, 4], [0.9, 0.5, 0.2], 2, time_courses.REACHED),
        ([0, 2, 4], [0.5, 0.4, 0.2], 0, time_courses.REACHED),
        ([0, 2, 4], [0.9, np.nan, 0.1], 2, time_courses.REACHED),
        ([0, 2, 4, 6], [0.9, 0.4, 0.8, 0.1], 1.6, time_courses.REACHED),
        ([0, 2, 4], [0.9, 0.8, 0.6], np.nan, time_courses.NOT_REACHED),
        ([0, 2, 4], [0.4, 0.3, 0.2], np.nan, time_courses.BEFORE),
        ([0, 2], [np.nan, 0.3], np.nan, time_courses.TOO_FEW),
        # Half were dead when nobody knows, so not "not reached", nor by a line to the next timepoint.
        ([0, 2, np.nan], [0.9, 0.8, 0.3], np.nan, time_courses.NO_TIME),
        ([0, np.nan, 10], [0.9, 0.3, 0.2], np.nan, time_courses.NO_TIME),
        ([0, np.nan, 10], [0.9, 0.7, 0.1], 5, time_courses.REACHED),
        ([0, 10, np.nan], [0.9, 0.1, 0.1], 5, time_courses.REACHED),
    ],
)
def test_half_time_by_hand(time, viability, expected, words):
    found, said = half_time(np.array(time, float), np.array(viability))
    assert said == words
    assert found == pytest.approx(expected, nan_ok=True)
