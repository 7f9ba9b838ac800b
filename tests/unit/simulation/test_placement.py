import numpy as np
import pytest

from livedead.simulation.placement import place_cells


def placed(seed=0, mean_cells=55, viability=0.5, **settings):
    return place_cells(np.random.default_rng(seed), 512, mean_cells, viability, 0.8, **settings)


def nearest(cells):
    """Distance from each nucleus to the nearest, in sums of the two radii."""
    y, x, radius = (cells[name].to_numpy() for name in ("y_px", "x_px", "nucleus_radius_px"))
    distance = np.hypot(y[:, None] - y, x[:, None] - x) / (radius[:, None] + radius)
    np.fill_diagonal(distance, np.inf)
    return distance.min(axis=1)


def test_nuclei_touch_only_if_asked():
    assert nearest(placed()).min() > 1.2


@pytest.mark.parametrize(("touching", "least", "most"), [(0.12, 0.15, 0.4), (0.5, 0.5, 0.95)])
def test_moved_cells_touch_and_do_not_lie_over_each_other(touching, least, most):
    distance = np.concatenate([nearest(placed(seed, touching=touching)) for seed in range(5)])
    assert distance.min() > 0.9
    assert least < (distance <= 1.2).mean() < most


@pytest.mark.parametrize("viability", [0, 0.3, 1])
def test_cells_are_as_many_and_as_often_alive_as_asked(viability):
    cells = [placed(seed, 30, viability) for seed in range(20)]
    n_live = sum((table["state"] == "live").sum() for table in cells)
    n_cells = sum(map(len, cells))
    # Also those centred up to 14 px beyond the edge; Poisson and binomial, within 4 standard deviations.
    expected = 20 * 30 * (540 / 512) ** 2
    assert abs(n_cells - expected) < 4 * expected**0.5
    assert abs(n_live - viability * n_cells) <= 4 * (n_cells * viability * (1 - viability)) ** 0.5
