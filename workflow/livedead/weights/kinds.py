"""Kinds of layers: their options, the shapes of their tensors, and their arithmetic.

A kind has the name of the Keras class, and its options have Keras's names and defaults, so
that an architecture reads like a Keras model. What Flax and PyTorch add is written with the
same words: explicit ``padding``, ``count_include_pad``, ``transpose_kernel``.

Tensors lie as in PyTorch, channels second: (N, C, H, W), or (N, C).
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

Options = Mapping[str, Any]
Tensors = Mapping[str, Tensor]
Shapes = dict[str, tuple[int, ...]]

REQUIRED = object()
"""Default of an option that must be given."""

ACTIVATIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "linear": lambda x: x,
    "relu": functional.relu,
    "relu6": functional.relu6,
    "leaky_relu": lambda x: functional.leaky_relu(x, 0.2),
    "elu": functional.elu,
    "selu": functional.selu,
    "gelu": functional.gelu,
    "silu": functional.silu,
    "swish": functional.silu,
    "mish": functional.mish,
    "sigmoid": torch.sigmoid,
    "tanh": torch.tanh,
    "exponential": torch.exp,
    "softplus": functional.softplus,
    "softsign": functional.softsign,
    "softmax": lambda x: torch.softmax(x, dim=1),
    "log_softmax": lambda x: torch.log_softmax(x, dim=1),
}


@dataclass(frozen=True)
class Kind:
    """One kind of layer.

    Attributes
    ----------
    run : callable
        (options, inputs, tensors by Keras role) -> output.
    options : dict
        Name -> default.
    layout : str
        Key of `livedead.weights.layouts.LAYOUTS`; empty for a layer without tensors.
    shapes : callable
        (options, channels of the input) -> Keras role -> shape in Keras axes.
    keeps_order : bool
        Whether every feature of a flattened input stays in its place: see
        `livedead.weights.graphs`.
    """

    run: Callable[[Options, list[Tensor], Tensors], Tensor]
    options: dict[str, Any] = field(default_factory=dict)
    layout: str = ""
    shapes: Callable[[Options, int], Shapes] = lambda options, channels: {}
    keeps_order: bool = False


def pair(value: Any) -> tuple[int, int]:
    """One number for both sides, or two."""
    first, second = value if isinstance(value, list | tuple) else (value, value)
    return int(first), int(second)


def sides(value: Any) -> tuple[tuple[int, int], tuple[int, int]]:
    """Padding as ((top, bottom), (left, right)), of one number, two, or two pairs."""
    height, width = value if isinstance(value, list | tuple) else (value, value)
    return pair(height), pair(width)


def same_padding(size: int, kernel: int, stride: int, dilation: int = 1) -> tuple[int, int]:
    """Keras's padding 'same' along one side: the smaller half first."""
    total = max((math.ceil(size / stride) - 1) * stride + (kernel - 1) * dilation + 1 - size, 0)
    return total // 2, total - total // 2


def _padding(
    options: Options, x: Tensor, window: tuple[int, int], dilation: tuple[int, int]
) -> tuple[tuple[int, int], tuple[int, int]]:
    padding = options["padding"]
    if padding == "valid":
        return (0, 0), (0, 0)
    if padding != "same":
        return sides(padding)
    strides = pair(options["strides"])
    height, width = (
        same_padding(x.shape[2 + side], window[side], strides[side], dilation[side]) for side in (0, 1)
    )
    return height, width


def _pad(x: Tensor, padding: tuple[tuple[int, int], tuple[int, int]], value: float = 0.0) -> Tensor:
    (top, bottom), (left, right) = padding
    return functional.pad(x, (left, right, top, bottom), value=value)


def _convolve(options: Options, x: Tensor, tensors: Tensors, groups: int) -> Tensor:
    weight, dilation = tensors["kernel"], pair(options["dilation_rate"])
    padding = _padding(options, x, (weight.shape[2], weight.shape[3]), dilation)
    x = _pad(x, padding)
    return functional.conv2d(x, weight, tensors.get("bias"), pair(options["strides"]), 0, dilation, groups)


def _conv2d(options: Options, inputs: list[Tensor], tensors: Tensors) -> Tensor:
    return _convolve(options, inputs[0], tensors, options["groups"])


def _depthwise(options: Options, inputs: list[Tensor], tensors: Tensors) -> Tensor:
    return _convolve(options, inputs[0], tensors, inputs[0].shape[1])


def _transposed_window(
    size: int, kernel: int, stride: int, padding: Any, extra: int | None
) -> tuple[int, int]:
    """First row and number of rows that are kept of the full transposed convolution.

    The full one has ``(size - 1) * stride + kernel`` rows. Explicit padding is JAX's: that of
    the convolution over the stretched input.
    """
    if not isinstance(padding, str):
        before, after = padding
        return kernel - 1 - before, (size - 1) * stride + 2 + before + after - kernel
    if extra is not None:
        cut = kernel // 2 if padding == "same" else 0
        return cut, (size - 1) * stride + kernel - 2 * cut + extra
    if padding == "same":
        return same_padding(size * stride, kernel, stride)[0], size * stride
    return 0, size * stride + max(kernel - stride, 0)


def _conv2d_transpose(options: Options, inputs: list[Tensor], tensors: Tensors) -> Tensor:
    (x,), weight = inputs, tensors["kernel"]
    strides, dilation = pair(options["strides"]), pair(options["dilation_rate"])
    padding, extra = options["padding"], options["output_padding"]
    full = functional.conv_transpose2d(x, weight, None, strides, dilation=dilation)
    crop = []
    for side in (0, 1):
        size, kernel = x.shape[2 + side], (weight.shape[2 + side] - 1) * dilation[side] + 1
        of_side = padding if isinstance(padding, str) else sides(padding)[side]
        first, length = _transposed_window(
            size, kernel, strides[side], of_side, None if extra is None else pair(extra)[side]
        )
        crop.append((-first, first + length - full.shape[2 + side]))
    full = _pad(full, (crop[0], crop[1]))
    bias = tensors.get("bias")
    return full if bias is None else full + bias[:, None, None]


def _dense(options: Options, inputs: list[Tensor], tensors: Tensors) -> Tensor:
    x = functional.linear(inputs[0].movedim(1, -1), tensors["kernel"], tensors.get("bias"))
    return x.movedim(-1, 1)


def _batch_norm(options: Options, inputs: list[Tensor], tensors: Tensors) -> Tensor:
    return functional.batch_norm(
        inputs[0],
        tensors["moving_mean"],
        tensors["moving_variance"],
        tensors.get("gamma"),
        tensors.get("beta"),
        eps=options["epsilon"],
    )


def _max_pool(options: Options, inputs: list[Tensor], tensors: Tensors) -> Tensor:
    window, strides = _pooling(options)
    padding = _padding({**options, "strides": strides}, inputs[0], window, (1, 1))
    return functional.max_pool2d(_pad(inputs[0], padding, -math.inf), window, strides)


def _average_pool(options: Options, inputs: list[Tensor], tensors: Tensors) -> Tensor:
    (x,), (window, strides) = inputs, _pooling(options)
    padding = _padding({**options, "strides": strides}, x, window, (1, 1))
    total = functional.avg_pool2d(_pad(x, padding), window, strides)
    if options["count_include_pad"]:
        return total
    return total / functional.avg_pool2d(_pad(torch.ones_like(x[:1, :1]), padding), window, strides)


def _pooling(options: Options) -> tuple[tuple[int, int], tuple[int, int]]:
    window, strides = options["pool_size"], options["strides"]
    return pair(window), pair(window if strides is None else strides)


def _zero_padding(options: Options, inputs: list[Tensor], tensors: Tensors) -> Tensor:
    if options["padding"] == "correct":
        # Keras's correct_pad of a 3 x 3 kernel with stride 2, for whatever size comes.
        height, width = ((size % 2, 1) for size in inputs[0].shape[2:])
        return _pad(inputs[0], (height, width))
    return _pad(inputs[0], sides(options["padding"]))


def _cropping(options: Options, inputs: list[Tensor], tensors: Tensors) -> Tensor:
    (top, bottom), (left, right) = sides(options["cropping"])
    return _pad(inputs[0], ((-top, -bottom), (-left, -right)))


def _up_sampling(options: Options, inputs: list[Tensor], tensors: Tensors) -> Tensor:
    height, width = pair(options["size"])
    if options["interpolation"] == "nearest":
        return inputs[0].repeat_interleave(height, dim=2).repeat_interleave(width, dim=3)
    return functional.interpolate(inputs[0], scale_factor=(height, width), mode="bilinear")


def _relu(options: Options, inputs: list[Tensor], tensors: Tensors) -> Tensor:
    (x,), threshold = inputs, options["threshold"]
    below = options["negative_slope"] * (x - threshold)
    x = torch.where(x >= threshold, x, below)
    return x if options["max_value"] is None else x.clamp(max=options["max_value"])


def _leaky_relu(options: Options, inputs: list[Tensor], tensors: Tensors) -> Tensor:
    return functional.leaky_relu(inputs[0], options["negative_slope"])


def _elu(options: Options, inputs: list[Tensor], tensors: Tensors) -> Tensor:
    return functional.elu(inputs[0], options["alpha"])


def _rescaling(options: Options, inputs: list[Tensor], tensors: Tensors) -> Tensor:
    return inputs[0] * options["scale"] + options["offset"]


def _concatenate(options: Options, inputs: list[Tensor], tensors: Tensors) -> Tensor:
    return torch.cat(inputs, dim=channels_second(options["axis"], inputs[0].ndim))


def channels_second(axis: int, rank: int) -> int:
    """Where Keras's axis of a tensor of `rank` lies here."""
    axis %= rank
    return axis if axis == 0 else 1 if axis == rank - 1 else axis + 1


def _identity(options: Options, inputs: list[Tensor], tensors: Tensors) -> Tensor:
    return inputs[0]


def _flatten(options: Options, inputs: list[Tensor], tensors: Tensors) -> Tensor:
    return inputs[0].flatten(1)


def _reshape(options: Options, inputs: list[Tensor], tensors: Tensors) -> Tensor:
    return inputs[0].movedim(1, -1).reshape(-1, *options["target_shape"]).movedim(-1, 1)


def _merge(reduce: Callable[[Tensor, Tensor], Tensor]) -> Kind:
    def run(options: Options, inputs: list[Tensor], tensors: Tensors) -> Tensor:
        merged = inputs[0]
        for x in inputs[1:]:
            merged = reduce(merged, x)
        return merged

    return Kind(run, keeps_order=True)


def _average(options: Options, inputs: list[Tensor], tensors: Tensors) -> Tensor:
    return torch.stack(inputs).mean(0)


def _global(reduce: Callable[[Tensor], Tensor]) -> Kind:
    def run(options: Options, inputs: list[Tensor], tensors: Tensors) -> Tensor:
        reduced = reduce(inputs[0])
        return reduced if options["keepdims"] else reduced.flatten(1)

    return Kind(run, {"keepdims": False})


def _conv_shapes(options: Options, channels: int) -> Shapes:
    kernel = (*pair(options["kernel_size"]), channels // options["groups"], options["filters"])
    return _with_bias(options, kernel, options["filters"])


def _depthwise_shapes(options: Options, channels: int) -> Shapes:
    multiplier = options["depth_multiplier"]
    kernel = (*pair(options["kernel_size"]), channels, multiplier)
    return _with_bias(options, kernel, channels * multiplier)


def _transpose_shapes(options: Options, channels: int) -> Shapes:
    kernel = (*pair(options["kernel_size"]), options["filters"], channels)
    return _with_bias(options, kernel, options["filters"])


def _dense_shapes(options: Options, channels: int) -> Shapes:
    return _with_bias(options, (channels, options["units"]), options["units"])


def _with_bias(options: Options, kernel: tuple[int, ...], n_outputs: int) -> Shapes:
    return {"kernel": kernel} | ({"bias": (n_outputs,)} if options["use_bias"] else {})


def _norm_shapes(options: Options, channels: int) -> Shapes:
    roles = ("gamma",) * options["scale"] + ("beta",) * options["center"]
    return dict.fromkeys((*roles, "moving_mean", "moving_variance"), (channels,))


_BIASED = {"use_bias": True, "activation": "linear"}
_WINDOW = {"kernel_size": REQUIRED, "strides": 1, "padding": "valid", "dilation_rate": 1, **_BIASED}
_POOL = {"pool_size": 2, "strides": None, "padding": "valid"}
_PASSES = Kind(_identity, keeps_order=True)

KINDS: dict[str, Kind] = {
    "Conv2D": Kind(_conv2d, {"filters": REQUIRED, "groups": 1, **_WINDOW}, "conv", _conv_shapes),
    "DepthwiseConv2D": Kind(_depthwise, {"depth_multiplier": 1, **_WINDOW}, "depthwise", _depthwise_shapes),
    "Conv2DTranspose": Kind(
        _conv2d_transpose,
        {"filters": REQUIRED, "output_padding": None, "transpose_kernel": True, **_WINDOW},
        "conv_transpose",
        _transpose_shapes,
    ),
    "Dense": Kind(_dense, {"units": REQUIRED, **_BIASED}, "dense", _dense_shapes),
    "BatchNormalization": Kind(
        _batch_norm,
        {"epsilon": 1e-3, "scale": True, "center": True},
        "batch_norm",
        _norm_shapes,
        keeps_order=True,
    ),
    "InputLayer": _PASSES,
    "Activation": Kind(_identity, {"activation": REQUIRED}, keeps_order=True),
    "ReLU": Kind(_relu, {"max_value": None, "negative_slope": 0.0, "threshold": 0.0}, keeps_order=True),
    "LeakyReLU": Kind(_leaky_relu, {"negative_slope": 0.3}, keeps_order=True),
    "ELU": Kind(_elu, {"alpha": 1.0}, keeps_order=True),
    "Softmax": Kind(lambda options, inputs, tensors: torch.softmax(inputs[0], 1), keeps_order=True),
    "Dropout": _PASSES,
    "SpatialDropout2D": _PASSES,
    "GaussianNoise": _PASSES,
    "GaussianDropout": _PASSES,
    "Rescaling": Kind(_rescaling, {"scale": REQUIRED, "offset": 0.0}, keeps_order=True),
    "Flatten": Kind(_flatten),
    "Reshape": Kind(_reshape, {"target_shape": REQUIRED}),
    "ZeroPadding2D": Kind(_zero_padding, {"padding": 1}),
    "Cropping2D": Kind(_cropping, {"cropping": 0}),
    "UpSampling2D": Kind(_up_sampling, {"size": 2, "interpolation": "nearest"}),
    "MaxPooling2D": Kind(_max_pool, _POOL),
    "AveragePooling2D": Kind(_average_pool, {**_POOL, "count_include_pad": False}),
    "GlobalAveragePooling2D": _global(lambda x: x.mean((2, 3), keepdim=True)),
    "GlobalMaxPooling2D": _global(lambda x: x.amax((2, 3), keepdim=True)),
    "Concatenate": Kind(_concatenate, {"axis": -1}, keeps_order=True),
    "Add": _merge(torch.add),
    "Subtract": _merge(torch.sub),
    "Multiply": _merge(torch.mul),
    "Maximum": _merge(torch.maximum),
    "Minimum": _merge(torch.minimum),
    "Average": Kind(_average, keeps_order=True),
}
"""By the name of the Keras class."""
