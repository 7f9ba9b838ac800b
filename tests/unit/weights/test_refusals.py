"""Files that must not load: each refused with what was expected and what was found."""

import io
import json
import struct
import zipfile

import h5py
import numpy as np
import pytest
import torch
import yaml
from conftest import CLASSES
from unit.weights import keras_h5

from livedead.errors import WeightsError
from livedead.weights import formats, unet_io
from livedead.weights.assay import Assay
from livedead.weights.certificate import certify_training
from livedead.weights.network import from_unet

ASSAY = Assay(CLASSES, ["brightfield"])


@pytest.fixture
def architecture(tmp_path):
    path = tmp_path / "small.yaml"
    path.write_text(yaml.safe_dump(keras_h5.ARCHITECTURE))
    return path


def refusal(path, architecture=None, **options) -> list[str]:
    with pytest.raises(WeightsError) as caught:
        formats.read(path, architecture=architecture, **options)
    assert len(caught.value.problems) >= 1
    return caught.value.problems


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:00\n", "git lfs pull"),
        (b"<!DOCTYPE html><html><body>Sign in</body></html>", "web page"),
        (b"\x80\x02}q\x00.", "never opened"),
        (b"", "empty file"),
        (b"nothing in particular", "bytes that start with"),
        (b"PK\x03\x04 and no more", "truncated zip"),
    ],
)
@pytest.mark.parametrize("suffix", [".h5", ".msgpack", ".safetensors"])
def test_not_hdf5_at_all(tmp_path, content, said, suffix):
    path = tmp_path / f"weights{suffix}"
    path.write_bytes(content)
    problems = refusal(path)
    if suffix == ".h5":
        assert said in problems[0]


def test_a_torch_checkpoint_is_never_opened(tmp_path):
    path = tmp_path / "weights.pt"
    torch.save({"weight": torch.zeros(2)}, path)
    assert "never opened" in refusal(path)[0]


def test_truncated(tmp_path, architecture):
    path = keras_h5.write(tmp_path / "a.h5", keras_h5.tensors())
    path.write_bytes(path.read_bytes()[:-700])
    assert "truncated" in refusal(path, architecture)[0]


def test_all_problems_are_listed_at_once(tmp_path, architecture):
    layers = keras_h5.tensors()
    layers["conv2d"]["kernel:0"] = layers["conv2d"]["kernel:0"][:2]
    layers["conv2d"]["bias:0"][1] = np.nan
    layers["dense"]["bias:0"] = np.arange(3)
    layers["extra"] = {"kernel:0": np.ones((2, 2), np.float32)}
    del layers["batch_normalization"]
    listed = "\n".join(refusal(keras_h5.write(tmp_path / "a.h5", layers), architecture))
    for said in (
        "expected shape (3, 3, 1, 4), found (2, 3, 1, 4)",
        "conv2d/conv2d/bias:0: 1 of 4 values are NaN or infinite",
        "dense/dense/bias:0: expected float32 or float64, found int64",
        "layer 'extra': unexpected",
        "layer 'batch_normalization' (BatchNormalization): expected, absent",
    ):
        assert said in listed


def test_infinity(tmp_path, architecture):
    layers = keras_h5.tensors()
    layers["dense"]["kernel:0"][5, 1] = np.inf
    assert "NaN or infinite" in refusal(keras_h5.write(tmp_path / "a.h5", layers), architecture)[0]


def test_half_floats_need_a_flag(tmp_path, architecture):
    layers = keras_h5.tensors()
    layers["dense"]["kernel:0"] = layers["dense"]["kernel:0"].astype(np.float16)
    path = keras_h5.write(tmp_path / "a.h5", layers)
    assert "--allow-half" in refusal(path, architecture)[0]
    network = formats.read(path, architecture=architecture, allow_half=True)
    np.testing.assert_array_equal(network.values["dense/kernel"], layers["dense"]["kernel:0"])


@pytest.mark.parametrize("kind", ["external", "soft", "virtual", "storage", "loop"])
def test_nothing_outside_the_file_is_read(tmp_path, architecture, kind):
    path = keras_h5.write(tmp_path / "a.h5", keras_h5.tensors())
    (tmp_path / "other.raw").write_bytes(bytes(48))
    with h5py.File(tmp_path / "other.h5", "w") as other:
        other["bias"] = np.zeros(3, np.float32)
    with h5py.File(path, "r+") as file:
        group = file["dense/dense"]
        del group["bias:0"]
        if kind == "external":
            group["bias:0"] = h5py.ExternalLink("other.h5", "/bias")
        elif kind == "soft":
            group["bias:0"] = h5py.SoftLink("/conv2d/conv2d/bias:0")
        elif kind == "virtual":
            layout = h5py.VirtualLayout((3,), np.float32)
            layout[:] = h5py.VirtualSource("other.h5", "bias", (3,))
            group.create_virtual_dataset("bias:0", layout)
        elif kind == "storage":
            group.create_dataset("bias:0", (3,), np.float32, external=[("other.raw", 0, 12)])
        else:
            group["bias:0"] = file["dense"]
    said = {
        "external": "ExternalLink",
        "soft": "SoftLink",
        "virtual": "virtual dataset",
        "storage": "external storage",
        "loop": "two names",
    }
    assert said[kind] in "\n".join(refusal(path, architecture))


@pytest.mark.parametrize("shape", [(2**20, 2**20), (2**14, 2**10)])
@pytest.mark.parametrize("compression", [None, "gzip"])
def test_a_shape_bomb_is_not_allocated(tmp_path, architecture, shape, compression):
    path = keras_h5.write(tmp_path / "a.h5", keras_h5.tensors())
    with h5py.File(path, "r+") as file:
        del file["dense/dense/kernel:0"]
        chunks = (1024, 1024) if compression else None
        file["dense/dense"].create_dataset(
            "kernel:0", shape, np.float32, compression=compression, chunks=chunks
        )
    listed = "\n".join(refusal(path, architecture))
    assert "promises" in listed or "no data are stored" in listed


def keras_archive(path, weights: bytes, config: str = "{}", **options):
    with zipfile.ZipFile(path, "w", **options) as archive:
        archive.writestr("config.json", config)
        archive.writestr("model.weights.h5", weights)
    return path


def test_a_zip_bomb_is_not_unpacked(tmp_path):
    path = keras_archive(tmp_path / "a.keras", bytes(300 * 2**20), compression=zipfile.ZIP_DEFLATED)
    assert "zip bomb" in refusal(path)[0]


def test_a_zip_that_lies_about_its_sizes(tmp_path):
    path = keras_archive(tmp_path / "a.keras", bytes(300 * 2**20), compression=zipfile.ZIP_DEFLATED)
    content = path.read_bytes()
    path.write_bytes(content.replace(struct.pack("<I", 300 * 2**20), struct.pack("<I", 1000)))
    assert refusal(path)


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
    listed = refusal(keras_archive(tmp_path / "a.keras", weights_file.getvalue(), config))
    assert any("Lambda" in problem and "never executed" in problem for problem in listed)


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
    assert "mixed" in refusal(path)[0]


def test_a_changed_source_is_refused_where_its_hash_is_recorded(tmp_path, architecture):
    path = keras_h5.write(tmp_path / "a.h5", keras_h5.tensors())
    assert "it has changed" in refusal(path, architecture, sha256="0" * 64)[0]


def test_uncertified_safetensors_name_the_command(tmp_path):
    from safetensors.numpy import save_file

    save_file({"weight": np.zeros(3, np.float32)}, tmp_path / "unet.safetensors")
    with pytest.raises(WeightsError, match=r"python -m livedead\.weights convert"):
        unet_io.read(tmp_path / "unet.safetensors")


def test_one_changed_bit_of_certified_weights(tmp_path, small_network):
    path = tmp_path / "unet.safetensors"
    unet_io.write(path, small_network, certify_training(small_network, ASSAY, {}))
    unet_io.read(path)
    content = bytearray(path.read_bytes())
    content[-100] ^= 1
    path.write_bytes(content)
    with pytest.raises(WeightsError, match="it has changed"):
        unet_io.read(path)


def test_a_changed_certificate(tmp_path, small_network):
    path = tmp_path / "unet.safetensors"
    unet_io.write(path, small_network, certify_training(small_network, ASSAY, {}))
    path.write_bytes(path.read_bytes().replace(b'encoder_eps\\": 0.001', b'encoder_eps\\": 0.002'))
    with pytest.raises(WeightsError, match="certificate was changed"):
        unet_io.read(path)


def test_a_network_that_nothing_describes(tmp_path):
    path = keras_h5.write(tmp_path / "a.h5", keras_h5.tensors())
    assert "--architecture" in refusal(path)[0]
