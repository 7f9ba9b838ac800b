"""From a network's log odds of live over dead to a probability that can be believed."""

import numpy as np

STEP = 1 / 8
"""Step in which log odds are stored: a power of two, so that their sums are exact in any order."""
LARGEST = 127
"""Log odds beyond 15.9 either way, one wrong pixel in eight million, are stored as that."""


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
