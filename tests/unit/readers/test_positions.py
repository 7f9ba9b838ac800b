import pandas as pd
import pytest

from livedead.readers.positions import find_overlap


def fields(*places, well="A01", height=20, width=30):
    """Fields of 20 x 30 px at places in µm; None where the export gives no place."""
    rows = [
        {"field": k, "x_um": place and place[0], "y_um": place and place[1]}
        for k, place in enumerate(places, start=1)
    ]
    table = pd.DataFrame(rows, columns=["field", "x_um", "y_um"]).astype({"x_um": float, "y_um": float})
    return table.assign(well=well, timepoint=1, height=height, width=width)


@pytest.mark.parametrize(
    ("places", "x_px", "y_px", "pairs"),
    [
        ([(0, 0), (15, 0)], 0, 0, 0),  # 30 px of 0.5 µm apart: they touch
        ([(0, 0), (12.5, 0)], 5, 0, 1),
        ([(0, 0), (0, -9)], 0, 2, 1),
        ([(0, 0), (12.5, 0), (0, 9), (12.5, 9)], 5, 2, 6),  # the two diagonals share a corner, too
    ],
)
def test_shared_columns_and_rows_of_neighbours(places, x_px, y_px, pairs):
    found = find_overlap(fields(*places), 0.5)
    assert (found.known, found.x_px, found.y_px, found.pairs) == (True, x_px, y_px, pairs)
    assert found.same_place == []


def test_the_crop_is_half_of_what_is_shared_rounded_up():
    assert find_overlap(fields((0, 0), (12.5, 0), (0, 9)), 0.5).crop_px() == (1, 3)


def test_fields_at_one_place_are_named_and_are_no_overlap():
    found = find_overlap(fields((0, 0), (0, 0)), 0.5)
    assert found.same_place == [("A01", 1, 2)]
    assert (found.pairs, found.x_px, found.y_px) == (0, 0, 0)


def test_fields_of_different_wells_do_not_overlap():
    images = pd.concat([fields((0, 0)), fields((0, 0), well="A02")])
    assert find_overlap(images, 0.5).pairs == 0


def test_without_places_nothing_is_known():
    assert not find_overlap(fields(None, None), 0.5).known
