"""An architecture as data: a list of layers that can be checked, run, and written down.

One form serves all sources: a YAML file, the configuration inside a Keras file, and the
families of `livedead.weights.families`. It is what the certificate stores.

A flatten is where layouts meet: Keras flattens (H, W, C), PyTorch (C, H, W). `Graph.trace`
follows the order of the flattened features through the layers after it, so that the tensors
of the next ``Dense`` (and of a BatchNorm in between) can be permuted to match.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
import yaml
from torch import Tensor

from livedead import yaml_files
from livedead.errors import ConfigError, WeightsError
from livedead.weights.kinds import ACTIVATIONS, KINDS, REQUIRED, Shapes, channels_second
from livedead.weights.layouts import LAYOUTS, Role, torch_shape

MAX_LAYERS = 5000
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
    def multiplier(self) -> int:
        """Outputs per channel of a depthwise convolution."""
        multiplier: int = self.options.get("depth_multiplier", 1)
        return multiplier

    @property
    def transposed(self) -> bool:
        """Whether a transposed kernel lies as in Keras; see `livedead.weights.layouts`."""
        transposed: bool = self.options.get("transpose_kernel", True)
        return transposed


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


class ArchitectureError(ValueError):
    """Several reasons why an architecture cannot be used."""

    def __init__(self, problems: list[str]):
        self.problems = problems
        super().__init__("; ".join(problems))


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

    def roles(self, node: Node) -> list[Role]:
        """The tensors that a layer has, in Keras's order."""
        expected = KINDS[node.kind].shapes(node.options, max(1, node.options.get("groups", 1)))
        return [role for role in LAYOUTS[node.layout] if role.keras in expected]

    def as_dict(self) -> dict[str, Any]:
        """JSON values that `parse_architecture` reads back."""
        layers = []
        for node in self.nodes:
            defaults = KINDS[node.kind].options
            options = {key: value for key, value in node.options.items() if value != defaults[key]}
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
        ArchitectureError
            If a layer cannot take what it is given.
        """
        *sides, channels = self.input_shape
        open_sides = None in sides and size is None
        known = [side or 256 for side in sides] if size is None else list(size)
        if channels is None:
            raise ArchitectureError(["the input's number of channels is not given"])
        with torch.device("meta"):
            outputs = {"": torch.empty(1, channels, *known)}
        found: dict[str, Traced] = {}
        for node in self.nodes:
            inputs = [outputs[name] for name in node.inputs or ("",)]
            orders = [found[name].order if name else None for name in node.inputs or ("",)]
            try:
                roles = self._role_shapes(node, inputs[0])
                with torch.device("meta"):
                    tensors = {
                        role.keras: torch.empty(torch_shape(node.layout, role, roles[role.keras]))
                        for role in (LAYOUTS[node.layout] if node.layout else ())
                        if role.keras in roles
                    }
                output = _call(node, inputs, tensors)
                order = _order(node, inputs, orders)
            except (RuntimeError, ValueError, IndexError, TypeError, ZeroDivisionError) as error:
                shapes = ", ".join(str(tuple(x.shape[1:])) for x in inputs)
                reason = str(error).splitlines()[0]
                raise ArchitectureError(
                    [f"layer {node.name!r} ({node.kind}) cannot take {shapes}: {reason}"]
                ) from error
            if node.kind in ("Flatten", "Reshape") and inputs[0].ndim > 2 and open_sides:
                raise ArchitectureError(
                    [f"layer {node.name!r} ({node.kind}) needs the size of the input: give all of 'input'"]
                )
            outputs[node.name] = output
            found[node.name] = Traced(tuple(output.shape[1:]), roles, order, orders[0])
        return found

    def _role_shapes(self, node: Node, x: Tensor) -> Shapes:
        shapes = KINDS[node.kind].shapes(node.options, x.shape[1])
        for role, shape in shapes.items():
            if not all(side > 0 for side in shape) or np.prod(shape, dtype=float) > MAX_ELEMENTS:
                raise ValueError(f"its {role} would have the shape {shape}")
        return shapes

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
            tensors = {
                role.keras: state[f"{node.owner}.{role.torch}"]
                for role in (self.roles(node) if node.layout else ())
            }
            outputs[node.name] = _call(node, [outputs[name] for name in node.inputs or ("",)], tensors)
            for name in node.inputs:
                spent = keep is not None and name not in keep and last_use[name] == k
                if spent and name != self.output:
                    outputs.pop(name, None)
        return outputs


def _call(node: Node, inputs: list[Tensor], tensors: Mapping[str, Tensor]) -> Tensor:
    output = KINDS[node.kind].run(node.options, inputs, tensors)
    return ACTIVATIONS[node.options.get("activation", "linear")](output)


def _order(node: Node, inputs: list[Tensor], orders: list[np.ndarray | None]) -> np.ndarray | None:
    """Order of the flattened features after a layer; None where it is Keras's own."""
    x, order = inputs[0], orders[0]
    if node.kind == "Flatten" and x.ndim > 2:
        channels, *sides = x.shape[1:]
        if np.prod(sides) == 1:
            return None
        places = np.arange(channels * int(np.prod(sides))).reshape(*sides, channels)
        return np.moveaxis(places, -1, 0).ravel()
    if all(other is None for other in orders):
        return None
    if node.kind == "Concatenate" and x.ndim == 2 and channels_second(node.options["axis"], 2) == 1:
        starts = np.cumsum([0, *(x.shape[1] for x in inputs)])
        return np.concatenate(
            [
                start + (np.arange(x.shape[1]) if order is None else order)
                for start, x, order in zip(starts, inputs, orders, strict=False)
            ]
        )
    if node.kind == "Dense":
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


def read_values(path: str | Path) -> Any:
    """The values of a YAML or JSON file.

    Raises
    ------
    WeightsError
        If it is neither, or one whose aliases unfold without end.
    """
    try:
        return yaml_files.read(path)
    except (OSError, UnicodeDecodeError, yaml.YAMLError, ConfigError) as error:
        raise WeightsError(path, [f"not a readable architecture: {error}"]) from error


def parse_architecture(values: Any) -> Graph:
    """The graph that JSON or YAML values describe; see ``docs/weights.md`` for their form.

    Raises
    ------
    ArchitectureError
        Listing every problem.
    """
    if not isinstance(values, dict) or not isinstance(values.get("layers"), list):
        raise ArchitectureError(["an architecture is a mapping with 'name', 'input' and 'layers'"])
    shape = values.get("input")
    if not isinstance(shape, list) or len(shape) not in (1, 3) or not all(map(_is_side, shape)):
        raise ArchitectureError([f"input: expected [height, width, channels] or [features], found {shape!r}"])
    problems: list[str] = []
    nodes: list[Node] = []
    previous: tuple[str, ...] = ()
    for number, layer in enumerate(values["layers"][:MAX_LAYERS]):
        if not isinstance(layer, dict) or not isinstance(layer.get("kind"), str):
            problems.append(f"layer {number}: expected a mapping with a 'kind', found {layer!r}")
            continue
        name = str(layer.get("name") or f"{snake_case(layer['kind'])}_{number}")
        given = layer.get("inputs", list(previous))
        inputs = tuple(str(source) for source in (given if isinstance(given, list) else [given]))
        known = {node.name for node in nodes}
        problems += [
            f"layer {name!r}: its input {source!r} is no layer before it"
            for source in inputs
            if source not in known
        ]
        if name in known:
            problems.append(f"layer {name!r} twice")
        special = ("name", "kind", "inputs", "scope", "shares")
        options = {key: value for key, value in layer.items() if key not in special}
        scope = tuple((str(model[0]), str(model[1])) for model in layer.get("scope", ()))
        node = Node(name, layer["kind"], inputs, _options(name, layer["kind"], options, problems), scope)
        nodes.append(node if not layer.get("shares") else _sharing(node, str(layer["shares"])))
        previous = (name,)
    output = str(values.get("output", previous[0] if previous else ""))
    if output not in {node.name for node in nodes}:
        problems.append(f"output {output!r} is no layer")
    if problems:
        raise ArchitectureError(problems)
    aliases = {str(model): str(layer) for model, layer in (values.get("aliases") or {}).items()}
    return Graph(str(values.get("name", "network")), tuple(shape), tuple(nodes), output, aliases)


def _sharing(node: Node, shares: str) -> Node:
    return Node(node.name, node.kind, node.inputs, node.options, node.scope, shares)


def _is_side(value: Any) -> bool:
    return value is None or (isinstance(value, int) and not isinstance(value, bool) and 0 < value < 2**20)


def _options(name: str, kind: str, given: dict[str, Any], problems: list[str]) -> dict[str, Any]:
    """The options of a layer, defaults filled in, unknown and impossible ones reported."""
    if kind not in KINDS:
        problems.append(f"layer {name!r}: kind {kind!r} is not known; known: {', '.join(KINDS)}")
        return {}
    known = KINDS[kind].options
    problems += [
        f"layer {name!r} ({kind}): option {key!r} is not known; known: {', '.join(known) or 'none'}"
        for key in given
        if key not in known
    ]
    problems += [
        f"layer {name!r} ({kind}): option {key!r} is missing"
        for key, default in known.items()
        if default is REQUIRED and key not in given
    ]
    for key in ("epsilon", "negative_slope", "threshold"):
        # YAML 1.1 takes 1e-3 for text; only 1.0e-3 is a number to it.
        if isinstance(given.get(key), str) and re.fullmatch(r"\d+e-?\d+", given[key]):
            given = {**given, key: float(given[key])}
    options = {
        key: given.get(key, default)
        for key, default in known.items()
        if default is not REQUIRED or key in given
    }
    problems += [f"layer {name!r} ({kind}): {problem}" for problem in _impossible(options)]
    return options


def _impossible(options: dict[str, Any]) -> Iterator[str]:
    for key, value in options.items():
        allowed = _ALLOWED.get(key)
        if allowed is not None and not allowed[0](value):
            yield f"{key}: expected {allowed[1]}, found {value!r}"


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 < value < 2**24


def _are_counts(value: Any) -> bool:
    return _is_count(value) or (
        isinstance(value, list | tuple) and len(value) == 2 and all(map(_is_count, value))
    )


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and bool(np.isfinite(value))


def _is_padding(value: Any) -> bool:
    def is_width(side: Any) -> bool:
        return isinstance(side, int) and 0 <= side < 2**20

    return (
        value in ("valid", "same", "correct")
        or is_width(value)
        or (
            isinstance(value, list | tuple)
            and len(value) == 2
            and all(
                is_width(side)
                or (isinstance(side, list | tuple) and len(side) == 2 and all(map(is_width, side)))
                for side in value
            )
        )
    )


_COUNT = (_is_count, "a positive number")
_COUNTS = (_are_counts, "a positive number, or two")
_NUMBER = (_is_number, "a number")
_SWITCH = (lambda value: isinstance(value, bool), "true or false")

_ALLOWED: dict[str, tuple[Any, str]] = {
    "filters": _COUNT,
    "units": _COUNT,
    "groups": _COUNT,
    "depth_multiplier": _COUNT,
    "kernel_size": _COUNTS,
    "pool_size": _COUNTS,
    "dilation_rate": _COUNTS,
    "size": _COUNTS,
    "strides": (lambda value: value is None or _are_counts(value), "a positive number, or two"),
    "padding": (_is_padding, "'valid', 'same', a width, or [[top, bottom], [left, right]]"),
    "cropping": (_is_padding, "a width, or [[top, bottom], [left, right]]"),
    "epsilon": _NUMBER,
    "negative_slope": _NUMBER,
    "threshold": _NUMBER,
    "use_bias": _SWITCH,
    "scale": (lambda value: isinstance(value, bool) or _is_number(value), "true, false, or a number"),
    "center": _SWITCH,
    "transpose_kernel": _SWITCH,
    "count_include_pad": _SWITCH,
    "keepdims": _SWITCH,
    "interpolation": (lambda value: value in ("nearest", "bilinear"), "'nearest' or 'bilinear'"),
    "activation": (
        lambda value: isinstance(value, str) and value in ACTIVATIONS,
        f"one of {', '.join(ACTIVATIONS)}",
    ),
}
"""Option -> whether a value is possible, and what is."""


def snake_case(name: str) -> str:
    """A class name as Keras writes it in layer names: ``Conv2DTranspose`` -> ``conv2d_transpose``."""
    name = re.sub(r"(.)([A-Z][a-z]+)", r"\1_\2", name)
    return re.sub(r"([a-z])([A-Z])", r"\1_\2", name).lower()


_MODELS = ("Functional", "Model", "Sequential")
_OLD_OPTIONS = {"alpha": "negative_slope"}


def graph_of_keras(config: Any) -> Graph:
    """The graph that a Keras configuration describes; nothing in it is executed.

    Parameters
    ----------
    config : dict
        As in ``config.json`` of a ``.keras`` file or the attribute ``model_config``, written
        by Keras 2 or 3.

    Raises
    ------
    ArchitectureError
        Listing every problem, such as kinds of layers that are not known.
    """
    try:
        return _KerasReader(config).graph()
    except (KeyError, TypeError, IndexError, AttributeError, ValueError, RecursionError) as error:
        if isinstance(error, ArchitectureError):
            raise
        raise ArchitectureError([f"the Keras configuration cannot be followed: {error!r}"]) from error


class _KerasReader:
    """Flattens nested Keras models into one list of nodes."""

    def __init__(self, config: dict[str, Any]):
        self.config = config
        self.nodes: list[Node] = []
        self.problems: list[str] = []
        self.aliases: dict[str, str] = {}
        self.input_shape: tuple[int | None, ...] = ()

    def graph(self) -> Graph:
        if self.config.get("class_name") not in _MODELS:
            raise ArchitectureError(
                [f"a model of class {self.config.get('class_name')!r}; known: {', '.join(_MODELS)}"]
            )
        outputs = self._model(self.config, (), None)
        if len(outputs) != 1:
            self.problems.append(f"the model has {len(outputs)} outputs; one is known")
        if not self.input_shape:
            self.problems.append("the configuration does not tell the shape of the input")
        if self.problems:
            raise ArchitectureError(self.problems)
        name = str(self.inner(self.config).get("name", "network"))
        return Graph(name, self.input_shape, tuple(self.nodes), outputs[0], self.aliases)

    @staticmethod
    def inner(layer: dict[str, Any]) -> dict[str, Any]:
        inner = layer["config"]
        # Keras 1 and 2.0 wrote the layers of a Sequential as a bare list.
        return {"layers": inner} if isinstance(inner, list) else inner

    def _model(self, model: dict[str, Any], scope: Scope, feeds: list[str] | None) -> list[str]:
        """Add the layers of a model; `feeds` are the layers that feed it, None at the top."""
        config = self.inner(model)
        if len(scope) > 8 or len(self.nodes) > MAX_LAYERS:
            raise ArchitectureError(["models nested too deep, or too many layers"])
        if model["class_name"] == "Sequential":
            return self._sequential(config, scope, feeds)
        made: dict[str, list[list[str]]] = {}
        inputs = [source[0] for source in _references(config["input_layers"])]
        for layer in config["layers"]:
            name = layer.get("name") or layer["config"]["name"]
            calls = layer.get("inbound_nodes") or [None]
            made[name] = []
            for number, call in enumerate(calls):
                if name in inputs:
                    sources = [] if feeds is None else [feeds[inputs.index(name)]]
                else:
                    sources = [
                        _output(made[source], node, tensor) for source, node, tensor in _call_sources(call)
                    ]
                made[name].append(self._layer(layer, name, scope, sources, number))
        return [
            _output(made[name], node, tensor) for name, node, tensor in _references(config["output_layers"])
        ]

    def _sequential(self, config: dict[str, Any], scope: Scope, feeds: list[str] | None) -> list[str]:
        sources = list(feeds or [])
        if feeds is None:
            first = config["layers"][0]["config"]
            self._take_shape(
                first if _batch_shape(first) else {"batch_shape": config.get("build_input_shape")}
            )
        for layer in config["layers"]:
            sources = self._layer(layer, layer["config"]["name"], scope, sources, 0)
        return sources

    def _layer(
        self, layer: dict[str, Any], name: str, scope: Scope, sources: list[str], call: int
    ) -> list[str]:
        """Add one call of one layer and name the layers that hold its outputs."""
        kind, config = layer["class_name"], layer["config"]
        if kind in _MODELS:
            outputs = self._model(layer, (*scope, (name, kind)), sources)
            if len(outputs) == 1:
                self.aliases.setdefault(name, outputs[0])
            return outputs
        if kind == "InputLayer" and not sources:
            self._take_shape(config)
        taken = {node.name for node in self.nodes}
        full = name if name not in taken else "/".join([*(model for model, _ in scope), name])
        shares = ""
        if call:
            full, shares = f"{full}:{call}", full
        while full in taken:
            full, shares = f"{full}:again", shares or full
        options = self._options(full, kind, config)
        self.nodes.append(Node(full, kind, tuple(sources), options, scope, shares))
        return [full]

    def _take_shape(self, config: dict[str, Any]) -> None:
        shape = _batch_shape(config)
        if shape is None or (self.input_shape and tuple(shape[1:]) != self.input_shape):
            if shape is not None:
                self.problems.append("the model has several inputs; one is known")
            return
        if len(shape) not in (2, 4) or not all(map(_is_side, shape[1:])):
            self.problems.append(
                f"input: expected (height, width, channels) or (features), found {shape[1:]}"
            )
        self.input_shape = tuple(shape[1:])

    def _options(self, name: str, kind: str, config: dict[str, Any]) -> dict[str, Any]:
        if kind == "Lambda":
            self.problems.append(f"layer {name!r}: a Lambda layer holds code, which is never executed")
            return {}
        if kind not in KINDS:
            return _options(name, kind, {}, self.problems)
        if config.get("data_format") == "channels_first":
            self.problems.append(f"layer {name!r}: channels_first is not known, only channels_last")
        if kind == "BatchNormalization" and _only(config.get("axis", -1)) not in (-1, 1, 3):
            self.problems.append(f"layer {name!r}: BatchNorm over axis {config['axis']}; known: the last")
        known = KINDS[kind].options
        given = {key: value for key, value in config.items() if key in known and value is not None}
        for old, new in _OLD_OPTIONS.items():
            if new in known and old in config and old not in known:
                given[new] = _plain(config[old])
        if "activation" in given:
            given["activation"] = _activation(given["activation"])
        if kind == "Concatenate" and given.get("axis") == 3:
            given["axis"] = -1
        return _options(name, kind, given, self.problems)


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


def _output(calls: list[list[str]], node: int, tensor: int) -> str:
    # A nested model counts its own construction as its first call.
    outputs = calls[min(node, len(calls) - 1)]
    return outputs[tensor]


def _references(value: Any) -> list[tuple[str, int, int]]:
    """Keras's [name, node, tensor], one or a list of them."""
    if not value:
        return []
    if isinstance(value[0], str):
        value = [value]
    return [(str(name), int(node), int(tensor)) for name, node, tensor, *_ in value]


def _call_sources(call: Any) -> list[tuple[str, int, int]]:
    """The tensors that one call takes, in the form of Keras 2 (lists) or Keras 3 (mappings)."""
    if call is None:
        return []
    if isinstance(call, list):
        return _references(call)
    found: list[tuple[str, int, int]] = []

    def search(value: Any) -> None:
        if isinstance(value, dict) and value.get("class_name") == "__keras_tensor__":
            name, node, tensor = value["config"]["keras_history"]
            found.append((str(name), int(node), int(tensor)))
        elif isinstance(value, dict):
            for item in value.values():
                search(item)
        elif isinstance(value, list | tuple):
            for item in value:
                search(item)

    search(call["args"])
    search(call.get("kwargs"))
    return found
