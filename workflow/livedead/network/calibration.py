"""From a network's log odds of live over dead to a probability that can be believed.

A network's softmax is surer than it should be, for training drives the logits apart long after every
decision is right. How often cells of given log odds are alive is seen on cells that it was not trained on.
"""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

STEP = 1 / 8
"""Step in which log odds are stored: a power of two, so that their sums are exact in any order."""
LARGEST = 127
"""Log odds beyond 15.9 either way, one wrong pixel in eight million, are stored as that."""
LEAST_CELLS = 20
"""Cells of each state that a calibration needs at least."""


def encode_log_odds(log_odds: np.ndarray) -> np.ndarray:
    """Natural log odds of any shape, rounded to steps of `STEP` and clipped, as int8.

    Examples
    --------
    >>> encode_log_odds(np.array([-40, -0.1, 1.3, 15.5])).tolist()
    [-127, -1, 10, 124]
    """
    return np.clip(np.rint(log_odds / STEP), -LARGEST, LARGEST).astype(np.int8)


def decode_log_odds(stored: np.ndarray) -> np.ndarray:
    """Natural log odds, float64, of what `encode_log_odds` gave.

    Examples
    --------
    >>> decode_log_odds(np.array([-127, 10], np.int8)).tolist()
    [-15.875, 1.25]
    """
    return stored * STEP


@dataclass(frozen=True)
class Calibration:
    """The probability that a cell is alive, from the mean log odds of its pixels: a logistic curve.

    Attributes
    ----------
    slope : float
        At least 0; less than 1 where the network is surer than it should be.
    offset : float
        Log odds of a cell whose pixels are undecided.
    n_live, n_dead : int
        Cells that it was fitted on.

    References
    ----------
    Platt (1999), Probabilistic outputs for support vector machines.

    Examples
    --------
    >>> Calibration(slope=0.5, offset=0.0).p_live(np.array([-2.0, 0.0, 2.0, np.nan])).round(3).tolist()
    [0.269, 0.5, 0.731, nan]
    """

    slope: float
    offset: float
    n_live: int = 0
    n_dead: int = 0

    @classmethod
    def fit(cls, log_odds: np.ndarray, is_live: np.ndarray) -> "Calibration | None":
        """The calibration of cells whose state is known; None with fewer than `LEAST_CELLS` of either.

        The logistic regression of the state on the log odds, with Platt's targets: each state counts as
        if one more cell of the other kind had been seen. So it is finite where no cell is read wrongly.

        Parameters
        ----------
        log_odds : ndarray, (n_cells,)
            Mean over the pixels of each cell.
        is_live : ndarray, (n_cells,), bool
        """
        n_live, n_dead = int(is_live.sum()), int((~is_live).sum())
        if min(n_live, n_dead) < LEAST_CELLS:
            return None
        target = np.where(is_live, (n_live + 1) / (n_live + 2), 1 / (n_dead + 2))
        slope, offset = _logistic(log_odds, target)
        if slope < 0:
            # Surer is not more often right: all that is known is how many live.
            slope, offset = 0.0, float(np.log(target.mean() / (1 - target.mean())))
        return cls(slope, offset, n_live, n_dead)

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> "Calibration":
        """The inverse of `as_dict`; raises ValueError or TypeError for anything else."""
        found = cls(**values)
        if not (np.isfinite(found.offset) and 0 <= found.slope < np.inf):
            raise ValueError(
                f"calibration: slope {found.slope}, offset {found.offset}; a slope is at least 0"
            )
        return found

    def as_dict(self) -> dict[str, Any]:
        """As JSON values, floats to six digits."""
        rounded = {"slope": float(f"{self.slope:.6g}"), "offset": float(f"{self.offset:.6g}")}
        return {**asdict(self), **rounded}

    def p_live(self, log_odds: np.ndarray) -> np.ndarray:
        """Probability that each cell is alive; NaN where `log_odds` is."""
        return _logistic_curve(self.slope * log_odds + self.offset)


def _logistic_curve(log_odds: np.ndarray) -> np.ndarray:
    # As a hyperbolic tangent it cannot overflow.
    return 0.5 + 0.5 * np.tanh(log_odds / 2)


def _logistic(x: np.ndarray, target: np.ndarray) -> tuple[float, float]:
    """Slope and offset that maximize the likelihood of targets in (0, 1), by Newton's method."""
    features = np.column_stack([x, np.ones_like(x)])

    def loss(weights: np.ndarray) -> float:
        z = features @ weights
        return float((np.logaddexp(0, z) - target * z).sum())

    weights = np.array([0.0, np.log(target.mean() / (1 - target.mean()))])
    for _ in range(100):
        p = _logistic_curve(features @ weights)
        gradient = features.T @ (p - target)
        curvature = (features * (p * (1 - p))[:, None]).T @ features
        # Of equal log odds the curvature is singular; the shortest step is as good as any.
        step = np.linalg.lstsq(curvature, gradient)[0]
        while loss(weights - step) > loss(weights) and np.abs(step).max() > 1e-12:
            step = step / 2
        weights = weights - step
        if np.abs(step).max() <= 1e-10:
            break
    return float(weights[0]), float(weights[1])
