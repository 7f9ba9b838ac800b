"""Class maps drawn over the fields that they belong to."""

import numpy as np
from matplotlib.colors import to_rgb
from scipy.ndimage import binary_erosion

from livedead.network.classes import Classes
from livedead.pictures.figures import ROLE_COLOURS

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
    colours = np.repeat((_reduced(field)[..., None].astype(float) + 1) / 2, 3, axis=2)
    for role, colour in ROLE_COLOURS.items():
        inside = np.isin(_reduced(class_map), classes.of(role))
        edge = inside & ~binary_erosion(inside, np.ones((3, 3)))
        colours[edge] = to_rgb(colour)
    return colours


def shaded(field: np.ndarray, class_map: np.ndarray, classes: Classes) -> np.ndarray:
    """The same with the classes as transparent areas."""
    colours = outlined(field, class_map, classes)
    for role, colour in ROLE_COLOURS.items():
        inside = np.isin(_reduced(class_map), classes.of(role))
        colours[inside] = 0.6 * colours[inside] + 0.4 * np.array(to_rgb(colour))
    return colours


def coloured(class_map: np.ndarray, classes: Classes) -> np.ndarray:
    """A class map in the colours of the roles of its classes, (H, W, 3), float64 in [0, 1]."""
    colours = np.ones((*class_map.shape, 3))
    for role, colour in ROLE_COLOURS.items():
        colours[np.isin(class_map, classes.of(role))] = to_rgb(colour)
    return colours


def _reduced(image: np.ndarray) -> np.ndarray:
    """A large image with rows and columns left out."""
    step = max(1, round(max(image.shape) / SIDE_PX))
    return image[::step, ::step]
