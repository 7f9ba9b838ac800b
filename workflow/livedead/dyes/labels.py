"""Class maps as a person would paint them, from dyes alone or from drawn objects and the dead dye."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from scipy import ndimage
from skimage.filters import sobel, threshold_otsu
from skimage.morphology import dilation, disk
from skimage.segmentation import find_boundaries, watershed

from livedead.cells.measures import LabelledCells
from livedead.cells.splitting import split_by_depth
from livedead.dyes.nuclei import stained_cells, states
from livedead.dyes.plate_dyes import PlateDyes
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


@dataclass(frozen=True)
class LabelSettings:
    """How a class map is made of the dyes alone; the keys of ``labels.dyes`` in config.yaml.

    Attributes
    ----------
    reach_px : float
        A cell ends at most this far from its nucleus.
    outline_px : int
        Width of a cell's outline.
    """

    reach_px: float
    outline_px: int

    @classmethod
    def from_config(cls, dyes: dict[str, Any]) -> "LabelSettings":
        """Settings from the section ``labels.dyes`` of the configuration."""
        return cls(**dyes)


class Nuclei(NamedTuple):
    """The nuclei of a field.

    Attributes
    ----------
    labels : ndarray, (H, W), int
        0 background, then a number for each nucleus.
    is_dead : ndarray, (largest number + 1,), bool
        By number; False for the background.
    """

    labels: np.ndarray
    is_dead: np.ndarray


def label_from_dyes(
    signals: Mapping[str, np.ndarray],
    dyes: PlateDyes,
    brightfield: np.ndarray,
    classes: Classes,
    settings: LabelSettings,
) -> np.ndarray:
    """Class map of a dyed field, in which every nucleus is of one class.

    Parameters
    ----------
    signals, dyes
        See `livedead.dyes.reading.class_map`.
    brightfield : ndarray, (H, W), uint16, raw counts
        It shows where cells end, for a class of role context (the cell), and one of role boundary
        (its outline).
    classes : Classes
        Of the network.
    settings : LabelSettings

    Returns
    -------
    ndarray, (H, W), uint8
        The first class of each role.
    """
    cells = LabelledCells(split_by_depth(stained_cells(signals, dyes).labels, dyes.split_depth_px))
    _, is_dead = states(cells, signals, dyes)
    nuclei = Nuclei(cells.labels, np.append(False, is_dead))
    class_map = np.full(brightfield.shape, classes.background[0], np.uint8)
    if classes.context:
        regions = cell_regions(brightfield, nuclei.labels, settings.reach_px)
        class_map[regions > 0] = classes.context[0]
        if classes.boundary:
            class_map[_outlines(regions, settings.outline_px)] = classes.boundary[0]
    _paint(class_map, nuclei, classes)
    return class_map


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
    _paint(class_map, Nuclei(instances, medians - background > settings.dead_offset), classes)
    if classes.boundary:
        class_map[_between(instances, settings.boundary_px)] = classes.boundary[0]
    return class_map


def _paint(class_map: np.ndarray, nuclei: Nuclei, classes: Classes) -> None:
    """Lay live and dead nuclei over a class map, in place."""
    inside = nuclei.labels > 0
    state = np.where(nuclei.is_dead, classes.dead[0], classes.live[0])
    class_map[inside] = state[nuclei.labels[inside]]


def cell_regions(brightfield: np.ndarray, nuclei: np.ndarray, reach_px: float) -> np.ndarray:
    """Which cell each pixel belongs to, from the gradient of the brightfield image.

    Parameters
    ----------
    brightfield : ndarray, (H, W)
        Transmitted light; cells have more texture than the medium.
    nuclei : ndarray, (H, W), int
        Labelled nuclei; each owns the textured area nearest to it.
    reach_px : float
        A cell ends at most this far from its nucleus.

    Returns
    -------
    ndarray, (H, W), int32
        0 outside cells.
    """
    light = ndimage.gaussian_filter(brightfield.astype(np.float32), 1.0)
    light /= ndimage.uniform_filter(light, 101)
    texture = ndimage.gaussian_filter(sobel(light), 1.0)
    # Otsu's threshold finds the sharp rim alone; the flanks of it close the ring.
    rim = ndimage.binary_closing(np.pad(texture > 0.6 * threshold_otsu(texture), 4), disk(4))
    filled = ndimage.binary_fill_holes(rim)[4:-4, 4:-4]
    textured = ndimage.binary_opening(filled, disk(3)) | (nuclei > 0)
    distance = ndimage.distance_transform_edt(nuclei == 0)
    return watershed(distance, nuclei, mask=textured & (distance <= reach_px))


def _outlines(regions: np.ndarray, width_px: int) -> np.ndarray:
    """The outermost pixels of each cell, (H, W) bool."""
    edge = find_boundaries(regions, mode="inner")
    return dilation(edge, disk(width_px - 1)) & (regions > 0) if width_px > 1 else edge


def _between(instances: np.ndarray, distance_px: int) -> np.ndarray:
    """Pixels within a distance of two objects, (H, W) bool."""
    size = 2 * distance_px + 1
    highest = ndimage.maximum_filter(instances, size)
    lowest = ndimage.minimum_filter(np.where(instances > 0, instances, highest.max() + 1), size)
    return (highest > 0) & (lowest < highest)
