"""One tensor in three frameworks: shapes, and the way there and back."""

import numpy as np
import pytest

from livedead.weights.layouts import LAYOUTS, Slot

KERNEL = {kind: roles[0] for kind, roles in LAYOUTS.items() if roles}


@pytest.mark.parametrize(
    ("kind", "keras", "torch", "flax"),
    [
        ("conv", (3, 5, 2, 7), (7, 2, 3, 5), (3, 5, 2, 7)),
        ("depthwise", (3, 5, 2, 7), (14, 1, 3, 5), (3, 5, 1, 14)),
        ("conv_transpose", (3, 5, 7, 2), (2, 7, 3, 5), (3, 5, 7, 2)),
        ("dense", (2, 7), (7, 2), (2, 7)),
        ("batch_norm", (4,), (4,), (4,)),
    ],
)
def test_every_kind_there_and_back(kind, keras, torch, flax):
    slot = Slot("layer", KERNEL[kind], keras)
    array = np.random.default_rng(0).normal(size=keras)
    assert slot.to_torch(array).shape == slot.torch_shape == torch
    assert slot.to_flax(array).shape == slot.flax_shape == flax
    np.testing.assert_array_equal(slot.from_torch(slot.to_torch(array)), array)
    np.testing.assert_array_equal(slot.from_flax(slot.to_flax(array)), array)


def test_a_depthwise_kernel_counts_multipliers_fastest():
    kernel = np.arange(6.0).reshape(1, 1, 3, 2)
    slot = Slot("layer", KERNEL["depthwise"], kernel.shape)
    np.testing.assert_array_equal(slot.to_torch(kernel).ravel(), np.arange(6))


def test_flax_by_default_reverses_a_transposed_kernel():
    kernel = np.random.default_rng(0).normal(size=(3, 3, 4, 2))
    slot = Slot("layer", KERNEL["conv_transpose"], kernel.shape, flipped=True)
    flax = slot.to_flax(kernel)
    assert flax.shape == slot.flax_shape == (3, 3, 2, 4)
    np.testing.assert_array_equal(flax[0, 2, 1, 3], kernel[2, 0, 3, 1])
    np.testing.assert_array_equal(slot.from_flax(flax), kernel)


def test_flattened_features_are_put_in_the_order_of_pytorch():
    order = np.array([2, 0, 1])
    slot = Slot("layer", KERNEL["dense"], (3, 2), order)
    kernel = np.arange(6.0).reshape(3, 2)
    np.testing.assert_array_equal(slot.to_torch(kernel), kernel[order].T)
    np.testing.assert_array_equal(slot.from_torch(slot.to_torch(kernel)), kernel)
