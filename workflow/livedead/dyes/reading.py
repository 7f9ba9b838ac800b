"""From the signals of a field's dyes to its class map."""

from collections.abc import Mapping

import cc3d
import numpy as np

from livedead.cells.labels import connected_parts
from livedead.dyes.plate_dyes import BACKGROUND, BOUNDARY, DEAD, LIVE, UNKNOWN, PlateDyes
from livedead.dyes.signals import box_means

INSIDE = 0.8
"""Share of a dead nucleus that lies in the cell it belongs to: one of a dead cell beside it overlaps less."""

MIN_CONTRAST = 0.1
"""How much brighter than the box around its pixels a nucleus is at least, as a share."""


def class_map(
    signals: Mapping[str, np.ndarray], dyes: PlateDyes, scales: Mapping[str, float] | None = None
) -> np.ndarray:
    """Class map of a field.

    Where a dye stains the nuclei of all cells, these are the cells; else whatever the live or the dead dye
    stains. A pixel is dead where the dead dye stains it. Which state a cell has is decided when cells are
    counted.

    Parameters
    ----------
    signals : mapping
        ``total``, ``live``, ``dead`` -> (H, W) float32, of the dyes in use: corrected counts over the
        background.
    dyes : PlateDyes
    scales : mapping, optional
        Dye -> factor of its threshold, to see how far the answer hangs on it.

    Returns
    -------
    ndarray, (H, W), uint8
    """
    limits = {role: dyes.dyes[role].threshold.counts * (scales or {}).get(role, 1.0) for role in dyes.used}
    painted = np.full(signals[dyes.used[0]].shape, BACKGROUND, np.uint8)
    if "total" in limits:
        nuclei = _stained(signals["total"], limits["total"], dyes.dyes["total"].box_px)
        painted.ravel()[nuclei] = _states(nuclei, signals, limits, dyes.settings.both)
        return painted
    if "live" in limits:
        painted.ravel()[_stained(signals["live"], limits["live"], dyes.dyes["live"].box_px)] = LIVE
    if "dead" in limits:
        nuclei = _stained(signals["dead"], limits["dead"], dyes.dyes["dead"].box_px)
        if "live" in limits:
            _add_dead(painted, nuclei, dyes.settings.both)
        else:
            painted.ravel()[nuclei] = DEAD
    return painted


def _states(
    pixels: np.ndarray, signals: Mapping[str, np.ndarray], limits: Mapping[str, float], both: str
) -> np.ndarray:
    """Class of each pixel of a nucleus."""
    over = {role: signals[role].ravel()[pixels] > limits[role] for role in ("live", "dead") if role in limits}
    found = np.full(len(pixels), UNKNOWN, np.uint8)
    if len(over) == 1:
        found[:] = DEAD if "live" in over else LIVE
    for role in sorted(over, key=lambda role: role == both):
        found[over[role]] = LIVE if role == "live" else DEAD
    return found


def _stained(signal: np.ndarray, limit: float, box_px: int) -> np.ndarray:
    """Flat indices of the pixels of nuclei, or of whole cells.

    Inside one, a pixel is brighter than the mean of a box about as wide; on the rim, and between two
    that touch, it is not. What as a whole is hardly brighter is glow from another focal plane.
    """
    over = signal > limit
    pixels = np.flatnonzero(over)
    if not box_px or not len(pixels):
        return pixels
    values, means = signal.ravel()[pixels], box_means(signal, pixels, box_px)
    brighter = values > means
    inner = pixels[brighter]
    mask = np.zeros(signal.shape, bool)
    mask.ravel()[inner] = True
    part = connected_parts(mask).ravel()[inner]
    contrast = np.bincount(part, values[brighter]) / np.maximum(np.bincount(part, means[brighter]), 1e-6)
    dull = (contrast < 1 + MIN_CONTRAST)[part]
    mask.ravel()[inner[dull]] = False
    mask.ravel()[_enclosed(over, inner[~dull])] = True
    return np.flatnonzero(mask)


def _enclosed(over: np.ndarray, inner: np.ndarray) -> np.ndarray:
    """Flat indices of stained pixels outside `inner` that these enclose, as dark spots in a nucleus.

    Parameters
    ----------
    over : ndarray, (H, W), bool
        Stained pixels.
    inner : ndarray, (n,), int
        Flat indices of some of them.
    """
    dim = over.copy()
    dim.ravel()[inner] = False
    parts = cc3d.connected_components(dim.view(np.uint8), connectivity=4, out_dtype=np.uint32)
    at = np.flatnonzero(dim)
    part = parts.ravel()[at]
    around = np.pad(over, 1).ravel()
    width = over.shape[1] + 2
    place = at + width + 1 + 2 * (at // over.shape[1])
    is_open = np.zeros(int(part.max(initial=0)) + 1, bool)
    for step in (-width, -1, 1, width):
        is_open[part[~around[place + step]]] = True
    return at[~is_open[part]]


def _add_dead(painted: np.ndarray, nuclei: np.ndarray, both: str) -> None:
    """Paint dead nuclei over living cells, in place.

    A nucleus that lies in a stained cell, at least by `INSIDE`, belongs to it: the cell is positive for both
    dyes. One that only touches a cell is parted from it by a boundary.
    """
    mask = np.zeros(painted.shape, bool)
    mask.ravel()[nuclei] = True
    nucleus = connected_parts(mask).ravel()[nuclei]
    area = np.bincount(nucleus)
    inside = np.bincount(nucleus, painted.ravel()[nuclei] == LIVE) >= INSIDE * np.maximum(area, 1)
    within = inside[nucleus]
    painted.ravel()[nuclei[within]] = DEAD if both == "dead" else LIVE
    beside = nuclei[~within]
    painted.ravel()[beside] = DEAD
    y, x = np.divmod(beside, painted.shape[1])
    for dy in (-1, 0, 1):
        for dx in (-1, 0, 1):
            near = np.clip(y + dy, 0, painted.shape[0] - 1), np.clip(x + dx, 0, painted.shape[1] - 1)
            touching = painted[near] == LIVE
            painted[near[0][touching], near[1][touching]] = BOUNDARY
