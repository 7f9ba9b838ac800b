import numpy as np
import pytest

from livedead.statistics import layout


def test_median_polish_finds_the_parts_it_was_made_of():
    row, column = np.array([-2.0, -1, 0, 1, 2]), np.array([-3.0, 0, 3])
    found = layout.median_polish(10 + row[:, None] + column)
    assert found.overall == pytest.approx(10)
    np.testing.assert_allclose(found.row, row)
    np.testing.assert_allclose(found.column, column)
    np.testing.assert_allclose(found.residual, 0, atol=1e-9)


def test_median_polish_by_hand():
    # Rows first: medians 2, 5, 8 leave -1 0 1, -1 0 1, -1 0 10; then columns -1, 0, 1.
    found = layout.median_polish(np.array([[1.0, 2, 3], [4, 5, 6], [7, 8, 18]]))
    assert found.overall == 5
    np.testing.assert_array_equal(found.row, [-3, 0, 3])
    np.testing.assert_array_equal(found.column, [-1, 0, 1])
    np.testing.assert_array_equal(found.residual, [[0, 0, 0], [0, 0, 0], [0, 0, 9]])


def test_wells_without_a_value_stay_so_and_disturb_nothing():
    values = 1.0 + np.arange(4)[:, None] + 2.0 * np.arange(5)
    holed = values.copy()
    holed[1, 2] = np.nan
    holed[:, 4] = np.nan
    found = layout.median_polish(holed)
    assert np.isnan(found.residual[1, 2])
    assert np.isnan(found.column[4])
    rebuilt = found.overall + found.row[:, None] + found.column + found.residual
    np.testing.assert_allclose(rebuilt[~np.isnan(holed)], holed[~np.isnan(holed)])
    np.testing.assert_allclose(found.residual[~np.isnan(holed)], 0, atol=1e-9)


def test_treatments_are_no_effect_of_place():
    values = np.array([0.9, 0.8, 0.1, 0.3, np.nan, 0.5])
    np.testing.assert_allclose(
        layout.deviations(values, np.array([0, 0, 1, 1, 1, 2])), [0.05, -0.05, -0.1, 0.1, np.nan, 0]
    )


def test_edge_effect_is_the_difference_and_covers_the_true_one():
    rng = np.random.default_rng(2)
    on_rim = np.arange(96) < 36
    holds = []
    for _ in range(200):
        deviation = rng.normal(0, 0.05, 96) - 0.04 * on_rim
        difference, low, high = layout.edge_effect(deviation, on_rim)
        assert difference == pytest.approx(deviation[on_rim].mean() - deviation[~on_rim].mean())
        holds.append(low <= -0.04 <= high)
    assert 0.90 <= np.mean(holds) <= 0.99
    assert np.isnan(layout.edge_effect(np.zeros(5), np.arange(5) < 2)).all()
