"""From numbered cells to a table of them: a vote on each, its place, area, shape and intensities."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from skimage.measure import regionprops_table

from livedead.cells.confidence import LogOdds, confidence_of
from livedead.cells.finding import FoundCells, find_cells
from livedead.cells.labelled import LabelledCells
from livedead.cells.labels import of_classes
from livedead.cells.rules import CountingRules
from livedead.cells.signals import Signal, signal_columns, states_by_mean
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
        `log_odds`), ``touches_edge``, ``touches_cell`` (cut from another cell), ``by_hand`` (whether a
        person gave it its state or its outline), ``mean_<channel>`` for
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
    found = find_cells(class_map, classes, rules, pixel_size_um)
    return measure_found(found, class_map, classes, rules, pixel_size_um, planes, signals, log_odds)


def measure_found(
    found: FoundCells,
    class_map: np.ndarray,
    classes: Classes,
    rules: CountingRules,
    pixel_size_um: float,
    planes: Mapping[str, np.ndarray] | None = None,
    signals: Mapping[str, Signal] | None = None,
    log_odds: LogOdds | None = None,
) -> pd.DataFrame:
    """Vote on and measure cells that were found; see `measure_cells`."""
    cells = found.cells
    table = _table(cells, found, class_map, classes, rules, pixel_size_um)
    if log_odds is not None:
        of_cells = _mean_log_odds(cells, log_odds.of_pixels, of_classes(class_map, classes.nuclei))
        table["confidence"] = confidence_of(table["state"].to_numpy(), of_cells, log_odds.calibration)
    for channel, plane in (planes or {}).items():
        table[f"mean_{channel}"] = cells.mean(plane.ravel()[cells.at])
    table = _with_signals(table, cells, signals or {}, classes, rules)
    told = found.state_by_hand != ""
    table.loc[told, "state"] = found.state_by_hand[told]
    if log_odds is not None:
        # Who looked is sure.
        table.loc[told, "confidence"] = np.where(found.state_by_hand[told] == "ambiguous", np.nan, 1.0)
    table.insert(0, "cell", np.arange(1, len(table) + 1))
    return table.join(_shapes(found.labels, pixel_size_um)) if rules.shape_descriptors else table


def _table(
    cells: LabelledCells,
    found: FoundCells,
    class_map: np.ndarray,
    classes: Classes,
    rules: CountingRules,
    pixel_size_um: float,
) -> pd.DataFrame:
    """A row for each cell, with the columns `MEASURES`."""
    of_pixel = class_map.ravel()[cells.at]
    live, dead = (of_classes(of_pixel, numbers) for numbers in (classes.live, classes.dead))
    # Where the class map has no cell, a person may have drawn one: such pixels do not vote.
    live_share, unknown_share = cells.mean(live), cells.mean(~(live | dead))
    voted = np.maximum(live_share, 1 - live_share - unknown_share)
    undecided = "ambiguous" if "n_ambiguous" in classes.known else "unknown"
    near, far = cells.touching()
    return pd.DataFrame(
        {
            "y_px": cells.y_px,
            "x_px": cells.x_px,
            "y_um": (cells.y_px + 0.5) * pixel_size_um,
            "x_um": (cells.x_px + 0.5) * pixel_size_um,
            "area_px": cells.area_px,
            "area_um2": cells.area_px * pixel_size_um**2,
            "component_area_um2": found.component_area_px * pixel_size_um**2,
            "state": rules.vote(live_share, unknown_share, undecided),
            "vote": np.where(unknown_share < 1, voted, np.nan),
            "confidence": np.nan,
            "touches_edge": near | far,
            "touches_cell": found.component_area_px != cells.area_px,
            "by_hand": found.by_hand,
        }
    )


def _mean_log_odds(cells: LabelledCells, of_nuclei: np.ndarray, nuclei: np.ndarray) -> np.ndarray:
    """Mean log odds of each cell, (n_cells,); NaN for one that a person drew where the network saw none.

    Parameters
    ----------
    of_nuclei : ndarray, (n_pixels,), int8
        Of the pixels of `nuclei`, in raster order.
    nuclei : ndarray, (H, W), bool
    """
    plane = np.zeros(nuclei.shape, np.int8)
    plane[nuclei] = of_nuclei
    known = cells.total(nuclei.ravel()[cells.at])
    total = cells.total(decode_log_odds(plane.ravel()[cells.at]))
    return np.divide(total, known, out=np.full(len(known), np.nan), where=known > 0)


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


def _shapes(labels: np.ndarray, pixel_size_um: float) -> pd.DataFrame:
    """`SHAPES` of the cells."""
    found = regionprops_table(labels, properties=tuple(_SHAPES.values()))
    return pd.DataFrame(
        {
            shape: found[name] * (pixel_size_um if shape.endswith("_um") else 1)
            for shape, name in _SHAPES.items()
        }
    )
