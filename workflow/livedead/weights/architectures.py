"""The one form of an architecture: values, a list of layers, which are checked and become a `Graph`.

YAML files have this form, certificates store it, `livedead.weights.families` writes its networks
in it, and `livedead.weights.keras_configs` turns what Keras says of a model into it. It is
described in ``docs/weights.md``.
"""

import re
from typing import Any

from livedead.weights.graph import Graph, Node
from livedead.weights.kinds import KINDS
from livedead.weights.options import REQUIRED, is_side
from livedead.weights.refusals import RefusedError, refuse, refusing

MAX_LAYERS = 5000


def graph_of(values: Any) -> Graph:
    """The graph that values describe.

    Raises
    ------
    RefusedError
        Listing every problem.
    """
    if not isinstance(values, dict) or not isinstance(values.get("layers"), list):
        raise RefusedError("an architecture is a mapping with 'name', 'input' and 'layers'")
    shape = values.get("input")
    sides = shape if isinstance(shape, list | tuple) else ()
    if len(sides) not in (1, 3) or not all(side is None or is_side(side) for side in sides):
        raise RefusedError(f"input: expected [height, width, channels] or [features], found {shape!r}")
    if len(values["layers"]) > MAX_LAYERS:
        raise RefusedError(f"{len(values['layers'])} layers; allowed: {MAX_LAYERS}")
    with refusing():
        nodes: dict[str, Node] = {}
        previous: list[str] = []
        for number, layer in enumerate(values["layers"]):
            if not isinstance(layer, dict) or not isinstance(layer.get("kind"), str):
                refuse(f"layer {number}: expected a mapping with a 'kind', found {layer!r}")
                continue
            name = str(layer.get("name") or f"{snake_case(layer['kind'])}_{number}")
            node = _node(name, layer, previous, set(nodes))
            nodes[name] = node
            previous = [name]
        output = str(values.get("output", "".join(previous)))
        if output not in nodes:
            refuse(f"output {output!r} is no layer")
    aliases = {str(model): str(layer) for model, layer in (values.get("aliases") or {}).items()}
    return Graph(str(values.get("name", "network")), tuple(sides), tuple(nodes.values()), output, aliases)


def _node(name: str, layer: dict[str, Any], previous: list[str], known: set[str]) -> Node:
    given = layer.get("inputs", previous)
    inputs = tuple(str(source) for source in (given if isinstance(given, list | tuple) else [given]))
    refuse(
        *(
            f"layer {name!r}: its input {source!r} is no layer before it"
            for source in inputs
            if source not in known
        )
    )
    if name in known:
        refuse(f"layer {name!r} twice")
    scope = tuple((str(model[0]), str(model[1])) for model in layer.get("scope", ()))
    return Node(name, layer["kind"], inputs, _options(name, layer), scope, str(layer.get("shares") or ""))


def _options(name: str, layer: dict[str, Any]) -> dict[str, Any]:
    """The options of a layer, defaults filled in."""
    kind, where = layer["kind"], f"layer {name!r} ({layer['kind']})"
    if kind not in KINDS:
        refuse(f"layer {name!r}: kind {kind!r} is not known; known: {', '.join(KINDS)}")
        return {}
    known = KINDS[kind].options
    for key in layer.keys() - known.keys() - {"name", "kind", "inputs", "scope", "shares"}:
        refuse(f"{where}: option {key!r} is not known; known: {', '.join(known) or 'none'}")
    options = {}
    for key, option in known.items():
        value = _number(layer.get(key, option.default))
        if value is REQUIRED:
            refuse(f"{where}: option {key!r} is missing")
        elif value is not option.default and not option.allows(value):
            refuse(f"{where}: {key}: expected {option.expected}, found {value!r}")
        options[key] = value
    return options


def _number(value: Any) -> Any:
    """YAML 1.1 takes 1e-3 for text; only 1.0e-3 is a number to it."""
    return float(value) if isinstance(value, str) and re.fullmatch(r"\d+e-?\d+", value) else value


def snake_case(name: str) -> str:
    """A class name as Keras writes it in layer names: ``Conv2DTranspose`` -> ``conv2d_transpose``."""
    name = re.sub(r"(.)([A-Z][a-z]+)", r"\1_\2", name)
    return re.sub(r"([a-z])([A-Z])", r"\1_\2", name).lower()
