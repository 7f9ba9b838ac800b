"""Names, counters and schemes: which layer a name means."""

import pytest

from livedead.weights.architectures import graph_of
from livedead.weights.names import canonical, match, natural


def nodes(*names):
    layers = [{"name": name, "kind": "Conv2D", "filters": 2, "kernel_size": 1} for name in names]
    return list(graph_of({"input": [4, 4, 2], "layers": layers}).nodes)


def test_counters_start_anywhere_but_keep_their_order():
    counted = nodes("conv2d", "conv2d_1", "conv2d_2")
    assert match(["conv2d_9", "conv2d_10", "conv2d_11"], counted) == {
        "conv2d_9": "conv2d",
        "conv2d_10": "conv2d_1",
        "conv2d_11": "conv2d_2",
    }


def test_counters_that_overlap_are_not_taken_for_names():
    # conv2d_1 is in both, yet it is the first here and the second there.
    assert match(["conv2d_1", "conv2d_2"], nodes("conv2d", "conv2d_1")) == {
        "conv2d_1": "conv2d",
        "conv2d_2": "conv2d_1",
    }


def test_a_missing_layer_shifts_nothing():
    counted = nodes("conv2d", "conv2d_1", "conv2d_2")
    assert match(["conv2d", "conv2d_2"], counted) == {"conv2d": "conv2d", "conv2d_2": "conv2d_2"}


def test_natural_order():
    paths = [
        "sequential_10/conv2d",
        "sequential/conv2d",
        "sequential_2/conv2d",
        "conv2d_10",
        "conv2d",
        "conv2d_2",
    ]
    assert sorted(paths, key=natural) == [
        "conv2d",
        "conv2d_2",
        "conv2d_10",
        "sequential/conv2d",
        "sequential_2/conv2d",
        "sequential_10/conv2d",
    ]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("mobl0_conv_0_depthwise", "expanded_conv_depthwise"),
        ("bn0_conv_0_bn_project", "expanded_conv_project_BN"),
        ("bn12_conv_12_bn_expand", "block_12_expand_BN"),
        ("mobl3_conv_expand", "block_3_expand"),
        ("bn3_conv_bn_expand", "block_3_expand_BN"),
        ("bn3_conv_depthwise", "block_3_depthwise_BN"),
        ("bn0_conv_project", "expanded_conv_project_BN"),
        ("block_16_project", "block_16_project"),
        ("conv2d_transpose_4", "conv2d_transpose_4"),
    ],
)
def test_three_schemes_one_name(old, new):
    assert canonical(old) == new
