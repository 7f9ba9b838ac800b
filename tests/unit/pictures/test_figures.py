import io

from matplotlib.figure import Figure
from matplotlib.image import imread

from livedead.pictures import figures


def test_equal_figures_are_equal_bytes():
    pictures = []
    for _ in range(2):
        figure = Figure(figsize=(2, 1))
        figure.text(0.5, 0.5, "x")
        pictures.append(figures.png(figure))
    assert pictures[0] == pictures[1]
    assert b"Software" not in pictures[0]
    assert imread(io.BytesIO(pictures[0])).shape[:2] == (figures.DPI, 2 * figures.DPI)
