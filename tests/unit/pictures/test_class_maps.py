import numpy as np
from matplotlib.colors import to_rgb

from livedead.network.classes import Classes
from livedead.pictures import class_maps
from livedead.pictures.figures import ROLE_COLOURS

NUMBERS = Classes(background=(0,), live=(1,), dead=(2,))


def test_outlines_are_the_rims_of_each_class():
    field = np.zeros((20, 30), np.float32)
    class_map = np.zeros((20, 30), np.uint8)
    class_map[5:10, 5:12], class_map[5:10, 12:20] = 1, 2
    colours = class_maps.outlined(field, class_map, NUMBERS)
    assert colours.shape == (20, 30, 3)
    grey = np.full(3, 0.5)
    for place, expected in {
        (5, 5): to_rgb(ROLE_COLOURS["live"]),
        (7, 11): to_rgb(ROLE_COLOURS["live"]),
        (7, 12): to_rgb(ROLE_COLOURS["dead"]),
        (7, 8): grey,
        (0, 0): grey,
    }.items():
        np.testing.assert_allclose(colours[place], expected, err_msg=str(place))
    shaded = class_maps.shaded(field, class_map, NUMBERS)
    np.testing.assert_allclose(shaded[7, 8], 0.6 * grey + 0.4 * np.array(to_rgb("#0072B2")))
    np.testing.assert_allclose(shaded[0, 0], grey)


def test_large_fields_are_reduced():
    field = np.zeros((2800, 1400), np.float32)
    assert class_maps.outlined(field, np.zeros(field.shape, np.uint8), NUMBERS).shape == (700, 350, 3)
