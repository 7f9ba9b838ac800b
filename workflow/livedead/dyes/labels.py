"""Class maps from dyes: what a person would have to paint, read off the stained nuclei."""

import numpy as np
from scipy import ndimage
from skimage.filters import sobel, threshold_otsu
from skimage.measure import label
from skimage.morphology import dilation, disk, remove_small_objects
from skimage.segmentation import find_boundaries, watershed

from livedead.errors import ConfigError
from livedead.network.classes import Classes

THRESHOLDS = ("otsu", "block_mode", "fixed")


def dye_threshold(dye: np.ndarray, method: str, value: float) -> float:
    """Counts above which a pixel is stained.

    Parameters
    ----------
    dye : ndarray, (H, W), uint16
        Raw counts of a dye.
    method : {'otsu', 'block_mode', 'fixed'}
        ``otsu``: Otsu's threshold, but at least `value` above the median, so that a field
        without nuclei has none. ``block_mode``: the commonest maximum of blocks of 32 x 32 px
        (an empty block's brightest noise), plus `value`. ``fixed``: `value` above the median.
    value : float
        Counts; see `method`.
    """
    median = float(np.median(dye))
    if method == "fixed":
        return median + value
    if method == "otsu":
        return max(float(threshold_otsu(dye)), median + value)
    if method == "block_mode":
        height, width = (side // 32 * 32 for side in dye.shape)
        blocks = dye[:height, :width].reshape(height // 32, 32, width // 32, 32).max(axis=(1, 3))
        counts, edges = np.histogram(blocks, bins="fd")
        top = int(counts.argmax())
        return float(edges[top] + edges[top + 1]) / 2 + value
    raise ConfigError(f"dye threshold {method!r}; allowed: {', '.join(THRESHOLDS)}")


def stained(dye: np.ndarray, method: str, value: float, min_area_px: int) -> np.ndarray:
    """Stained nuclei, (H, W) bool, smoothed over 1 px and without specks."""
    smooth = ndimage.gaussian_filter(dye.astype(np.float32), 1.0)
    mask = smooth > dye_threshold(dye, method, value)
    return remove_small_objects(mask, max_size=min_area_px - 1)


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


def label_from_dyes(
    live_dye: np.ndarray,
    dead_dye: np.ndarray,
    brightfield: np.ndarray,
    classes: Classes,
    *,
    threshold: str,
    live_offset: float,
    dead_offset: float,
    min_area_px: int,
    reach_px: float,
    outline_px: int,
) -> np.ndarray:
    """Class map of a dyed field.

    A nucleus is dead where at least half of it is stained by the dead dye: the live dye stains
    all nuclei, so dead goes over live.

    Parameters
    ----------
    live_dye, dead_dye, brightfield : ndarray, (H, W), uint16, raw counts
    classes : dict
        Number of the classes ``background``, ``live`` and ``dead``, and, where the assay has
        them, ``context`` (the cell) and ``boundary`` (its outline).
    reach_px, outline_px : float, int
        Largest distance of a cell's edge from its nucleus; width of the outline.

    Returns
    -------
    ndarray, (H, W), uint8
    """
    dead = stained(dead_dye, threshold, dead_offset, min_area_px)
    nuclei, n_nuclei = label(stained(live_dye, threshold, live_offset, min_area_px) | dead, return_num=True)
    stained_share = ndimage.mean(dead, nuclei, np.arange(n_nuclei + 1))
    is_dead = np.append(False, stained_share[1:] >= 0.5)
    class_map = np.full(nuclei.shape, classes.background[0], np.uint8)
    if classes.context:
        regions = cell_regions(brightfield, nuclei, reach_px)
        class_map[regions > 0] = classes.context[0]
        if classes.boundary:
            edge = find_boundaries(regions, mode="inner")
            if outline_px > 1:
                edge = dilation(edge, disk(outline_px - 1)) & (regions > 0)
            class_map[edge] = classes.boundary[0]
    class_map[(nuclei > 0) & ~is_dead[nuclei]] = classes.live[0]
    class_map[(nuclei > 0) & is_dead[nuclei]] = classes.dead[0]
    return class_map


def label_from_masks(
    instances: np.ndarray,
    dead_dye: np.ndarray,
    classes: Classes,
    *,
    dead_offset: float,
    boundary_px: int,
) -> np.ndarray:
    """Class map from drawn objects and the dead dye inside them.

    Parameters
    ----------
    instances : ndarray, (H, W), int
        0 background, then one number per object.
    dead_dye : ndarray, (H, W), uint16, raw counts
    dead_offset : float
        An object is dead if its median dye is more than this above the median outside objects.
    boundary_px : int
        Where the assay has a boundary class: pixels within this distance of two objects.

    Returns
    -------
    ndarray, (H, W), uint8
    """
    class_map = np.full(instances.shape, classes.background[0], np.uint8)
    numbers = np.unique(instances[instances > 0])
    if numbers.size == 0:
        return class_map
    background = np.median(dead_dye[instances == 0])
    medians = np.zeros(int(numbers.max()) + 1)
    medians[numbers] = ndimage.median(dead_dye, instances, numbers)
    is_dead = medians - background > dead_offset
    class_map[(instances > 0) & ~is_dead[instances]] = classes.live[0]
    class_map[(instances > 0) & is_dead[instances]] = classes.dead[0]
    if classes.boundary:
        size = 2 * boundary_px + 1
        highest = ndimage.maximum_filter(instances, size)
        lowest = ndimage.minimum_filter(np.where(instances > 0, instances, highest.max() + 1), size)
        class_map[(highest > 0) & (lowest < highest)] = classes.boundary[0]
    return class_map
