"""Class maps from dyes alone: nuclei by their stain, cells by what brightfield shows around them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import ndimage
from skimage.filters import sobel, threshold_otsu
from skimage.morphology import dilation, disk
from skimage.segmentation import find_boundaries, watershed

from livedead.cells.labelled import LabelledCells
from livedead.cells.splitting import split_by_depth
from livedead.dyes.nuclei import stained_cells, states
from livedead.dyes.plate_dyes import PlateDyes
from livedead.labels.painting import paint
from livedead.network.classes import Classes


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
    class_map = np.full(brightfield.shape, classes.background[0], np.uint8)
    if classes.context:
        regions = cell_regions(brightfield, cells.labels, settings.reach_px)
        class_map[regions > 0] = classes.context[0]
        if classes.boundary:
            class_map[_outlines(regions, settings.outline_px)] = classes.boundary[0]
    paint(class_map, cells.labels, np.append(False, is_dead), classes)
    return class_map


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
