import json

import pandas as pd
import pytest
import torch
from safetensors import safe_open

from livedead.training.checkpoint import Checkpoint


@pytest.mark.parametrize("changes", [{}, {"average_decay": 0.9, "schedule": "plateau", "plateau_epochs": 0}])
def test_an_interrupted_training_goes_on_to_the_same_bits(tmp_path, trained, changes):
    undisturbed, history = trained(3, 4, **changes)
    path = tmp_path / "training.safetensors"
    with pytest.raises(KeyboardInterrupt):
        trained(3, 4, Checkpoint(path, ["same"]), interrupt_in=3, **changes)
    interrupted = json.loads(safe_open(path, "np").metadata()["training"])["history"]
    assert [row["epoch"] for row in interrupted] == [1, 2]
    resumed, whole = trained(3, 4, Checkpoint(path, ["same"]), **changes)
    steady = [column for column in history if column != "seconds"]
    pd.testing.assert_frame_equal(whole[steady], history[steady], check_exact=True)
    for name, tensor in undisturbed.state_dict().items():
        assert torch.equal(resumed.state_dict()[name], tensor), name
    # The first two epochs were not computed again: they lasted as long as before.
    assert list(whole["seconds"][:2]) == [row["seconds"] for row in interrupted]
    Checkpoint(path, ["same"]).remove()
    assert not list(tmp_path.iterdir())


def test_a_checkpoint_of_another_training_or_a_damaged_one_is_not_used(tmp_path, trained, caplog):
    path = tmp_path / "training.safetensors"
    _, first = trained(0, 2, Checkpoint(path, {"seed": 0}))
    _, other = trained(1, 2, Checkpoint(path, {"seed": 1}))
    _, alone = trained(1, 2)
    assert list(other["loss"]) == list(alone["loss"]) != list(first["loss"])
    path.write_bytes(path.read_bytes()[:-1000])
    with caplog.at_level("WARNING"):
        _, again = trained(1, 2, Checkpoint(path, {"seed": 1}))
    assert "not a readable checkpoint" in caplog.text
    assert list(again["loss"]) == list(alone["loss"])
