"""Class maps that several tests draw: in letters, as random blobs, as discs."""

import numpy as np
from scipy import ndimage

from livedead.cells.measures import measure_cells
from livedead.cells.rules import CountingRules
from livedead.network.classes import Classes

CLASSES = Classes(background=(0,), live=(1,), dead=(2,), boundary=(3,))
SYMBOLS = {".": 0, "L": 1, "D": 2, "b": 3, "U": 4}


def drawn(text):
    """A class map of `CLASSES` in letters, a word a row."""
    return np.array([[SYMBOLS[mark] for mark in row] for row in text.split()], np.uint8)


def measure_drawn(text, **rules):
    """Cells of a field in letters, of any area unless the rules say otherwise."""
    return measure_cells(drawn(text), CLASSES, CountingRules(**{"min_area_um2": 0, **rules}), 1.0)


def random_blobs(seed, side=200, sigma=2.5):
    """Smooth nuclei, parts of them live and parts dead."""
    rng = np.random.default_rng(seed)
    smooth = ndimage.gaussian_filter(rng.normal(size=(side, side)), sigma)
    states = ndimage.gaussian_filter(rng.normal(size=(side, side)), sigma) > 0
    return np.where(smooth > smooth.std(), np.where(states, 1, 2), 0).astype(np.uint8)


def discs(*centres, radius=10, side=80):
    """Live discs."""
    y, x = np.mgrid[0:side, 0:side]
    return np.any([np.hypot(y - a, x - b) <= radius for a, b in centres], axis=0).astype(np.uint8)
