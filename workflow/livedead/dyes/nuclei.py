"""Stained cells of a field: their pixels, their size, their signal, their state."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from skimage.measure import regionprops

from livedead.cells.labelled import LabelledCells
from livedead.cells.labels import connected_parts, in_raster_order, of_classes
from livedead.cells.rules import TIE
from livedead.dyes.plate_dyes import PlateDyes
from livedead.dyes.reading import class_map

LEAST_PX = 12
"""What is smaller is a speck, whatever the magnification."""

LEAST_SHARE = 0.2
"""What is smaller than this share of a usual nucleus is a speck, too."""

MAX_ASPECT = 2.0
MIN_SOLIDITY = 0.9
"""Of single nuclei; where several touch, they are longer or have notches."""

LEVELS = (1, 1.5, 2, 3)
"""Times of the threshold over which single nuclei are looked for in what is none."""


def stained_cells(
    signals: Mapping[str, np.ndarray], dyes: PlateDyes, scales: Mapping[str, float] | None = None
) -> LabelledCells:
    """The connected stained parts of a field, without specks; parameters as of `class_map`."""
    labels = connected_parts(of_classes(class_map(signals, dyes, scales), dyes.classes.nuclei))
    at = np.flatnonzero(labels)
    part = labels.ravel()[at]
    diameters_px = [dye.diameter_px for dye in dyes.dyes.values() if dye.diameter_px > 0]
    nucleus_px = np.pi / 4 * min(diameters_px, default=0.0) ** 2
    is_speck = np.bincount(part) < max(LEAST_PX, LEAST_SHARE * nucleus_px)
    labels.ravel()[at[is_speck[part]]] = 0
    return LabelledCells(in_raster_order(labels))


def states(
    cells: LabelledCells,
    signals: Mapping[str, np.ndarray],
    dyes: PlateDyes,
    scales: Mapping[str, float] | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Which cells live, and which are dead, two of (n_cells,) bool; neither where the dyes cannot tell."""
    over = {
        role: cell_signals(cells, signals[role], dyes, role)
        > dyes.dyes[role].threshold.counts * (scales or {}).get(role, 1.0)
        for role in dyes.used
        if role != "total"
    }
    if len(dyes.used) < 2:
        nowhere = np.zeros(cells.n_cells, bool)
        return over.get("live", nowhere), over.get("dead", nowhere)
    dead = over["dead"] if "dead" in over else ~over["live"]
    if dyes.settings.both == "live" and len(over) == 2:
        dead &= ~over["live"]
    return (over["live"] & ~dead) if len(dyes.used) == 3 else ~dead, dead


def cell_signals(cells: LabelledCells, signal: np.ndarray, dyes: PlateDyes, role: str) -> np.ndarray:
    """What of a cell's signal decides whether a dye stains it, (n_cells,) float.

    The mean, or that signal which the deciding share of the cell's pixels exceeds: a cell is then stained if
    at least that share is over the threshold.
    """
    values = signal.ravel()[cells.at]
    if dyes.settings.dead_by == "mean" and role == "dead":
        return cells.mean(values)
    order = np.lexsort((values, cells.owner))
    first = np.cumsum(cells.area_px) - cells.area_px
    rank = np.minimum(np.ceil(cells.area_px * (1 - dyes.share(role) - TIE)).astype(int), cells.area_px - 1)
    return values[order][first + rank]


def diameters(signal: np.ndarray, threshold: float) -> list[float]:
    """Diameters of single nuclei at half of their brightness, px.

    That of the circle with the area of the pixels over half of the nucleus' 90th percentile. Where this half
    is under the threshold, as of noise and haze that hardly exceed it, there is no such diameter. Nuclei that
    touch, or cells of a sheet, are looked for over higher thresholds.
    """
    found = []
    stained = signal > threshold
    for level in threshold * np.array(LEVELS):
        clumps = np.zeros_like(stained)
        for part in regionprops(connected_parts(stained & (signal > level)), signal):
            if part.area < LEAST_PX:
                continue
            if not _is_single(part, signal.shape):
                clumps[part.slice] |= part.image
                continue
            bright = part.image_intensity[part.image]
            half = np.quantile(bright, 0.9) / 2
            if half >= level:
                found.append(2 * float(np.sqrt((bright > half).sum() / np.pi)))
        stained = clumps
    return found


def _is_single(part: Any, shape: tuple[int, ...]) -> bool:
    """Whether a part, from `regionprops`, is a whole nucleus, neither several nor cut by the field's edge."""
    top, left, bottom, right = part.bbox
    is_cut = min(top, left) == 0 or bottom == shape[0] or right == shape[1]
    is_long = part.axis_major_length > MAX_ASPECT * part.axis_minor_length
    return not is_cut and not is_long and part.solidity >= MIN_SOLIDITY
