"""A network as a list of layers that can be traced without values, and run with them.

A flatten is where layouts meet: Keras flattens (H, W, C), PyTorch (C, H, W). `Graph.trace`
follows the order of the flattened features through the layers after it, so that the tensors
of the next ``Dense`` (and of a BatchNorm in between) can be permuted to match.
"""

from collections.abc import Container, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from livedead.weights.kinds import ACTIVATIONS, KINDS
from livedead.weights.layouts import LAYOUTS, Role, Slot
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
    shares : str
        The layer whose tensors it uses, where a layer is called again.
    """

    name: str
    kind: str
    inputs: tuple[str, ...]
    options: dict[str, Any]
    scope: Scope = ()
    shares: str = ""

    @property
    def roles(self) -> list[Role]:
        """The tensors that it uses, in Keras's order."""
        kind = KINDS[self.kind]
        expected = kind.shapes(self.options, self.options.get("groups", 1))
        return [role for role in LAYOUTS[kind.layout] if role.keras in expected]

    def slots(self, channels: int, order: np.ndarray | None) -> list[Slot]:
        """The places of its tensors, where its input has some channels, in some order."""
        shapes = KINDS[self.kind].shapes(self.options, channels)
        for role, shape in shapes.items():
            if not all(side > 0 for side in shape) or np.prod(shape, dtype=float) > MAX_ELEMENTS:
                raise ValueError(f"its {role} would have the shape {shape}")
        flipped = not self.options.get("transpose_kernel", True)
        return [Slot(self.name, role, shapes[role.keras], order, flipped) for role in self.roles]

    def __call__(self, inputs: list[Tensor], tensors: Mapping[str, Tensor]) -> Tensor:
        """Its output, of tensors in PyTorch's layout by their Keras roles."""
        output = KINDS[self.kind].run(self.options, tensors, *inputs)
        return ACTIVATIONS[self.options.get("activation", "linear")](output)


@dataclass(frozen=True)
class Traced:
    """What is known of a layer's call without values.

    Attributes
    ----------
    shape : tuple of int
        Of its output, as in PyTorch, for one sample.
    order : ndarray of int or None
        Place k of its flattened output holds Keras's feature ``order[k]``.
    slots : list of Slot
    """

    shape: tuple[int, ...]
    order: np.ndarray | None
    slots: list[Slot]


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
        return [node for node in self.nodes if node.roles and not node.shares]

    @property
    def slots(self) -> list[Slot]:
        """The places of all tensors, in model order."""
        traced = self.trace()
        return [slot for node in self.layers for slot in traced[node.name].slots]

    def as_dict(self) -> dict[str, Any]:
        """JSON values that `livedead.weights.architectures.graph_of` reads back."""
        layers = []
        for node in self.nodes:
            known = KINDS[node.kind].options
            layer: dict[str, Any] = {"name": node.name, "kind": node.kind, "inputs": list(node.inputs)}
            layer |= {key: value for key, value in node.options.items() if value != known[key].default}
            layer |= {"scope": [list(model) for model in node.scope]} if node.scope else {}
            layer |= {"shares": node.shares} if node.shares else {}
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
        if channels is None:
            raise RefusedError("the input's number of channels is not given")
        open_sides = None in sides and size is None
        outputs = {"": torch.empty(1, channels, *(size or (side or 256 for side in sides)), device="meta")}
        found: dict[str, Traced] = {}
        for node in self.nodes:
            inputs = [outputs[name] for name in node.inputs or ("",)]
            orders = [found[name].order for name in node.inputs]
            where = f"layer {node.name!r} ({node.kind})"
            try:
                slots = node.slots(inputs[0].shape[1], orders[0] if orders else None)
                tensors = {slot.role.keras: torch.empty(slot.torch_shape, device="meta") for slot in slots}
                output = node(inputs, tensors)
                order = _order(node, inputs[0], orders)
            except (RuntimeError, ValueError, IndexError, TypeError, ZeroDivisionError) as error:
                taken = ", ".join(str(tuple(x.shape[1:])) for x in inputs)
                raise RefusedError(f"{where} cannot take {taken}: {str(error).splitlines()[0]}") from error
            if node.kind in ("Flatten", "Reshape") and inputs[0].ndim > 2 and open_sides:
                raise RefusedError(f"{where} needs the size of the input: give all of 'input'")
            outputs[node.name] = output
            found[node.name] = Traced(tuple(output.shape[1:]), order, slots)
        return found

    def run(
        self, state: Mapping[str, Tensor], x: Tensor, keep: Container[str] | None = None
    ) -> dict[str, Tensor]:
        """Run the network.

        Parameters
        ----------
        state : mapping
            ``layer.role`` as in PyTorch (``conv.weight``) -> tensor in PyTorch's layout.
        x : Tensor
            (N, C, H, W) or (N, C).
        keep : container of str, optional
            Layers whose outputs are returned, besides the last; all if not given.

        Returns
        -------
        dict of str -> Tensor
        """
        outputs = {"": x}
        last_use = {name: k for k, node in enumerate(self.nodes) for name in node.inputs}
        for k, node in enumerate(self.nodes):
            owner = node.shares or node.name
            tensors = {role.keras: state[f"{owner}.{role.torch}"] for role in node.roles}
            outputs[node.name] = node([outputs[name] for name in node.inputs or ("",)], tensors)
            for name in set(node.inputs) - {self.output}:
                if keep is not None and name not in keep and last_use[name] == k:
                    del outputs[name]
        return outputs


def _order(node: Node, x: Tensor, orders: list[np.ndarray | None]) -> np.ndarray | None:
    """Order of the flattened features after a layer that takes x; None where it is Keras's own."""
    if node.kind == "Flatten" and x.ndim > 2:
        channels, *sides = x.shape[1:]
        places = np.arange(x[0].numel()).reshape(*sides, channels)
        return None if np.prod(sides) == 1 else np.moveaxis(places, -1, 0).ravel()
    if node.kind == "Dense" or all(order is None for order in orders):
        return None
    first = orders[0]
    alike = first is not None and all(order is not None and np.array_equal(order, first) for order in orders)
    if not alike or not (KINDS[node.kind].keeps_order or node.kind == "Flatten"):
        raise ValueError("flattened features in another order; only Dense and layers without axes may follow")
    return first


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
