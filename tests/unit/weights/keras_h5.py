"""Keras files written with h5py alone, from the layouts in NETWORK's tables: no Keras, no converter."""

import zipfile
from pathlib import Path

import h5py
import numpy as np
import pytest
import yaml

from livedead.errors import WeightsError
from livedead.weights import formats

SHAPES = {
    "conv2d": {"kernel:0": (3, 3, 1, 4), "bias:0": (4,)},
    "batch_normalization": dict.fromkeys(("gamma:0", "beta:0", "moving_mean:0", "moving_variance:0"), (4,)),
    "dense": {"kernel:0": (64, 3), "bias:0": (3,)},
}
"""A small network: 4 x 4 pixels, a convolution, BatchNorm, a flatten, 3 classes."""

ARCHITECTURE = {
    "name": "small",
    "input": [4, 4, 1],
    "layers": [
        {"name": "conv2d", "kind": "Conv2D", "filters": 4, "kernel_size": 3, "padding": "same"},
        {"name": "batch_normalization", "kind": "BatchNormalization"},
        {"name": "flatten", "kind": "Flatten"},
        {"name": "dense", "kind": "Dense", "units": 3},
    ],
}


def tensors(seed: int = 0) -> dict[str, dict[str, np.ndarray]]:
    rng = np.random.default_rng(seed)
    return {
        layer: {name: rng.uniform(0.1, 1, shape).astype(np.float32) for name, shape in shapes.items()}
        for layer, shapes in SHAPES.items()
    }


def write(path: Path, layers: dict[str, dict[str, np.ndarray]]) -> Path:
    """A legacy weight file with these layers."""
    with h5py.File(path, "w", libver="earliest") as file:
        file.attrs["layer_names"] = np.array([name.encode() for name in layers])
        file.attrs["backend"] = b"tensorflow"
        for layer, arrays in layers.items():
            group = file.create_group(layer)
            group.attrs["weight_names"] = np.array([f"{layer}/{name}".encode() for name in arrays])
            for name, array in arrays.items():
                group.create_dataset(f"{layer}/{name}", data=array, track_times=False)
    return path


def write_architecture(folder: Path) -> Path:
    """The small network in YAML."""
    path = folder / "small.yaml"
    path.write_text(yaml.safe_dump(ARCHITECTURE))
    return path


def refusal(path: Path, architecture: Path | None = None, **options) -> list[str]:
    """The problems for which a file is refused."""
    with pytest.raises(WeightsError) as caught:
        formats.read(path, architecture=architecture, **options)
    assert len(caught.value.problems) >= 1
    return caught.value.problems


def archive(path: Path, weights: bytes, config: str = "{}", **options) -> Path:
    """A ``.keras`` file with these members."""
    with zipfile.ZipFile(path, "w", **options) as file:
        file.writestr("config.json", config)
        file.writestr("model.weights.h5", weights)
    return path
