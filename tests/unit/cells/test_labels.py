import numpy as np
import pytest
from drawn_fields import CLASSES, measure_drawn
from scipy import ndimage

from livedead.cells.labels import in_raster_order, label_cells


@pytest.mark.parametrize("odd", [(0, 0), (0, 1), (1, 0), (1, 1)])
def test_components_are_scipys_whatever_the_shape(odd):
    rng = np.random.default_rng(odd)
    for _ in range(100):
        shape = 2 * rng.integers(1, 20, 2) + odd
        nuclei = rng.random(shape) > rng.uniform(0.3, 0.95)
        expected, n = ndimage.label(nuclei, np.ones((3, 3)))
        labels = label_cells(nuclei.astype(np.uint8), CLASSES)
        assert len(np.unique(np.stack([expected, labels]).reshape(2, -1), axis=1).T) in (n, n + 1)
        assert labels.max() == n
        np.testing.assert_array_equal(labels > 0, nuclei)


def test_a_boundary_cuts_touching_cells():
    assert len(measure_drawn("LLbLL LLbLL")) == 2
    assert len(measure_drawn("LLLLL LLLLL")) == 1


def test_numbers_in_raster_order():
    labels = np.array([[0, 7, 7, 0], [3, 0, 7, 9], [3, 0, 0, 9]], np.int32)
    found = in_raster_order(labels)
    np.testing.assert_array_equal(found, [[0, 1, 1, 0], [2, 0, 1, 3], [2, 0, 0, 3]])
    assert found.dtype == np.int32
