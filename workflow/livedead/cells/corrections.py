"""What a person changes of the cells that were found."""

from collections.abc import Callable, Collection, Sequence

import numpy as np
from skimage.draw import polygon

from livedead.cells.finding import FoundCells
from livedead.cells.labelled import LabelledCells
from livedead.cells.labels import in_raster_order
from livedead.cells.outlines import cells_sha256
from livedead.errors import CorrectionError, FieldError
from livedead.plates.corrections import Action, Add, Delete, FieldCorrections, Merge, SetState, Split

StatesOf = Callable[[FoundCells], Sequence[str]]
"""Cells -> the state of each, first that of cell 1."""


def correct_field(
    found: FoundCells, states_of: StatesOf, corrections: Sequence[FieldCorrections], told: Collection[str]
) -> FoundCells:
    """Apply all corrections of a field, in the order that their hashes give.

    Those that were made on what was counted come first, then those that were made on the result, and so on.

    Parameters
    ----------
    found : FoundCells
        As counted.
    states_of : callable
        Votes on cells.
    corrections : sequence of FieldCorrections
    told : collection of str
        States that the reading tells apart, the only ones that a person may give.

    Raises
    ------
    FieldError
        With the code ``rejected``, if the field is marked as unusable.
    CorrectionError
        If corrections were made on cells that no result has, or two sets of them on the same cells, or
        one of their actions cannot be done.
    """
    waiting = list(corrections)
    while waiting:
        now = cells_sha256(found.labels, states_of(found))
        fitting = [one for one in waiting if one.cells_sha256 == now]
        changing = [one for one in fitting if one.actions or not one.usable]
        if not fitting:
            raise CorrectionError(
                f"{waiting[0].file}: made on other cells than were counted, as with other weights, rules or "
                "images; correct the page of this run instead, and take the file out of its folder"
            )
        if len(changing) > 1:
            files = " and ".join(one.file for one in changing)
            raise CorrectionError(
                f"{files}: both correct the same cells; keep one, run, and correct the new page for the rest"
            )
        for one in changing:
            if not one.usable:
                raise FieldError("rejected", f"{one.file}: a reviewer marked the field as unusable")
            found = apply(found, one, told)
        waiting = [one for one in waiting if one not in fitting]
    return found


def apply(found: FoundCells, corrections: FieldCorrections, told: Collection[str]) -> FoundCells:
    """The cells after the actions of one reviewer, numbered in raster order of their first pixels."""
    hand = _Hand(found, told)
    for number, action in enumerate(corrections.actions, start=1):
        try:
            hand.do(action)
        except CorrectionError as error:
            raise CorrectionError(f"{corrections.file}: action {number}: {error}") from error
    return hand.cells()


class _Hand:
    """Cells while a person works on them: numbers are not used twice, so that actions can name them."""

    def __init__(self, found: FoundCells, told: Collection[str]):
        self._told = told
        self._labels = found.labels.copy()
        n_cells = len(found.by_hand)
        self._last = n_cells
        self._n_deleted = found.n_deleted
        numbers = range(1, n_cells + 1)
        self._state = dict(zip(numbers, found.state_by_hand, strict=True))
        self._touched = dict(zip(numbers, found.by_hand, strict=True))
        self._component_area_px = dict(zip(numbers, found.component_area_px, strict=True))

    def do(self, action: Action) -> None:
        """One action."""
        match action:
            case SetState(cell, state):
                self._pixels(cell)
                self._state[cell], self._touched[cell] = self._allowed(state), True
            case Delete(cell):
                self._labels[self._pixels(cell)] = 0
                self._forget(cell)
                self._n_deleted += 1
            case Add(state, outline_px):
                self._make(self._free_pixels(outline_px), self._allowed(state))
            case Split(cell, ((y0, x0), (y1, x1))):
                y, x = self._pixels(cell)
                first = (y1 - y0) * (x + 0.5 - x0) - (x1 - x0) * (y + 0.5 - y0) <= 0
                if first.all() or not first.any():
                    raise CorrectionError(f"the line does not cross cell {cell}")
                state = self._forget(cell)
                for part in (first, ~first):
                    self._make((y[part], x[part]), state)
            case Merge(cells):
                if len(cells) < 2 or len(set(cells)) < len(cells):
                    raise CorrectionError(f"merging needs two cells or more, each once, not {list(cells)}")
                pixels = [self._pixels(cell) for cell in cells]
                by_hand = {self._forget(cell) for cell in cells} - {""}
                y, x = (np.concatenate(axis) for axis in zip(*pixels, strict=True))
                # The state that a person gave to a part is the cell's; without one, its pixels vote.
                self._make((y, x), by_hand.pop() if len(by_hand) == 1 else "")

    def cells(self) -> FoundCells:
        """What is there now."""
        inside = self._labels[self._labels > 0]
        order = np.unique(inside, return_index=True)
        numbers = order[0][np.argsort(order[1])].tolist()
        return FoundCells(
            cells=LabelledCells(in_raster_order(self._labels)),
            component_area_px=np.array([self._component_area_px[k] for k in numbers], np.int64),
            state_by_hand=np.array([self._state[k] for k in numbers], object),
            by_hand=np.array([self._touched[k] for k in numbers], bool),
            n_deleted=self._n_deleted,
        )

    def _allowed(self, state: str) -> str:
        if state not in self._told:
            raise CorrectionError(f"state {state}; this reading tells only: {', '.join(self._told)}")
        return state

    def _pixels(self, cell: int) -> tuple[np.ndarray, np.ndarray]:
        if cell not in self._state:
            raise CorrectionError(f"there is no cell {cell}")
        y, x = np.nonzero(self._labels == cell)
        return y, x

    def _free_pixels(self, outline_px: Sequence[tuple[float, float]]) -> tuple[np.ndarray, np.ndarray]:
        """Pixels whose centres lie inside an outline, and in no cell yet."""
        y_corners, x_corners = np.array(outline_px).T - 0.5
        y, x = polygon(y_corners, x_corners, self._labels.shape)
        free = self._labels[y, x] == 0
        if not free.any():
            raise CorrectionError("the added cell has no pixel of its own in the field")
        return y[free], x[free]

    def _make(self, pixels: tuple[np.ndarray, np.ndarray], state: str) -> None:
        self._last += 1
        self._labels[pixels] = self._last
        self._state[self._last], self._touched[self._last] = state, True
        self._component_area_px[self._last] = len(pixels[0])

    def _forget(self, cell: int) -> str:
        del self._touched[cell]
        return str(self._state.pop(cell))
