"""What the layers of a file tell of their network."""

import h5py
import numpy as np
import pytest
from conftest import randomized
from unit.weights import keras_h5

from livedead.network.unet import Architecture
from livedead.weights import formats
from livedead.weights.families import unet_graph
from livedead.weights.keras_files import write_numbered
from livedead.weights.network import from_unet


def test_mixed_schemes(tmp_path, small_network):
    path = tmp_path / "unet.h5"
    formats.write(path, from_unet(small_network))
    with h5py.File(path, "r+") as file:
        names = [name.decode() for name in file.attrs["layer_names"]]
        for old, new in (
            ("block_3_expand", "mobl3_conv_3_expand"),
            ("block_4_expand_BN", "bn4_conv_bn_expand"),
        ):
            file.move(old, new)
            file.move(f"{new}/{old}", f"{new}/{new}")
            stored = [name.decode().replace(old, new) for name in file[new].attrs["weight_names"]]
            file[new].attrs["weight_names"] = np.array([name.encode() for name in stored])
            names[names.index(old)] = new
        file.attrs["layer_names"] = np.array([name.encode() for name in names])
    assert "mixed" in keras_h5.refusal(path)[0]


@pytest.mark.parametrize("steps", [False, True])
@pytest.mark.parametrize("encoder", [False, True])
@pytest.mark.parametrize("bottom", ["project", "project_BN"])
def test_counters_alone_tell_every_layer(tmp_path, encoder, steps, bottom):
    """``.weights.h5`` of tf_keras has no names; encoder and steps may each be models in the model."""
    architecture = Architecture(n_classes=3, alpha=0.5, decoder_widths=(16, 12, 8, 8), bottom=bottom)
    network = from_unet(randomized(architecture))
    graph = unet_graph(architecture, nested=encoder, nested_steps=steps)
    write_numbered(tmp_path / "a.weights.h5", graph, network.values)
    found = formats.read(tmp_path / "a.weights.h5", choices={"bottom": bottom})
    assert found.unet == architecture
    assert found.source["scheme"] == "counted"
    for name, array in network.values.items():
        np.testing.assert_array_equal(found.values[name], array)


def test_the_decoder_may_have_any_names_in_order(tmp_path, small_network):
    network = from_unet(small_network)
    path = tmp_path / "unet.h5"
    formats.write(path, network)
    ups = [b"conv2d_transpose", *(b"conv2d_transpose_%d" % k for k in range(1, 5))]
    new = dict(zip(ups, (b"up_first", b"up_second", b"third", b"four", b"head"), strict=True))
    with h5py.File(path, "r+") as file:
        for old, name in new.items():
            file.move(old, name)
            file.move(name + b"/" + old, name + b"/" + name)
            stored = [entry.replace(old, name) for entry in file[name].attrs["weight_names"]]
            file[name].attrs["weight_names"] = np.array(stored)
        names = [new.get(name, name) for name in file.attrs["layer_names"]]
        file.attrs["layer_names"] = np.array(names)
    found = formats.read(path)
    for name, array in network.values.items():
        np.testing.assert_array_equal(found.values[name], array)


def test_a_width_that_keras_never_had_is_refused(tmp_path, small_network):
    network = from_unet(small_network)
    for name, array in network.values.items():
        if name.endswith("project/kernel"):
            network.values[name] = np.ones((*array.shape[:3], 7), np.float32)
    formats.write(tmp_path / "unet.h5", network)
    assert any("those of no alpha" in problem for problem in keras_h5.refusal(tmp_path / "unet.h5"))
