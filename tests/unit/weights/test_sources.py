"""Tensors that cannot be used, whatever the format."""

import numpy as np
import pytest
from unit.weights import keras_h5

from livedead.errors import WeightsError
from livedead.weights import formats


def test_infinity(tmp_path):
    architecture = keras_h5.write_architecture(tmp_path)
    layers = keras_h5.tensors()
    layers["dense"]["kernel:0"][5, 1] = np.inf
    assert "NaN or infinite" in keras_h5.refusal(keras_h5.write(tmp_path / "a.h5", layers), architecture)[0]


def test_half_floats_need_a_flag(tmp_path):
    architecture = keras_h5.write_architecture(tmp_path)
    layers = keras_h5.tensors()
    layers["dense"]["kernel:0"] = layers["dense"]["kernel:0"].astype(np.float16)
    path = keras_h5.write(tmp_path / "a.h5", layers)
    assert "--allow-half" in keras_h5.refusal(path, architecture)[0]
    network = formats.read(path, architecture=architecture, allow_half=True)
    np.testing.assert_array_equal(network.values["dense/kernel"], layers["dense"]["kernel:0"])


def test_a_double_beyond_float32_is_refused(tmp_path):
    architecture = keras_h5.write_architecture(tmp_path)
    layers = keras_h5.tensors()
    layers["dense"]["bias:0"] = np.array([1.0, -1e39, 3.4e38])
    path = keras_h5.write(tmp_path / "a.h5", layers)
    with pytest.raises(WeightsError, match=r"bias:0: 1 of 3 values are .* beyond float32"):
        formats.read(path, architecture=architecture)


def test_a_negative_variance_of_any_network_is_refused(tmp_path):
    architecture = keras_h5.write_architecture(tmp_path)
    layers = keras_h5.tensors()
    path = keras_h5.write(tmp_path / "a.h5", layers)
    layers["batch_normalization"]["moving_variance:0"][1] = 0
    formats.read(keras_h5.write(path, layers), architecture=architecture)
    layers["batch_normalization"]["moving_variance:0"][1] = -0.25
    keras_h5.write(path, layers)
    with pytest.raises(WeightsError, match=r"1 of 4 variances are negative, down to -0\.25"):
        formats.read(path, architecture=architecture)
