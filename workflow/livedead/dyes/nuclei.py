"""Stained nuclei, and which of them are dead, read off the two dyes of a field."""

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from scipy import ndimage
from skimage.filters import threshold_otsu
from skimage.measure import label
from skimage.morphology import remove_small_objects

from livedead.errors import ConfigError

BLOCK_PX = 32


def _fixed(dye: np.ndarray, offset: float) -> float:
    return float(np.median(dye)) + offset


def _otsu(dye: np.ndarray, offset: float) -> float:
    return max(float(threshold_otsu(dye)), _fixed(dye, offset))


def _block_mode(dye: np.ndarray, offset: float) -> float:
    rows, columns = (side // BLOCK_PX for side in dye.shape)
    whole = dye[: rows * BLOCK_PX, : columns * BLOCK_PX]
    maxima = whole.reshape(rows, BLOCK_PX, columns, BLOCK_PX).max(axis=(1, 3))
    counts, edges = np.histogram(maxima, bins="fd")
    top = int(counts.argmax())
    return float(edges[top] + edges[top + 1]) / 2 + offset


THRESHOLDS = {"otsu": _otsu, "block_mode": _block_mode, "fixed": _fixed}


@dataclass(frozen=True)
class DyeSettings:
    """How a class map is made of the dyes alone; the keys of ``labels.dyes`` in config.yaml.

    Attributes
    ----------
    threshold : {'otsu', 'block_mode', 'fixed'}
        See `dye_threshold`.
    live_offset, dead_offset : float
        Counts of each dye over its background, see `dye_threshold`.
    min_area_px : int
        Smaller stained areas are specks.
    reach_px : float
        A cell ends at most this far from its nucleus.
    outline_px : int
        Width of a cell's outline.
    """

    threshold: str
    live_offset: float
    dead_offset: float
    min_area_px: int
    reach_px: float
    outline_px: int

    def __post_init__(self) -> None:
        if self.threshold not in THRESHOLDS:
            raise ConfigError(f"dye threshold {self.threshold!r}; allowed: {', '.join(THRESHOLDS)}")

    @classmethod
    def from_config(cls, dyes: dict[str, Any]) -> "DyeSettings":
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


def stained_nuclei(live_dye: np.ndarray, dead_dye: np.ndarray, settings: DyeSettings) -> Nuclei:
    """Find the nuclei that either dye stains, and call dead those that the dead dye stains.

    The live dye stains all nuclei, so a nucleus is dead if the dead dye stains at least half of it.

    Parameters
    ----------
    live_dye, dead_dye : ndarray, (H, W), uint16
        Raw counts.
    settings : DyeSettings
    """
    dead = stained(dead_dye, settings.threshold, settings.dead_offset, settings.min_area_px)
    live = stained(live_dye, settings.threshold, settings.live_offset, settings.min_area_px)
    labels, n_nuclei = label(live | dead, return_num=True)
    return Nuclei(labels, ndimage.mean(dead, labels, np.arange(n_nuclei + 1)) >= 0.5)


def stained(dye: np.ndarray, threshold: str, offset: float, min_area_px: int) -> np.ndarray:
    """Where a field is stained, (H, W) bool, smoothed over 1 px and without specks."""
    smooth = ndimage.gaussian_filter(dye.astype(np.float32), 1.0)
    mask = smooth > dye_threshold(dye, threshold, offset)
    return remove_small_objects(mask, max_size=min_area_px - 1)


def dye_threshold(dye: np.ndarray, threshold: str, offset: float) -> float:
    """Counts above which a pixel is stained.

    Parameters
    ----------
    dye : ndarray, (H, W), uint16
        Raw counts of a dye.
    threshold : {'otsu', 'block_mode', 'fixed'}
        ``otsu``: Otsu's threshold, but at least `offset` above the median, so that a field
        without nuclei has none. ``block_mode``: the commonest maximum of blocks of 32 x 32 px
        (an empty block's brightest noise), plus `offset`. ``fixed``: `offset` above the median.
    offset : float
        Counts.

    Examples
    --------
    >>> dye = np.array([[100, 100, 100, 2000]], np.uint16)
    >>> dye_threshold(dye, "fixed", offset=300)
    400.0
    """
    return THRESHOLDS[threshold](dye, offset)
