"""A training as it is configured; tests/rules/test_scripts.py runs one."""

from dataclasses import replace

import pytest
import torch
from conftest import CLASSES, randomized

from livedead.errors import ConfigError, WeightsError
from livedead.provenance import file_sha256
from livedead.training.runs import new_model, start_from
from livedead.weights import formats, unet_io
from livedead.weights.assay import Assay
from livedead.weights.certificate import certify_training
from livedead.weights.network import from_unet

TRAINING = {"alpha": 0.35, "decoder_widths": [16, 12, 8, 8], "kernel": 4, "fit": {"seed": 1}}


def test_a_network_is_made_for_the_assay_and_the_same_for_a_seed():
    assay = Assay([{"name": str(k), "role": "background"} for k in range(3)], ["brightfield", "phase"])
    network = {"bottom": "project", "stride_padding": "correct"}
    first, second = (new_model(assay, TRAINING, network, None) for _ in range(2))
    other = new_model(assay, {**TRAINING, "fit": {"seed": 2}}, network, None)
    found = first.architecture
    assert (found.n_classes, found.input_channels, found.alpha, found.kernel) == (3, 2, 0.35, 4)
    assert (found.decoder_widths, found.bottom) == ((16, 12, 8, 8), "project")
    same = [torch.equal(a, b) for a, b in zip(first.parameters(), second.parameters(), strict=True)]
    assert all(same)
    assert not all(torch.equal(a, b) for a, b in zip(first.parameters(), other.parameters(), strict=True))


ASSAY = Assay(CLASSES, ["brightfield"])
NETWORK = {"bottom": "project", "stride_padding": "correct"}
SPLIT = {"training": ["p/A01"], "validation": ["p/A02"], "held_out": ["p/A03"]}


@pytest.fixture
def trained(small_architecture, tmp_path):
    """A network in the format of this workflow, which knows on what it was trained."""
    network = randomized(small_architecture, seed=3)
    path = tmp_path / "trained.safetensors"
    unet_io.write(path, network, certify_training(network, ASSAY, {"trained_on": SPLIT}))
    return path


def equal(one, other):
    tensors = other.state_dict()
    return all(
        torch.equal(tensor, tensors[name])
        for name, tensor in one.state_dict().items()
        if not name.endswith("num_batches_tracked")
    )


def test_training_starts_from_all_weights_of_a_trained_network(trained, tmp_path):
    model = new_model(ASSAY, TRAINING, NETWORK, None)
    record = start_from(trained, model, ASSAY, NETWORK, tmp_path / "start/unet.safetensors")
    kept, _ = unet_io.read(tmp_path / "start/unet.safetensors")
    assert equal(model, unet_io.read(trained)[0])
    assert equal(kept, model)
    assert record == {"start_sha256": file_sha256(trained), "trained_before": ["p/A01", "p/A02"]}


def test_a_keras_file_starts_a_training_too(trained, tmp_path):
    network, _ = unet_io.read(trained)
    formats.write(tmp_path / "unet.h5", from_unet(network))
    model = new_model(ASSAY, TRAINING, NETWORK, None)
    record = start_from(tmp_path / "unet.h5", model, ASSAY, NETWORK, tmp_path / "start.safetensors")
    assert equal(model, network)
    assert record["trained_before"] == []


def test_another_architecture_is_refused_with_what_differs(trained, tmp_path):
    model = new_model(ASSAY, {**TRAINING, "decoder_widths": [16, 12, 8, 4]}, NETWORK, None)
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    with pytest.raises(
        ConfigError, match=r"training\.start: .*decoder_widths .*8, 8.*configured .*8, 4"
    ) as told:
        start_from(trained, model, ASSAY, NETWORK, tmp_path / "start.safetensors")
    assert "alpha" not in str(told.value)
    assert all(torch.equal(tensor, before[name]) for name, tensor in model.state_dict().items())
    assert not (tmp_path / "start.safetensors").exists()


def test_other_classes_are_refused(trained, tmp_path):
    swapped = replace(ASSAY, classes=[*CLASSES[:3], CLASSES[4], CLASSES[3]])
    model = new_model(swapped, TRAINING, NETWORK, None)
    with pytest.raises(WeightsError, match="trained for the classes"):
        start_from(trained, model, swapped, NETWORK, tmp_path / "start.safetensors")
