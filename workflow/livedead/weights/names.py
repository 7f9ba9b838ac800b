"""Which layer of a network a name in a file means.

A name that somebody gave is the layer's own; MobileNetV2's have been written in three ways
(`SCHEMES`). Where a framework only counts layers (``conv2d_7``, ``Conv_3``), the counters of a
class start anywhere but keep the model's order, so the k-th of the file is the k-th of the
network, if there are as many.
"""

import re
from collections import Counter
from collections.abc import Iterable

from livedead.weights.architectures import snake_case
from livedead.weights.graph import Graph, Node, Scope
from livedead.weights.kinds import KINDS
from livedead.weights.sources import SourceFile, SourceLayer

_FLAX_CLASSES = {
    "Conv": ("Conv2D", "DepthwiseConv2D"),
    "ConvTranspose": ("Conv2DTranspose",),
    "Dense": ("Dense",),
    "BatchNorm": ("BatchNormalization",),
}

CLASSES: dict[str, tuple[str, ...]] = {**{snake_case(kind): (kind,) for kind in KINDS}, **_FLAX_CLASSES}
"""Stem of a counted name -> the kinds of layers that it counts."""

SCHEMES = {
    "2018": r"(mobl|bn)(\d+)_conv_\2_(?:bn_)?(\w+)",
    "Keras 2.2": r"(mobl|bn)(\d+)_conv_(?:bn_)?(expand|depthwise|project)",
    "current": r"expanded_conv_\w+|block_\d+_(?:expand|depthwise|project)\w*",
}
"""Scheme -> how it writes the layers of MobileNetV2's blocks."""

_OTHERS_2018 = {
    r"conv_(\d+)_relu": "expand_relu",
    r"conv_dw_(\d+)_relu": "depthwise_relu",
    r"res_connect_(\d+)": "add",
}


def canonical(name: str) -> str:
    """Today's name of a layer of MobileNetV2; any other name unchanged."""
    for scheme in ("2018", "Keras 2.2"):
        match = re.fullmatch(SCHEMES[scheme], name)
        if match:
            return f"{_block(match[2])}_{match[3]}" + "_BN" * (match[1] == "bn")
    for pattern, part in _OTHERS_2018.items():
        match = re.fullmatch(pattern, name)
        if match:
            return f"{_block(match[1])}_{part}"
    return "predictions" if name == "Logits" else name


def _block(number: str) -> str:
    return "expanded_conv" if number == "0" else f"block_{number}"


def schemes(names: Iterable[str]) -> dict[str, str]:
    """The schemes that names follow, each with one that does."""
    return {
        scheme: name for name in names for scheme, pattern in SCHEMES.items() if re.fullmatch(pattern, name)
    }


def counted(stem: str, number: int) -> str:
    """The name that Keras gives a layer of a class, counted from zero."""
    return f"{stem}_{number}" if number else stem


def counter(name: str) -> tuple[str, int] | None:
    """Stem and number of a counted name; None for a name that somebody gave."""
    match = re.fullmatch(r"(.+?)(?:_(\d+))?", name)
    return (match[1], int(match[2] or 0)) if match and match[1] in CLASSES else None


def _number(name: str) -> int:
    digits = re.search(r"\d+$", name)
    return int(digits[0]) if digits else 0


def natural(path: str) -> list[list[tuple[int, str]]]:
    """Sort key under which ``_2`` comes before ``_10``, and no number before ``_1``."""
    return [
        [
            (int(part), "") if part.isdigit() else (-1, part.rstrip("_"))
            for part in re.split(r"(\d+)", name)
            if part
        ]
        for name in path.split("/")
    ]


def in_order(found: list[str], expected: list[str]) -> dict[str, str]:
    """Which of the expected layers of a class each found one is.

    Parameters
    ----------
    found : list of str
        In the order of the file, which counts where their numbers tell none.
    expected : list of str
        In the order of their counters.
    """
    alike = len({re.sub(r"_?\d+$", "", name) for name in found}) == 1
    if alike and len({_number(name) for name in found}) == len(found):
        found = sorted(found, key=_number)
        first, last = _number(found[0]), _number(found[-1])
        if last - first == len(expected) - 1 and not set(found) <= set(expected):
            return {name: expected[_number(name) - first] for name in found}
    if len(found) == len(expected):
        return dict(zip(found, expected, strict=True))
    return {name: name for name in found if name in expected}


def match(names: list[str], nodes: list[Node]) -> dict[str, str]:
    """Which node each name means; names without a node are left out."""
    exact = {canonical(node.name): node.name for node in nodes}
    meant = {
        name: exact[canonical(name)] for name in names if counter(name) is None and canonical(name) in exact
    }
    left = [node for node in nodes if node.name not in meant.values()]
    by_class: dict[str, list[str]] = {}
    for name in names:
        found = counter(name)
        if found:
            by_class.setdefault(found[0], []).append(name)
    for stem, members in by_class.items():
        expected = [node.name for node in left if node.kind in CLASSES[stem]]
        if all(map(counter, expected)):
            expected.sort(key=_number)
        meant |= in_order(members, expected)
    return meant


def assign(file: SourceFile, graph: Graph) -> dict[str, SourceLayer]:
    """The file's layers by the graph's names; those without a partner by ``?`` and their path."""
    layers = {layer.path: layer for layer in file.layers}
    if file.dialect == "numbered":
        places = {place: node.name for node, place in places_of(graph)}
        if set(places) == set(layers):
            return {places[path]: layer for path, layer in layers.items()}
    if len(layers) == len(graph.layers) == 1 and "" in layers:
        return {graph.layers[0].name: layers[""]}
    names = [layer.name for layer in file.layers]
    repeated = len(set(names)) < len(names)
    keys = {path: path.replace("/", "_") if repeated else layer.name for path, layer in layers.items()}
    meant = match(list(keys.values()), graph.layers)
    known = {node.name for node in graph.layers}
    found: dict[str, SourceLayer] = {}
    for path, layer in layers.items():
        name = path if repeated and path in known else meant.get(keys[path])
        if name is None and names.count(layer.name) == 1:
            name = match([layer.name], graph.layers).get(layer.name)
        found[name if name and name not in found else f"?{path}"] = layer
    return found


def places_of(graph: Graph, *, empty: bool = False) -> list[tuple[Node, str]]:
    """Where ``.weights.h5`` holds each layer: class names, counted within each model.

    Layers without tensors have a place, too, if `empty` ones are wanted.
    """
    counts: Counter[tuple[str, str]] = Counter()
    models: dict[Scope, str] = {(): ""}

    def place(model: str, kind: str) -> str:
        name = snake_case("Functional" if kind == "Model" else kind)
        counts[model, name] += 1
        return model + counted(name, counts[model, name] - 1)

    found = []
    for node in graph.nodes:
        if node.shares:
            continue
        for depth in range(len(node.scope)):
            outer, model = node.scope[:depth], node.scope[: depth + 1]
            if model not in models:
                models[model] = place(models[outer], model[-1][1]) + "/"
        found.append((node, place(models[node.scope], node.kind)))
    return [(node, path) for node, path in found if empty or node.roles]
