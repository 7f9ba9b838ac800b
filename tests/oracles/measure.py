"""Print the table of errors in docs/weights.md: ``make oracles-table``.

Every figure is the largest difference of any layer, as a share of that layer's range.
"""

import os
import sys
import tempfile
from pathlib import Path

os.environ["KERAS_BACKEND"] = "torch"
sys.path[:0] = [str(Path(__file__).parents[1]), str(Path(__file__).parents[2] / "workflow")]

import keras  # noqa: E402
import numpy as np  # noqa: E402
from oracles import keras_models, test_flax_trees, test_keras_files, test_tf_keras_files  # noqa: E402

from livedead.weights import formats, golden  # noqa: E402
from livedead.weights.network import from_unet  # noqa: E402


def worst(network, path) -> str:
    report = golden.verify(network, path)
    return f"{max(found.relative for found in report.comparisons):.1e}"


def keras_rows(folder: Path):
    for name in (*test_keras_files.UNETS, *test_keras_files.OTHERS):
        if name in test_keras_files.UNETS:
            model = keras_models.unet(keras, **test_keras_files.UNETS[name])
        else:
            model = test_keras_files.OTHERS[name](keras)
        keras_models.randomize(model, seed=len(name))
        keras_models.write_golden(keras, model, folder / "golden.npz")
        model.save(folder / "model.keras")
        network = formats.read(folder / "model.keras")
        yield name, "Keras 3 -> PyTorch", worst(network, folder / "golden.npz")
        expected = np.load(folder / "golden.npz")
        for suffix in (".h5", ".weights.h5"):
            formats.write(folder / f"back{suffix}", network)
            model.set_weights([np.zeros_like(value) for value in model.get_weights()])
            model.load_weights(folder / f"back{suffix}")
            found = keras_models.to_numpy(model(expected["x"]))
            error = np.abs(found - expected["output"]).max() / np.ptp(expected["output"])
            yield name, f"PyTorch -> Keras 3 ({suffix})", f"{error:.1e}"


def by_yaml_rows(folder: Path):
    model = keras.applications.ResNet50(weights=None, input_shape=(97, 75, 3))
    keras_models.randomize(model, seed=1)
    keras_models.write_golden(keras, model, folder / "golden.npz")
    model.save_weights(folder / "resnet50.weights.h5")
    network = formats.read(folder / "resnet50.weights.h5", architecture=test_keras_files.RESNET50)
    yield "resnet50.yaml", "Keras 3 -> PyTorch", worst(network, folder / "golden.npz")


def tf_keras_rows():
    for name in test_tf_keras_files.NAMES:
        source = test_tf_keras_files.RECORDED / f"{name}.full.h5"
        yield name, "tf_keras -> PyTorch", worst(formats.read(source), source.parent / f"{name}.npz")


def flax_rows(folder: Path):
    for name, (model, shape) in test_flax_trees.MODELS.items():
        variables = test_flax_trees.random_variables(model, np.zeros((1, *shape), np.float32))
        test_flax_trees.write_golden(folder / "golden.npz", model, variables, shape)
        (folder / "tree.msgpack").write_bytes(test_flax_trees.serialization.to_bytes(variables))
        architecture = test_flax_trees.ARCHITECTURES / f"{name}.yaml"
        network = formats.read(folder / "tree.msgpack", architecture=architecture)
        yield name, "Flax -> PyTorch", worst(network, folder / "golden.npz")
    for kernel in (3, 4):
        architecture = test_flax_trees.Architecture(
            n_classes=3, alpha=0.35, decoder_widths=(16, 12, 8, 8), kernel=kernel
        )
        network = from_unet(test_flax_trees.randomized(architecture))
        formats.write(folder / "unet.msgpack", network)
        model = test_flax_trees.FlaxUNet(architecture)
        x = np.random.default_rng(0).uniform(-1, 1, (1, 64, 96, 1)).astype(np.float32)
        empty = model.init(test_flax_trees.jax.random.key(0), x)
        variables = test_flax_trees.serialization.from_bytes(empty, (folder / "unet.msgpack").read_bytes())
        np.savez(folder / "golden.npz", x=x, output=np.asarray(model.apply(variables, x)))
        yield f"unet{kernel}", "PyTorch -> Flax", worst(network, folder / "golden.npz")


def main() -> None:
    sys.stdout.write("| network | direction | max error / range |\n|---|---|---|\n")
    with tempfile.TemporaryDirectory() as name:
        for rows in (
            keras_rows(Path(name)),
            by_yaml_rows(Path(name)),
            tf_keras_rows(),
            flax_rows(Path(name)),
        ):
            for network, direction, error in rows:
                sys.stdout.write(f"| {network} | {direction} | {error} |\n")


if __name__ == "__main__":
    main()
