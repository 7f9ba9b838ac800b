"""Class maps from drawn objects, whose states a table or a dead dye inside them tells."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import ndimage

from livedead.errors import SheetError
from livedead.labels.painting import paint_cells
from livedead.network.classes import Classes

MOST_TOLD = 10
"""Objects that a message lists."""


@dataclass(frozen=True)
class MaskSettings:
    """How a class map is made of drawn objects; the keys of ``labels.masks`` in config.yaml.

    Attributes
    ----------
    dead_offset : float
        Without a table of states: an object is dead if the median of its dead dye is more than this many
        counts above the median outside all objects.
    boundary_px : int
        Pixels within this distance of two objects are boundary.
    shrink : float
        Depth of the inner part that has the object's state, as a share of the object's, see `inner_parts`.
        The rest is context if there is such a class, otherwise background.
    """

    dead_offset: float
    boundary_px: int
    shrink: float = 1.0

    @classmethod
    def from_config(cls, masks: dict[str, Any]) -> "MaskSettings":
        """Settings from the section ``labels.masks`` of the configuration."""
        return cls(**masks)


def label_from_masks(
    instances: np.ndarray, is_dead: np.ndarray, classes: Classes, settings: MaskSettings
) -> np.ndarray:
    """Class map from drawn objects.

    Parameters
    ----------
    instances : ndarray, (H, W), int
        0 background, then one number per object.
    is_dead : ndarray, (largest number + 1,), bool
        By number, from `dead_by_dye` or `dead_by_table`.
    classes : Classes
    settings : MaskSettings

    Returns
    -------
    ndarray, (H, W), uint8
        The first class of each role.

    Examples
    --------
    >>> instances = np.array([[1, 1, 0, 2, 2]])
    >>> classes = Classes(background=(0,), live=(1,), dead=(2,))
    >>> settings = MaskSettings(dead_offset=60, boundary_px=1)
    >>> label_from_masks(instances, dead_by_table(instances, {1: "live", 2: "dead"}), classes, settings)
    array([[1, 1, 0, 2, 2]], dtype=uint8)
    """
    cells = inner_parts(instances, settings.shrink)
    return paint_cells(cells, is_dead, classes, settings.boundary_px, instances > 0)


def inner_parts(instances: np.ndarray, shrink: float) -> np.ndarray:
    """Objects without their rim: a disc of radius r becomes one of `shrink` r, (H, W) int.

    A pixel stays if it lies as deep in its object as 1 - `shrink` of the object's depth. The deepest
    always stay, so that no object vanishes.
    """
    if shrink == 1:
        return instances
    inner = np.zeros_like(instances)
    for k, box in enumerate(ndimage.find_objects(instances), start=1):
        if box is not None:
            # Padded, as the field's edge is an edge of the object.
            depth = ndimage.distance_transform_edt(np.pad(instances[box] == k, 1))[1:-1, 1:-1]
            deepest = depth.max()
            inner[box][(depth - 0.5 >= (1 - shrink) * deepest) | (depth == deepest)] = k
    return inner


def dead_by_dye(instances: np.ndarray, dead_dye: np.ndarray, dead_offset: float) -> np.ndarray:
    """Which objects are dead by the dye inside them, (largest number + 1,) bool, by number.

    Parameters
    ----------
    instances : ndarray, (H, W), int
    dead_dye : ndarray, (H, W), uint16, raw counts
    dead_offset : float
        See `MaskSettings`.

    Examples
    --------
    >>> dead_dye = np.array([[90, 110, 100, 480, 520]], np.uint16)
    >>> dead_by_dye(np.array([[1, 1, 0, 2, 2]]), dead_dye, dead_offset=60).tolist()
    [False, False, True]
    """
    numbers = np.unique(instances[instances > 0])
    is_dead = np.zeros(int(numbers.max(initial=0)) + 1, bool)
    if numbers.size:
        background = np.median(dead_dye[instances == 0])
        is_dead[numbers] = ndimage.median(dead_dye, instances, numbers) - background > dead_offset
    return is_dead


def dead_by_table(instances: np.ndarray, states: Mapping[int, str]) -> np.ndarray:
    """Which objects are dead by a table, (largest number + 1,) bool, by number.

    Parameters
    ----------
    instances : ndarray, (H, W), int
    states : mapping of int -> str
        Label -> ``live`` or ``dead``.

    Raises
    ------
    SheetError
        If an object has no state, or a state no object: image and table are not of one make.
    """
    drawn = set(np.unique(instances[instances > 0]).tolist())
    problems = [
        f"{what}: {', '.join(map(str, sorted(labels)[:MOST_TOLD]))}{', ...' * (len(labels) > MOST_TOLD)}"
        for what, labels in (
            ("labels of the image without a row in the table of states", drawn - states.keys()),
            ("labels in the table of states that the image has not", states.keys() - drawn),
        )
        if labels
    ]
    if problems:
        raise SheetError("; ".join(problems))
    is_dead = np.zeros(max(drawn, default=0) + 1, bool)
    is_dead[[label for label, state in states.items() if state == "dead"]] = True
    return is_dead
