"""Damaged and hostile files of Keras: each refused with what was expected and what was found."""

import struct
import zipfile

import h5py
import numpy as np
import pytest
import torch
from unit.weights import keras_h5


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
    problems = keras_h5.refusal(path)
    if suffix == ".h5":
        assert said in problems[0]


def test_a_torch_checkpoint_is_never_opened(tmp_path):
    path = tmp_path / "weights.pt"
    torch.save({"weight": torch.zeros(2)}, path)
    assert "never opened" in keras_h5.refusal(path)[0]


def test_truncated(tmp_path):
    architecture = keras_h5.write_architecture(tmp_path)
    path = keras_h5.write(tmp_path / "a.h5", keras_h5.tensors())
    path.write_bytes(path.read_bytes()[:-700])
    assert "truncated" in keras_h5.refusal(path, architecture)[0]


@pytest.mark.parametrize("kind", ["external", "soft", "virtual", "storage", "loop"])
def test_nothing_outside_the_file_is_read(tmp_path, kind):
    architecture = keras_h5.write_architecture(tmp_path)
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
    assert said[kind] in "\n".join(keras_h5.refusal(path, architecture))


@pytest.mark.parametrize("shape", [(2**20, 2**20), (2**14, 2**10)])
@pytest.mark.parametrize("compression", [None, "gzip"])
def test_a_shape_bomb_is_not_allocated(tmp_path, shape, compression):
    architecture = keras_h5.write_architecture(tmp_path)
    path = keras_h5.write(tmp_path / "a.h5", keras_h5.tensors())
    with h5py.File(path, "r+") as file:
        del file["dense/dense/kernel:0"]
        chunks = (1024, 1024) if compression else None
        file["dense/dense"].create_dataset(
            "kernel:0", shape, np.float32, compression=compression, chunks=chunks
        )
    listed = "\n".join(keras_h5.refusal(path, architecture))
    assert "promises" in listed or "no data are stored" in listed


def test_a_zip_bomb_is_not_unpacked(tmp_path):
    path = keras_h5.archive(tmp_path / "a.keras", bytes(300 * 2**20), compression=zipfile.ZIP_DEFLATED)
    assert "zip bomb" in keras_h5.refusal(path)[0]


def test_a_zip_that_lies_about_its_sizes(tmp_path):
    path = keras_h5.archive(tmp_path / "a.keras", bytes(300 * 2**20), compression=zipfile.ZIP_DEFLATED)
    content = path.read_bytes()
    path.write_bytes(content.replace(struct.pack("<I", 300 * 2**20), struct.pack("<I", 1000)))
    assert keras_h5.refusal(path)
