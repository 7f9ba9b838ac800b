import numpy as np
import pandas as pd
import pytest

from livedead.pictures import agreement

WELLS = pd.DataFrame(
    {"well": ["A01", "A02", "A03"], "viability": [0.9, 0.5, 0.3], "true_viability": [0.8, 0.5, 0.4]}
)


def points(axes):
    (line,) = [line for line in axes.lines if line.get_marker() == "o"]
    return line.get_xydata()


def test_readings_are_drawn_against_each_other_and_as_differences():
    scatter, difference = agreement.draw(WELLS, ("counted", "true"), "p").axes
    np.testing.assert_allclose(points(scatter), [[0.8, 0.9], [0.5, 0.5], [0.4, 0.3]])
    np.testing.assert_allclose(points(difference), [[0.85, 0.1], [0.5, 0], [0.35, -0.1]], atol=1e-12)
    assert (scatter.get_xlabel(), scatter.get_ylabel()) == ("true viability", "counted viability")
    assert difference.get_ylabel() == "counted minus true"
    # The standard deviation of 0.1, 0 and -0.1 is 0.1.
    levels = [line.get_ydata()[0] for line in difference.lines if line.get_color() == "#D55E00"]
    assert levels == pytest.approx([0, -0.196, 0.196], abs=1e-9)


@pytest.mark.parametrize(("n", "named"), [(12, 12), (13, 0)])
def test_a_few_wells_are_named(n, named):
    wells = pd.DataFrame(
        {"well": [f"A{k:02d}" for k in range(1, n + 1)], "viability": 0.5, "true_viability": 0.4}
    )
    scatter, _ = agreement.draw(wells, ("counted", "true")).axes
    assert len(scatter.texts) == named
