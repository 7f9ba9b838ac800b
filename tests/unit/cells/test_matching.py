"""Cells of two readings, paired as a dense assignment by another algorithm pairs them."""

import numpy as np
import pandas as pd
import pytest
from scipy.optimize import linear_sum_assignment

from livedead.cells.matching import match_cells


def cells(*rows):
    return pd.DataFrame(rows, columns=["y_px", "x_px", "area_px"])


def disc(y, x, radius):
    return (y, x, np.pi * radius**2)


def at_random(rng, n, side):
    areas = rng.integers(40, 400, n)
    return pd.DataFrame({"y_px": rng.uniform(0, side, n), "x_px": rng.uniform(0, side, n), "area_px": areas})


@pytest.mark.parametrize("side", [60, 120, 250])
@pytest.mark.parametrize("seed", range(5))
def test_pairs_are_the_best_assignment(seed, side):
    rng = np.random.default_rng(seed)
    first, second = at_random(rng, 40, side), at_random(rng, 55, side)
    gain = np.zeros((40, 55))
    for i, one in first.iterrows():
        for j, other in second.iterrows():
            radius = np.sqrt(max(one["area_px"], other["area_px"]) / np.pi)
            gain[i, j] = max(
                0, 1 - np.hypot(one["y_px"] - other["y_px"], one["x_px"] - other["x_px"]) / radius
            )
    expected = [pair for pair in zip(*linear_sum_assignment(-gain), strict=True) if gain[pair] > 0]
    found = match_cells(first, second)
    assert len(expected) > 0
    assert gain[tuple(found.T)].sum() == pytest.approx(sum(gain[pair] for pair in expected))
    assert len(set(found[:, 0])) == len(set(found[:, 1])) == len(found)
    assert (gain[tuple(found.T)] > 0).all()


@pytest.mark.parametrize(("one", "other"), [(8, 8), (5, 12), (12, 5)])
def test_cells_that_only_touch_are_not_the_same(one, other):
    left, right = cells(disc(20, 20, one)), cells(disc(20, 20 + one + other, other))
    assert match_cells(left, right).size == 0
    assert match_cells(left, cells(disc(20, 20 + max(one, other) - 1, other))).tolist() == [[0, 0]]


def test_a_row_of_touching_cells_that_one_reading_sees_shifted():
    """The nearest ones are paired, although a greedy choice would begin with another pair."""
    row = [disc(10, x, 6) for x in (10, 22, 34)]
    shifted = [disc(10, x + 5, 6) for x in (10, 22, 34)]
    assert match_cells(cells(*row), cells(*shifted)).tolist() == [[0, 0], [1, 1], [2, 2]]


def test_two_cells_that_one_reading_joins_make_one_pair():
    both, joined = cells(disc(10, 10, 6), disc(10, 22, 6)), cells((10, 16.5, 2 * np.pi * 36))
    assert match_cells(both, joined).tolist() == [[1, 0]]
    assert match_cells(joined, both).tolist() == [[0, 1]]


def test_a_field_in_which_one_reading_finds_nothing():
    some, nothing = cells(disc(10, 10, 6)), cells()
    for pair in ((some, nothing), (nothing, some), (nothing, nothing)):
        assert match_cells(*pair).shape == (0, 2)


def test_the_same_place_is_the_same_cell():
    same = cells(disc(10, 10, 6), disc(40, 40, 6))
    assert match_cells(same, same[::-1]).tolist() == [[0, 1], [1, 0]]
