"""Outlines, against areas and corners by hand."""

import numpy as np
import pytest
from drawn_fields import random_blobs
from scipy import ndimage

from livedead.cells.outlines import cells_sha256, outlines


def area(polygon):
    """By the shoelace formula."""
    y, x = np.vstack([polygon, polygon[:1]]).T
    return abs(np.sum(y[:-1] * x[1:] - y[1:] * x[:-1])) / 2


def test_outlines_by_hand():
    labels = np.array([[1, 1, 0, 0], [1, 0, 0, 2], [0, 0, 2, 2]])
    found = outlines(labels)
    assert {tuple(corner) for corner in found[0].tolist()} == {(0, 0), (0, 2), (1, 2), (1, 1), (2, 1), (2, 0)}
    assert {tuple(corner) for corner in found[1].tolist()} == {(1, 3), (1, 4), (3, 4), (3, 2), (2, 2), (2, 3)}
    assert [len(outline) for outline in found] == [6, 6]


@pytest.mark.parametrize("seed", range(3))
def test_an_outline_holds_as_much_as_its_cell_without_holes(seed):
    blobs = random_blobs(seed, side=90, sigma=2) > 0
    labels, n_cells = ndimage.label(blobs, structure=np.ones((3, 3)))
    found = outlines(labels.astype(np.int32))
    assert len(found) == n_cells > 5
    for k, outline in enumerate(found, start=1):
        # Pixels that touch at a corner alone are outside of each other's outlines, so fill 4-connected parts.
        inside = ndimage.binary_fill_holes(labels == k, structure=np.ones((3, 3)))
        assert area(outline) == pytest.approx(inside.sum(), abs=2)
        assert outline.min() >= 0 and outline.max() <= 90


def test_a_cell_in_two_parts_has_the_outline_of_the_larger():
    labels = np.array([[1, 0, 0, 0], [0, 0, 1, 1]])
    assert area(outlines(labels)[0]) == 2


def test_the_hash_knows_place_and_state():
    labels = np.array([[1, 0, 2]], np.int32)
    one = cells_sha256(labels, ["live", "dead"])
    assert one == cells_sha256(labels.astype(np.int64), ["live", "dead"])
    others = [
        cells_sha256(labels, ["live", "live"]),
        cells_sha256(np.array([[1, 2, 0]]), ["live", "dead"]),
        cells_sha256(labels.T, ["live", "dead"]),
    ]
    assert len({one, *others}) == 4
