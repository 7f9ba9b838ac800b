"""Tensors in pairs, one to one; and U-Nets of the right names and shapes that give no numbers."""

import copy

import numpy as np
import pytest
import torch
from conftest import CLASSES
from unit.weights import keras_h5

from livedead.errors import WeightsError
from livedead.weights import formats, unet_io
from livedead.weights.network import from_unet

VARIANCE = "encoder.block_3_expand_BN.running_var"


def test_all_problems_are_listed_at_once(tmp_path):
    architecture = keras_h5.write_architecture(tmp_path)
    layers = keras_h5.tensors()
    layers["conv2d"]["kernel:0"] = layers["conv2d"]["kernel:0"][:2]
    layers["conv2d"]["bias:0"][1] = np.nan
    layers["dense"]["bias:0"] = np.arange(3)
    layers["extra"] = {"kernel:0": np.ones((2, 2), np.float32)}
    del layers["batch_normalization"]
    listed = "\n".join(keras_h5.refusal(keras_h5.write(tmp_path / "a.h5", layers), architecture))
    for said in (
        "expected shape (3, 3, 1, 4), found (2, 3, 1, 4)",
        "conv2d/conv2d/bias:0: 1 of 4 values are NaN or infinite",
        "dense/dense/bias:0: expected float32 or float64, found int64",
        "layer 'extra': unexpected",
        "layer 'batch_normalization' (BatchNormalization): expected, absent",
    ):
        assert said in listed


def refusal(path, **options) -> str:
    with pytest.raises(WeightsError) as caught:
        unet_io.convert(path, input_channels=["brightfield"], classes=CLASSES, **options)
    return str(caught.value)


@pytest.mark.parametrize("suffix", [".h5", ".weights.h5", ".msgpack", ".flax.safetensors"])
def test_a_negative_variance_is_refused_in_every_format(tmp_path, small_network, suffix):
    network = copy.deepcopy(small_network)
    network.state_dict()[VARIANCE][[4, 7]] = torch.tensor([-0.5, -1e-9])
    formats.write(tmp_path / f"unet{suffix}", from_unet(network))
    said = refusal(tmp_path / f"unet{suffix}")
    assert "'block_3_expand_BN': 2 of 48 variances are negative, down to -0.5" in said
    assert said.count("\n") == 1


def test_what_overflows_when_it_is_folded_is_refused(tmp_path, small_network):
    """3e38 over the square root of the epsilon, 1e-3, is 1e40; each number of the file is fine."""
    network = copy.deepcopy(small_network)
    state = network.state_dict()
    state["encoder.block_3_expand_BN.weight"][5] = 3e38
    state[VARIANCE][5] = 0
    formats.write(tmp_path / "unet.h5", from_unet(network))
    assert "encoder.block_3_expand.weight: finite, but beyond float32" in refusal(tmp_path / "unet.h5")


def test_what_overflows_on_its_way_is_refused(tmp_path, small_network):
    network = copy.deepcopy(small_network)
    network.decoder.head.weight.data.mul_(1e38)
    formats.write(tmp_path / "unet.h5", from_unet(network))
    assert "logits of noise are NaN or infinite" in refusal(tmp_path / "unet.h5")


def test_a_network_through_which_nothing_passes_is_refused(tmp_path, small_network):
    network = copy.deepcopy(small_network)
    network.decoder.head.weight.data.zero_()
    formats.write(tmp_path / "unet.h5", from_unet(network))
    assert "the same at every pixel" in refusal(tmp_path / "unet.h5")
