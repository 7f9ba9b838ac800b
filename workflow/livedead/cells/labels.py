"""From a class map to numbered cells: the connected parts of its nuclei.

A nucleus that the network calls half live and half dead is one cell, not two: the parts are
those of the union of live, dead and unknown pixels.
"""

from functools import reduce

import cc3d
import numpy as np
import pandas as pd

from livedead.network.classes import Classes


def label_cells(class_map: np.ndarray, classes: Classes) -> np.ndarray:
    """Number the connected parts of the pixels of nuclei of a whole field.

    Parameters
    ----------
    class_map : ndarray, (H, W), uint8
    classes : Classes

    Returns
    -------
    ndarray, (H, W), int32
        0 outside, then 1, 2, ...; pixels that touch at a corner are connected.

    Examples
    --------
    >>> class_map = np.array([[1, 2, 0, 0], [0, 0, 0, 0], [2, 0, 0, 1]], np.uint8)
    >>> label_cells(class_map, Classes(background=(0,), live=(1,), dead=(2,)))
    array([[1, 1, 0, 0],
           [0, 0, 0, 0],
           [2, 0, 0, 3]], dtype=int32)
    """
    return connected_parts(of_classes(class_map, classes.nuclei))


def of_classes(class_map: np.ndarray, classes: tuple[int, ...]) -> np.ndarray:
    """Where a class map has one of `classes`; comparisons are 30 times as fast as np.isin."""
    if not classes:
        return np.zeros(class_map.shape, bool)
    return reduce(np.logical_or, [class_map == number for number in classes])


def connected_parts(mask: np.ndarray) -> np.ndarray:
    """Number the 8-connected parts of a mask, (H, W) bool, as int32 from 1."""
    # As uint8: for booleans cc3d 4.1.1 takes a faster path of its own, which joins and parts
    # components wrongly where the height or the width is odd.
    labels = cc3d.connected_components(mask.view(np.uint8), connectivity=8, out_dtype=np.uint32)
    return labels.view(np.int32)


def in_raster_order(labels: np.ndarray) -> np.ndarray:
    """The same labels, (H, W) int32, as 1, 2, ... in raster order of their first pixels."""
    inside = np.flatnonzero(labels)
    renumbered = np.zeros_like(labels)
    renumbered.ravel()[inside] = pd.factorize(labels.ravel()[inside])[0] + 1
    return renumbered
