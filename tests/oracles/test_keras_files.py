"""Files that real Keras 3 wrote, against the outputs that it gave; and files that it must read."""

import os
from pathlib import Path

import numpy as np
import pytest
import torch
from oracles import keras_models

from livedead import yaml_files
from livedead.weights import __main__ as command_line
from livedead.weights.formats import read_architecture

os.environ.setdefault("KERAS_BACKEND", "torch")
import keras

UNETS = {
    "unet3_nested": {"kernel": 3, "nested": True},
    "unet4_flat": {"kernel": 4, "nested": False},
    "unet4_grey_bn": {"kernel": 4, "nested": False, "channels": 1, "bottom": "project_BN"},
    "unet3_two": {"kernel": 3, "nested": False, "channels": 2},
}
OTHERS = {
    "mobilenet": keras_models.mobilenet,
    "lenet5x5": keras_models.lenet,
    "lenet1x1": lambda keras: keras_models.lenet(keras, side=16),
    "resnet": keras_models.resnet,
    "edge_cases": keras_models.edge_cases,
}
RESNET50 = Path(__file__).parents[2] / "config/examples/architectures/resnet50.yaml"
SUFFIXES = (".keras", ".full.h5", ".weights.h5")


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """Every network once: its model, its golden file, and a file in each container."""
    folder = tmp_path_factory.mktemp("keras")
    made = {}

    def make(name):
        if name not in made:
            keras.utils.set_random_seed(1)
            model = keras_models.unet(keras, **UNETS[name]) if name in UNETS else OTHERS[name](keras)
            keras_models.randomize(model, seed=len(name))
            keras_models.write_golden(keras, model, folder / f"{name}.npz")
            for suffix in SUFFIXES:
                save = model.save_weights if suffix == ".weights.h5" else model.save
                save(folder / f"{name}{suffix}")
            made[name] = model
        return made[name], folder / name

    return make


def run(*arguments) -> int:
    torch.set_num_threads(1)
    return command_line.main([str(argument) for argument in arguments])


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("name", [*UNETS, *OTHERS])
def test_every_container_verifies_and_survives_conversion(files, tmp_path, capsys, name, suffix):
    model, stem = files(name)
    options = []
    if suffix == ".weights.h5" and (name in OTHERS and name != "mobilenet"):
        (tmp_path / "network.json").write_text(model.to_json())
        options = ["--architecture", tmp_path / "network.json"]
    if suffix == ".weights.h5" and name == "unet4_grey_bn":
        options = ["--set", "bottom=project_BN"]
    golden = f"{stem}.npz"
    assert run("verify", f"{stem}{suffix}", golden, *options) == 0
    told = capsys.readouterr().out
    assert "not compared" not in told or "sequential" in told, told
    assert run("convert", f"{stem}{suffix}", tmp_path / "out.safetensors", "--golden", golden, *options) == 0
    assert run("verify", tmp_path / "out.safetensors", golden) == 0


@pytest.mark.parametrize("name", [*UNETS, *OTHERS])
@pytest.mark.parametrize("out", [".h5", ".weights.h5"])
def test_keras_loads_what_is_written(files, tmp_path, name, out):
    model, stem = files(name)
    expected = model.get_weights()
    assert run("convert", f"{stem}.keras", tmp_path / f"back{out}") == 0
    model.set_weights([np.zeros_like(value) for value in expected])
    model.load_weights(tmp_path / f"back{out}")
    for found, value in zip(model.get_weights(), expected, strict=True):
        np.testing.assert_array_equal(found, value)


def name_2018(name: str) -> str:
    """Today's name of a layer of MobileNetV2 -> that of 2018."""
    block, _, part = name.replace("expanded_conv", "block_0").removeprefix("block_").partition("_")
    if not block.isdigit():
        return name
    kind = part.removesuffix("_BN")
    return f"bn{block}_conv_{block}_bn_{kind}" if part.endswith("_BN") else f"mobl{block}_conv_{block}_{kind}"


def name_2_2(name: str) -> str:
    """Today's name -> that of Keras 2.2."""
    block, _, part = name.replace("expanded_conv", "block_0").removeprefix("block_").partition("_")
    if not block.isdigit():
        return name
    kind = part.removesuffix("_BN")
    return f"bn{block}_conv_bn_{kind}" if part.endswith("_BN") else f"mobl{block}_conv_{kind}"


@pytest.mark.parametrize("rename", [name_2018, name_2_2, str])
def test_all_name_schemes_at_odd_sizes(files, tmp_path, rename):
    model, stem = files("mobilenet")
    keras_models.write_legacy(model, tmp_path / "legacy.h5", rename)
    assert run("verify", tmp_path / "legacy.h5", f"{stem}.npz") == 0


def test_the_optimizer_is_left_out(files, tmp_path, capsys):
    model = keras_models.lenet(keras)
    keras_models.randomize(model, seed=3)
    model.compile("adam", "mse")
    model.fit(np.zeros((2, 32, 32, 1)), np.zeros((2, 10)), verbose=0)
    keras_models.write_golden(keras, model, tmp_path / "golden.npz")
    model.save(tmp_path / "lenet.keras")
    assert run("convert", tmp_path / "lenet.keras", tmp_path / "out.safetensors") == 0
    assert "optimizer" in capsys.readouterr().out
    assert run("verify", tmp_path / "out.safetensors", tmp_path / "golden.npz") == 0


ALPHAS = (0.5, 0.75, 1.0, 1.3, 1.4)
MAKERS = {
    "unet": lambda alpha: keras_models.unet(keras, kernel=4, nested=False, alpha=alpha),
    "mobilenet": lambda alpha: keras_models.mobilenet(keras, alpha=alpha),
}


@pytest.mark.parametrize("alpha", ALPHAS)
@pytest.mark.parametrize("family", MAKERS)
def test_alpha_is_read_from_the_shapes(tmp_path, capsys, family, alpha):
    model = MAKERS[family](alpha)
    keras_models.randomize(model, seed=2)
    keras_models.write_golden(keras, model, tmp_path / "golden.npz", n=1)
    model.save_weights(tmp_path / "a.weights.h5")
    assert run("verify", tmp_path / "a.weights.h5", tmp_path / "golden.npz") == 0, capsys.readouterr().out


@pytest.fixture(scope="module")
def resnet50(tmp_path_factory):
    """Keras's own ResNet-50 at an odd size, as weights alone in both forms of file."""
    folder = tmp_path_factory.mktemp("resnet50")
    model = keras.applications.ResNet50(weights=None, input_shape=(97, 75, 3))
    keras_models.randomize(model, seed=1)
    keras_models.write_golden(keras, model, folder / "golden.npz", n=1)
    keras_models.write_legacy(model, folder / "legacy.h5")
    model.save_weights(folder / "counted.weights.h5")
    return folder, [layer.name for layer in model.layers if "input" not in layer.name]


@pytest.mark.parametrize("file", ["legacy.h5", "counted.weights.h5"])
def test_resnet50_by_its_yaml(resnet50, capsys, file):
    folder, _ = resnet50
    arguments = folder / file, folder / "golden.npz", "--architecture", RESNET50
    assert run("verify", *arguments) == 0, capsys.readouterr().out
    assert "not compared" not in capsys.readouterr().out


def test_layers_of_a_yaml_are_put_in_the_order_in_which_keras_counts(resnet50):
    given = [layer["name"] for layer in yaml_files.read(RESNET50)["layers"]]
    graph, _ = read_architecture(RESNET50)
    assert [node.name for node in graph.nodes] == resnet50[1] != given


def test_a_clipped_range_hides_no_error(files, tmp_path, capsys):
    _, stem = files("mobilenet")
    golden = dict(np.load(f"{stem}.npz"))
    layer = "block_5_depthwise_relu"
    golden[f"act/{layer}"] = golden[f"act/{layer}"] + 2e-4 * np.ptp(golden[f"act/{layer[:-5]}_BN"])
    np.savez(tmp_path / "golden.npz", **golden)
    assert run("verify", f"{stem}.keras", tmp_path / "golden.npz") == 1
    assert f"first layer over 0.0001 of the range: {layer}" in capsys.readouterr().out
