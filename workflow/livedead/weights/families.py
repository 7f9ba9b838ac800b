"""Networks that are known by the names of their layers: the U-Net and its encoder alone.

A file's shapes tell alpha, kernel, widths and channels; these give the graph, in the one form of
`livedead.weights.architectures`.
"""

import re
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from livedead.network.unet import SKIPS, Architecture, encoder_blocks, make_divisible
from livedead.weights.architectures import graph_of
from livedead.weights.graph import Graph, in_keras_order
from livedead.weights.kinds import KINDS
from livedead.weights.names import counted
from livedead.weights.refusals import RefusedError

Layers = list[dict[str, Any]]

UNUSED = ("Conv_1", "Conv_1_bn", "block_16_project_BN", "predictions")
"""Layers of the classifier that the U-Net does without; ignored by name and reported."""

N_UP = 4


def architecture_graph(values: Any) -> tuple[Graph, Architecture | None]:
    """The graph of values that list layers or name a family; a U-Net's `Architecture` besides.

    Raises
    ------
    RefusedError
        Listing every problem.
    """
    family = values.get("family") if isinstance(values, dict) else None
    if family is None:
        return in_keras_order(graph_of(values)), None
    given = {key: value for key, value in values.items() if key not in ("family", "nested")}
    try:
        if family == "unet":
            if isinstance(given.get("decoder_widths"), list):
                given["decoder_widths"] = tuple(given["decoder_widths"])
            architecture = Architecture(**given)
            return unet_graph(architecture, nested=bool(values.get("nested", False))), architecture
        if family == "mobilenet_v2":
            return mobilenet_v2(**given), None
    except (TypeError, ValueError) as error:
        raise RefusedError(str(error)) from error
    raise RefusedError(f"family {family!r} is not known; known: unet, mobilenet_v2")


def encoder_kinds() -> dict[str, str]:
    """Kind of every layer with tensors up to ``block_16_project_BN``, in model order."""
    return {layer["name"]: layer["kind"] for layer in _encoder() if KINDS[layer["kind"]].layout}


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
    stride_padding : {"correct", "even", "even_blocks"}
        By parity everywhere; always (0, 1); always (0, 1) but in ``Conv1``, as Keras 3 does.
    until : str
        ``Conv_1``: the whole network; ``block_16_project_BN``: without the last convolution.
    pooling : {None, "avg", "max"}
        As in ``keras.applications``, for the network without classifier.
    """
    _choice("stride_padding", stride_padding, ("correct", "even", "even_blocks"))
    _choice("pooling", pooling, (None, "avg", "max"))
    layers = _encoder(alpha, stride_padding)
    if until == "Conv_1":
        width = make_divisible(1280 * alpha) if alpha > 1 else 1280
        layers += [_conv("Conv_1", width), _norm("Conv_1_bn"), _relu6("out_relu")]
    if n_classes is not None or pooling == "avg":
        layers.append({"name": "global_average_pooling2d", "kind": "GlobalAveragePooling2D"})
    elif pooling == "max":
        layers.append({"name": "global_max_pooling2d", "kind": "GlobalMaxPooling2D"})
    if n_classes is not None:
        top = {"name": "predictions", "kind": "Dense", "units": n_classes, "activation": top_activation}
        layers.append(top)
    return graph_of(
        {"name": f"mobilenet_v2_{alpha}", "input": [None, None, input_channels], "layers": layers}
    )


def unet_graph(
    architecture: Architecture, *, nested: bool = False, nested_steps: bool | None = None
) -> Graph:
    """The U-Net as Keras builds it.

    Parameters
    ----------
    nested : bool
        As in the TensorFlow tutorial: the encoder is a model, each step of the decoder another.
    nested_steps : bool, optional
        Whether the steps are, where they differ from the encoder.
    """
    layers = _encoder(architecture.alpha, architecture.stride_padding, architecture.encoder_eps)
    bottom = f"block_16_{architecture.bottom}"
    del layers[[layer["name"] for layer in layers].index(bottom) + 1 :]
    if nested:
        inside = {"scope": [("functional", "Functional")]}
        entry = {"name": "functional/input", "kind": "InputLayer", "inputs": ["input"]}
        layers = [layers[0], *({**layer, **inside} for layer in (entry, *layers[1:]))]
    aliases = {}
    up = {"kind": "Conv2DTranspose", "kernel_size": architecture.kernel, "strides": 2, "padding": "same"}
    for k, (width, skip) in enumerate(zip(architecture.decoder_widths, reversed(SKIPS), strict=True)):
        relu, model = counted("re_lu", k), counted("sequential", k)
        step = [
            {**up, "name": counted("conv2d_transpose", k), "filters": width, "use_bias": False},
            _norm(counted("batch_normalization", k), architecture.decoder_eps),
            {"name": relu, "kind": "ReLU"},
        ]
        if nested if nested_steps is None else nested_steps:
            step = [{**layer, "scope": [(model, "Sequential")]} for layer in step]
        joined = {"name": counted("concatenate", k), "kind": "Concatenate", "inputs": [relu, f"{skip}_relu"]}
        layers += [*step, joined]
        aliases[model] = relu
    layers.append({**up, "name": counted("conv2d_transpose", N_UP), "filters": architecture.n_classes})
    return graph_of(
        {
            "name": architecture.name,
            "input": [None, None, architecture.input_channels],
            "layers": layers,
            "aliases": aliases,
        }
    )


def encoder_graph(architecture: Architecture) -> Graph:
    """The U-Net's graph without its decoder."""
    graph = unet_graph(architecture)
    end = next(k for k, node in enumerate(graph.nodes) if node.kind == "Conv2DTranspose")
    return replace(graph, nodes=graph.nodes[:end], output=graph.nodes[end - 1].name)


def unet_key(name: str) -> str:
    """Module of `livedead.network.unet.UNet` that holds a layer of the U-Net's graph."""
    match = re.fullmatch(r"(conv2d_transpose|batch_normalization)(?:_(\d+))?", name)
    if not match:
        return f"encoder.{name}"
    k = int(match[2] or 0)
    if match[1] == "conv2d_transpose":
        return "decoder.head" if k == N_UP else f"decoder.up_{k}.conv"
    return f"decoder.up_{k}.bn"


def _encoder(alpha: float = 1.0, stride_padding: str = "correct", eps: float = 1e-3) -> Layers:
    """MobileNetV2 from its input to ``block_16_project_BN``, as Keras builds it."""
    blocks = encoder_blocks(alpha)
    even = stride_padding == "even"
    pad = {"kind": "ZeroPadding2D", "padding": ((0, 1), (0, 1)) if stride_padding != "correct" else "correct"}
    layers: Layers = [{"name": "input", "kind": "InputLayer"}]
    layers += [{**pad, "name": "Conv1_pad"}] * even
    first = {"kernel_size": 3, "strides": 2, "padding": "valid" if even else "same"}
    layers += [_conv("Conv1", blocks[0].in_channels, **first), _norm("bn_Conv1", eps), _relu6("Conv1_relu")]
    for block in blocks:
        entry, stem = layers[-1]["name"], block.name
        if block.expands:
            expand = f"{stem}_expand"
            layers += [_conv(expand, block.hidden), _norm(f"{expand}_BN", eps), _relu6(f"{expand}_relu")]
        layers += [{**pad, "name": f"{stem}_pad"}] * (block.stride == 2)
        depthwise = f"{stem}_depthwise"
        window = {"strides": block.stride, "padding": "valid" if block.stride == 2 else "same"}
        layers += [
            {"name": depthwise, "kind": "DepthwiseConv2D", "kernel_size": 3, "use_bias": False, **window},
            _norm(f"{depthwise}_BN", eps),
            _relu6(f"{depthwise}_relu"),
            _conv(f"{stem}_project", block.out_channels),
            _norm(f"{stem}_project_BN", eps),
        ]
        if block.is_residual:
            layers.append({"name": f"{stem}_add", "kind": "Add", "inputs": [entry, layers[-1]["name"]]})
    return layers


def _conv(name: str, filters: int, **options: Any) -> dict[str, Any]:
    return {
        "name": name,
        "kind": "Conv2D",
        "filters": filters,
        "kernel_size": 1,
        "use_bias": False,
        **options,
    }


def _norm(name: str, eps: float = 1e-3) -> dict[str, Any]:
    return {"name": name, "kind": "BatchNormalization", "epsilon": eps}


def _relu6(name: str) -> dict[str, Any]:
    return {"name": name, "kind": "ReLU", "max_value": 6.0}


def _choice(option: str, value: Any, allowed: Iterable[Any]) -> None:
    if value not in allowed:
        raise ValueError(f"{option}: choose one of {', '.join(map(str, allowed))}; got {value!r}")
