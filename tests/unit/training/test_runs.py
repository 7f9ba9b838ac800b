"""A training as it is configured; tests/rules/test_scripts.py runs one."""

import torch

from livedead.training.runs import new_model
from livedead.weights.assay import Assay

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
