"""Orders of flattened features, against the formula."""

import numpy as np
import pytest
import torch
from unit.weights import keras_h5

from livedead.weights import formats
from livedead.weights.architectures import graph_of
from livedead.weights.refusals import RefusedError


def test_a_flatten_is_permuted_as_pytorch_flattens(tmp_path):
    """Against the formula: Dense of the transposed picture, computed with NumPy in Keras's order."""
    architecture = keras_h5.write_architecture(tmp_path)
    layers = keras_h5.tensors()
    path = keras_h5.write(tmp_path / "a.h5", layers)
    network = formats.read(path, architecture=architecture)
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


def test_flattened_features_may_only_meet_layers_without_axes():
    layers = [{"kind": "Flatten"}, {"kind": "Reshape", "target_shape": [36]}]
    with pytest.raises(RefusedError, match="flattened features in another order"):
        graph_of({"input": [4, 4, 1], "layers": [{"kind": "ZeroPadding2D"}, *layers]}).trace()
    graph = graph_of({"input": [2, 2, 3], "layers": [{"kind": "Flatten"}, {"kind": "ReLU"}]})
    assert graph.trace()[graph.output].order.tolist() == [0, 3, 6, 9, 1, 4, 7, 10, 2, 5, 8, 11]


def test_a_flatten_needs_to_know_its_size():
    graph = graph_of({"input": [None, None, 3], "layers": [{"kind": "Flatten"}]})
    with pytest.raises(RefusedError, match="needs the size of the input"):
        graph.trace()
    assert graph.trace((2, 2))[graph.output].shape == (12,)


def test_a_layer_that_cannot_take_its_input_is_named():
    layers = [{"name": "wide", "kind": "Conv2D", "filters": 2, "kernel_size": 9}]
    with pytest.raises(RefusedError, match=r"layer 'wide' \(Conv2D\) cannot take \(1, 4, 4\)"):
        graph_of({"input": [4, 4, 1], "layers": layers}).trace()


def test_only_what_is_asked_for_is_kept():
    layers = [{"name": name, "kind": "ReLU"} for name in ("a", "b", "c")]
    graph = graph_of({"input": [4, 4, 1], "layers": layers})
    x = torch.ones(1, 1, 4, 4)
    assert set(graph.run({}, x)) == {"", "a", "b", "c"}
    assert set(graph.run({}, x, keep=("a",))) == {"", "a", "c"}
