"""The U-Net that segments, from the files of users."""

import copy

import h5py
import numpy as np
import pytest
from conftest import CLASSES

from livedead.errors import WeightsError
from livedead.network.unet import Architecture
from livedead.weights import formats, unet_io
from livedead.weights.network import from_unet

VARIANCE = "encoder.block_3_expand_BN.running_var"


@pytest.mark.parametrize("channels", [1, 2, 3])
def test_imagenet_starts_a_training(shared, channels):
    path = shared / "keras_weights" / "mobilenet_v2_imagenet_0.35_224_no_top.h5"
    architecture = Architecture(
        n_classes=5, alpha=0.35, decoder_widths=(16, 16, 8, 8), input_channels=channels
    )
    network = unet_io.new(architecture, path, seed=0)
    with h5py.File(path) as file:
        rgb = file["Conv1/Conv1/kernel:0"][()]
        variance = file["bn3_conv_3_bn_expand/bn3_conv_3_bn_expand/moving_variance:0"][()]
    found = network.encoder.Conv1.weight.detach().numpy().transpose(2, 3, 1, 0)
    expected = rgb if channels == 3 else rgb.sum(2, keepdims=True).repeat(channels, 2) / channels
    np.testing.assert_allclose(found, expected, atol=1e-6)
    np.testing.assert_array_equal(network.encoder.block_3_expand_BN.running_var.numpy(), variance)


def test_an_encoder_alone_does_not_segment(shared):
    path = shared / "keras_weights" / "mobilenet_v2_imagenet_0.35_224_no_top.h5"
    with pytest.raises(WeightsError, match="can only start a training"):
        unet_io.convert(path, input_channels=["brightfield"], classes=CLASSES)


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
