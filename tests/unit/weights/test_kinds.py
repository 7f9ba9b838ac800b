"""Kinds of layers: options that check themselves, and Keras's paddings."""

import pytest
import torch

from livedead.weights.kinds import KINDS, REQUIRED, same_padding


def test_every_default_is_possible():
    for name, kind in KINDS.items():
        for key, option in kind.options.items():
            assert option.default in (REQUIRED, None) or option.allows(option.default), (name, key)


@pytest.mark.parametrize(
    ("kind", "option", "possible", "impossible"),
    [
        ("Conv2D", "filters", [1, 64], [0, -1, 2.0, True, "8", None]),
        ("Conv2D", "strides", [2, [1, 2]], [0, [1, 2, 3], "2"]),
        ("Conv2D", "padding", ["same", 1, [[0, 1], [2, 3]]], ["full", -1, [[1, 2], [3]]]),
        ("ZeroPadding2D", "padding", ["correct", [1, 2]], ["same"]),
        ("BatchNormalization", "epsilon", [1e-5, 0], [float("nan"), "tiny", True]),
        ("BatchNormalization", "scale", [True], [1, "yes"]),
        ("Activation", "activation", ["relu6"], ["quux", 3]),
        ("UpSampling2D", "interpolation", ["bilinear"], ["cubic"]),
        ("Reshape", "target_shape", [[4, -1]], [4, "4"]),
    ],
)
def test_what_an_option_may_be(kind, option, possible, impossible):
    checked = KINDS[kind].options[option]
    assert all(map(checked.allows, possible))
    assert not any(map(checked.allows, impossible))


@pytest.mark.parametrize(
    ("size", "kernel", "stride", "expected"),
    [(8, 3, 1, (1, 1)), (8, 3, 2, (0, 1)), (7, 3, 2, (1, 1)), (8, 2, 2, (0, 0)), (5, 4, 3, (1, 1))],
)
def test_padding_same_puts_the_smaller_half_first(size, kernel, stride, expected):
    assert same_padding(size, kernel, stride) == expected


def test_an_average_does_not_count_the_padding():
    kind, ones = KINDS["AveragePooling2D"], torch.ones(1, 1, 3, 3)
    options = {"pool_size": 2, "strides": 1, "padding": 1}
    assert kind.run({**options, "count_include_pad": False}, {}, ones).eq(1).all()
    assert kind.run({**options, "count_include_pad": True}, {}, ones)[0, 0, 0, 0] == 0.25


def test_a_layer_of_one_input_takes_no_two():
    with pytest.raises(TypeError):
        KINDS["Flatten"].run({}, {}, torch.ones(1, 2), torch.ones(1, 2))
