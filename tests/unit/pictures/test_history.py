import io

import numpy as np
import pandas as pd
from matplotlib.image import imread

from livedead.pictures import history
from livedead.pictures.figures import png

COURSE = pd.DataFrame(
    {"epoch": [1, 2], "loss": [1.0, 0.5], "dice": [0.1, 0.4], "dice_0": [0.5, 0.6], "learning_rate": [1, 0.5]}
)


def coloured(course):
    """Coloured pixels in the panels of loss, Dice and learning rate."""
    colours = imread(io.BytesIO(png(history.draw(course, ["ground"]))))[..., :3]
    panels = np.array_split(np.ptp(colours, axis=-1) > 0.2, 3, axis=1)
    return [int(panel.sum()) for panel in panels]


def test_every_panel_has_a_curve():
    assert min(coloured(COURSE)) > 100


def test_without_validation_there_is_no_curve_of_dice():
    loss, dice, rate = coloured(COURSE.assign(dice=np.nan, dice_0=np.nan))
    assert dice == 0
    assert min(loss, rate) > 100
