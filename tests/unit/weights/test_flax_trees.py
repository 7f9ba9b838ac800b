"""Trees of Flax variables, written byte by byte as Flax does."""

import msgpack
import numpy as np
import pytest
from safetensors.numpy import save_file

from livedead.weights.flax_trees import read_flax
from livedead.weights.refusals import RefusedError, refusing

KERNEL, BIAS = np.arange(12, dtype=np.float32).reshape(3, 4), np.ones(4, np.float32)


def leaf(array, shape=None):
    content = (array.shape if shape is None else shape, array.dtype.name, array.tobytes())
    return msgpack.ExtType(1, msgpack.packb(content, use_bin_type=True))


def read(path, tree):
    path.write_bytes(msgpack.packb(tree))
    return read_flax(path)


def test_a_tree_of_variables(tmp_path):
    tree = {
        "params": {"Block_0": {"Dense_0": {"kernel": leaf(KERNEL), "bias": leaf(BIAS)}}},
        "cache": {"x": leaf(BIAS)},
    }
    file = read(tmp_path / "a.msgpack", tree)
    (layer,) = file.layers
    assert (layer.name, layer.path) == ("Dense_0", "Block_0/Dense_0")
    np.testing.assert_array_equal(layer.tensors["params/kernel"], KERNEL)
    assert file.nested
    assert file.skipped == ["cache"]


def test_a_large_array_comes_in_pieces(tmp_path):
    pieces = {"0": leaf(KERNEL.ravel()[:5]), "1": leaf(KERNEL.ravel()[5:])}
    chunked = {"__msgpack_chunked_array__": True, "shape": {"0": 3, "1": 4}, "chunks": pieces}
    (layer,) = read(tmp_path / "a.msgpack", {"params": {"a": {"kernel": chunked}}}).layers
    np.testing.assert_array_equal(layer.tensors["params/kernel"], KERNEL)
    del pieces["1"]
    with pytest.raises(RefusedError, match="pieces that do not fit together"):
        read(tmp_path / "a.msgpack", {"params": {"a": {"kernel": chunked}}})


@pytest.mark.parametrize("separator", [".", "/"])
def test_keys_of_safetensors_are_joined_by_dots_or_slashes(tmp_path, separator):
    save_file({separator.join(("params", "Dense_0", "bias")): BIAS}, tmp_path / "a.safetensors")
    (layer,) = read_flax(tmp_path / "a.safetensors").layers
    assert (layer.path, list(layer.tensors)) == ("Dense_0", ["params/bias"])


@pytest.mark.parametrize(
    ("tree", "said"),
    [
        ([1], "not a tree of Flax variables, but list"),
        ({"params": {"a": {"kernel": leaf(KERNEL, (3, 5))}}}, r"shape \(3, 5\) and float32 in 48 bytes"),
        ({"params": {"a": {"kernel": leaf(KERNEL.astype("complex64"))}}}, "an array of complex64"),
        ({"params": {"a": {"kernel": 3}}}, "params/a/kernel: expected an array, found int"),
        (
            {"params": {"a": {"kernel": leaf(KERNEL.astype("int32"))}}},
            "expected float32 or float64, found int32",
        ),
    ],
)
def test_what_is_no_tree_of_weights(tmp_path, tree, said):
    with pytest.raises(RefusedError, match=said), refusing():
        read(tmp_path / "a.msgpack", tree)
