"""Class maps from drawn objects and the dead dye inside them."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import ndimage

from livedead.labels.painting import between, paint
from livedead.network.classes import Classes


@dataclass(frozen=True)
class MaskSettings:
    """How a class map is made of drawn objects; the keys of ``labels.masks`` in config.yaml.

    Attributes
    ----------
    dead_offset : float
        An object is dead if the median of its dead dye is more than this many counts above the
        median outside all objects.
    boundary_px : int
        Pixels within this distance of two objects are boundary.
    """

    dead_offset: float
    boundary_px: int

    @classmethod
    def from_config(cls, masks: dict[str, Any]) -> "MaskSettings":
        """Settings from the section ``labels.masks`` of the configuration."""
        return cls(**masks)


def label_from_masks(
    instances: np.ndarray, dead_dye: np.ndarray, classes: Classes, settings: MaskSettings
) -> np.ndarray:
    """Class map from drawn objects and the dead dye inside them.

    Parameters
    ----------
    instances : ndarray, (H, W), int
        0 background, then one number per object.
    dead_dye : ndarray, (H, W), uint16, raw counts
    classes : Classes
    settings : MaskSettings

    Returns
    -------
    ndarray, (H, W), uint8
        The first class of each role.

    Examples
    --------
    >>> instances = np.array([[1, 1, 0, 2, 2]])
    >>> dead_dye = np.array([[90, 110, 100, 480, 520]], np.uint16)
    >>> classes = Classes(background=(0,), live=(1,), dead=(2,))
    >>> label_from_masks(instances, dead_dye, classes, MaskSettings(dead_offset=60, boundary_px=1))
    array([[1, 1, 0, 2, 2]], dtype=uint8)
    """
    class_map = np.full(instances.shape, classes.background[0], np.uint8)
    numbers = np.unique(instances[instances > 0])
    if numbers.size == 0:
        return class_map
    background = np.median(dead_dye[instances == 0])
    medians = np.zeros(int(numbers.max()) + 1)
    medians[numbers] = ndimage.median(dead_dye, instances, numbers)
    paint(class_map, instances, medians - background > settings.dead_offset, classes)
    if classes.boundary:
        class_map[between(instances, settings.boundary_px)] = classes.boundary[0]
    return class_map
