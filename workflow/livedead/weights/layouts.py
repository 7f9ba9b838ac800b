"""Layer kind -> role -> axes: how one tensor lies in Keras and in PyTorch.

=================  =================  ====================================
kind               Keras kernel       PyTorch weight
=================  =================  ====================================
``conv``           (h, w, i, o)       (o, i, h, w)
``depthwise``      (h, w, c, m)       (c * m, 1, h, w)
``conv_transpose`` (h, w, o, i)       (i, o, h, w), not flipped
``dense``          (i, o)             (o, i)
``batch_norm``     four vectors       weight, bias, running_mean, running_var
=================  =================  ====================================
"""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Role:
    """One tensor of a layer: its names on both sides, and Keras axes in PyTorch's order."""

    keras: str
    torch: str
    axes: tuple[int, ...]


_BIAS = Role("bias", "bias", (0,))

LAYOUTS: dict[str, tuple[Role, ...]] = {
    "conv": (Role("kernel", "weight", (3, 2, 0, 1)), _BIAS),
    "depthwise": (Role("kernel", "weight", (2, 3, 0, 1)), _BIAS),
    "conv_transpose": (Role("kernel", "weight", (3, 2, 0, 1)), _BIAS),
    "dense": (Role("kernel", "weight", (1, 0)), _BIAS),
    "batch_norm": (
        Role("gamma", "weight", (0,)),
        Role("beta", "bias", (0,)),
        Role("moving_mean", "running_mean", (0,)),
        Role("moving_variance", "running_var", (0,)),
    ),
}


def to_torch(kind: str, role: Role, array: np.ndarray) -> np.ndarray:
    """A Keras tensor in PyTorch's layout, contiguous, the dtype unchanged."""
    turned = array.transpose(role.axes)
    if kind == "depthwise" and role.keras == "kernel":
        turned = turned.reshape(-1, 1, *turned.shape[2:])
    return np.ascontiguousarray(turned)


def to_keras(kind: str, role: Role, array: np.ndarray, multiplier: int = 1) -> np.ndarray:
    """The inverse of `to_torch`; `multiplier` is a depthwise layer's depth multiplier."""
    if kind == "depthwise" and role.keras == "kernel":
        array = array.reshape(-1, multiplier, *array.shape[2:])
    return np.ascontiguousarray(array.transpose(np.argsort(role.axes)))
