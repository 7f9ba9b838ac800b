import io

import numpy as np
import pandas as pd
from matplotlib.colors import to_rgb
from matplotlib.image import imread

from livedead.pictures import accuracy
from livedead.pictures.figures import DATA_COLOUR, png


def test_every_condition_has_a_curve_of_its_own():
    """Two panels of each condition, over each other; one condition was not measured."""
    rows = [
        {"varied": varied, "value": value, "count_error": 0.1 * value, "viability_error": -0.1 * value}
        for varied in accuracy.LABELS
        for value in (1, 2, 5)
    ]
    errors = pd.DataFrame(rows).query("varied != 'size'")
    colours = imread(io.BytesIO(png(accuracy.draw(errors))))[..., :3]
    drawn = np.isclose(colours, to_rgb(DATA_COLOUR), atol=0.01).all(axis=-1)
    for row in np.array_split(drawn, 2):
        panels = np.array_split(row, len(accuracy.LABELS), axis=1)
        # The middle of each, as panels are not exactly a fifth of the figure.
        n_pixels = [int(panel[:, 100:-100].sum()) for panel in panels]
        assert [n > 50 for n in n_pixels] == [varied != "size" for varied in accuracy.LABELS]
