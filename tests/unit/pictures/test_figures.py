import io
import re

import pytest
from matplotlib.axis import Axis
from matplotlib.image import imread

from livedead.pictures import figures


def drawn():
    figure = figures.new_figure(40, 20)
    axes = figure.subplots()
    axes.plot([1, 2], [3, 4])
    axes.set_title("drug $1 and $2")
    return figure


@pytest.mark.parametrize("render", [figures.png, figures.svg])
def test_equal_figures_are_equal_bytes(render):
    once, again = render(drawn()), render(drawn())
    assert once == again
    assert b"Software" not in once and b"<dc:date>" not in once


def test_a_png_has_the_size_in_print_that_was_asked_for():
    height, width = imread(io.BytesIO(figures.png(drawn()))).shape[:2]
    assert (width / 300 * 25.4, height / 300 * 25.4) == pytest.approx((40, 20), abs=0.1)


def test_text_of_an_svg_is_text_as_it_was_written():
    texts = re.findall(r"<text[^>]*>([^<]*)</text>", figures.svg(drawn()).decode())
    assert "drug $1 and $2" in texts


def test_the_suffix_says_the_format(tmp_path):
    paths = [tmp_path / "a.png", tmp_path / "a.svg"]
    figures.write(drawn(), paths)
    assert paths[0].read_bytes().startswith(b"\x89PNG")
    assert paths[1].read_bytes().startswith(b"<?xml")


@pytest.mark.parametrize(
    ("um_per_px", "share", "length_um"),
    [(0.65, 0.3, 50.0), (0.1, 0.3, 5.0), (10.0, 0.1, 200.0), (1.0, 1.0, 200.0)],
)
def test_a_scale_bar_is_as_long_as_it_says(um_per_px, share, length_um):
    """An image of 300 px; the bar is the longest of 1, 2, 5 x 10^k um that takes no more than its share."""
    axes = figures.new_figure(40, 40).subplots()
    axes.set(xlim=(-0.5, 299.5), ylim=(299.5, -0.5))
    figures.draw_scale_bar(axes, um_per_px, share)
    (bar,) = axes.lines
    left, right = bar.get_xdata()
    assert right - left == pytest.approx(length_um / um_per_px)
    assert [text.get_text() for text in axes.texts] == [f"{length_um:g} µm"]


def test_numbers_on_a_logarithmic_axis_are_plain():
    axes = figures.new_figure(60, 40).subplots()
    axes.set(xscale="log", xlim=(0.01, 100))
    figures.log_axis(axes.xaxis)
    assert isinstance(axes.xaxis, Axis)
    axes.figure.draw_without_rendering()
    shown = [label.get_text() for label in axes.get_xticklabels()]
    assert {"0.01", "1", "100"} <= set(shown)
