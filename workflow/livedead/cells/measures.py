"""From numbered cells to a table of them: a vote on each, its place, area, shape and intensities."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from skimage.measure import regionprops_table

from livedead.cells.confidence import LogOdds, confidence_of
from livedead.cells.labels import label_cells, of_classes
from livedead.cells.rules import CountingRules
from livedead.cells.signals import Signal, signal_columns, states_by_mean
from livedead.cells.splitting import split_cells
from livedead.network.calibration import decode_log_odds
from livedead.network.classes import Classes
from livedead.tables import CELL_KEY, MEASURES

_SHAPES = {
    "perimeter_um": "perimeter",
    "major_axis_um": "axis_major_length",
    "minor_axis_um": "axis_minor_length",
    "eccentricity": "eccentricity",
    "solidity": "solidity",
}
"""Column -> name in scikit-image, which measures lengths in px."""
SHAPES = list(_SHAPES)


def cell_columns(channels: list[str], shape_descriptors: bool, dyes: Sequence[str] = ()) -> list[str]:
    """Columns of a table of cells; ``mean_<channel>`` are raw counts, on `dyes` see `signal_columns`."""
    means = [f"mean_{channel}" for channel in channels]
    return [*CELL_KEY, *MEASURES, *means, *signal_columns(dyes), *(SHAPES if shape_descriptors else [])]


def measure_cells(
    class_map: np.ndarray,
    classes: Classes,
    rules: CountingRules,
    pixel_size_um: float,
    planes: Mapping[str, np.ndarray] | None = None,
    signals: Mapping[str, Signal] | None = None,
    log_odds: LogOdds | None = None,
) -> pd.DataFrame:
    """Find, vote on and measure the cells of one field.

    Parameters
    ----------
    class_map : ndarray, (H, W), uint8
    classes : Classes
    rules : CountingRules
    pixel_size_um : float
    planes : mapping of str -> ndarray, (H, W), uint16, optional
        Raw counts of channels whose mean over each cell is wanted.
    signals : mapping of str -> Signal, optional
        Dyes, by their channel.
    log_odds : LogOdds, optional
        Of a network whose calibration is known.

    Returns
    -------
    DataFrame
        A counted cell: ``cell`` (from 1), ``y_px, x_px`` (centroid; the centre of the first
        pixel is 0), ``y_um, x_um`` (the same from the field's upper left corner, so the centre
        of the first pixel is half a pixel), ``area_px, area_um2, component_area_um2`` (of the
        connected pixels that the cell was cut from), ``state`` (``live``, ``dead``, ``ambiguous``, or
        ``unknown`` where the classes do not tell), ``vote`` (the larger of the shares of pixels that
        voted for live and for dead; NaN where none voted, or signals decided), ``confidence`` (the
        probability that the state is right; NaN where neither live nor dead was called, or without
        `log_odds`), ``touches_edge``, ``touches_cell`` (cut from another cell), ``mean_<channel>`` for
        `planes`, ``signal_<channel>, stained_<channel>`` (mean; share of stained pixels) for `signals`,
        and `SHAPES` if asked for.

    Examples
    --------
    A live cell of four pixels, and one of which two of three pixels are dead:

    >>> class_map = np.array([[1, 1, 0, 0, 0], [1, 1, 0, 2, 0], [0, 0, 0, 2, 1]], np.uint8)
    >>> classes = Classes(background=(0,), live=(1,), dead=(2,))
    >>> rules = CountingRules(min_area_um2=0)
    >>> cells = measure_cells(class_map, classes, rules, pixel_size_um=0.5)
    >>> cells[["cell", "area_px", "area_um2", "state", "vote"]].round(2)
       cell  area_px  area_um2 state  vote
    0     1        4      1.00  live  1.00
    1     2        3      0.75  dead  0.67
    """
    components = label_cells(class_map, classes)
    cells = LabelledCells(split_cells(components, class_map, classes, rules, pixel_size_um))
    table = _table(cells, components, class_map, classes, rules, pixel_size_um)
    if log_odds is not None:
        of_cells = cells.mean(decode_log_odds(log_odds.of_pixels))
        table["confidence"] = confidence_of(table["state"].to_numpy(), of_cells, log_odds.calibration)
    for channel, plane in (planes or {}).items():
        table[f"mean_{channel}"] = cells.mean(plane.ravel()[cells.at])
    table = _with_signals(table, cells, signals or {}, classes, rules)
    counted = _counted(cells, class_map, classes, rules, pixel_size_um)
    table = table[counted].reset_index(drop=True)
    table.insert(0, "cell", np.arange(1, len(table) + 1))
    return table.join(_shapes(cells.labels, counted, pixel_size_um)) if rules.shape_descriptors else table


class LabelledCells:
    """The cells of a field, and sums over the pixels of each.

    Parameters
    ----------
    labels : ndarray, (H, W), int32
        0 outside cells, then 1, 2, ...

    Attributes
    ----------
    at : ndarray, (n_pixels,), int64
        Flat indices of the cells' pixels.
    owner : ndarray, (n_pixels,), int64
        The cell that each of these pixels belongs to, from 1.
    area_px : ndarray, (n_cells,), int64
    y_px, x_px : ndarray, (n_cells,), float64
        Centroids.
    """

    def __init__(self, labels: np.ndarray):
        self.labels = labels
        self.at = np.flatnonzero(labels != 0)
        self.owner = labels.ravel()[self.at].astype(np.intp)
        self.n_cells = int(self.owner.max(initial=0))
        self.area_px = self.total()
        # Columns come out of the sums of flat indices, exactly: a remainder for every pixel is slow.
        width = labels.shape[1]
        self._rows = self.at // width
        rows = self.total(self._rows)
        self.y_px, self.x_px = rows / self.area_px, (self.total(self.at) - width * rows) / self.area_px

    def total(self, values: np.ndarray | None = None) -> np.ndarray:
        """Sum of each cell's values, one a pixel; without values, the number of its pixels."""
        return np.bincount(self.owner, values, minlength=self.n_cells + 1)[1:]

    def mean(self, values: np.ndarray) -> np.ndarray:
        """Mean of each cell's values, (n_cells,) float64."""
        return self.total(values) / self.area_px

    def second_moments(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Central second moments yy, xx and yx of each cell, px²."""
        columns = self.at - self.labels.shape[1] * self._rows
        down, right = self._rows - self.y_px[self.owner - 1], columns - self.x_px[self.owner - 1]
        return self.mean(down**2), self.mean(right**2), self.mean(down * right)

    def touching(self) -> tuple[np.ndarray, np.ndarray]:
        """Which cells touch the upper or left (near), and the lower or right (far) side of the field."""
        near, far = np.zeros((2, self.n_cells + 1), bool)
        for found, side in ((near, 0), (far, -1)):
            found[self.labels[side]] = found[self.labels[:, side]] = True
        return near[1:], far[1:]

    def component_areas_px(self, components: np.ndarray) -> np.ndarray:
        """Area of the component that each cell was cut from, (n_cells,) px."""
        if components is self.labels:
            return self.area_px
        of_pixel = components.ravel()[self.at]
        component = np.zeros(self.n_cells + 1, np.int64)
        component[self.owner] = of_pixel
        return np.bincount(of_pixel)[component[1:]]

    def outline_on(self, mask: np.ndarray) -> np.ndarray:
        """Share of each cell's outline that borders on `mask`, (n_cells,).

        An outline is made of pixel sides towards the outside; those towards other cells and the field's
        edge do not count.
        """
        sides, bordering = np.zeros((2, self.n_cells + 1))
        for first, second in (
            ((slice(None), slice(1, None)), (slice(None), slice(None, -1))),
            ((slice(1, None), slice(None)), (slice(None, -1), slice(None))),
        ):
            for here, there in ((first, second), (second, first)):
                outline = (self.labels[here] > 0) & (self.labels[there] == 0)
                owner = self.labels[here][outline]
                sides += np.bincount(owner, minlength=self.n_cells + 1)
                bordering += np.bincount(owner, mask[there][outline], minlength=self.n_cells + 1)
        # A cell that fills the field has no outline to judge by.
        return np.where(sides == 0, 1.0, bordering / np.maximum(sides, 1))[1:]


def _table(
    cells: LabelledCells,
    components: np.ndarray,
    class_map: np.ndarray,
    classes: Classes,
    rules: CountingRules,
    pixel_size_um: float,
) -> pd.DataFrame:
    """A row for each cell, counted or not, with the columns `MEASURES`."""
    of_pixel = class_map.ravel()[cells.at]
    live_share, unknown_share = (
        cells.mean(of_classes(of_pixel, numbers)) for numbers in (classes.live, classes.unknown)
    )
    voted = np.maximum(live_share, 1 - live_share - unknown_share)
    undecided = "ambiguous" if "n_ambiguous" in classes.known else "unknown"
    component_area_px = cells.component_areas_px(components)
    near, far = cells.touching()
    return pd.DataFrame(
        {
            "y_px": cells.y_px,
            "x_px": cells.x_px,
            "y_um": (cells.y_px + 0.5) * pixel_size_um,
            "x_um": (cells.x_px + 0.5) * pixel_size_um,
            "area_px": cells.area_px,
            "area_um2": cells.area_px * pixel_size_um**2,
            "component_area_um2": component_area_px * pixel_size_um**2,
            "state": rules.vote(live_share, unknown_share, undecided),
            "vote": np.where(unknown_share < 1, voted, np.nan),
            "confidence": np.nan,
            "touches_edge": near | far,
            "touches_cell": component_area_px != cells.area_px,
        }
    )


def _with_signals(
    table: pd.DataFrame,
    cells: LabelledCells,
    signals: Mapping[str, Signal],
    classes: Classes,
    rules: CountingRules,
) -> pd.DataFrame:
    """The table with the columns of `signals`; they also give the states, if the rules say so."""
    means = {}
    for channel, signal in signals.items():
        of_pixel = signal.plane.ravel()[cells.at]
        means[channel] = cells.mean(of_pixel)
        shares = cells.mean(of_pixel > signal.threshold)
        table = table.assign(**dict(zip(signal_columns([channel]), (means[channel], shares), strict=True)))
    if rules.dead_by == "mean" and "n_ambiguous" in classes.known:
        table = table.assign(state=states_by_mean(means, signals, rules.both), vote=np.nan)
    return table


def _counted(
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


def aspect_ratio(yy: np.ndarray, xx: np.ndarray, yx: np.ndarray) -> np.ndarray:
    """Length over width of the ellipse with the same central second moments (px²).

    A pixel is a square, not a point: 1/12 is its own second moment, so that one pixel has
    ratio 1 and four in a row have ratio 4.

    Examples
    --------
    >>> four_in_a_row = [(j - 1.5) ** 2 for j in range(4)]
    >>> round(float(aspect_ratio(yy=0, xx=np.mean(four_in_a_row), yx=0)), 9)
    4.0
    """
    yy, xx = yy + 1 / 12, xx + 1 / 12
    mean, root = (yy + xx) / 2, np.sqrt(((yy - xx) / 2) ** 2 + yx**2)
    return np.sqrt((mean + root) / (mean - root))


def _shapes(labels: np.ndarray, counted: np.ndarray, pixel_size_um: float) -> pd.DataFrame:
    """`SHAPES` of the counted cells."""
    of_counted = np.where(np.append(False, counted)[labels], labels, 0)
    found = regionprops_table(of_counted, properties=tuple(_SHAPES.values()))
    return pd.DataFrame(
        {
            shape: found[name] * (pixel_size_um if shape.endswith("_um") else 1)
            for shape, name in _SHAPES.items()
        }
    )
