"""The one form of an architecture: values, a list of layers, which are checked and become a `Graph`.

YAML files have this form (``docs/weights.md``), certificates store it, `livedead.weights.families`
writes its networks in it, and what Keras says of a model is turned into it, nothing executed.
"""

import re
from typing import Any

from livedead.weights.graph import Graph, Node, Scope
from livedead.weights.kinds import KINDS, REQUIRED, is_side
from livedead.weights.refusals import RefusedError, refuse, refusing

MAX_LAYERS, MAX_DEPTH = 5000, 8
"""What has more layers, or models nested deeper, is damaged or hostile."""

MODELS = ("Functional", "Model", "Sequential")
"""Keras's classes of models."""


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


def graph_of_keras(config: Any) -> Graph:
    """The graph that a Keras configuration describes.

    Parameters
    ----------
    config : dict
        As in ``config.json`` of a ``.keras`` file or the attribute ``model_config``.

    Raises
    ------
    RefusedError
        Listing every problem, such as kinds of layers that are not known.
    """
    try:
        with refusing():
            values = _KerasReader().values(config)
            # What is wrong with single layers is listed beside what is wrong with the model.
            return graph_of(values)
    except RefusedError:
        raise
    except (KeyError, TypeError, IndexError, AttributeError, ValueError, RecursionError) as error:
        raise RefusedError(f"the Keras configuration cannot be followed: {error!r}") from error


class _KerasReader:
    """Flattens nested Keras models into one list of layers."""

    def __init__(self) -> None:
        self.layers: dict[str, dict[str, Any]] = {}
        self.aliases: dict[str, str] = {}
        self.input: list[Any] | None = None

    def values(self, config: dict[str, Any]) -> dict[str, Any]:
        if config.get("class_name") not in MODELS:
            raise RefusedError(f"a model of class {config.get('class_name')!r}; known: {', '.join(MODELS)}")
        outputs = self._model(config, (), None)
        if len(outputs) != 1:
            raise RefusedError(f"the model has {len(outputs)} outputs; one is known")
        if self.input is None:
            raise RefusedError("the configuration does not say the shape of the input")
        return {
            "name": _inside(config).get("name", "network"),
            "input": self.input,
            "layers": list(self.layers.values()),
            "output": outputs[0],
            "aliases": self.aliases,
        }

    def _model(self, model: dict[str, Any], scope: Scope, feeds: list[str] | None) -> list[str]:
        """Add the layers of a model; `feeds` are the layers that feed it, None at the top."""
        config = _inside(model)
        if len(scope) > MAX_DEPTH or len(self.layers) > MAX_LAYERS:
            raise RefusedError("models nested too deep, or too many layers")
        if model["class_name"] == "Sequential":
            return self._sequential(config, scope, feeds)
        made: dict[str, list[list[str]]] = {}
        inputs = [source[0] for source in _references(config["input_layers"])]
        for layer in config["layers"]:
            name = layer.get("name") or layer["config"]["name"]
            made[name] = []
            for number, call in enumerate(layer.get("inbound_nodes") or [None]):
                if name in inputs:
                    sources = [] if feeds is None else [feeds[inputs.index(name)]]
                else:
                    sources = [_output(made, *source) for source in _call_sources(call)]
                made[name].append(self._layer(layer, name, scope, sources, number))
        return [_output(made, *source) for source in _references(config["output_layers"])]

    def _sequential(self, config: dict[str, Any], scope: Scope, feeds: list[str] | None) -> list[str]:
        sources = list(feeds or [])
        if feeds is None:
            first = config["layers"][0]["config"]
            self._take_shape(
                _batch_shape(first) or _batch_shape({"batch_shape": config.get("build_input_shape")})
            )
        for layer in config["layers"]:
            sources = self._layer(layer, layer["config"]["name"], scope, sources, 0)
        return sources

    def _layer(
        self, layer: dict[str, Any], name: str, scope: Scope, sources: list[str], call: int
    ) -> list[str]:
        """Add one call of one layer and name the layers that hold its outputs."""
        kind, config = layer["class_name"], layer["config"]
        if kind in MODELS:
            outputs = self._model(layer, (*scope, (name, kind)), sources)
            if len(outputs) == 1:
                self.aliases.setdefault(name, outputs[0])
            return outputs
        if kind == "InputLayer" and not sources:
            self._take_shape(_batch_shape(config))
        full = name if name not in self.layers else "/".join([*(model for model, _ in scope), name])
        shares = ""
        if call:
            full, shares = f"{full}:{call}", full
        while full in self.layers:
            full, shares = f"{full}:again", shares or full
        made = {"name": full, "kind": kind, "inputs": sources, "scope": scope, "shares": shares}
        self.layers[full] = {**_keras_options(full, kind, config), **made}
        return [full]

    def _take_shape(self, shape: list[int | None] | None) -> None:
        if shape is not None and self.input is not None and shape[1:] != self.input:
            refuse("the model has several inputs; one is known")
        elif shape is not None:
            self.input = shape[1:]


def _keras_options(name: str, kind: str, config: dict[str, Any]) -> dict[str, Any]:
    """The options of a layer under today's names; what changes no result is left out."""
    if kind == "Lambda":
        raise RefusedError(f"layer {name!r}: a Lambda layer holds code, which is never executed")
    if kind not in KINDS:
        return {}
    if config.get("data_format") == "channels_first":
        refuse(f"layer {name!r}: channels_first is not known, only channels_last")
    if kind == "BatchNormalization" and _only(config.get("axis", -1)) not in (-1, 1, 3):
        refuse(f"layer {name!r}: BatchNorm over axis {config['axis']}; known: the last")
    known = KINDS[kind].options
    given = {key: value for key, value in config.items() if key in known and value is not None}
    if kind == "LeakyReLU" and "alpha" in config:
        given["negative_slope"] = _plain(config["alpha"])
    if "activation" in given:
        given["activation"] = _activation(given["activation"])
    if kind == "Concatenate" and given.get("axis") == 3:
        given["axis"] = -1
    return given


def _inside(model: dict[str, Any]) -> dict[str, Any]:
    inside = model["config"]
    # Keras 1 and 2.0 wrote the layers of a Sequential as a bare list.
    return {"layers": inside} if isinstance(inside, list) else inside


def _batch_shape(config: dict[str, Any]) -> list[int | None] | None:
    shape = config.get("batch_shape") or config.get("batch_input_shape")
    return list(shape) if isinstance(shape, list | tuple) else None


def _only(value: Any) -> Any:
    return value[0] if isinstance(value, list) and len(value) == 1 else value


def _plain(value: Any) -> Any:
    """A number that Keras 2 wrapped as a NumPy scalar."""
    return value["value"] if isinstance(value, dict) and "value" in value else value


def _activation(value: Any) -> Any:
    """The name of an activation, however it was serialized."""
    return value.get("config") if isinstance(value, dict) and isinstance(value.get("config"), str) else value


def _output(made: dict[str, list[list[str]]], name: str, node: int, tensor: int) -> str:
    # A nested model counts its own construction as its first call.
    return made[name][min(node, len(made[name]) - 1)][tensor]


def _references(value: Any) -> list[tuple[str, int, int]]:
    """Keras's [name, node, tensor], one or a list of them."""
    if not value:
        return []
    if isinstance(value[0], str):
        value = [value]
    return [(str(name), int(node), int(tensor)) for name, node, tensor, *_ in value]


def _call_sources(call: Any) -> list[tuple[str, int, int]]:
    """The tensors that one call takes, in the form of Keras 2 (lists) or Keras 3 (mappings)."""
    if call is None or isinstance(call, list):
        return _references(call)
    found: list[tuple[str, int, int]] = []

    def search(value: Any) -> None:
        if isinstance(value, dict) and value.get("class_name") == "__keras_tensor__":
            found.extend(_references(value["config"]["keras_history"]))
        elif isinstance(value, dict | list | tuple):
            for item in value.values() if isinstance(value, dict) else value:
                search(item)

    search(call["args"])
    search(call.get("kwargs"))
    return found
