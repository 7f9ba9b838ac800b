"""Kinds of layers: their options, the shapes of their tensors, and their arithmetic.

A kind has the name of the Keras class, and its options have Keras's names and defaults, so
that an architecture reads like a Keras model. What Flax and PyTorch add is written with the
same words: explicit ``padding``, ``count_include_pad``, ``transpose_kernel``.

Tensors lie as in PyTorch, channels second: (N, C, H, W), or (N, C).
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial, reduce
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

REQUIRED = object()
"""Default of an option that must be given."""


@dataclass(frozen=True)
class Option:
    """Whether a value is possible, the same in words, and the default, which always is."""

    allows: Callable[[Any], bool]
    expected: str
    default: Any = REQUIRED


def is_side(value: Any) -> bool:
    """Whether a value can be a number of pixels or channels."""
    return isinstance(value, int) and not isinstance(value, bool) and 0 < value < 2**24


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _are_integers(value: Any) -> bool:
    return isinstance(value, list | tuple) and all(isinstance(side, int) for side in value)


def _one_or_two(is_possible: Callable[[Any], bool]) -> Callable[[Any], bool]:
    def is_one_or_two(value: Any) -> bool:
        is_pair = isinstance(value, list | tuple) and len(value) == 2
        return is_possible(value) or (is_pair and all(map(is_possible, value)))

    return is_one_or_two


_are_widths = _one_or_two(_one_or_two(lambda value: isinstance(value, int) and 0 <= value < 2**20))
_WIDTHS = "a width, or [[top, bottom], [left, right]]"

count = partial(Option, is_side, "a positive number")
counts = partial(Option, _one_or_two(is_side), "a positive number, or two")
number = partial(Option, _is_number, "a number")
switch = partial(Option, lambda value: isinstance(value, bool), "true or false")
axis = partial(Option, lambda value: isinstance(value, int), "an axis")
shape = partial(Option, _are_integers, "a list of sides")
widths = partial(Option, _are_widths, _WIDTHS)


def one_of(*names: str) -> Callable[..., Option]:
    """Options that are one of a few texts."""
    return partial(
        Option, lambda value: isinstance(value, str) and value in names, f"one of {', '.join(names)}"
    )


def padding(*names: str) -> Callable[..., Option]:
    """Options that are rows and columns of padding, or the name of a rule for them."""
    said = ", ".join([*map(repr, names), _WIDTHS])
    return partial(Option, lambda value: value in names or _are_widths(value), said)


Options = Mapping[str, Any]
Tensors = Mapping[str, Tensor]
Shapes = dict[str, tuple[int, ...]]

_SAME_NAME = ("relu", "relu6", "elu", "selu", "gelu", "silu", "mish", "softplus", "softsign")

ACTIVATIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "linear": lambda x: x,
    **{name: getattr(functional, name) for name in _SAME_NAME},
    "leaky_relu": lambda x: functional.leaky_relu(x, 0.2),
    "swish": functional.silu,
    "sigmoid": torch.sigmoid,
    "tanh": torch.tanh,
    "exponential": torch.exp,
    "softmax": lambda x: torch.softmax(x, dim=1),
    "log_softmax": lambda x: torch.log_softmax(x, dim=1),
}


@dataclass(frozen=True)
class Kind:
    """One kind of layer.

    Attributes
    ----------
    run : callable
        (options, tensors by Keras role, inputs) -> output.
    options : dict
        By name.
    layout : str
        Key of `livedead.weights.layouts.LAYOUTS`; empty for a layer without tensors.
    shapes : callable
        (options, channels of the input) -> Keras role -> shape in Keras axes.
    keeps_order : bool
        Whether every feature of a flattened input stays in its place: see
        `livedead.weights.graph`.
    """

    run: Callable[..., Tensor]
    options: dict[str, Option] = field(default_factory=dict)
    layout: str = ""
    shapes: Callable[[Options, int], Shapes] = lambda options, channels: {}
    keeps_order: bool = False


Pair = tuple[int, int]


def pair(value: Any) -> Pair:
    """One number for both sides, or two."""
    first, second = value if isinstance(value, list | tuple) else (value, value)
    return int(first), int(second)


def sides(value: Any) -> tuple[Pair, Pair]:
    """Padding as ((top, bottom), (left, right)), of one number, two, or two pairs."""
    height, width = value if isinstance(value, list | tuple) else (value, value)
    return pair(height), pair(width)


def same_padding(size: int, kernel: int, stride: int, dilation: int = 1) -> Pair:
    """Keras's padding 'same' along one side: the smaller half first."""
    total = max((math.ceil(size / stride) - 1) * stride + (kernel - 1) * dilation + 1 - size, 0)
    return total // 2, total - total // 2


def _padded(
    x: Tensor, rule: Any, window: Pair, strides: Pair, dilation: Pair = (1, 1), value: float = 0.0
) -> Tensor:
    """The input of a window that moves over it, as the option ``padding`` says."""
    if rule == "valid":
        return x
    if rule != "same":
        return _pad(x, sides(rule), value)
    height, width = map(same_padding, x.shape[2:], window, strides, dilation)
    return _pad(x, (height, width), value)


def _pad(x: Tensor, padding: tuple[Pair, Pair], value: float = 0.0, sign: int = 1) -> Tensor:
    (top, bottom), (left, right) = padding
    return functional.pad(x, [sign * side for side in (left, right, top, bottom)], value=value)


def _convolve(options: Options, tensors: Tensors, x: Tensor) -> Tensor:
    weight, strides, dilation = tensors["kernel"], pair(options["strides"]), pair(options["dilation_rate"])
    x_padded = _padded(x, options["padding"], (weight.shape[2], weight.shape[3]), strides, dilation)
    # A depthwise convolution has a group per channel.
    groups = options.get("groups", x.shape[1])
    return functional.conv2d(x_padded, weight, tensors.get("bias"), strides, 0, dilation, groups)


def _transposed_window(size: int, kernel: int, stride: int, padding: Any, extra: int | None) -> Pair:
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


def _conv2d_transpose(options: Options, tensors: Tensors, x: Tensor) -> Tensor:
    weight = tensors["kernel"]
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


def _dense(options: Options, tensors: Tensors, x: Tensor) -> Tensor:
    return functional.linear(x.movedim(1, -1), tensors["kernel"], tensors.get("bias")).movedim(-1, 1)


def _batch_norm(options: Options, tensors: Tensors, x: Tensor) -> Tensor:
    gamma, beta = tensors.get("gamma"), tensors.get("beta")
    mean, variance = tensors["moving_mean"], tensors["moving_variance"]
    return functional.batch_norm(x, mean, variance, gamma, beta, eps=options["epsilon"])


def _max_pool(options: Options, tensors: Tensors, x: Tensor) -> Tensor:
    window, strides = _pooling(options)
    padded = _padded(x, options["padding"], window, strides, value=-math.inf)
    return functional.max_pool2d(padded, window, strides)


def _average_pool(options: Options, tensors: Tensors, x: Tensor) -> Tensor:
    window, strides = _pooling(options)

    def averaged(x: Tensor) -> Tensor:
        return functional.avg_pool2d(_padded(x, options["padding"], window, strides), window, strides)

    return averaged(x) if options["count_include_pad"] else averaged(x) / averaged(torch.ones_like(x[:1, :1]))


def _pooling(options: Options) -> tuple[Pair, Pair]:
    window, strides = options["pool_size"], options["strides"]
    return pair(window), pair(window if strides is None else strides)


def _zero_padding(options: Options, tensors: Tensors, x: Tensor) -> Tensor:
    if options["padding"] == "correct":
        # Keras's correct_pad of a 3 x 3 kernel with stride 2, for whatever size comes.
        height, width = ((size % 2, 1) for size in x.shape[2:])
        return _pad(x, (height, width))
    return _pad(x, sides(options["padding"]))


def _up_sampling(options: Options, tensors: Tensors, x: Tensor) -> Tensor:
    height, width = pair(options["size"])
    if options["interpolation"] == "nearest":
        return x.repeat_interleave(height, dim=2).repeat_interleave(width, dim=3)
    return functional.interpolate(x, scale_factor=(height, width), mode="bilinear")


def _relu(options: Options, x: Tensor) -> Tensor:
    threshold = options["threshold"]
    x = torch.where(x >= threshold, x, options["negative_slope"] * (x - threshold))
    return x if options["max_value"] is None else x.clamp(max=options["max_value"])


def _concatenate(options: Options, tensors: Tensors, *inputs: Tensor) -> Tensor:
    rank = inputs[0].ndim
    axis = options["axis"] % rank
    # Keras counts the channels last, the tensors here hold them second.
    return torch.cat(inputs, dim=axis if axis == 0 else 1 if axis == rank - 1 else axis + 1)


def _reshape(options: Options, tensors: Tensors, x: Tensor) -> Tensor:
    return x.movedim(1, -1).reshape(-1, *options["target_shape"]).movedim(-1, 1)


def _merge(merge: Callable[[Tensor, Tensor], Tensor]) -> Kind:
    return Kind(lambda options, tensors, *inputs: reduce(merge, inputs), keeps_order=True)


def _passing(run: Callable[[Options, Tensor], Tensor], **options: Option) -> Kind:
    """A kind that computes every value from the one in its place."""
    return Kind(lambda given, tensors, x: run(given, x), options, keeps_order=True)


def _global(summary: Callable[[Tensor], Tensor]) -> Kind:
    def run(options: Options, tensors: Tensors, x: Tensor) -> Tensor:
        return summary(x) if options["keepdims"] else summary(x).flatten(1)

    return Kind(run, {"keepdims": switch(False)})


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


_activation = one_of(*ACTIVATIONS)
_BIASED = {"use_bias": switch(True), "activation": _activation("linear")}
_WINDOW = {
    "kernel_size": counts(),
    "strides": counts(1),
    "padding": padding("valid", "same")("valid"),
    "dilation_rate": counts(1),
    **_BIASED,
}
_TRANSPOSED = {
    "filters": count(),
    "output_padding": widths(None),
    "transpose_kernel": switch(True),
    **_WINDOW,
}
_NORM = {"epsilon": number(1e-3), "scale": switch(True), "center": switch(True)}
_POOL = {"pool_size": counts(2), "strides": counts(None), "padding": padding("valid", "same")("valid")}
_SAME = _passing(lambda options, x: x)

KINDS: dict[str, Kind] = {
    "Conv2D": Kind(_convolve, {"filters": count(), "groups": count(1), **_WINDOW}, "conv", _conv_shapes),
    "DepthwiseConv2D": Kind(
        _convolve, {"depth_multiplier": count(1), **_WINDOW}, "depthwise", _depthwise_shapes
    ),
    "Conv2DTranspose": Kind(_conv2d_transpose, _TRANSPOSED, "conv_transpose", _transpose_shapes),
    "Dense": Kind(_dense, {"units": count(), **_BIASED}, "dense", _dense_shapes),
    "BatchNormalization": Kind(_batch_norm, _NORM, "batch_norm", _norm_shapes, keeps_order=True),
    "InputLayer": _SAME,
    "Activation": _passing(lambda options, x: x, activation=_activation()),
    "ReLU": _passing(_relu, max_value=number(None), negative_slope=number(0.0), threshold=number(0.0)),
    "LeakyReLU": _passing(
        lambda options, x: functional.leaky_relu(x, options["negative_slope"]), negative_slope=number(0.3)
    ),
    "ELU": _passing(lambda options, x: functional.elu(x, options["alpha"]), alpha=number(1.0)),
    "Softmax": _passing(lambda options, x: torch.softmax(x, 1)),
    "Dropout": _SAME,
    "SpatialDropout2D": _SAME,
    "GaussianNoise": _SAME,
    "GaussianDropout": _SAME,
    "Rescaling": _passing(
        lambda options, x: x * options["scale"] + options["offset"], scale=number(), offset=number(0.0)
    ),
    "Flatten": Kind(lambda options, tensors, x: x.flatten(1)),
    "Reshape": Kind(_reshape, {"target_shape": shape()}),
    "ZeroPadding2D": Kind(_zero_padding, {"padding": padding("correct")(1)}),
    "Cropping2D": Kind(
        lambda options, tensors, x: _pad(x, sides(options["cropping"]), sign=-1), {"cropping": widths(0)}
    ),
    "UpSampling2D": Kind(
        _up_sampling, {"size": counts(2), "interpolation": one_of("nearest", "bilinear")("nearest")}
    ),
    "MaxPooling2D": Kind(_max_pool, _POOL),
    "AveragePooling2D": Kind(_average_pool, {**_POOL, "count_include_pad": switch(False)}),
    "GlobalAveragePooling2D": _global(lambda x: x.mean((2, 3), keepdim=True)),
    "GlobalMaxPooling2D": _global(lambda x: x.amax((2, 3), keepdim=True)),
    "Concatenate": Kind(_concatenate, {"axis": axis(-1)}),
    "Add": _merge(torch.add),
    "Subtract": _merge(torch.sub),
    "Multiply": _merge(torch.mul),
    "Maximum": _merge(torch.maximum),
    "Minimum": _merge(torch.minimum),
    "Average": Kind(lambda options, tensors, *inputs: torch.stack(inputs).mean(0), keeps_order=True),
}
"""By the name of the Keras class."""
