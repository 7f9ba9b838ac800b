"""From class maps to cells: components of the whole field, then a vote on each.

A nucleus that the network calls half live and half dead is one cell, not two: components are
those of the union of live and dead pixels, 8-connected, and the majority decides.
"""

from dataclasses import dataclass

import cc3d
import numpy as np
import pandas as pd
from scipy import ndimage
from skimage.morphology import h_maxima
from skimage.segmentation import watershed

from livedead.errors import ConfigError

ROLES = ("background", "context", "boundary", "live", "dead")
STATES = ("live", "dead", "ambiguous")
COUNTS = [*(f"n_{state}" for state in STATES), "n_total"]
FIELD_COLUMNS = ["plate", "well", "field", "timepoint", "status", "code", "message", *COUNTS, "area_mm2"]
CELL_COLUMNS = ["plate", "well", "field", "timepoint", "cell", "y_px", "x_px", "area_px", "area_um2"]
CELL_COLUMNS += ["state", "confidence", "touches_edge"]


def class_numbers(classes: list[dict[str, str]]) -> dict[str, list[int]]:
    """Numbers of the classes of each role, such as ``{"background": [0], "live": [3], ...}``.

    Raises
    ------
    ConfigError
        If live, dead or background is missing, or a role is unknown.
    """
    numbers: dict[str, list[int]] = {}
    for number, entry in enumerate(classes):
        if entry["role"] not in ROLES:
            raise ConfigError(f"class {entry['name']!r}: role {entry['role']!r}; allowed: {', '.join(ROLES)}")
        numbers.setdefault(entry["role"], []).append(number)
    missing = {"background", "live", "dead"} - set(numbers)
    if missing:
        raise ConfigError(f"classes: no class of role {', '.join(sorted(missing))}")
    return numbers


@dataclass(frozen=True)
class CountingRules:
    """What counts as a cell, and as live.

    Attributes
    ----------
    min_area_um2, max_area_um2 : float
        Smaller and larger components are not cells.
    ambiguous_margin : float
        A cell is ambiguous if the shares of its live and dead pixels differ by less than this,
        0 to 1; exact ties are always ambiguous.
    split_depth_um : float
        Touching cells are cut where the distance from the edge dips by more than this between
        two centres; 0 leaves them joined.
    """

    min_area_um2: float = 15.0
    max_area_um2: float = float("inf")
    ambiguous_margin: float = 0.0
    split_depth_um: float = 0.0


def label_cells(class_map: np.ndarray, numbers: dict[str, list[int]], split_depth_px: float) -> np.ndarray:
    """Number the cells of a whole field.

    Parameters
    ----------
    class_map : ndarray, (H, W), uint8
    numbers : dict
        From `class_numbers`.
    split_depth_px : float
        See `CountingRules.split_depth_um`; 0 does not split.

    Returns
    -------
    ndarray, (H, W), int32
        0 outside cells, then 1, 2, ... in raster order of each cell's first pixel.
    """
    nuclei = np.isin(class_map, numbers["live"] + numbers["dead"])
    labels = cc3d.connected_components(nuclei, connectivity=8, out_dtype=np.uint32).astype(np.int32)
    if split_depth_px <= 0 or not nuclei.any():
        return labels
    # One pixel of background around the field: its border is an edge like any other.
    distance = ndimage.distance_transform_edt(np.pad(nuclei, 1))[1:-1, 1:-1]
    centres = h_maxima(distance, split_depth_px)
    markers = cc3d.connected_components(centres.astype(bool), connectivity=8)
    return watershed(-distance, markers.astype(np.int32), mask=nuclei).astype(np.int32)


def measure_cells(
    class_map: np.ndarray,
    numbers: dict[str, list[int]],
    rules: CountingRules,
    pixel_size_um: float,
) -> pd.DataFrame:
    """Find, vote on and measure the cells of one field.

    Returns
    -------
    DataFrame
        A cell: ``cell`` (from 1), ``y_px, x_px`` (centroid; the centre of the first pixel is
        0), ``area_px, area_um2, state, confidence`` (share of pixels that voted with the
        majority, 0.5 to 1), ``touches_edge``.
    """
    labels = label_cells(class_map, numbers, rules.split_depth_um / pixel_size_um)
    n_labels = int(labels.max(initial=0))
    inside = np.flatnonzero(labels)
    owner = labels.ravel()[inside]
    area = np.bincount(owner, minlength=n_labels + 1)[1:]
    is_live = np.isin(class_map.ravel()[inside], numbers["live"])
    live = np.bincount(owner, weights=is_live, minlength=n_labels + 1)[1:]
    rows, columns = np.divmod(inside, class_map.shape[1])
    with np.errstate(invalid="ignore"):
        y = np.bincount(owner, weights=rows, minlength=n_labels + 1)[1:] / area
        x = np.bincount(owner, weights=columns, minlength=n_labels + 1)[1:] / area
        share = live / area
    lead = 2 * share - 1
    ambiguous = (np.abs(lead) < rules.ambiguous_margin) | (lead == 0)
    edge = np.zeros(n_labels + 1, bool)
    for border in (labels[0], labels[-1], labels[:, 0], labels[:, -1]):
        edge[border] = True
    area_um2 = area * pixel_size_um**2
    cells = pd.DataFrame(
        {
            "y_px": y,
            "x_px": x,
            "area_px": area,
            "area_um2": area_um2,
            "state": np.select([ambiguous, share > 0.5], ["ambiguous", "live"], "dead").astype(object),
            "confidence": np.maximum(share, 1 - share),
            "touches_edge": edge[1:],
        }
    )
    kept = (area > 0) & (area_um2 >= rules.min_area_um2) & (area_um2 <= rules.max_area_um2)
    cells = cells[kept].reset_index(drop=True)
    cells.insert(0, "cell", np.arange(1, len(cells) + 1))
    return cells


def count_states(cells: pd.DataFrame) -> dict[str, int]:
    """``n_live, n_dead, n_ambiguous, n_total`` of a table of cells."""
    counts = {f"n_{state}": int((cells["state"] == state).sum()) for state in STATES}
    if sum(counts.values()) != len(cells):
        raise AssertionError(f"{len(cells)} cells, but {counts} by state")
    return {**counts, "n_total": len(cells)}


def join_cells(tables: list[pd.DataFrame]) -> pd.DataFrame:
    """Tables of cells under each other; fields without cells add nothing, not even a dtype."""
    filled = [table for table in tables if len(table)]
    return pd.concat(filled, ignore_index=True) if filled else pd.DataFrame(columns=CELL_COLUMNS)
