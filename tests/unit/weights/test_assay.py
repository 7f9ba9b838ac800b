"""Channels and classes travel with weights that were trained here, and must agree when they are used."""

import json

import h5py
import numpy as np
import pytest
import yaml
from conftest import CLASSES, randomized

from livedead.errors import WeightsError
from livedead.network.experience import Experience
from livedead.network.unet import Architecture
from livedead.weights import __main__ as command_line
from livedead.weights import formats, unet_io
from livedead.weights.assay import KEY, Assay
from livedead.weights.certificate import certify_training
from livedead.weights.network import from_unet

CHANNELS = ["brightfield"]
SWAPPED = [*CLASSES[:3], CLASSES[4], CLASSES[3]]
RENAMED = [*CLASSES[:4], {"name": "killed nucleus", "role": "dead"}]
OTHER_ROLE = [*CLASSES[:2], {"name": "outline", "role": "context"}, *CLASSES[3:]]


def convert(path, classes=CLASSES, channels=CHANNELS):
    return unet_io.convert(path, input_channels=list(channels), classes=classes)[1]


@pytest.fixture(scope="module")
def trained(tmp_path_factory, small_network):
    """The same trained weights in every form in which they can come back."""
    folder = tmp_path_factory.mktemp("trained")
    assay = Assay(CLASSES, CHANNELS)
    certificate = certify_training(small_network, assay, {})
    unet_io.write(folder / "unet.safetensors", small_network, certificate)
    for suffix in (".h5", ".weights.h5", ".flax.safetensors"):
        path = folder / f"unet{suffix}"
        assert command_line.main(["convert", str(folder / "unet.safetensors"), str(path)]) == 0
    return folder


@pytest.mark.parametrize("suffix", [".safetensors", ".h5", ".weights.h5", ".flax.safetensors"])
def test_trained_weights_are_used_for_their_own_classes_alone(trained, suffix):
    path = trained / f"unet{suffix}"
    assert convert(path)["classes_verified"] is True
    for classes in (SWAPPED, RENAMED, OTHER_ROLE):
        with pytest.raises(WeightsError) as refused:
            convert(path, classes)
        trained_for, configured = str(refused.value).split("the configuration has")
        for said, listed in ((trained_for, CLASSES), (configured, classes)):
            assert ", ".join(f"{k} {c['name']} ({c['role']})" for k, c in enumerate(listed)) in said


def test_a_foreign_file_has_the_order_that_the_user_says(tmp_path, small_network):
    formats.write(tmp_path / "foreign.h5", from_unet(small_network))
    for classes in (CLASSES, SWAPPED):
        network, certificate = unet_io.convert(
            tmp_path / "foreign.h5", input_channels=CHANNELS, classes=classes
        )
        assert certificate["classes"] == classes
        assert certificate["classes_verified"] is False
    # What the user said is kept with the converted weights, and is not taken for more than that.
    unet_io.write(tmp_path / "unet.safetensors", network, certificate)
    assert convert(tmp_path / "unet.safetensors", SWAPPED)["classes_verified"] is False
    with pytest.raises(WeightsError, match="names, roles and order must agree"):
        convert(tmp_path / "unet.safetensors", CLASSES)
    back = tmp_path / "back.h5"
    assert command_line.main(["convert", str(tmp_path / "unet.safetensors"), str(back)]) == 0
    assert convert(back, CLASSES)["classes_verified"] is False


def test_channels_have_an_order_too(tmp_path):
    network = randomized(
        Architecture(n_classes=5, alpha=0.35, decoder_widths=(16, 12, 8, 8), input_channels=2)
    )
    formats.write(tmp_path / "unet.h5", from_unet(network, Assay(CLASSES, ["phase", "brightfield"])))
    convert(tmp_path / "unet.h5", channels=["phase", "brightfield"])
    with pytest.raises(
        WeightsError, match=r"trained on the channels phase, brightfield; .* brightfield, phase"
    ):
        convert(tmp_path / "unet.h5", channels=["brightfield", "phase"])


def test_one_channel_may_be_called_otherwise(trained):
    assert convert(trained / "unet.h5", channels=["bf"])["input_channels"] == ["bf"]


def test_the_command_line_checks_the_classes_that_it_is_told(trained, tmp_path, capsys):
    (tmp_path / "classes.yaml").write_text(yaml.safe_dump({"classes": SWAPPED}))
    arguments = ["convert", str(trained / "unet.h5"), str(tmp_path / "out.safetensors")]
    assert command_line.main([*arguments, "--classes", str(tmp_path / "classes.yaml")]) == 2
    assert "names, roles and order must agree" in capsys.readouterr().err
    assert not (tmp_path / "out.safetensors").exists()
    assert command_line.main(arguments) == 0
    certificate = json.loads((tmp_path / "out.certificate.json").read_text())
    assert certificate["classes"] == CLASSES
    assert certificate["classes_verified"] is True


@pytest.mark.parametrize("content", [b"", b"[]", b'{"classes": [{"name": 1, "role": "live"}]}', b"\xff"])
def test_a_damaged_list_of_classes_is_refused(trained, tmp_path, content):
    path = tmp_path / "unet.h5"
    path.write_bytes((trained / "unet.h5").read_bytes())
    with h5py.File(path, "r+") as file:
        file.attrs[KEY] = np.bytes_(content) if content else ""
    with pytest.raises(WeightsError):
        convert(path)


@pytest.mark.parametrize("name", ["demo", "examples/bbbc010"])
def test_the_shipped_weights_carry_their_classes(repository, name):
    folder = repository / "config" / name
    config = yaml.safe_load((folder / "config.yaml").read_text())
    certificate = convert(folder / "unet.h5", config["classes"], config["input_channels"])
    assert certificate["classes_verified"] is True
    with pytest.raises(WeightsError, match="order must agree"):
        convert(folder / "unet.h5", config["classes"][::-1], config["input_channels"])
    assert (folder / "unet.h5").stat().st_size < 8_000_000


@pytest.mark.parametrize("name", ["unet.h5", "unet.weights.h5", "unet.flax.safetensors"])
def test_what_a_network_has_seen_travels_with_it(small_network, tmp_path, name):
    seen = Experience(0.65, {"live": 60.5})
    assay = Assay(CLASSES, ["phase", "brightfield"], seen)
    path = tmp_path / name
    formats.write(path, from_unet(small_network, assay))
    assert formats.read(path).assay == assay
