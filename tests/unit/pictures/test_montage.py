import numpy as np
import pytest

from livedead.errors import FieldError
from livedead.pictures import montage

SHOWN = {"input": "brightfield"}
BROKEN = ("A02", 1, 1)


def draw(n_wells, side, levels, um_per_px=0.5):
    """A plate whose wells are even fields of these levels."""

    def read(key):
        if key == BROKEN:
            raise FieldError("truncated", "cut off")
        return np.full((1, *side), levels[key[0]], np.float32)

    fields = {well: [(well, 1, 1), (well, 2, 1)] for well in levels}
    return montage.draw(fields, read, "p", n_wells, SHOWN, um_per_px)


def test_every_well_stands_in_its_place_in_one_contrast():
    figure = draw(24, (40, 60), {"A01": -1.0, "B03": 0.0, "D06": 1.0})
    picture = figure.axes[0].images[0].get_array()
    assert picture.shape == (4 * 40, 6 * 60, 3)
    tiles = picture.reshape(4, 40, 6, 60, 3).transpose(0, 2, 1, 3, 4)
    for (row, column), grey in {(0, 0): 0.0, (1, 2): 0.5, (3, 5): 1.0, (2, 2): 1.0}.items():
        np.testing.assert_allclose(tiles[row, column], grey, atol=1e-6)


@pytest.mark.parametrize(("n_wells", "widest"), [(6, 180), (96, 91), (1536, 22)])
def test_large_fields_are_reduced_to_the_place_there_is(n_wells, widest):
    figure = draw(n_wells, (512, 512), {"A01": 0.0}, um_per_px=0.5)
    columns = {6: 3, 96: 12, 1536: 48}[n_wells]
    width = figure.axes[0].images[0].get_array().shape[1] // columns
    assert widest / 2 < width <= widest
    # A field is 256 um wide, whatever was left out; the bar is at most as long as a field.
    (bar,) = [line for axes in figure.axes for line in axes.lines if line.get_gid() == "scale bar"]
    (text,) = [text.get_text() for axes in figure.axes for text in axes.texts if "µm" in text.get_text()]
    length_px = np.ptp(bar.get_xdata())
    assert length_px * (256 / width) == pytest.approx(float(text.split()[0]), rel=0.03)
    assert 100 <= float(text.split()[0]) <= 256


def test_a_field_that_cannot_be_read_is_replaced_by_the_next(caplog):
    picture = draw(24, (8, 8), {"A01": 0.0, "A02": -1.0}).axes[0].images[0].get_array()
    assert picture[4, 12].tolist() == [0, 0, 0]
    assert "A02 field 1 timepoint 1: truncated" in caplog.text


def test_a_plate_without_a_field_is_drawn():
    assert (draw(96, (8, 8), {}).axes[0].images[0].get_array() == 1).all()
