"""The command line: exit codes, and what it says."""

import json

import pytest
from unit.weights import keras_h5

from livedead.weights import __main__ as command_line


@pytest.fixture
def arguments(tmp_path):
    path = keras_h5.write(tmp_path / "a.h5", keras_h5.tensors())
    return str(path), "--architecture", str(keras_h5.write_architecture(tmp_path))


def test_inspect_lists_layers_and_network(arguments, capsys):
    assert command_line.main(["inspect", *arguments]) == command_line.PASSED
    told = capsys.readouterr().out
    assert "  conv2d [conv2d]: kernel (3, 3, 1, 4), bias (4,)" in told
    assert "network     small, input (4, 4, 1)" in told


def test_convert_writes_a_certificate_beside(arguments, tmp_path, capsys):
    source, *options = arguments
    assert command_line.main(["convert", source, str(tmp_path / "out.msgpack"), *options]) == 0
    assert "small, 8 tensors; certificate out.certificate.json" in capsys.readouterr().out
    record = json.loads((tmp_path / "out.certificate.json").read_text())
    assert len(record["tensors"]) == 8


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (["--set", "colour=red"], "--set colour: not known; known: bottom, stride_padding"),
        (["--sha256", "0" * 64], "it has changed"),
        (["--channels", "1"], "not the U-Net that segments"),
    ],
)
def test_a_refusal_has_its_own_exit_code_and_writes_nothing(arguments, tmp_path, capsys, more, said):
    source, *options = arguments
    target = tmp_path / "out.safetensors"
    assert command_line.main(["convert", source, str(target), *options, *more]) == command_line.REFUSED
    assert said in capsys.readouterr().err
    assert not target.exists()


def test_an_unknown_suffix_is_refused(arguments, tmp_path, capsys):
    source, *options = arguments
    assert command_line.main(["convert", source, str(tmp_path / "out.pt"), *options]) == 2
    assert "unknown suffix; known: .weights.h5, .h5" in capsys.readouterr().err
