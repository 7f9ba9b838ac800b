"""Any file in, any file out."""

import pytest
import torch
from conftest import CLASSES, randomized
from unit.weights import keras_h5

from livedead.network.unet import Architecture
from livedead.weights import formats, unet_io
from livedead.weights.network import from_unet


@pytest.mark.parametrize(("kernel", "alpha"), [(3, 0.35), (4, 1.4)])
@pytest.mark.parametrize("nested", [False, True])
@pytest.mark.parametrize("suffix", [".h5", ".weights.h5", ".msgpack", ".flax.safetensors"])
def test_the_unet_goes_through_every_format_unharmed(tmp_path, kernel, alpha, nested, suffix):
    widths = (16, 16, 8, 8)
    network = randomized(Architecture(n_classes=5, alpha=alpha, decoder_widths=widths, kernel=kernel))
    path = tmp_path / f"unet{suffix}"
    formats.write(path, from_unet(network), nested=nested)
    back, _ = unet_io.convert(path, input_channels=["brightfield"], classes=CLASSES)
    assert back.architecture == network.architecture
    for key, tensor in network.state_dict().items():
        assert torch.equal(tensor, back.state_dict()[key]), key


def test_a_changed_source_is_refused_where_its_hash_is_recorded(tmp_path):
    architecture = keras_h5.write_architecture(tmp_path)
    path = keras_h5.write(tmp_path / "a.h5", keras_h5.tensors())
    assert "it has changed" in keras_h5.refusal(path, architecture, sha256="0" * 64)[0]


def test_a_network_that_nothing_describes(tmp_path):
    path = keras_h5.write(tmp_path / "a.h5", keras_h5.tensors())
    assert "--architecture" in keras_h5.refusal(path)[0]
