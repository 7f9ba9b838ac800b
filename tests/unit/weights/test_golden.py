"""A network against recorded outputs: what agrees, the first layer that does not, and what is refused."""

import numpy as np
import pytest
import torch
from unit.weights import keras_h5

from livedead.errors import WeightsError
from livedead.weights import formats, golden


@pytest.fixture
def network(tmp_path):
    path = keras_h5.write(tmp_path / "a.h5", keras_h5.tensors())
    return formats.read(path, architecture=keras_h5.write_architecture(tmp_path))


@pytest.fixture
def recorded(network):
    """What the network itself gives, channels last, under the names that Keras would count."""
    x = np.random.default_rng(0).normal(size=(2, 4, 4, 1)).astype(np.float32)
    outputs = network.graph.run(network.state(), torch.from_numpy(x.transpose(0, 3, 1, 2)))
    acts = {"act/conv2d_7": outputs["conv2d"][0].permute(1, 2, 0).numpy()}
    return {"x": x, "output": outputs["dense"].numpy(), **acts}


def verify(network, folder, recorded, **options):
    np.savez(folder / "golden.npz", **recorded)
    return golden.verify(network, folder / "golden.npz", **options)


def test_agreement(network, tmp_path, recorded):
    report = verify(network, tmp_path, recorded)
    assert [(found.name, found.layer) for found in report.comparisons] == [
        ("conv2d_7", "conv2d"),
        ("output", "dense"),
    ]
    assert report.first_failure is None
    assert report.as_dict()["passed"] is True


def test_the_first_layer_that_differs_is_named(network, tmp_path, recorded):
    recorded["act/conv2d_7"] = recorded["act/conv2d_7"] + 1
    report = verify(network, tmp_path, recorded)
    assert report.first_failure.name == "conv2d_7"
    assert verify(network, tmp_path, recorded, tolerance=1e3).first_failure is None


def test_a_layer_that_the_network_lacks_is_listed(network, tmp_path, recorded):
    assert verify(network, tmp_path, {**recorded, "act/other": np.ones(3)}).skipped == ["act/other"]


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"x": np.ones((1, 4, 4, 2))}, r"x: expected shape \(N, 4, 4, 1\)"),
        ({"x": np.array(["a"])}, "x: expected numbers"),
        ({"x": np.ones((1, 9, 9, 1), np.float32)}, "cannot run on x of shape"),
    ],
)
def test_a_golden_file_that_cannot_be_used(network, tmp_path, recorded, changed, said):
    with pytest.raises(WeightsError, match=said):
        verify(network, tmp_path, {**recorded, **changed})


def test_no_golden_file_at_all(network, tmp_path):
    (tmp_path / "golden.npz").write_bytes(b"nothing")
    with pytest.raises(WeightsError, match="not a golden file"):
        golden.verify(network, tmp_path / "golden.npz")
