"""The signal of dyes in each cell, and the state that it gives.

So a table of cells can be gated anew, with other thresholds, without reading an image.
"""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

import numpy as np

from livedead.errors import ConfigError


class Signal(NamedTuple):
    """A dye in one field.

    Attributes
    ----------
    plane : ndarray, (H, W), float32
        Counts over background.
    threshold : float
        Counts over background above which a pixel, or the mean of a cell, is stained.
    marks : {'live', 'dead', ''}
        State of the cells that it stains; empty where it stains all.
    """

    plane: np.ndarray
    threshold: float
    marks: str = ""


def signal_columns(channels: Iterable[str]) -> list[str]:
    """Columns of a table of cells: mean counts over background, and the share of stained pixels."""
    return [f"{name}_{channel}" for channel in channels for name in ("signal", "stained")]


def states_by_mean(
    means: Mapping[str, np.ndarray], signals: Mapping[str, Signal], both: str = "dead"
) -> np.ndarray:
    """State of each cell from its mean signals instead of a vote of its pixels.

    With a dye for each state, a cell that neither stains is ``ambiguous``. With one of them alone, a
    cell has the state that this dye marks, or else the other one.

    Parameters
    ----------
    means : mapping
        Channel -> mean counts over background of each cell, (n_cells,).
    signals : mapping
        Channel -> `Signal`.
    both : {'dead', 'live'}
        State of a cell that both stain.

    Returns
    -------
    ndarray, (n_cells,), object

    Raises
    ------
    ConfigError
        If no signal marks a state.

    Examples
    --------
    >>> none = np.empty((0, 0), np.float32)
    >>> signals = {"calcein": Signal(none, 50, "live"), "ethd": Signal(none, 80, "dead")}
    >>> means = {"calcein": np.array([90, 70, 9, 9]), "ethd": np.array([0, 99, 99, 0])}
    >>> states_by_mean(means, signals).tolist()
    ['live', 'dead', 'dead', 'ambiguous']
    """
    stained = {
        signal.marks: means[channel] > signal.threshold for channel, signal in signals.items() if signal.marks
    }
    if not stained:
        raise ConfigError("dead_by 'mean' needs the signal of a live or of a dead dye; there is none")
    if len(stained) == 1:
        [(state, is_stained)] = stained.items()
        return np.where(is_stained, state, "live" if state == "dead" else "dead").astype(object)
    order = [both, *(state for state in stained if state != both)]
    return np.select([stained[state] for state in order], order, "ambiguous").astype(object)
