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
    """What a tensor is to its layer: its name in each framework, and its Keras axes in PyTorch's order.

    `joins` tells a depthwise kernel, whose c and m are one axis in PyTorch and Flax.
    """

    keras: str
    torch: str
    flax: str
    axes: tuple[int, ...] = (0,)
    joins: bool = False


def _with_bias(*axes: int, joins: bool = False) -> tuple[Role, ...]:
    return Role("kernel", "weight", "params/kernel", axes, joins), Role("bias", "bias", "params/bias")


LAYOUTS: dict[str, tuple[Role, ...]] = {
    "": (),
    "conv": _with_bias(3, 2, 0, 1),
    "depthwise": _with_bias(2, 3, 0, 1, joins=True),
    "conv_transpose": _with_bias(3, 2, 0, 1),
    "dense": _with_bias(1, 0),
    "batch_norm": (
        Role("gamma", "weight", "params/scale"),
        Role("beta", "bias", "params/bias"),
        Role("moving_mean", "running_mean", "batch_stats/mean"),
        Role("moving_variance", "running_var", "batch_stats/var"),
    ),
}
"""The roles are in the order in which Keras numbers the variables of a layer."""


@dataclass(frozen=True)
class Slot:
    """The place of one tensor in a network.

    Attributes
    ----------
    layer : str
    role : Role
    shape : tuple of int
        In Keras axes.
    order : ndarray of int or None
        Where the features come from a flatten: PyTorch's feature k is Keras's ``order[k]``.
    flipped : bool
        Whether the layer is Flax's ``ConvTranspose`` with ``transpose_kernel=False``.
    """

    layer: str
    role: Role
    shape: Shape
    order: np.ndarray | None = None
    flipped: bool = False

    @property
    def key(self) -> str:
        """Its name among the values of a `livedead.weights.network.Network`."""
        return f"{self.layer}/{self.role.keras}"

    @property
    def torch_shape(self) -> Shape:
        """Its shape in PyTorch."""
        turned = tuple(self.shape[axis] for axis in self.role.axes)
        return (turned[0] * turned[1], 1, *turned[2:]) if self.role.joins else turned

    @property
    def flax_shape(self) -> Shape:
        """Its shape in Flax."""
        if self.role.joins:
            return (*self.shape[:2], 1, self.shape[2] * self.shape[3])
        flips = self.flipped and self.role.keras == "kernel"
        return (*self.shape[:2], self.shape[3], self.shape[2]) if flips else self.shape

    def to_torch(self, array: np.ndarray) -> np.ndarray:
        """A Keras tensor in PyTorch's layout, contiguous, the dtype unchanged."""
        if self.order is not None and self.role.keras != "bias":
            array = array[self.order]
        return np.ascontiguousarray(array.transpose(self.role.axes).reshape(self.torch_shape))

    def from_torch(self, array: np.ndarray) -> np.ndarray:
        """The inverse of `to_torch`."""
        turned = array.reshape([self.shape[axis] for axis in self.role.axes])
        array = np.ascontiguousarray(turned.transpose(np.argsort(self.role.axes)))
        return array if self.order is None or self.role.keras == "bias" else array[np.argsort(self.order)]

    def to_flax(self, array: np.ndarray) -> np.ndarray:
        """A Keras tensor in Flax's layout."""
        return np.ascontiguousarray(self._flip(array).reshape(self.flax_shape))

    def from_flax(self, array: np.ndarray) -> np.ndarray:
        """The inverse of `to_flax`."""
        return np.ascontiguousarray(self._flip(array).reshape(self.shape))

    def _flip(self, kernel: np.ndarray) -> np.ndarray:
        """(h, w, a, b) -> (h, w, b, a), both sides reversed, where the layer is flipped."""
        if not self.flipped or self.role.keras != "kernel":
            return kernel
        return kernel[::-1, ::-1].transpose(0, 1, 3, 2)
