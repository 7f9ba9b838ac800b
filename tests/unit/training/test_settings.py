from functools import partial

import numpy as np
import pytest
import torch
from torch.optim import lr_scheduler

from livedead.errors import ConfigError
from livedead.training.settings import PLATEAU_FACTOR, TrainingSettings, learning_rate_factor


def scheduler_rates(make, dice):
    """Factors of the learning rate that a scheduler of PyTorch gives in each epoch."""
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0)
    scheduler = make(optimizer)
    found = []
    for value in dice:
        found.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step(*([value] if make.keywords.get("mode") else []))
    return found


@pytest.mark.parametrize(
    ("settings", "theirs"),
    [
        ({"schedule": "cosine", "epochs": 24}, partial(lr_scheduler.CosineAnnealingLR, T_max=24)),
        (
            {"schedule": "cosine_restarts", "cycle_epochs": 3},
            partial(lr_scheduler.CosineAnnealingWarmRestarts, T_0=3, T_mult=2),
        ),
        (
            {"schedule": "plateau", "plateau_epochs": 2},
            partial(
                lr_scheduler.ReduceLROnPlateau,
                mode="max",
                factor=PLATEAU_FACTOR,
                patience=2,
                threshold=0,
                eps=0,
            ),
        ),
    ],
)
def test_learning_rates_are_those_of_pytorchs_schedulers(settings, theirs):
    rng = np.random.default_rng(1)
    dice = [0.6 - 0.5 / (1 + epoch // 7) + 0.01 * rng.uniform() for epoch in range(24)]
    chosen = TrainingSettings(**settings)
    ours = [learning_rate_factor(chosen, dice[:epoch]) for epoch in range(24)]
    np.testing.assert_allclose(ours, scheduler_rates(theirs, dice), rtol=1e-9, atol=1e-12)
    assert min(ours) < 0.1


@pytest.mark.parametrize(
    ("wrong", "allowed"),
    [
        ({"schedule": "linear"}, "cosine, cosine_restarts, plateau"),
        ({"precision": "float16"}, "float32, bfloat16"),
    ],
)
def test_unknown_values_are_refused(wrong, allowed):
    with pytest.raises(ConfigError, match=allowed):
        TrainingSettings(**wrong)
