"""Tensor of the network <-> tensor of the file: one bijection, checked from both ends.

Layers were paired by name (`livedead.weights.names`); here nothing may be left over, and every
shape must fit.
"""

from dataclasses import dataclass

import numpy as np

from livedead.weights.graph import Graph, Node, Traced
from livedead.weights.layouts import Role
from livedead.weights.refusals import refuse
from livedead.weights.soundness import negative
from livedead.weights.sources import SourceFile, SourceLayer


@dataclass(frozen=True)
class Pairing:
    """One tensor of the network and where it came from.

    Attributes
    ----------
    array : ndarray
        In Keras axes.
    """

    node: Node
    role: Role
    source: str
    array: np.ndarray

    @property
    def key(self) -> str:
        """Name of the tensor in `livedead.weights.network.Network.values`."""
        return f"{self.node.name}/{self.role.keras}"


def pair(
    file: SourceFile, graph: Graph, named: dict[str, SourceLayer], unused: tuple[str, ...] = ()
) -> tuple[list[Pairing], list[str]]:
    """Pair the network's tensors with the file's, one to one; what does not pair is refused.

    Parameters
    ----------
    named : dict
        Layer of the graph -> layer of the file.
    unused : tuple of str
        Layers that may be in the file without a partner.

    Returns
    -------
    pairings : list of Pairing
    ignored : list of str
        Paths of layers in the file that are known and unused.
    """
    traced = graph.trace()
    pairings: list[Pairing] = []
    for node in graph.layers:
        if node.name in named:
            pairings += _pair_layer(file.dialect, node, named[node.name], traced[node.name])
        else:
            refuse(f"layer {node.name!r} ({node.kind}): expected, absent from the file")
    known = {node.name for node in graph.layers}
    left = {name: layer.path for name, layer in named.items() if name not in known}
    for name, path in left.items():
        if name not in unused:
            refuse(f"layer {path or 'at the top'!r}: unexpected, {graph.name} has no such layer")
    return pairings, [path for name, path in left.items() if name in unused]


def _pair_layer(dialect: str, node: Node, source: SourceLayer, traced: Traced) -> list[Pairing]:
    roles = {
        {"keras": role.keras, "numbered": str(number), "flax": role.flax}[dialect]: role
        for number, role in enumerate(node.roles)
    }
    if roles.keys() != source.tensors.keys():
        refuse(
            f"layer {source.path!r} as {node.name!r} ({node.kind}): expected tensors "
            f"{', '.join(sorted(roles))}; found {', '.join(sorted(source.tensors)) or 'none'}"
        )
    pairings = []
    for name, role in roles.items():
        if name not in source.tensors:
            continue
        array, shape = source.tensors[name], traced.roles[role.keras]
        where = f"{source.path}/{name}"
        flax = dialect == "flax"
        expected = role.flax_shape(shape, transposed=node.transposed) if flax else shape
        if array.shape != expected:
            refuse(f"tensor {where} of {node.name!r}: expected shape {expected}, found {array.shape}")
            continue
        if role.keras == "moving_variance":
            refuse(*(f"tensor {where} of {node.name!r}: {defect}" for defect in negative(array)))
        if flax:
            array = role.from_flax(array, shape, transposed=node.transposed)
        pairings.append(Pairing(node, role, where, array))
    return pairings
