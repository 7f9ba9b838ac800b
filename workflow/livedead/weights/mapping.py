"""Layer of the network <-> layer of the file: one bijection, checked from both ends.

Nothing is loaded by position, and nothing may be left over. Layers pair by name. Where a
framework only counts layers (``conv2d_7``, ``Conv_3``), the counters of a class start anywhere
but keep the model's order, so the k-th of the file is the k-th of the network, if there are as
many; and every shape must fit.
"""

import re
from dataclasses import dataclass
from typing import Any

import numpy as np

from livedead.weights.families import canonical
from livedead.weights.graphs import Graph, Node, Traced, snake_case
from livedead.weights.keras_files import store_paths
from livedead.weights.kinds import KINDS
from livedead.weights.layouts import Role, flax_shape, from_flax
from livedead.weights.soundness import negative
from livedead.weights.sources import SourceFile, SourceLayer

_FLAX_CLASSES = {
    "Conv": ("Conv2D", "DepthwiseConv2D"),
    "ConvTranspose": ("Conv2DTranspose",),
    "Dense": ("Dense",),
    "BatchNorm": ("BatchNormalization",),
}

CLASSES: dict[str, tuple[str, ...]] = {**{snake_case(kind): (kind,) for kind in KINDS}, **_FLAX_CLASSES}
"""Stem of a counted name -> the kinds of layers that it counts."""


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
        """Name of the tensor in `livedead.weights.networks.Network.values`."""
        return f"{self.node.name}/{self.role.keras}"


def counter(name: str) -> tuple[str, int] | None:
    """Stem and number of a counted name; None for a name that somebody gave."""
    match = re.fullmatch(r"(.+?)(?:_(\d+))?", name)
    if match and match[1] in CLASSES:
        return match[1], int(match[2] or 0)
    return None


def match_names(names: list[str], nodes: list[Node]) -> dict[str, str]:
    """Which node each name means; names without a node are left out.

    Parameters
    ----------
    names : list of str
        Layer names, in model order where they repeat.
    """
    exact = {canonical(node.name): node.name for node in nodes}
    given = {
        name: exact[canonical(name)] for name in names if counter(name) is None and canonical(name) in exact
    }
    left = [node for node in nodes if node.name not in given.values()]
    counted: dict[str, list[tuple[int, str]]] = {}
    for name in names:
        found = counter(name)
        if found:
            counted.setdefault(found[0], []).append((found[1], name))
    for stem, members in counted.items():
        expected = _by_counter([node for node in left if node.kind in CLASSES[stem]])
        ordered = [name for _, name in sorted(members)]
        if set(ordered) <= set(expected) or len(ordered) != len(expected):
            given |= {name: name for name in ordered if name in expected}
        else:
            given |= dict(zip(ordered, expected, strict=True))
    return given


def _by_counter(nodes: list[Node]) -> list[str]:
    """Names in the order of their counters, where all have one; else in model order."""
    counters = [counter(node.name) for node in nodes]
    if all(counters):
        return [
            name
            for _, name in sorted(
                (found[1], node.name) for found, node in zip(counters, nodes, strict=True) if found
            )
        ]
    return [node.name for node in nodes]


def assign(file: SourceFile, graph: Graph) -> dict[str, SourceLayer]:
    """The file's layers by the graph's names; those without a partner keep their path."""
    layers = graph.layers
    if file.dialect == "numbered":
        places = {
            place.replace("layers/", ""): node.name for node, place in store_paths(graph) if node.layout
        }
        if set(places) == {layer.path for layer in file.layers}:
            return {places[layer.path]: layer for layer in file.layers}
    if len(file.layers) == len(layers) == 1 and not file.layers[0].name:
        return {layers[0].name: file.layers[0]}
    by_path = {layer.path: layer for layer in file.layers}
    names = [layer.name for layer in file.layers]
    if len(set(names)) == len(names):
        matched = match_names(names, layers)
        return {matched.get(layer.name, f"?{layer.path}"): layer for layer in file.layers}
    matched = match_names([path.replace("/", "_") for path in by_path], layers)
    exact = {node.name: node.name for node in layers}
    found: dict[str, SourceLayer] = {}
    for path, layer in by_path.items():
        name = exact.get(path) or matched.get(path.replace("/", "_"))
        if name is None and names.count(layer.name) == 1:
            name = match_names([layer.name], layers).get(layer.name)
        found[name if name and name not in found else f"?{path}"] = layer
    return found


def pair(
    file: SourceFile,
    graph: Graph,
    named: dict[str, SourceLayer],
    traced: dict[str, Traced],
    unused: tuple[str, ...],
    problems: list[str],
) -> tuple[list[Pairing], list[str]]:
    """Pair the network's tensors with the file's, one to one.

    Parameters
    ----------
    named : dict
        Layer of the graph -> layer of the file, from `assign`.
    unused : tuple of str
        Layers that may be in the file without a partner.

    Returns
    -------
    pairings : list of Pairing
    ignored : list of str
        Paths of layers in the file that are known and unused.
    """
    pairings: list[Pairing] = []
    for node in graph.layers:
        source = named.get(node.name)
        if source is None:
            problems.append(f"layer {node.name!r} ({node.kind}): expected, absent from the file")
            continue
        pairings += _pair_layer(file.dialect, graph, node, source, traced[node.name], problems)
    known = {node.name for node in graph.layers}
    ignored = [layer.path for name, layer in named.items() if name not in known and name in unused]
    problems += [
        f"layer {layer.path or 'at the top'!r}: unexpected, {graph.name} has no such layer"
        for name, layer in named.items()
        if name not in known and name not in unused
    ]
    return pairings, ignored


def _pair_layer(
    dialect: str, graph: Graph, node: Node, source: SourceLayer, traced: Traced, problems: list[str]
) -> list[Pairing]:
    roles = {_name(dialect, k, role): role for k, role in enumerate(graph.roles(node))}
    if set(roles) != set(source.tensors):
        problems.append(
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
        expected = flax_shape(node.layout, role, shape, transposed=node.transposed) if flax else shape
        if array.shape != expected:
            problems.append(
                f"tensor {where} of {node.name!r}: expected shape {expected}, found {array.shape}"
            )
            continue
        if role.keras == "moving_variance":
            problems += [f"tensor {where} of {node.name!r}: {defect}" for defect in negative(array)]
        if flax:
            array = from_flax(node.layout, role, array, shape, transposed=node.transposed)
        pairings.append(Pairing(node, role, where, array))
    return pairings


def _name(dialect: str, number: int, role: Role) -> Any:
    return {"keras": role.keras, "numbered": str(number), "flax": role.flax}[dialect]
