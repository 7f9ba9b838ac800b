"""From class maps to cells: components of the whole field, then a vote on each.

A nucleus that the network calls half live and half dead is one cell, not two: components are
those of the union of live and dead pixels, 8-connected, and the majority decides. Cells that
touch can be cut apart by their shape (round ones) or by their area (long ones that cross).
"""

from functools import reduce
from typing import Any

import cc3d
import numpy as np
import pandas as pd
from scipy import ndimage
from skimage.measure import regionprops_table
from skimage.morphology import local_maxima
from skimage.segmentation import watershed

from livedead.cells.tallies import STATES
from livedead.network.classes import Classes, CountingRules
from livedead.tables import CELL_KEY, FIELD_KEY, MEASURES

SHAPES = ["perimeter_um", "major_axis_um", "minor_axis_um", "eccentricity", "solidity"]


def cell_columns(channels: list[str], shape_descriptors: bool) -> list[str]:
    """Columns of a table of cells; ``mean_<channel>`` are raw counts."""
    means = [f"mean_{channel}" for channel in channels]
    return [*CELL_KEY, *MEASURES, *means, *(SHAPES if shape_descriptors else [])]


def label_cells(
    class_map: np.ndarray, classes: Classes, split_depth_px: float, cell_area_px: float = 0
) -> tuple[np.ndarray, np.ndarray]:
    """Number the cells of a whole field.

    Parameters
    ----------
    class_map : ndarray, (H, W), uint8
    classes : Classes
    split_depth_px : float
        See `CountingRules.split_depth_um`; 0 does not split.
    cell_area_px : float
        See `CountingRules.cell_area_um2`; 0 does not divide. Done after the splitting.

    Returns
    -------
    labels : ndarray, (H, W), int32
        0 outside cells, then 1, 2, ...; where cells are split, in raster order of their first
        pixels.
    components : ndarray, (H, W), int32
        The same before splitting; the very same array if nothing was to be split.
    """
    nuclei = _belongs(class_map, classes.nuclei)
    components = _components(nuclei)
    labels = components
    if split_depth_px > 0 and nuclei.any():
        labels = _split(nuclei, components, split_depth_px)
    if cell_area_px > 0:
        labels = divide_by_area(labels, _belongs(class_map, classes.live), cell_area_px)
    return labels, components


def divide_by_area(labels: np.ndarray, live: np.ndarray, cell_area_px: float) -> np.ndarray:
    """Divide clumps of cells that are all about equally large, such as worms that cross.

    An object of n times the area of one cell, rounded to the nearest, becomes n parts of equal
    area. Its live pixels fill the parts one after another, those of the left or upper side first,
    and then the dead pixels: each whole cell's worth of live area is a live cell, the rest of it
    a live cell if it is more than half a cell, and all others are dead. So a clump has as many
    live cells as its live area makes, however its cells lie over each other. Parts need not be
    connected: they stand for cells, but do not outline them.

    Parameters
    ----------
    labels : ndarray, (H, W), int32
        Objects, 0 outside.
    live : ndarray, (H, W), bool
        Pixels of live classes; all others of the objects are dead.
    cell_area_px : float
        Area of one cell.

    Returns
    -------
    ndarray, (H, W), int32
        The same array if nothing was to be divided; else numbered in raster order of first pixels.
    """
    inside = np.flatnonzero(labels)
    owner = labels.ravel()[inside]
    area = np.bincount(owner)
    n_cells = np.floor(area / cell_area_px + 0.5).astype(np.int64)
    of_clumps = n_cells[owner] > 1
    if not of_clumps.any():
        return labels
    at, clump = inside[of_clumps], owner[of_clumps]
    y, x = np.divmod(at, labels.shape[1])
    along = np.where(_is_tall(clump, y, x), y, x)
    order = np.lexsort((at, along, ~live.ravel()[at], clump))
    at, clump = at[order], clump[order]
    # Within its clump, pixel k of A is in part n k / A.
    start = np.searchsorted(clump, clump)
    part = n_cells[clump] * (np.arange(len(at)) - start) // area[clump]
    divided = labels.copy()
    divided.ravel()[at] = len(area) + (np.cumsum(n_cells) - n_cells)[clump] + part
    return _renumber(divided)


def _is_tall(owner: np.ndarray, y: np.ndarray, x: np.ndarray) -> np.ndarray:
    """Of each pixel, whether its object reaches further down than to the right."""
    n = int(owner.max()) + 1
    extents = []
    for place in (y, x):
        low, high = np.full(n, place.max()), np.zeros(n, place.dtype)
        np.minimum.at(low, owner, place)
        np.maximum.at(high, owner, place)
        extents.append(high - low)
    return (extents[0] > extents[1])[owner]


def _belongs(class_map: np.ndarray, numbers: tuple[int, ...]) -> np.ndarray:
    """Where the class is one of `numbers`; comparisons are 30 times as fast as np.isin."""
    return reduce(np.logical_or, [class_map == number for number in numbers])


def _components(mask: np.ndarray) -> np.ndarray:
    """Number the 8-connected parts of a boolean image, (H, W) int32, from 1.

    The mask goes in as uint8: for booleans cc3d 4.1.1 takes a faster path of its own that joins
    and parts components wrongly where the height or the width is odd.
    """
    labels = cc3d.connected_components(mask.view(np.uint8), connectivity=8, out_dtype=np.uint32)
    return labels.view(np.int32)


def _split(nuclei: np.ndarray, components: np.ndarray, depth_px: float) -> np.ndarray:
    """Cut components between the h-maxima of the distance from their edge (h = `depth_px`).

    All maxima of the distance are flooded at once; then basins are joined over the highest
    passes first, and a basin is a cell of its own only if its maximum rises by more than
    h over the pass. That is the watershed from the h-maxima (Meyer & Beucher 1990, J. Vis.
    Commun. Image Repr. 1:21, https://doi.org/10.1016/1047-3203(90)90014-M; Grimaud 1992,
    Proc. SPIE 1769:292, on the dynamics of maxima), without the morphological reconstruction,
    which takes 10 s for a 2048² field.
    """
    # One pixel of background around the field: its border is an edge like any other.
    distance = ndimage.distance_transform_edt(np.pad(nuclei, 1))[1:-1, 1:-1]
    peaks = local_maxima(distance) & nuclei
    numbered = _components(peaks)
    at = np.flatnonzero(numbered)
    peak, first = np.unique(numbered.ravel()[at], return_index=True)
    height = np.zeros(len(peak) + 1)
    height[peak] = distance.ravel()[at[first]]
    home = components.ravel()[at[first]]
    shared = np.bincount(home, minlength=int(components.max()) + 1) > 1
    basins = watershed(-distance, numbered, connectivity=2, mask=shared[components])
    cell = _join_basins(basins, distance, height, depth_px)
    labels = cell[basins]
    # Components with one maximum are whole cells; their number must not meet a basin's.
    alone = nuclei & ~shared[components]
    labels[alone] = components[alone] + len(cell)
    return _renumber(labels)


def _join_basins(basins: np.ndarray, distance: np.ndarray, height: np.ndarray, depth_px: float) -> np.ndarray:
    """The basin that stands for each basin's cell, (n_basins + 1,) int32."""
    lower, upper, passes = _passes(basins, distance)
    ridge = list(range(len(height)))
    cell = list(range(len(height)))

    def root(of: list[int], k: int) -> int:
        while of[k] != k:
            of[k] = of[of[k]]
            k = of[k]
        return k

    for k in np.lexsort((upper, lower, -passes)):
        one, other = int(lower[k]), int(upper[k])
        top, foot = root(ridge, one), root(ridge, other)
        if top == foot:
            continue
        if height[foot] > height[top]:
            top, foot, one, other = foot, top, other, one
        if height[foot] - passes[k] <= depth_px:
            cell[root(cell, other)] = root(cell, one)
        ridge[foot] = top
    return np.array([root(cell, k) for k in range(len(cell))], np.int32)


def _passes(basins: np.ndarray, distance: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Pairs of touching basins and the greatest distance at which one can pass between them."""
    pairs, heights = [], []
    n = int(basins.max()) + 1
    height, width = basins.shape
    for dy, dx in ((0, 1), (1, 0), (1, 1), (1, -1)):
        here = slice(0, height - dy), slice(max(-dx, 0), width - max(dx, 0))
        there = slice(dy, height), slice(max(dx, 0), width + min(dx, 0))
        a, b = basins[here], basins[there]
        meet = np.nonzero((a != b) & (a > 0) & (b > 0))
        a, b = a[meet].astype(np.int64), b[meet].astype(np.int64)
        pairs.append(np.minimum(a, b) * n + np.maximum(a, b))
        heights.append(np.minimum(distance[here][meet], distance[there][meet]))
    pair, owner = np.unique(np.concatenate(pairs), return_inverse=True)
    greatest = np.zeros(len(pair))
    np.maximum.at(greatest, owner, np.concatenate(heights))
    return pair // n, pair % n, greatest


def _renumber(labels: np.ndarray) -> np.ndarray:
    """The same labels as 1, 2, ... in raster order of first pixels."""
    inside = np.flatnonzero(labels)
    owner = labels.ravel()[inside]
    first = np.zeros(int(owner.max(initial=0)) + 1, np.int64)
    first[owner[::-1]] = inside[::-1] + 1
    present = np.flatnonzero(first)
    new = np.zeros(len(first), np.int32)
    new[present[np.argsort(first[present])]] = np.arange(1, len(present) + 1)
    return new[labels]


def measure_cells(
    class_map: np.ndarray,
    classes: Classes,
    rules: CountingRules,
    pixel_size_um: float,
    planes: dict[str, np.ndarray] | None = None,
) -> pd.DataFrame:
    """Find, vote on and measure the cells of one field.

    Parameters
    ----------
    class_map : ndarray, (H, W), uint8
    classes : Classes
    rules : CountingRules
    pixel_size_um : float
    planes : dict of str -> ndarray, (H, W), uint16, optional
        Raw counts of channels whose mean over each cell is wanted.

    Returns
    -------
    DataFrame
        A counted cell: ``cell`` (from 1), ``y_px, x_px`` (centroid; the centre of the first
        pixel is 0), ``y_um, x_um`` (the same from the field's upper left corner, so the centre
        of the first pixel is half a pixel), ``area_px, area_um2, component_area_um2`` (of the
        connected pixels that the cell was cut from), ``state, confidence`` (share of pixels that
        voted with the majority, 0.5 to 1), ``touches_edge``, ``touches_cell`` (cut from another
        cell), ``mean_<channel>`` for `planes`, and `SHAPES` if asked for.

    """
    labels, components = label_cells(
        class_map, classes, rules.split_depth_um / pixel_size_um, rules.cell_area_um2 / pixel_size_um**2
    )
    inside = np.flatnonzero(labels != 0)
    owner = labels.ravel()[inside].astype(np.intp)
    n_cells = int(owner.max(initial=0))

    def over_cells(values: np.ndarray | None = None) -> np.ndarray:
        return np.bincount(owner, values, minlength=n_cells + 1)[1:]

    area = over_cells()
    share = over_cells(_belongs(class_map.ravel()[inside], classes.live)) / area
    # Columns come out of the sums of flat indices, exactly: a remainder for every pixel is slow.
    width = class_map.shape[1]
    rows = inside // width
    row_sum = over_cells(rows)
    y, x = row_sum / area, (over_cells(inside) - width * row_sum) / area
    lead = 2 * share - 1
    ambiguous = (np.abs(lead) < rules.ambiguous_margin) | (lead == 0)
    far = _touches(labels, n_cells, "far")
    edge = far | _touches(labels, n_cells, "near")
    area_um2 = area * pixel_size_um**2
    kept = (area_um2 >= rules.min_area_um2) & (area_um2 <= rules.max_area_um2) & (area >= rules.min_area_px)
    if rules.max_area_px is not None:
        kept &= area <= rules.max_area_px
    if rules.max_aspect_ratio is not None:
        down, right = rows - y[owner - 1], inside - width * rows - x[owner - 1]
        moments = [over_cells(product) / area for product in (down**2, right**2, down * right)]
        kept &= aspect_ratio(*moments) <= rules.max_aspect_ratio
    if rules.min_context_fraction > 0:
        kept &= _context_fraction(class_map, labels, classes, n_cells) >= rules.min_context_fraction
    if rules.edge_rule != "keep":
        kept &= ~(edge if rules.edge_rule == "exclude" else far)
    component_area, alone = area, np.ones(n_cells, bool)
    if components is not labels:
        component = np.zeros(n_cells + 1, np.int64)
        component[owner] = components.ravel()[inside]
        component_area = np.bincount(components.ravel()[inside])[component[1:]]
        alone = component_area == area
    cells = pd.DataFrame(
        {
            "y_px": y,
            "x_px": x,
            "y_um": (y + 0.5) * pixel_size_um,
            "x_um": (x + 0.5) * pixel_size_um,
            "area_px": area,
            "area_um2": area_um2,
            "component_area_um2": component_area * pixel_size_um**2,
            "state": np.select([ambiguous, share > 0.5], ["ambiguous", "live"], "dead").astype(object),
            "confidence": np.maximum(share, 1 - share),
            "touches_edge": edge,
            "touches_cell": ~alone,
            **{
                f"mean_{channel}": over_cells(plane.ravel()[inside]) / area
                for channel, plane in (planes or {}).items()
            },
        }
    )
    cells = cells[kept].reset_index(drop=True)
    cells.insert(0, "cell", np.arange(1, len(cells) + 1))
    if rules.shape_descriptors:
        cells = cells.join(_shapes(labels, kept, pixel_size_um))
    return cells


def _touches(labels: np.ndarray, n_cells: int, sides: str) -> np.ndarray:
    """Which cells touch the upper or left (near) or the lower or right (far) side of the field."""
    found = np.zeros(n_cells + 1, bool)
    at = 0 if sides == "near" else -1
    found[labels[at]] = True
    found[labels[:, at]] = True
    return found[1:]


def aspect_ratio(yy: np.ndarray, xx: np.ndarray, yx: np.ndarray) -> np.ndarray:
    """Length over width of the ellipse with the same central second moments (px²).

    A pixel is a square, not a point: 1/12 is its own second moment, so that one pixel has
    ratio 1 and four in a row have ratio 4.
    """
    yy, xx = yy + 1 / 12, xx + 1 / 12
    mean, root = (yy + xx) / 2, np.sqrt(((yy - xx) / 2) ** 2 + yx**2)
    return np.sqrt((mean + root) / (mean - root))


def _context_fraction(
    class_map: np.ndarray, labels: np.ndarray, classes: Classes, n_cells: int
) -> np.ndarray:
    """Share of each cell's pixel sides towards uncounted pixels that borders on context."""
    context = _belongs(class_map, classes.context)
    sides, bordering = np.zeros(n_cells + 1), np.zeros(n_cells + 1)
    for first, second in (
        ((slice(None), slice(1, None)), (slice(None), slice(None, -1))),
        ((slice(1, None), slice(None)), (slice(None, -1), slice(None))),
    ):
        for here, there in ((first, second), (second, first)):
            outline = (labels[here] > 0) & (labels[there] == 0)
            owner = labels[here][outline]
            sides += np.bincount(owner, minlength=n_cells + 1)
            bordering += np.bincount(owner, context[there][outline], minlength=n_cells + 1)
    # A cell that fills the field has no outline to judge by.
    return np.where(sides == 0, 1.0, bordering / np.maximum(sides, 1))[1:]


def _shapes(labels: np.ndarray, kept: np.ndarray, pixel_size_um: float) -> pd.DataFrame:
    """`SHAPES` of the kept cells, by scikit-image."""
    counted = np.where(np.concatenate([[False], kept])[labels], labels, 0)
    names = ("perimeter", "axis_major_length", "axis_minor_length", "eccentricity", "solidity")
    found = regionprops_table(counted, properties=names)
    scales = (pixel_size_um, pixel_size_um, pixel_size_um, 1, 1)
    return pd.DataFrame(
        {shape: found[name] * scale for shape, name, scale in zip(SHAPES, names, scales, strict=True)}
    )


def count_field(
    row: dict[str, Any],
    class_map: np.ndarray,
    unstable: np.ndarray,
    runners_up: np.ndarray,
    classes: Classes,
    rules: CountingRules,
    pixel_size_um: float,
    planes: dict[str, np.ndarray] | None = None,
) -> tuple[dict[str, Any], pd.DataFrame]:
    """The row of one field, counted, and the rows of its cells with their keys.

    Parameters
    ----------
    row : dict
        The field's first columns, see `livedead.fields.plate_images.describe`.
    unstable, runners_up : ndarray
        Flat places of the pixels that rounding could decide otherwise, and their other class;
        ``n_total_alt`` and ``viability_alt`` count the field with all of them decided so.
    class_map, classes, rules, pixel_size_um, planes
        See `measure_cells`.
    """
    found = measure_cells(class_map, classes, rules, pixel_size_um, planes)
    alternative = found
    if unstable.size:
        other_map = class_map.copy()
        other_map.flat[unstable] = runners_up
        alternative = measure_cells(other_map, classes, rules, pixel_size_um)
    counts = count_states(alternative)
    decided = counts["n_live"] + counts["n_dead"]
    counted = {
        **row,
        **count_states(found),
        "area_mm2": rules.counted_area_mm2(class_map.shape, pixel_size_um),
        "n_unstable_px": unstable.size,
        "n_total_alt": counts["n_total"],
        "viability_alt": counts["n_live"] / decided if decided else np.nan,
        "edge_rule": rules.edge_rule,
    }
    return counted, found.assign(**{name: row[name] for name in FIELD_KEY})


def count_states(cells: pd.DataFrame) -> dict[str, int]:
    """``n_live, n_dead, n_ambiguous, n_total`` of a table of cells."""
    counts = {f"n_{state}": int((cells["state"] == state).sum()) for state in STATES}
    return {**counts, "n_total": len(cells)}


def join_cells(tables: list[pd.DataFrame]) -> pd.DataFrame:
    """Tables of cells under each other; fields without cells add nothing, not even a dtype."""
    filled = [table for table in tables if len(table)]
    return pd.concat(filled, ignore_index=True) if filled else tables[0]
