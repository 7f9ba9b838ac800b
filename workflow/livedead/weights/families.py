"""Networks that are known by the names of their layers: the U-Net and its encoder alone.

Keras has named MobileNetV2's layers in three ways (see ``SCHEMES``), and it counts the
decoder's. Both are rewritten to one set of names: today's, and counters from zero.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from livedead.network.unet import SKIPS, Architecture, encoder_blocks, make_divisible
from livedead.weights.graphs import ArchitectureError, Graph, Node, Scope, in_keras_order, parse_architecture
from livedead.weights.kinds import KINDS
from livedead.weights.sources import SourceFile, SourceLayer, natural

ALPHAS = (0.35, 0.5, 0.75, 1.0, 1.3, 1.4, *(round(0.05 * k, 2) for k in range(2, 41)))
"""Width multipliers that are tried, those with published ImageNet weights first."""

UNUSED = ("Conv_1", "Conv_1_bn", "block_16_project_BN", "predictions")
"""Layers of the classifier that the U-Net does without; ignored by name and reported."""

N_UP = 4

STRIDE_PADDINGS = ("correct", "even", "even_blocks")
"""By parity everywhere; always (0, 1); always (0, 1) but in ``Conv1``, as Keras 3 does."""


@dataclass(frozen=True)
class Family:
    """What a file tells about itself.

    Attributes
    ----------
    graph : Graph
    named : dict
        Layer of the graph -> layer of the file; more than the graph's where some are unused.
    scheme : str
        How the file names its encoder; "counted" where it only counts layers.
    unet : Architecture or None
        For a U-Net.
    """

    graph: Graph
    named: dict[str, SourceLayer]
    scheme: str
    unet: Architecture | None


def _rename_2018(name: str) -> str:
    match = re.fullmatch(r"(mobl|bn)(\d+)_conv_\2_(bn_)?(\w+)", name)
    if match:
        return _block_name(match[1], match[2], match[4])
    for pattern, part in _ACTIVATIONS_2018.items():
        match = re.fullmatch(pattern, name)
        if match:
            return f"{_stem(match[1])}_{part}"
    return "predictions" if name == "Logits" else name


_ACTIVATIONS_2018 = {
    r"conv_(\d+)_relu": "expand_relu",
    r"conv_dw_(\d+)_relu": "depthwise_relu",
    r"res_connect_(\d+)": "add",
}


def _rename_2_2(name: str) -> str:
    match = re.fullmatch(r"(mobl|bn)(\d+)_conv_(bn_)?(expand|depthwise|project)", name)
    return _block_name(match[1], match[2], match[4]) if match else _rename_2018(name)


def _stem(block: str) -> str:
    return "expanded_conv" if block == "0" else f"block_{block}"


def _block_name(prefix: str, block: str, part: str) -> str:
    return f"{_stem(block)}_{part}" + ("_BN" if prefix == "bn" else "")


SCHEMES: dict[str, tuple[str, Callable[[str], str]]] = {
    "2018": (r"(mobl|bn)(\d+)_conv_\2_\w+", _rename_2018),
    "Keras 2.2": (r"(mobl|bn)\d+_conv_(bn_)?(expand|depthwise|project)", _rename_2_2),
    "current": (r"expanded_conv_\w+|block_\d+_(expand|depthwise|project)\w*", lambda name: name),
}
"""Scheme -> pattern of its block names, and their canonical form."""


def canonical(name: str) -> str:
    """Today's name of a layer of MobileNetV2; any other name unchanged."""
    for pattern, rename in SCHEMES.values():
        if re.fullmatch(pattern, name):
            return rename(name)
    return _rename_2018(name)


def is_mobilenet(layers: list[SourceLayer]) -> bool:
    """Whether the layers are MobileNetV2's, alone or in a U-Net."""
    names = {canonical(layer.name) for layer in layers}
    return len(names & set(encoder_kinds())) > 20


def encoder_kinds() -> dict[str, str]:
    """Kind of every layer with tensors up to ``block_16_project_BN``, in model order."""
    return {node.name: node.kind for node in _encoder(1.0, 3, "correct", 1e-3) if node.layout}


def recognize(
    file: SourceFile, config: Graph | None, choices: dict[str, Any], problems: list[str]
) -> Family | None:
    """The family that a file belongs to; None where its layers are not MobileNetV2's.

    Parameters
    ----------
    config : Graph or None
        The file's own configuration; it tells what tensors do not.
    choices : dict
        What the user said: ``bottom``, ``stride_padding``, ``top_activation``, ``pooling``.
    """
    layers = file.layers if file.named or config is not None else _uncounted(file.layers)
    if layers is None or not is_mobilenet(layers):
        return None
    scheme = _scheme(layers, problems) if file.named or config is not None else "counted"
    known = {**encoder_kinds(), **dict.fromkeys(UNUSED)}
    named: dict[str, SourceLayer] = {}
    others: list[SourceLayer] = []
    for layer in layers:
        name = canonical(layer.name)
        if name not in known:
            others.append(layer)
        elif name in named:
            problems.append(f"layer {name!r} twice: {named[name].path} and {layer.path}")
        else:
            named[name] = layer
    alpha = _read_alpha(named, problems)
    if not others and not any(_is_transposed(node) for node in (config.nodes if config else ())):
        return _read_encoder(named, scheme, alpha, choices)
    named |= _decoder(others, problems)
    return _read_unet(file, named, scheme, alpha, config, choices, problems)


def _is_transposed(node: Node) -> bool:
    return node.kind == "Conv2DTranspose"


def _scheme(layers: list[SourceLayer], problems: list[str]) -> str:
    schemes = {
        scheme: layer.name
        for layer in layers
        for scheme, (pattern, _) in SCHEMES.items()
        if re.fullmatch(pattern, layer.name)
    }
    if len(schemes) > 1:
        found = ", ".join(f"{scheme} ({name})" for scheme, name in sorted(schemes.items()))
        problems.append(f"the encoder's layers must follow one naming scheme; found several mixed: {found}")
    return next(iter(schemes), "")


def _uncounted(layers: list[SourceLayer]) -> list[SourceLayer] | None:
    """The same layers under their real names, where the file only counts them by class.

    A class's counter follows the model's order, and both parts of a U-Net are chains.
    """
    by_class: dict[str, list[SourceLayer]] = {}
    for layer in layers:
        by_class.setdefault(re.sub(r"_\d+$", "", layer.path.rsplit("/", 1)[-1]), []).append(layer)
    for kind, members in by_class.items():
        members.sort(key=lambda layer: _model_order(layer.path, kind))
    kinds = encoder_kinds()
    n_up = len(by_class.get("conv2d_transpose", ()))
    names = {
        "conv2d": [name for name, kind in kinds.items() if kind == "Conv2D"] + ["Conv_1"],
        "depthwise_conv2d": [name for name, kind in kinds.items() if kind == "DepthwiseConv2D"],
        "conv2d_transpose": [_counted("conv2d_transpose", k) for k in range(n_up)],
        "dense": ["predictions"],
    }
    norms = [name for name, kind in kinds.items() if kind == "BatchNormalization"] + ["Conv_1_bn"]
    n_encoder = len(by_class.get("batch_normalization", ())) - max(n_up - 1, 0)
    names["batch_normalization"] = norms[:n_encoder] + [
        _counted("batch_normalization", k) for k in range(max(n_up - 1, 0))
    ]
    if any(len(members) > len(names.get(kind, ())) for kind, members in by_class.items()):
        return None
    return [
        replace(layer, name=name)
        for kind, members in by_class.items()
        for name, layer in zip(names[kind], members, strict=False)
    ]


def _model_order(path: str, kind: str) -> tuple[int, list[list[tuple[int, str]]]]:
    """Encoder first, then the steps of the decoder, which may each be a ``Sequential``."""
    outer = re.sub(r"_\d+$", "", path.split("/")[0]) if "/" in path else ""
    steps = 1 if kind == "conv2d_transpose" else 2
    return ({"functional": 0, "sequential": steps}.get(outer, 3 - steps), natural(path))


def _counted(stem: str, k: int) -> str:
    return f"{stem}_{k}" if k else stem


def _width(named: dict[str, SourceLayer], name: str) -> int:
    """Channels of a convolution's output, 0 where they cannot be told."""
    kernel = _kernel(named.get(name))
    return kernel.shape[-1] if kernel is not None else 0


def _kernel(layer: SourceLayer | None) -> np.ndarray | None:
    if layer is None:
        return None
    kernel = next(
        (layer.tensors[key] for key in ("kernel", "params/kernel", "0") if key in layer.tensors), None
    )
    return kernel if kernel is not None and kernel.ndim == 4 else None


def _read_alpha(named: dict[str, SourceLayer], problems: list[str]) -> float:
    """The width multiplier under which most shapes fit; the misfits are reported when paired."""
    found = [
        _width(named, "Conv1"),
        *(_width(named, f"{block.name}_project") for block in encoder_blocks(1.0)),
    ]

    def n_fits(alpha: float) -> int:
        widths = [make_divisible(32 * alpha), *(block.out_channels for block in encoder_blocks(alpha))]
        return sum(a == b for a, b in zip(found, widths, strict=True))

    alpha = max(ALPHAS, key=n_fits)
    if n_fits(alpha) < len(found) // 2:
        problems.append(
            f"the encoder's widths {found} are those of no alpha from {min(ALPHAS)} to {max(ALPHAS)}"
        )
    return alpha


def _decoder(layers: list[SourceLayer], problems: list[str]) -> dict[str, SourceLayer]:
    """The decoder's layers by counters from zero, whatever the file calls them."""
    convolutions = [layer for layer in layers if _kernel(layer) is not None]
    norms = [layer for layer in layers if _is_norm(layer)]
    rest = [layer.path or layer.name for layer in layers if layer not in convolutions and layer not in norms]
    if rest:
        problems.append(f"layers that this network does not have: {', '.join(rest)}")
    return _renumbered("conv2d_transpose", convolutions, N_UP + 1, problems) | _renumbered(
        "batch_normalization", norms, N_UP, problems
    )


def _is_norm(layer: SourceLayer) -> bool:
    return bool(
        {"gamma", "beta", "moving_mean", "params/scale", "batch_stats/mean", "3"} & set(layer.tensors)
    )


def _renumbered(
    stem: str, layers: list[SourceLayer], expected: int, problems: list[str]
) -> dict[str, SourceLayer]:
    counters = [re.fullmatch(r"(.*?)_?(\d+)?", layer.name) for layer in layers]
    numbers = [int(match[2] or 0) for match in counters if match]
    alike = len({match[1] for match in counters if match}) == 1 and len(set(numbers)) == len(layers)
    if alike:
        layers = sorted(layers, key=lambda layer: natural(layer.name))
        first, last = min(numbers), max(numbers)
        if last - first == expected - 1 and len(layers) < expected:
            return {
                _counted(stem, number - first): layer
                for number, layer in zip(sorted(numbers), layers, strict=True)
            }
    if len(layers) != expected:
        found = ", ".join(layer.path for layer in layers) or "none"
        problems.append(f"a decoder has {expected} layers of kind {stem}; found {len(layers)}: {found}")
    return {_counted(stem, k): layer for k, layer in enumerate(layers)}


def _read_encoder(
    named: dict[str, SourceLayer], scheme: str, alpha: float, choices: dict[str, Any]
) -> Family:
    top = named.get("predictions")
    vectors = [] if top is None else [array for array in top.tensors.values() if array.ndim == 1]
    graph = mobilenet_v2(
        alpha,
        input_channels=_input_channels(named),
        n_classes=len(vectors[0]) if vectors else None,
        stride_padding=choices.get("stride_padding", "correct"),
        until="Conv_1" if "Conv_1" in named else "block_16_project_BN",
        top_activation=choices.get("top_activation", "softmax"),
        pooling=choices.get("pooling"),
    )
    return Family(graph, named, scheme, None)


def _input_channels(named: dict[str, SourceLayer]) -> int:
    kernel = _kernel(named.get("Conv1"))
    return 3 if kernel is None else kernel.shape[2]


def _read_unet(
    file: SourceFile,
    named: dict[str, SourceLayer],
    scheme: str,
    alpha: float,
    config: Graph | None,
    choices: dict[str, Any],
    problems: list[str],
) -> Family | None:
    kernels = [_kernel(named.get(_counted("conv2d_transpose", k))) for k in range(N_UP + 1)]
    known = [kernel for kernel in kernels if kernel is not None]
    sizes = [kernel.shape[:2] for kernel in known]
    kernel = max(set(sizes), key=sizes.count)[0] if sizes else 0
    if kernel not in (3, 4):
        problems.append(f"transposed convolutions have kernels {sorted(set(sizes))}; known: 3x3, 4x4")
        return None
    # A missing layer's width is told by the tensors around it; 8 only keeps the list going.
    widths = [8 if k is None else k.shape[2] for k in kernels]
    bottom = _bottom(config, file, named, choices)
    if bottom is None:
        problems.append(
            "the configuration's decoder starts neither at block_16_project nor at its BatchNorm; "
            "pass --architecture for another network"
        )
        return None
    architecture = Architecture(
        n_classes=widths[-1],
        alpha=alpha,
        decoder_widths=(widths[0], widths[1], widths[2], widths[3]),
        kernel=kernel,
        input_channels=_input_channels(named),
        stride_padding=choices.get("stride_padding", "correct"),
        bottom=bottom,
        **_told(config),
    )
    return Family(unet(architecture, nested=file.nested), named, scheme, architecture)


def _told(config: Graph | None) -> dict[str, Any]:
    """Epsilons that the configuration gives, where it gives one for each part."""
    if config is None:
        return {}
    told: dict[str, set[float]] = {"encoder_eps": set(), "decoder_eps": set()}
    encoder = {*encoder_kinds(), *UNUSED}
    for node in config.layers:
        if node.layout == "batch_norm":
            part = "encoder_eps" if canonical(node.name) in encoder else "decoder_eps"
            told[part].add(node.options["epsilon"])
    return {part: values.pop() for part, values in told.items() if len(values) == 1}


def _bottom(
    config: Graph | None, file: SourceFile, named: dict[str, SourceLayer], choices: dict[str, Any]
) -> str | None:
    """Where the decoder starts: as the configuration is wired, else as the tensors or the user say."""
    if config is None:
        if "block_16_project_BN" not in named:
            return "project"
        return str(choices.get("bottom", "project"))
    nodes = {node.name: node for node in config.nodes}
    node = next(node for node in config.nodes if _is_transposed(node))
    while node.inputs:
        node = nodes[node.inputs[0]]
        name = canonical(node.name)
        if name in ("block_16_project", "block_16_project_BN"):
            return name.removeprefix("block_16_")
        if node.kind not in ("InputLayer", "Dropout", "SpatialDropout2D"):
            return None
    return None


def _node(name: str, kind: str, *inputs: str, scope: Scope = (), **options: Any) -> Node:
    return Node(name, kind, inputs, {**KINDS[kind].options, **options}, scope)


def _encoder(alpha: float, input_channels: int, stride_padding: str, eps: float) -> list[Node]:
    """MobileNetV2 from its input to ``block_16_project_BN``, as Keras builds it."""
    nodes = [_node("input", "InputLayer")]

    def add(name: str, kind: str, *inputs: str, **options: Any) -> str:
        nodes.append(_node(name, kind, *(inputs or (nodes[-1].name,)), **options))
        return name

    def norm(name: str) -> str:
        return add(name, "BatchNormalization", epsilon=eps)

    pad = "correct" if stride_padding == "correct" else ((0, 1), (0, 1))
    blocks = encoder_blocks(alpha)
    if stride_padding == "even":
        add("Conv1_pad", "ZeroPadding2D", padding=pad)
    add(
        "Conv1",
        "Conv2D",
        filters=blocks[0].in_channels,
        kernel_size=3,
        strides=2,
        padding="valid" if stride_padding == "even" else "same",
        use_bias=False,
    )
    norm("bn_Conv1")
    entry = add("Conv1_relu", "ReLU", max_value=6.0)
    for block in blocks:
        if block.expands:
            add(f"{block.name}_expand", "Conv2D", filters=block.hidden, kernel_size=1, use_bias=False)
            norm(f"{block.name}_expand_BN")
            add(f"{block.name}_expand_relu", "ReLU", max_value=6.0)
        if block.stride == 2:
            add(f"{block.name}_pad", "ZeroPadding2D", padding=pad)
        add(
            f"{block.name}_depthwise",
            "DepthwiseConv2D",
            kernel_size=3,
            strides=block.stride,
            padding="valid" if block.stride == 2 else "same",
            use_bias=False,
        )
        norm(f"{block.name}_depthwise_BN")
        add(f"{block.name}_depthwise_relu", "ReLU", max_value=6.0)
        add(f"{block.name}_project", "Conv2D", filters=block.out_channels, kernel_size=1, use_bias=False)
        last = norm(f"{block.name}_project_BN")
        entry = add(f"{block.name}_add", "Add", entry, last) if block.is_residual else last
    return nodes


def mobilenet_v2(
    alpha: float = 1.0,
    *,
    input_channels: int = 3,
    n_classes: int | None = None,
    stride_padding: str = "correct",
    until: str = "Conv_1",
    top_activation: str = "softmax",
    pooling: str | None = None,
) -> Graph:
    """MobileNetV2 alone, with its classifier where `n_classes` is given.

    Parameters
    ----------
    until : str
        ``Conv_1``: the whole network; ``block_16_project_BN``: without the last convolution.
    pooling : {None, "avg", "max"}
        As in ``keras.applications``, for the network without classifier.
    """
    _choice("stride_padding", stride_padding, STRIDE_PADDINGS)
    _choice("pooling", pooling, (None, "avg", "max"))
    nodes = _encoder(alpha, input_channels, stride_padding, 1e-3)
    if until == "Conv_1":
        width = make_divisible(1280 * alpha) if alpha > 1 else 1280
        nodes += [
            _node("Conv_1", "Conv2D", nodes[-1].name, filters=width, kernel_size=1, use_bias=False),
            _node("Conv_1_bn", "BatchNormalization", "Conv_1"),
            _node("out_relu", "ReLU", "Conv_1_bn", max_value=6.0),
        ]
    if n_classes is not None or pooling == "avg":
        nodes.append(_node("global_average_pooling2d", "GlobalAveragePooling2D", nodes[-1].name))
    elif pooling == "max":
        nodes.append(_node("global_max_pooling2d", "GlobalMaxPooling2D", nodes[-1].name))
    if n_classes is not None:
        last = nodes[-1].name
        nodes.append(_node("predictions", "Dense", last, units=n_classes, activation=top_activation))
    return Graph(f"mobilenet_v2_{alpha}", (None, None, input_channels), tuple(nodes), nodes[-1].name)


def unet(architecture: Architecture, *, nested: bool = False) -> Graph:
    """The U-Net as Keras builds it.

    Parameters
    ----------
    nested : bool
        As in the TensorFlow tutorial: the encoder is a model, each step of the decoder another.
    """
    encoder = _encoder(
        architecture.alpha,
        architecture.input_channels,
        architecture.stride_padding,
        architecture.encoder_eps,
    )
    last = f"block_16_{architecture.bottom}"
    encoder = encoder[: [node.name for node in encoder].index(last) + 1]
    nodes: list[Node] = []
    if nested:
        inside: Scope = (("functional", "Functional"),)
        nodes.append(encoder[0])
        inner = replace(encoder[0], name="functional/input", inputs=("input",))
        nodes.append(replace(inner, scope=inside))
        for node in encoder[1:]:
            inputs = tuple("functional/input" if name == "input" else name for name in node.inputs)
            nodes.append(replace(node, inputs=inputs, scope=inside))
    else:
        nodes = encoder
    aliases = {}
    x = last
    common: dict[str, Any] = {"kernel_size": architecture.kernel, "strides": 2, "padding": "same"}
    for k, (width, skip) in enumerate(zip(architecture.decoder_widths, reversed(SKIPS), strict=True)):
        model = _counted("sequential", k)
        scope: Scope = ((model, "Sequential"),) if nested else ()
        conv, norm = _counted("conv2d_transpose", k), _counted("batch_normalization", k)
        relu, joined = _counted("re_lu", k), _counted("concatenate", k)
        nodes += [
            _node(conv, "Conv2DTranspose", x, scope=scope, filters=width, use_bias=False, **common),
            _node(norm, "BatchNormalization", conv, scope=scope, epsilon=architecture.decoder_eps),
            _node(relu, "ReLU", norm, scope=scope),
            _node(joined, "Concatenate", relu, f"{skip}_relu"),
        ]
        aliases[model] = relu
        x = joined
    head = _counted("conv2d_transpose", N_UP)
    nodes.append(_node(head, "Conv2DTranspose", x, filters=architecture.n_classes, **common))
    shape = (None, None, architecture.input_channels)
    return Graph(architecture.name, shape, tuple(nodes), head, aliases)


def unet_key(name: str) -> str:
    """Module of `livedead.network.unet.UNet` that holds a layer of the U-Net's graph."""
    match = re.fullmatch(r"(conv2d_transpose|batch_normalization)(?:_(\d+))?", name)
    if not match:
        return f"encoder.{name}"
    k = int(match[2] or 0)
    if match[1] == "conv2d_transpose":
        return "decoder.head" if k == N_UP else f"decoder.up_{k}.conv"
    return f"decoder.up_{k}.bn"


def _choice(option: str, value: Any, allowed: tuple[Any, ...]) -> None:
    if value not in allowed:
        choices = ", ".join(map(str, allowed))
        raise ArchitectureError([f"{option}: choose one of {choices}; got {value!r}"])


def read_family(values: dict[str, Any]) -> tuple[Graph, Architecture | None]:
    """The graph of architecture values that may name a family instead of listing layers.

    Raises
    ------
    ArchitectureError
        Listing every problem.
    """
    family = values.get("family") if isinstance(values, dict) else None
    if family is None:
        return in_keras_order(parse_architecture(values)), None
    given = {key: value for key, value in values.items() if key not in ("family", "nested")}
    try:
        if family == "unet":
            if isinstance(given.get("decoder_widths"), list):
                given["decoder_widths"] = tuple(given["decoder_widths"])
            architecture = Architecture(**given)
            return unet(architecture, nested=bool(values.get("nested", False))), architecture
        if family == "mobilenet_v2":
            return mobilenet_v2(**given), None
    except (TypeError, ValueError) as error:
        raise error if isinstance(error, ArchitectureError) else ArchitectureError([str(error)]) from error
    raise ArchitectureError([f"family {family!r} is not known; known: unet, mobilenet_v2"])
