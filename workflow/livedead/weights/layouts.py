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

Shape = tuple[int, ...]


@dataclass(frozen=True)
class Role:
    """One tensor of a layer: its names, and how it lies in each framework.

    Attributes
    ----------
    flax : str
        Collection and name, such as ``batch_stats/mean``.
    axes : tuple of int
        The order of its Keras axes in PyTorch.
    joins : bool
        Whether PyTorch and Flax hold a depthwise kernel's c and m as one axis.
    """

    keras: str
    torch: str
    flax: str
    axes: tuple[int, ...] = (0,)
    joins: bool = False

    def torch_shape(self, shape: Shape) -> Shape:
        """Shape in PyTorch of a Keras tensor of this shape."""
        turned = tuple(shape[axis] for axis in self.axes)
        return (turned[0] * turned[1], 1, *turned[2:]) if self.joins else turned

    def to_torch(self, array: np.ndarray) -> np.ndarray:
        """A Keras tensor in PyTorch's layout, contiguous, the dtype unchanged."""
        shape = self.torch_shape(array.shape)
        return np.ascontiguousarray(array.transpose(self.axes).reshape(shape))

    def from_torch(self, array: np.ndarray, multiplier: int = 1) -> np.ndarray:
        """The inverse of `to_torch`; `multiplier` is a depthwise layer's depth multiplier."""
        if self.joins:
            array = array.reshape(-1, multiplier, *array.shape[2:])
        return np.ascontiguousarray(array.transpose(np.argsort(self.axes)))

    def flax_shape(self, shape: Shape, *, transposed: bool = True) -> Shape:
        """Shape in Flax of a Keras tensor of this shape; see `to_flax`."""
        if self.joins:
            return (*shape[:2], 1, shape[2] * shape[3])
        return shape if transposed or self.keras != "kernel" else (*shape[:2], shape[3], shape[2])

    def to_flax(self, array: np.ndarray, *, transposed: bool = True) -> np.ndarray:
        """A Keras tensor in Flax's layout; `transposed` is ``transpose_kernel`` of a ``ConvTranspose``."""
        shape = self.flax_shape(array.shape, transposed=transposed)
        return np.ascontiguousarray(self._turned(array, transposed).reshape(shape))

    def from_flax(self, array: np.ndarray, shape: Shape, *, transposed: bool = True) -> np.ndarray:
        """The inverse of `to_flax`; `shape` is the tensor's shape in Keras."""
        return np.ascontiguousarray(self._turned(array, transposed).reshape(shape))

    def _turned(self, array: np.ndarray, transposed: bool) -> np.ndarray:
        """(h, w, a, b) -> (h, w, b, a), both sides reversed, where Flax's default asks for it."""
        if transposed or self.keras != "kernel":
            return array
        return array[::-1, ::-1].transpose(0, 1, 3, 2)


_BIAS = Role("bias", "bias", "params/bias")


def _kernel(*axes: int, joins: bool = False) -> Role:
    return Role("kernel", "weight", "params/kernel", axes, joins)


LAYOUTS: dict[str, tuple[Role, ...]] = {
    "": (),
    "conv": (_kernel(3, 2, 0, 1), _BIAS),
    "depthwise": (_kernel(2, 3, 0, 1, joins=True), _BIAS),
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
