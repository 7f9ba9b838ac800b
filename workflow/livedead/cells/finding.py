"""From the class map of a field to its cells: those that the rules count, numbered."""

from typing import NamedTuple

import numpy as np

from livedead.cells.labelled import LabelledCells, aspect_ratio
from livedead.cells.labels import label_cells, of_classes
from livedead.cells.rules import CountingRules
from livedead.cells.splitting import split_cells
from livedead.network.classes import Classes


class FoundCells(NamedTuple):
    """The counted cells of a field, not yet measured.

    Attributes
    ----------
    cells : LabelledCells
        Their numbers are the column ``cell`` of the table of cells.
    component_area_px : ndarray, (n_cells,), int64
        Of the connected pixels that each was cut from.
    state_by_hand : ndarray, (n_cells,), object
        The state that a person gave to a cell, or ``""``.
    by_hand : ndarray, (n_cells,), bool
        Whether a person gave a cell its state or its outline.
    n_deleted : int
        Cells that a person took away.
    """

    cells: LabelledCells
    component_area_px: np.ndarray
    state_by_hand: np.ndarray
    by_hand: np.ndarray
    n_deleted: int = 0

    @property
    def labels(self) -> np.ndarray:
        """0 outside, then 1, 2, ...: where each cell is, (H, W) int32."""
        return self.cells.labels

    @property
    def n_by_hand(self) -> int:
        """Cells that a person touched, with those that were deleted."""
        return int(self.by_hand.sum()) + self.n_deleted


def find_cells(
    class_map: np.ndarray, classes: Classes, rules: CountingRules, pixel_size_um: float
) -> FoundCells:
    """Label the cells of one field, cut those that touch, and keep those that the rules count.

    Parameters
    ----------
    class_map : ndarray, (H, W), uint8
    classes : Classes
    rules : CountingRules
    pixel_size_um : float

    Examples
    --------
    >>> class_map = np.array([[1, 1, 0, 2], [0, 0, 0, 0], [2, 2, 0, 1]], np.uint8)
    >>> classes = Classes(background=(0,), live=(1,), dead=(2,))
    >>> find_cells(class_map, classes, CountingRules(min_area_um2=2), pixel_size_um=1.0).labels
    array([[1, 1, 0, 0],
           [0, 0, 0, 0],
           [2, 2, 0, 0]], dtype=int32)
    """
    components = label_cells(class_map, classes)
    cells = LabelledCells(split_cells(components, class_map, classes, rules, pixel_size_um))
    allowed = _allowed(cells, class_map, classes, rules, pixel_size_um)
    n_cells = int(allowed.sum())
    return FoundCells(
        cells=cells.only(allowed),
        component_area_px=cells.component_areas_px(components)[allowed],
        state_by_hand=np.full(n_cells, "", object),
        by_hand=np.zeros(n_cells, bool),
    )


def _allowed(
    cells: LabelledCells, class_map: np.ndarray, classes: Classes, rules: CountingRules, pixel_size_um: float
) -> np.ndarray:
    """Which cells the rules count, (n_cells,) bool."""
    counted = rules.allow_area(cells.area_px, pixel_size_um) & rules.allow_edge(*cells.touching())
    counted &= rules.within_margin(cells.y_px, cells.x_px, class_map.shape, pixel_size_um)
    if rules.max_aspect_ratio is not None:
        counted &= aspect_ratio(*cells.second_moments()) <= rules.max_aspect_ratio
    if rules.min_context_fraction > 0:
        context = of_classes(class_map, classes.context)
        counted &= cells.outline_on(context) >= rules.min_context_fraction
    return counted
