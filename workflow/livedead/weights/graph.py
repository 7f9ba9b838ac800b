"""A network as a list of layers that can be traced without values, and run with them.

A flatten is where layouts meet: Keras flattens (H, W, C), PyTorch (C, H, W). `Graph.trace`
follows the order of the flattened features through the layers after it, so that the tensors
of the next ``Dense`` (and of a BatchNorm in between) can be permuted to match.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from livedead.weights.kinds import ACTIVATIONS, KINDS, Shapes
from livedead.weights.layouts import LAYOUTS, Role
from livedead.weights.refusals import RefusedError

MAX_ELEMENTS = 2**30
"""An architecture that promises larger tensors is damaged or hostile."""

Scope = tuple[tuple[str, str], ...]
"""The models that a layer is nested in, from outside in: their names and classes."""


@dataclass(frozen=True)
class Node:
    """One layer, called once.

    Attributes
    ----------
    name : str
        The layer's name in Keras, unique in the graph.
    kind : str
        Key of `livedead.weights.kinds.KINDS`.
    inputs : tuple of str
        Layers whose outputs it takes.
    options : dict
        Every option of the kind, defaults filled in.
    scope : Scope
        Nested models around it.
    shares : str
        The layer whose tensors it uses: its own name, unless the layer is called again.
    """

    name: str
    kind: str
    inputs: tuple[str, ...]
    options: dict[str, Any] = field(default_factory=dict)
    scope: Scope = ()
    shares: str = ""

    @property
    def layout(self) -> str:
        """Key of `LAYOUTS`; empty for a layer without tensors."""
        return KINDS[self.kind].layout

    @property
    def owner(self) -> str:
        """The layer that holds its tensors."""
        return self.shares or self.name

    @property
    def roles(self) -> list[Role]:
        """The tensors that it has, in Keras's order."""
        expected = KINDS[self.kind].shapes(self.options, self.options.get("groups", 1))
        return [role for role in LAYOUTS[self.layout] if role.keras in expected]

    @property
    def transposed(self) -> bool:
        """Whether a transposed kernel lies as in Keras; see `livedead.weights.layouts`."""
        transposed: bool = self.options.get("transpose_kernel", True)
        return transposed

    def to_torch(self, role: Role, array: np.ndarray, order: np.ndarray | None) -> np.ndarray:
        """A Keras tensor in PyTorch's layout, its flattened features in the `order` of PyTorch."""
        if order is not None and role.keras != "bias":
            array = array[order]
        return role.to_torch(array)

    def from_torch(self, role: Role, array: np.ndarray, order: np.ndarray | None) -> np.ndarray:
        """The inverse of `to_torch`."""
        array = role.from_torch(array, self.options.get("depth_multiplier", 1))
        return array if order is None or role.keras == "bias" else array[np.argsort(order)]


@dataclass(frozen=True)
class Traced:
    """What is known of a layer's call without its values.

    Attributes
    ----------
    shape : tuple of int
        Of the output, as in PyTorch, for one sample.
    roles : Shapes
        Keras role -> shape in Keras axes.
    order, input_order : ndarray of int or None
        For output and input: place k of the features holds Keras's feature ``order[k]``.
    """

    shape: tuple[int, ...]
    roles: Shapes
    order: np.ndarray | None
    input_order: np.ndarray | None


@dataclass(frozen=True)
class Graph:
    """A network with one input and one output.

    Attributes
    ----------
    input_shape : tuple of (int or None)
        (H, W, C), or (C,); None where any size will do.
    nodes : tuple of Node
        In model order, every layer after those it takes.
    aliases : dict
        Name of a nested model -> the layer whose output is its output.
    """

    name: str
    input_shape: tuple[int | None, ...]
    nodes: tuple[Node, ...]
    output: str
    aliases: dict[str, str] = field(default_factory=dict)

    @property
    def layers(self) -> list[Node]:
        """The layers that have tensors, each once, in model order."""
        return [node for node in self.nodes if node.layout and node.owner == node.name]

    def as_dict(self) -> dict[str, Any]:
        """JSON values that `livedead.weights.architectures.graph_of` reads back."""
        layers = []
        for node in self.nodes:
            known = KINDS[node.kind].options
            options = {key: value for key, value in node.options.items() if value != known[key].default}
            layer = {"name": node.name, "kind": node.kind, "inputs": list(node.inputs), **options}
            if node.scope:
                layer["scope"] = [list(model) for model in node.scope]
            if node.shares:
                layer["shares"] = node.shares
            layers.append(layer)
        return {
            "name": self.name,
            "input": list(self.input_shape),
            "layers": layers,
            "output": self.output,
            "aliases": self.aliases,
        }

    def trace(self, size: tuple[int, ...] | None = None) -> dict[str, Traced]:
        """Shapes and feature orders of all layers, without computing or allocating.

        Parameters
        ----------
        size : tuple of int, optional
            Height and width where `input_shape` leaves them open.

        Raises
        ------
        RefusedError
            If a layer cannot take what it is given.
        """
        *sides, channels = self.input_shape
        open_sides = None in sides and size is None
        known = [side or 256 for side in sides] if size is None else list(size)
        if channels is None:
            raise RefusedError("the input's number of channels is not given")
        with torch.device("meta"):
            outputs = {"": torch.empty(1, channels, *known)}
        found: dict[str, Traced] = {}
        for node in self.nodes:
            inputs = [outputs[name] for name in node.inputs or ("",)]
            orders = [found[name].order if name else None for name in node.inputs or ("",)]
            where = f"layer {node.name!r} ({node.kind})"
            try:
                shapes = _tensor_shapes(node, inputs[0].shape[1])
                with torch.device("meta"):
                    tensors = {
                        role.keras: torch.empty(role.torch_shape(shapes[role.keras])) for role in node.roles
                    }
                output = _call(node, inputs, tensors)
                order = _order(node, inputs[0], orders)
            except (RuntimeError, ValueError, IndexError, TypeError, ZeroDivisionError) as error:
                taken = ", ".join(str(tuple(x.shape[1:])) for x in inputs)
                raise RefusedError(f"{where} cannot take {taken}: {str(error).splitlines()[0]}") from error
            if node.kind in ("Flatten", "Reshape") and inputs[0].ndim > 2 and open_sides:
                raise RefusedError(f"{where} needs the size of the input: give all of 'input'")
            outputs[node.name] = output
            found[node.name] = Traced(tuple(output.shape[1:]), shapes, order, orders[0])
        return found

    def run(
        self, state: Mapping[str, Tensor], x: Tensor, keep: Mapping[str, Any] | None = None
    ) -> dict[str, Tensor]:
        """Run the network.

        Parameters
        ----------
        state : mapping
            ``layer.role`` as in PyTorch (``conv.weight``) -> tensor in PyTorch's layout.
        x : Tensor
            (N, C, H, W) or (N, C).
        keep : mapping, optional
            Layers whose outputs are returned, besides the last; all if not given.

        Returns
        -------
        dict of str -> Tensor
        """
        outputs = {"": x}
        last_use = {name: k for k, node in enumerate(self.nodes) for name in node.inputs}
        for k, node in enumerate(self.nodes):
            tensors = {role.keras: state[f"{node.owner}.{role.torch}"] for role in node.roles}
            outputs[node.name] = _call(node, [outputs[name] for name in node.inputs or ("",)], tensors)
            for name in node.inputs:
                spent = keep is not None and name not in keep and last_use[name] == k
                if spent and name != self.output:
                    outputs.pop(name, None)
        return outputs


def _call(node: Node, inputs: list[Tensor], tensors: Mapping[str, Tensor]) -> Tensor:
    output = KINDS[node.kind].run(node.options, tensors, *inputs)
    return ACTIVATIONS[node.options.get("activation", "linear")](output)


def _tensor_shapes(node: Node, channels: int) -> Shapes:
    shapes = KINDS[node.kind].shapes(node.options, channels)
    for role, shape in shapes.items():
        if not all(side > 0 for side in shape) or np.prod(shape, dtype=float) > MAX_ELEMENTS:
            raise ValueError(f"its {role} would have the shape {shape}")
    return shapes


def _order(node: Node, x: Tensor, orders: list[np.ndarray | None]) -> np.ndarray | None:
    """Order of the flattened features after a layer that takes x; None where it is Keras's own."""
    if node.kind == "Flatten" and x.ndim > 2:
        channels, *sides = x.shape[1:]
        if np.prod(sides) == 1:
            return None
        places = np.arange(channels * int(np.prod(sides))).reshape(*sides, channels)
        return np.moveaxis(places, -1, 0).ravel()
    order = orders[0]
    if node.kind == "Dense" or all(other is None for other in orders):
        return None
    alike = order is not None and all(other is not None and np.array_equal(other, order) for other in orders)
    if not alike or not (KINDS[node.kind].keeps_order or node.kind == "Flatten"):
        raise ValueError("flattened features in another order; only Dense and layers without axes may follow")
    return order


def in_keras_order(graph: Graph) -> Graph:
    """The same network, its layers in the order in which Keras keeps and therefore counts them.

    The layers furthest from the output come first; at equal distance, those that a walk back
    from the output meets first (``map_graph`` in ``keras/src/ops/function.py``).
    """
    inputs = {node.name: node.inputs for node in graph.nodes}
    distance = dict.fromkeys(inputs, 0)
    for node in reversed(graph.nodes):
        for name in node.inputs:
            distance[name] = max(distance[name], distance[node.name] + 1)
    met: dict[str, int] = {}
    waiting = [graph.output]
    while waiting:
        name = waiting.pop()
        if name not in met:
            met[name] = len(met)
            waiting += reversed(inputs[name])
    nodes = sorted(graph.nodes, key=lambda node: (-distance[node.name], met.get(node.name, len(met))))
    return replace(graph, nodes=tuple(nodes))
