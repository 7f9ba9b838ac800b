"""Layer kind -> role -> axes: how one tensor lies in Keras, in PyTorch and in Flax.

=================  ====================  ===========================  =====================
kind               Keras kernel          PyTorch weight               Flax kernel
=================  ====================  ===========================  =====================
``conv``           (h, w, i, o)          (o, i, h, w)                 as Keras
``depthwise``      (h, w, c, m)          (c * m, 1, h, w)             (h, w, 1, c * m)
``conv_transpose`` (h, w, o, i)          (i, o, h, w), not flipped    as Keras, or flipped
``dense``          (i, o)                (o, i)                       as Keras
``batch_norm``     four vectors          weight, bias, running_*      scale, bias; mean, var
=================  ====================  ===========================  =====================

In a grouped convolution i is the number of input channels of one group, in all three. Flax's
``ConvTranspose`` lies as Keras's only with ``transpose_kernel=True``; with its default, False,
the kernel is (h, w, i, o) and both sides are reversed. Keras's layout is the one in the middle:
every other is turned into it and from it.
"""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Role:
    """One tensor of a layer: its names, and the order of its Keras axes in PyTorch.

    Attributes
    ----------
    flax : str
        Collection and name, such as ``batch_stats/mean``.
    """

    keras: str
    torch: str
    flax: str
    axes: tuple[int, ...] = (0,)


_BIAS = Role("bias", "bias", "params/bias")


def _kernel(*axes: int) -> Role:
    return Role("kernel", "weight", "params/kernel", axes)


LAYOUTS: dict[str, tuple[Role, ...]] = {
    "conv": (_kernel(3, 2, 0, 1), _BIAS),
    "depthwise": (_kernel(2, 3, 0, 1), _BIAS),
    "conv_transpose": (_kernel(3, 2, 0, 1), _BIAS),
    "dense": (_kernel(1, 0), _BIAS),
    "batch_norm": (
        Role("gamma", "weight", "params/scale"),
        Role("beta", "bias", "params/bias"),
        Role("moving_mean", "running_mean", "batch_stats/mean"),
        Role("moving_variance", "running_var", "batch_stats/var"),
    ),
}
"""The roles are in the order in which Keras numbers the variables of a layer."""


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


def torch_shape(kind: str, role: Role, shape: tuple[int, ...]) -> tuple[int, ...]:
    """Shape in PyTorch of a Keras tensor of this shape."""
    turned = tuple(shape[axis] for axis in role.axes)
    if kind == "depthwise" and role.keras == "kernel":
        return (turned[0] * turned[1], 1, *turned[2:])
    return turned


def flax_shape(kind: str, role: Role, shape: tuple[int, ...], *, transposed: bool = True) -> tuple[int, ...]:
    """Shape in Flax of a Keras tensor of this shape."""
    if role.keras == "kernel" and kind == "depthwise":
        return (*shape[:2], 1, shape[2] * shape[3])
    if role.keras == "kernel" and kind == "conv_transpose" and not transposed:
        return (*shape[:2], shape[3], shape[2])
    return shape


def to_flax(kind: str, role: Role, array: np.ndarray, *, transposed: bool = True) -> np.ndarray:
    """A Keras tensor in Flax's layout; `transposed` is ``transpose_kernel`` of a ``ConvTranspose``."""
    if role.keras == "kernel" and kind == "conv_transpose" and not transposed:
        array = _reversed(array)
    return np.ascontiguousarray(array.reshape(flax_shape(kind, role, array.shape)))


def from_flax(
    kind: str, role: Role, array: np.ndarray, shape: tuple[int, ...], *, transposed: bool = True
) -> np.ndarray:
    """The inverse of `to_flax`; `shape` is the tensor's shape in Keras."""
    if role.keras == "kernel" and kind == "conv_transpose" and not transposed:
        array = _reversed(array)
    return np.ascontiguousarray(array.reshape(shape))


def _reversed(kernel: np.ndarray) -> np.ndarray:
    """(h, w, a, b) -> (h, w, b, a), both sides reversed; its own inverse."""
    return kernel[::-1, ::-1].transpose(0, 1, 3, 2)
