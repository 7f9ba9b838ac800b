import numpy as np
import pytest

from livedead.errors import ConfigError
from livedead.training import tiles


def test_small_fields_are_reflected_up_to_the_tile():
    x, y = tiles.upright_tile(
        np.ones((1, 40, 50), np.float32), np.ones((40, 50), np.uint8), 64, np.random.default_rng(0)
    )
    assert x.shape == (1, 64, 64)
    assert y.shape == (64, 64)


def test_turned_tiles_show_the_field_at_any_angle():
    """A disc in the middle of a field stays a disc of its size, give or take the zoom."""
    y, x = np.mgrid[0:200, 0:200]
    target = (np.hypot(y - 99.5, x - 99.5) < 30).astype(np.uint8)
    inputs = target.astype(np.float32)[None]
    rng = np.random.default_rng(0)
    areas = []
    for _ in range(20):
        # Of a field that is the tile, the middle is the only place.
        turned, classes = tiles.turned_tile(inputs, target, 200, rng)
        assert turned.shape == (1, 200, 200)
        assert classes.dtype == np.uint8
        assert np.mean((turned[0] > 0.5) != classes) < 0.002
        areas.append(classes.sum() / target.sum())
    assert min(areas) > 1.1**-2 - 0.02
    assert max(areas) < 1.1**2 + 0.02
    assert np.ptp(areas) > 0.1


@pytest.mark.parametrize("cut", [tiles.upright_tile, tiles.turned_tile])
def test_tiles_near_cells_hold_one(cut):
    """One cell near the corner of a large field: tiles anywhere miss it, tiles near it never do."""
    target = np.zeros((600, 600), np.uint8)
    target[20:30, 20:30] = 1
    inputs = np.zeros((1, 600, 600), np.float32)
    rng = np.random.default_rng(0)
    assert all(cut(inputs, target, 64, rng, target == 1)[1].any() for _ in range(30))
    assert sum(cut(inputs, target, 64, rng)[1].any() for _ in range(30)) < 10
    # A field without cells is cut anywhere.
    assert cut(inputs, target, 64, rng, target == 7)[1].shape == (64, 64)


def test_unknown_ways_of_cutting():
    with pytest.raises(ConfigError, match="quarter_turns, any"):
        tiles.Cutting(rotation="all")
