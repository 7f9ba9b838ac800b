import numpy as np
import pytest

from livedead.errors import ConfigError
from livedead.network.classes import Classes
from livedead.training import tiles

CLASSES = Classes(background=(0,), live=(1,), dead=(2,))


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
        turned, classes = tiles.cut_tile((inputs, target), tiles.Cutting(200, rotation="any"), CLASSES, rng)
        assert turned.shape == (1, 200, 200)
        assert classes.dtype == np.uint8
        assert np.mean((turned[0] > 0.5) != classes) < 0.002
        areas.append(classes.sum() / target.sum())
    assert min(areas) > 1.1**-2 - 0.02
    assert max(areas) < 1.1**2 + 0.02
    assert np.ptp(areas) > 0.1


@pytest.mark.parametrize("rotation", tiles.ROTATIONS)
def test_tiles_near_cells_hold_one(rotation):
    """One cell near the corner of a large field: tiles anywhere miss it, tiles near it never do."""
    target = np.zeros((600, 600), np.uint8)
    target[20:30, 20:30] = 1
    field = np.zeros((1, 600, 600), np.float32), target
    rng = np.random.default_rng(0)

    def shown(on_cells):
        cutting = tiles.Cutting(64, rotation=rotation, on_cells=on_cells)
        return sum(tiles.cut_tile(field, cutting, CLASSES, rng)[1].any() for _ in range(30))

    assert shown(on_cells=1) == 30
    assert shown(on_cells=0) < 10
    # A field without cells is cut anywhere.
    empty = field[0], np.zeros_like(target)
    near = tiles.Cutting(64, rotation=rotation, on_cells=1)
    assert tiles.cut_tile(empty, near, CLASSES, rng)[1].shape == (64, 64)


def test_zoomed_tiles_show_cells_of_many_sizes():
    """The area of a disc varies by the square of the zoom, as often up as down."""
    y, x = np.mgrid[0:200, 0:200]
    target = (np.hypot(y - 99.5, x - 99.5) < 20).astype(np.uint8)
    cutting = tiles.Cutting(200, rotation="any", zoom=2)
    rng = np.random.default_rng(0)
    areas = [
        tiles.cut_tile((target[None].astype(np.float32), target), cutting, CLASSES, rng)[1].sum()
        for _ in range(60)
    ]
    factors = np.sqrt(np.array(areas) / target.sum())
    assert 0.48 < factors.min() < 0.6
    assert 1.7 < factors.max() < 2.05
    assert 0.8 < np.median(factors) < 1.25


def test_beyond_a_cut_edge_lies_nothing():
    """Of two cells at the side of a field, one is whole: no cell is seen twice, as in a mirror."""
    field = np.zeros((1, 64, 64), np.float32)
    target = np.zeros((64, 64), np.uint8)
    target[30:36, 58:64] = 1
    field[0, target == 1] = 1
    areas = {}
    for edges in tiles.EDGES:
        cutting = tiles.Cutting(128, rotation="any", zoom=1, edges=edges)
        rng = np.random.default_rng(0)
        shown = [tiles.cut_tile((field, target), cutting, CLASSES, rng) for _ in range(20)]
        areas[edges] = np.mean([y.sum() for _, y in shown])
        assert edges == "reflected" or all((x[0] != 0).sum() < 1.6 * target.sum() for x, _ in shown)
    assert areas["cut"] == pytest.approx(target.sum(), rel=0.1)
    assert areas["reflected"] > 1.8 * target.sum()


def test_of_a_cut_cell_at_least_half_must_be_seen():
    target = np.zeros((200, 200), np.uint8)
    target[90:110, 90:110] = 2
    field = target[None].astype(np.float32), target
    cutting = tiles.Cutting(32, rotation="any", zoom=1, edges="cut", on_cells=1)
    rng = np.random.default_rng(0)
    shown = [tiles.cut_tile(field, cutting, CLASSES, rng) for _ in range(200)]
    seen = np.array([(x[0] > 1).sum() / 400 for x, _ in shown])
    kept = np.array([(y == 2).sum() / 400 for _, y in shown])
    assert (kept[seen < 0.45] == 0).all()
    assert np.abs(kept - seen)[seen > 0.55].max() < 0.1
    assert (seen < 0.45).any()


def test_unknown_ways_of_cutting():
    with pytest.raises(ConfigError, match="quarter_turns, any"):
        tiles.Cutting(rotation="all")
