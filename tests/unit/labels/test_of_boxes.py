"""Class maps of boxes and points, against maps drawn by hand and the area of an ellipse."""

import math

import numpy as np
import pytest

from livedead.errors import ConfigError
from livedead.labels.of_boxes import BoxSettings, as_boxes, ellipses, label_from_boxes
from livedead.network.classes import Classes
from livedead.plates.boxes import DrawnCells

PLAIN = Classes(background=(0,), live=(1,), dead=(2,))
SYMBOLS = {".": 0, "L": 1, "D": 2, "b": 3, "c": 4}
ALL = Classes(background=(0,), live=(1,), dead=(2,), boundary=(3,), context=(4,))


def drawn(text):
    return np.array([[SYMBOLS[mark] for mark in row] for row in text.split()], np.uint8)


def labelled(boxes, states, shape, classes, **settings):
    is_dead = np.array([state == "dead" for state in states])
    return label_from_boxes(np.array(boxes, float), is_dead, shape, classes, BoxSettings(**settings))


def test_ellipses_by_hand():
    found, cells = labelled([(1, 1, 5, 5), (1, 6, 4, 9)], ["live", "dead"], (6, 10), PLAIN)
    # In a box of 4 px the corners' centres are 2.1 px from the middle, outside the disc of radius 2; in one
    # of 3 px 1.4, inside that of 1.5.
    expected = drawn(
        """
        ..........
        ..LL..DDD.
        .LLLL.DDD.
        .LLLL.DDD.
        ..LL......
        ..........
        """
    )
    np.testing.assert_array_equal(found, expected)
    np.testing.assert_array_equal(cells, expected)
    assert (found.dtype, cells.dtype) == (np.uint8, np.int32)


@pytest.mark.parametrize("shrink", [1.0, 0.7])
def test_an_ellipse_fills_pi_fourths_of_its_box(shrink):
    cells = ellipses(np.array([[10.0, 20, 90, 170]]), (120, 200), shrink)
    assert (cells > 0).sum() == pytest.approx(math.pi / 4 * 80 * 150 * shrink**2, rel=0.01)
    rows, columns = np.nonzero(cells)
    assert rows.mean() + 0.5 == pytest.approx(50) and columns.mean() + 0.5 == pytest.approx(95)
    assert np.ptp(columns) + 1 == pytest.approx(150 * shrink, abs=2)


def test_overlapping_cells_are_parted_halfway_between_their_middles():
    cells = ellipses(np.array([[0.0, 0, 20, 20], [0, 12, 20, 32]]), (20, 32), 1.0)
    assert set(cells[10, :16]) == {1} and set(cells[10, 16:]) == {2}


def test_a_small_cell_inside_a_large_one_is_seen():
    cells = ellipses(np.array([[8.0, 8, 12, 12], [0, 0, 20, 20]]), (20, 20), 1.0)
    assert (cells == 1).sum() == 12 and cells[10, 10] == 1 and cells[3, 10] == 2


def test_touching_cells_have_a_boundary_as_those_of_masks_do():
    found, cells = labelled([(0, 0, 5, 6), (0, 6, 5, 12)], ["live", "dead"], (5, 12), ALL, boundary_px=1)
    np.testing.assert_array_equal(np.flatnonzero(found[2] == 3), [5, 6])
    assert found[2, 4] == 1 and found[2, 7] == 2
    assert cells[2, 5] == 1 and cells[2, 6] == 2


def test_a_cell_too_small_for_a_boundary_keeps_its_state():
    found, _ = labelled([(0, 0, 12, 12), (4, 12, 6, 14)], ["live", "dead"], (12, 16), ALL, boundary_px=3)
    assert (found[4:6, 12:14] == 2).all()
    assert (found == 3).any()


def test_what_a_shrunk_ellipse_leaves_of_the_cell_is_context():
    box = [(0, 0, 9, 9)]
    full, _ = labelled(box, ["dead"], (9, 9), ALL)
    found, cells = labelled(box, ["dead"], (9, 9), ALL, shrink=1 / 3)
    assert drawn("DDD DDD DDD").tolist() == np.where(cells[3:6, 3:6] > 0, 2, 0).tolist()
    assert ((found > 0) == (full > 0)).all()
    assert (found[cells == 0] != 2).all() and (found == 4).sum() == (full > 0).sum() - 9
    without, _ = labelled(box, ["dead"], (9, 9), PLAIN, shrink=1 / 3)
    assert (without > 0).sum() == 9


def test_a_cell_has_a_pixel_however_small():
    cells = ellipses(np.array([[2.0, 2, 3, 3], [5.0, 5.0, 6.0, 7.0]]), (8, 8), 0.05)
    assert (cells == 1).sum() == (cells == 2).sum() == 1


def test_cells_at_the_edge_are_cut_by_it():
    cells = ellipses(np.array([[-5.0, -5, 5, 5]]), (8, 8), 1.0)
    # A quarter of a disc of 10 px.
    assert (cells > 0).sum() == pytest.approx(math.pi * 25 / 4, abs=2)
    assert cells[0, 0] == 1


def test_a_field_without_boxes_is_background():
    found, cells = labelled(np.empty((0, 4)), [], (7, 5), ALL)
    assert found.shape == cells.shape == (7, 5) and not found.any() and not cells.any()


POINTS = DrawnCells(np.array([[10.0, 20.0]]), np.array([True]))


@pytest.mark.parametrize("settings", [BoxSettings(diameter_px=6), BoxSettings(diameter_um=3)])
def test_points_become_discs_around_the_centre_of_their_pixel(settings):
    boxes = as_boxes(POINTS, settings, pixel_size_um=0.5)
    assert boxes.tolist() == [[7.5, 17.5, 13.5, 23.5]]
    assert (ellipses(boxes, (30, 40), 1.0) > 0).sum() == pytest.approx(math.pi * 9, abs=4)


def test_points_need_a_diameter():
    with pytest.raises(ConfigError, match="diameter_um or diameter_px"):
        as_boxes(POINTS, BoxSettings(), 0.5)
