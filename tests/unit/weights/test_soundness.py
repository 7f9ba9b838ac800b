"""Weights of the right names and shapes that give no numbers: each refused, the tensor named."""

import copy

import h5py
import numpy as np
import pytest
import torch
import yaml
from conftest import CLASSES
from unit.weights import keras_h5

from livedead.errors import WeightsError
from livedead.weights import formats, unet_io
from livedead.weights.assay import Assay
from livedead.weights.certificate import certify_training, tensor_sha256
from livedead.weights.network import from_unet

VARIANCE = "encoder.block_3_expand_BN.running_var"


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


def test_a_negative_variance_of_any_network_is_refused(tmp_path):
    (tmp_path / "small.yaml").write_text(yaml.safe_dump(keras_h5.ARCHITECTURE))
    layers = keras_h5.tensors()
    path = keras_h5.write(tmp_path / "a.h5", layers)
    layers["batch_normalization"]["moving_variance:0"][1] = 0
    formats.read(keras_h5.write(path, layers), architecture=tmp_path / "small.yaml")
    layers["batch_normalization"]["moving_variance:0"][1] = -0.25
    keras_h5.write(path, layers)
    with pytest.raises(WeightsError, match=r"1 of 4 variances are negative, down to -0\.25"):
        formats.read(path, architecture=tmp_path / "small.yaml")


def test_an_encoder_with_a_negative_variance_starts_no_training(tmp_path, small_network):
    network = copy.deepcopy(small_network)
    network.state_dict()[VARIANCE][0] = -1
    formats.write(tmp_path / "unet.h5", from_unet(network))
    with h5py.File(tmp_path / "unet.h5", "r+") as file:
        names = [name for name in file.attrs["layer_names"] if b"transpose" not in name]
        kept = [name for name in names if not name.startswith((b"batch_normalization", b"sequential"))]
        file.attrs["layer_names"] = np.array(kept)
    with pytest.raises(WeightsError, match="1 of 48 variances are negative"):
        unet_io.new(network.architecture, tmp_path / "unet.h5", seed=0)


def test_a_double_beyond_float32_is_refused(tmp_path):
    (tmp_path / "small.yaml").write_text(yaml.safe_dump(keras_h5.ARCHITECTURE))
    layers = keras_h5.tensors()
    layers["dense"]["bias:0"] = np.array([1.0, -1e39, 3.4e38])
    path = keras_h5.write(tmp_path / "a.h5", layers)
    with pytest.raises(WeightsError, match=r"bias:0: 1 of 3 values are .* beyond float32"):
        formats.read(path, architecture=tmp_path / "small.yaml")


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


def test_certified_weights_are_held_to_the_same(tmp_path, small_network):
    """Those of an earlier release were not looked at when they were certified."""
    network = copy.deepcopy(small_network)
    network.state_dict()[VARIANCE][0] = -1
    certificate = certify_training(small_network, Assay(CLASSES, ["brightfield"]), {})
    with pytest.raises(WeightsError, match=r"trained network: .*\n.*variances are negative"):
        certify_training(network, Assay(CLASSES, ["brightfield"]), {})
    of_this = {record["target"]: record for record in certificate["tensors"]}
    of_this[VARIANCE]["sha256"] = tensor_sha256(network.state_dict()[VARIANCE].numpy())
    unet_io.write(tmp_path / "unet.safetensors", network, certificate)
    with pytest.raises(WeightsError, match=f"{VARIANCE}: 1 of 48 variances are negative"):
        unet_io.read(tmp_path / "unet.safetensors")
