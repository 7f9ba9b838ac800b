"""Names, axes and orders: the bijection between a file's tensors and a network's."""

import h5py
import numpy as np
import pytest
import torch
import yaml
from conftest import CLASSES, randomized
from unit.weights import keras_h5

from livedead.errors import WeightsError
from livedead.network.unet import Architecture
from livedead.weights import formats, unet_io
from livedead.weights.architectures import graph_of
from livedead.weights.certificate import certify
from livedead.weights.names import canonical, match, natural
from livedead.weights.network import from_unet
from livedead.weights.refusals import RefusedError


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


def test_a_flatten_is_permuted_as_pytorch_flattens(tmp_path):
    """Against the formula: Dense of the transposed picture, computed with NumPy in Keras's order."""
    (tmp_path / "small.yaml").write_text(yaml.safe_dump(keras_h5.ARCHITECTURE))
    layers = keras_h5.tensors()
    path = keras_h5.write(tmp_path / "a.h5", layers)
    network = formats.read(path, architecture=tmp_path / "small.yaml")
    state = network.state()
    picture = np.random.default_rng(0).normal(size=(4, 4, 4)).astype(np.float32)
    norm = layers["batch_normalization"]
    scaled = (picture - norm["moving_mean:0"]) / np.sqrt(norm["moving_variance:0"] + 1e-3)
    expected = (scaled * norm["gamma:0"] + norm["beta:0"]).reshape(-1) @ layers["dense"]["kernel:0"]
    normed = torch.nn.functional.batch_norm(
        torch.from_numpy(picture.transpose(2, 0, 1))[None],
        *(state[f"batch_normalization.{name}"] for name in ("running_mean", "running_var", "weight", "bias")),
        eps=1e-3,
    )
    found = normed.flatten(1) @ state["dense.weight"].T
    np.testing.assert_allclose(found[0].numpy(), expected, rtol=1e-5, atol=1e-5)


def test_the_certificate_tells_every_tensor_and_comes_back(tmp_path):
    (tmp_path / "small.yaml").write_text(yaml.safe_dump(keras_h5.ARCHITECTURE))
    path = keras_h5.write(tmp_path / "a.h5", keras_h5.tensors())
    network = certify(formats.read(path, architecture=tmp_path / "small.yaml"))
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


@pytest.mark.parametrize("kernel", [3, 4])
@pytest.mark.parametrize("alpha", [0.35, 1.4])
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


def test_an_architecture_lists_all_its_problems():
    layers = [
        {"name": "a", "kind": "Conv3D"},
        {"name": "b", "kind": "Conv2D", "kernel_size": 3, "colour": "red", "inputs": ["nowhere"]},
    ]
    with pytest.raises(RefusedError) as caught:
        graph_of({"input": [4, 4, 1], "layers": layers})
    listed = "\n".join(caught.value.problems)
    for said in ("kind 'Conv3D' is not known", "option 'colour'", "option 'filters' is missing", "'nowhere'"):
        assert said in listed


def test_every_example_architecture_can_be_built(repository):
    for path in sorted((repository / "config" / "examples" / "architectures").glob("*.yaml")):
        graph, _ = formats.read_architecture(path)
        assert graph.trace()[graph.output].shape
        assert graph_of(graph.as_dict()).as_dict() == graph.as_dict()
