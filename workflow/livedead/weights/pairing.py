"""Tensor of the network <-> tensor of the file: one bijection, checked from both ends.

Layers were paired by name (`livedead.weights.names`); here nothing may be left over, and every
shape must fit.
"""

from dataclasses import dataclass

import numpy as np

from livedead.weights.graph import Graph, Node
from livedead.weights.layouts import Slot
from livedead.weights.refusals import refuse, refuse_all
from livedead.weights.sources import SourceFile, SourceLayer, negative


@dataclass(frozen=True)
class Pairing:
    """One tensor of the network, in Keras axes, and where it came from."""

    slot: Slot
    source: str
    array: np.ndarray


def pair(
    file: SourceFile, graph: Graph, named: dict[str, SourceLayer], unused: tuple[str, ...] = ()
) -> tuple[list[Pairing], list[str]]:
    """Pair the network's tensors with the file's, one to one; what does not pair is refused.

    Parameters
    ----------
    named : dict
        Layer of the graph -> layer of the file.
    unused : tuple of str
        Layers that may be in the file without a partner; the paths of those that are come second.
    """
    traced = graph.trace()
    pairings: list[Pairing] = []
    for node in graph.layers:
        if node.name in named:
            pairings += _pair_layer(file.dialect, node, named[node.name], traced[node.name].slots)
        else:
            refuse(f"layer {node.name!r} ({node.kind}): expected, absent from the file")
    known = {node.name for node in graph.layers}
    left = {name: layer.path for name, layer in named.items() if name not in known}
    for name, path in left.items():
        if name not in unused:
            refuse(f"layer {path or 'at the top'!r}: unexpected, {graph.name} has no such layer")
    return pairings, [path for name, path in left.items() if name in unused]


def _pair_layer(dialect: str, node: Node, source: SourceLayer, slots: list[Slot]) -> list[Pairing]:
    by_name = {
        {"keras": slot.role.keras, "numbered": str(number), "flax": slot.role.flax}[dialect]: slot
        for number, slot in enumerate(slots)
    }
    if by_name.keys() != source.tensors.keys():
        refuse(
            f"layer {source.path!r} as {node.name!r} ({node.kind}): expected tensors "
            f"{', '.join(sorted(by_name))}; found {', '.join(sorted(source.tensors)) or 'none'}"
        )
    pairings = []
    for name in [name for name in by_name if name in source.tensors]:
        array, slot = source.tensors[name], by_name[name]
        path, where = f"{source.path}/{name}", f"tensor {source.path}/{name} of {node.name!r}"
        expected = slot.flax_shape if dialect == "flax" else slot.shape
        if array.shape != expected:
            refuse(f"{where}: expected shape {expected}, found {array.shape}")
            continue
        if slot.role.keras == "moving_variance":
            refuse_all(where, negative(array))
        pairings.append(Pairing(slot, path, slot.from_flax(array) if dialect == "flax" else array))
    return pairings
