"""How sure a network is of the state of a cell, from the odds that it gives at each pixel."""

from typing import Any

import numpy as np

STEPS = 16
"""Steps of stored log odds in one unit; they end at 127 / 16, odds of 2,800 to 1."""


def encode_log_odds(log_odds: Any) -> Any:
    """Log odds, log(p_live / p_dead), as they are stored: whole steps of -127 to 127.

    Works for NumPy arrays and PyTorch tensors alike.
    """
    return (log_odds * STEPS).round().clip(-127, 127)


def decode_log_odds(stored: np.ndarray) -> np.ndarray:
    """The inverse of `encode_log_odds`, float32."""
    return stored.astype(np.float32) / STEPS
