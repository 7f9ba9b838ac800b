"""Certificates: what they tell, and what changed since."""

import copy

import numpy as np
import pytest
from conftest import CLASSES
from unit.weights import keras_h5

from livedead.errors import WeightsError
from livedead.weights import formats, unet_io
from livedead.weights.assay import Assay
from livedead.weights.certificate import certify, certify_training, tensor_sha256

ASSAY = Assay(CLASSES, ["brightfield"])
VARIANCE = "encoder.block_3_expand_BN.running_var"


def test_the_certificate_tells_every_tensor_and_comes_back(tmp_path):
    architecture = keras_h5.write_architecture(tmp_path)
    path = keras_h5.write(tmp_path / "a.h5", keras_h5.tensors())
    network = certify(formats.read(path, architecture=architecture))
    certificate = network.certificate
    by_target = {record["target"]: record for record in certificate["tensors"]}
    assert by_target["conv2d.weight"]["source"] == "conv2d/kernel"
    assert by_target["conv2d.weight"]["axes"] == [3, 2, 0, 1]
    assert by_target["conv2d.weight"]["shape"] == [4, 1, 3, 3]
    assert "flatten" in by_target["dense.weight"]["features"]
    assert certificate["epsilon"] == {"batch_normalization": 1e-3}
    assert certificate["padding"] == {"conv2d": "same"}
    formats.write(tmp_path / "a.safetensors", network)
    loaded = formats.read(tmp_path / "a.safetensors")
    assert loaded.certificate == certificate
    for key, array in network.values.items():
        np.testing.assert_array_equal(loaded.values[key], array)


def test_uncertified_safetensors_name_the_command(tmp_path):
    from safetensors.numpy import save_file

    save_file({"weight": np.zeros(3, np.float32)}, tmp_path / "unet.safetensors")
    with pytest.raises(WeightsError, match=r"python -m livedead\.weights convert"):
        unet_io.read(tmp_path / "unet.safetensors")


def test_one_changed_bit_of_certified_weights(tmp_path, small_network):
    path = tmp_path / "unet.safetensors"
    unet_io.write(path, small_network, certify_training(small_network, ASSAY, {}))
    unet_io.read(path)
    content = bytearray(path.read_bytes())
    content[-100] ^= 1
    path.write_bytes(content)
    with pytest.raises(WeightsError, match="it has changed"):
        unet_io.read(path)


def test_a_changed_certificate(tmp_path, small_network):
    path = tmp_path / "unet.safetensors"
    unet_io.write(path, small_network, certify_training(small_network, ASSAY, {}))
    path.write_bytes(path.read_bytes().replace(b'encoder_eps\\": 0.001', b'encoder_eps\\": 0.002'))
    with pytest.raises(WeightsError, match="certificate was changed"):
        unet_io.read(path)


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
