"""Class maps drawn over the fields that they belong to."""

import numpy as np
from matplotlib.colors import to_rgb
from scipy.ndimage import binary_erosion

from livedead.network.classes import Classes
from livedead.pictures.overlay import COLOURS

ROLE_COLOURS = {"live": COLOURS["live"], "dead": COLOURS["dead"], "boundary": "#E6C300", "context": "#009E73"}
SIDE_PX = 700


def outlined(field: np.ndarray, class_map: np.ndarray, classes: Classes) -> np.ndarray:
    """A field in grey with the outlines of its classes in colour.

    Parameters
    ----------
    field : ndarray, (H, W), float32
        In [-1, 1].
    class_map : ndarray, (H, W), uint8
    classes : Classes

    Returns
    -------
    ndarray, (h, w, 3), float64
        In [0, 1]; large fields are reduced to about `SIDE_PX` on their longer side.
    """
    step = max(1, round(max(field.shape) / SIDE_PX))
    colours = np.repeat((field[::step, ::step, None].astype(float) + 1) / 2, 3, axis=2)
    for role, colour in ROLE_COLOURS.items():
        inside = np.isin(class_map[::step, ::step], classes.of(role))
        edge = inside & ~binary_erosion(inside, np.ones((3, 3)))
        colours[edge] = to_rgb(colour)
    return colours


def shaded(field: np.ndarray, class_map: np.ndarray, classes: Classes) -> np.ndarray:
    """The same with the classes as transparent areas."""
    colours = outlined(field, class_map, classes)
    step = max(1, round(max(field.shape) / SIDE_PX))
    for role, colour in ROLE_COLOURS.items():
        inside = np.isin(class_map[::step, ::step], classes.of(role))
        colours[inside] = 0.6 * colours[inside] + 0.4 * np.array(to_rgb(colour))
    return colours
