"""Architectures as values: in YAML, and in what Keras says of a model."""

import io
import json

import h5py
import numpy as np
import pytest
from unit.weights import keras_h5

from livedead.weights import formats
from livedead.weights.architectures import graph_of
from livedead.weights.refusals import RefusedError


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


def test_code_in_a_configuration_is_not_executed(tmp_path):
    weights_file = io.BytesIO()
    with h5py.File(weights_file, "w") as file:
        file.create_group("layers/dense/vars")["0"] = np.ones((3, 2), np.float32)
    layers = [
        {"class_name": "InputLayer", "config": {"name": "input", "batch_shape": [None, 3]}},
        {"class_name": "Lambda", "config": {"name": "lambda", "function": "gASVAAAA"}},
        {"class_name": "Dense", "config": {"name": "dense", "units": 2, "use_bias": False}},
    ]
    config = json.dumps({"class_name": "Sequential", "config": {"name": "s", "layers": layers}})
    listed = keras_h5.refusal(keras_h5.archive(tmp_path / "a.keras", weights_file.getvalue(), config))
    assert any("Lambda" in problem and "never executed" in problem for problem in listed)
