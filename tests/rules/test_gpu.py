"""Jobs that ask for a GPU never compute on the processor unseen."""

import importlib

import pytest
import torch
from chain import NORMALIZATION

from livedead import accuracy
from livedead.errors import ConfigError

ASKING = [
    "segment_fields",
    "segment_sample",
    "train_unet",
    "evaluate_unet",
    "measure_accuracy",
    "learn_experience",
]


def test_these_rules_ask_for_a_gpu(rules):
    assert {name for name, rule in rules.items() if "gpu" in rule.resources} == set(ASKING)


@pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has the GPU that the test withholds")
@pytest.mark.parametrize("rule", ASKING)
def test_a_job_that_was_given_a_gpu_refuses_a_build_without_cuda(labelled, rule, tmp_path, monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0")
    monkeypatch.setattr(accuracy, "SIDE_PX", 160)
    outputs = ("class_maps", "history", "worst", "errors", "experience", "detected")
    given = {name: tmp_path / name for name in outputs}
    given |= {"device": "auto", "segmentation": {**labelled.settings["segmentation"], "device": "auto"}}
    given |= {"scatteritem": "1-of-2", "platemaps": [labelled.folder / "map.tsv"]}
    given["trained"] = labelled.folder / "unet.safetensors"
    if rule == "measure_accuracy":
        given["normalization"] = NORMALIZATION
    with pytest.raises(ConfigError, match="this job was given GPU 0"):
        labelled.call(getattr(importlib.import_module(rule), rule), **given)
    assert list(tmp_path.iterdir()) == []
