import math

import numpy as np
import pytest
import torch

from livedead.network.classes import Classes
from livedead.training import losses

NUMBERS = Classes(background=(0,), live=(1,), dead=(2,), boundary=(3,))


def test_whole_cells_are_judged_by_hand():
    """Two cells of 4 and one of 2 px; log-odds of dead given, all pixels of a cell alike or not."""
    target = np.array([[[1, 1, 0, 2, 2], [1, 1, 0, 2, 2], [0, 0, 0, 0, 0], [1, 1, 0, 0, 0]]], np.uint8)
    odds = torch.tensor([[-1.0, -3, 9, 4, 0], [-1, -3, 9, 0, 0], [9, 9, 9, 9, 9], [2, 2, 9, 9, 9]])
    logits = torch.zeros(1, 4, 4, 5)
    logits[0, 2] = odds
    # Means: -2 (live), 1 (dead), 2 (live, of half the median area).
    cost = [math.log1p(math.exp(-2)), math.log1p(math.exp(-1)), math.log1p(math.exp(2))]
    expected = (cost[0] + cost[1] + 0.5 * cost[2]) / 2.5

    def loss(target, dead_weight=1.0):
        return float(losses.cell_loss(logits, losses.whole_cells(target, NUMBERS), NUMBERS, dead_weight))

    assert loss(target) == pytest.approx(expected, rel=1e-5)
    assert loss(np.zeros_like(target)) == 0
    # Cells of two states that touch are two: here 2 px each, means -1 (live) and -3 (dead).
    touching = np.zeros_like(target)
    touching[0, :2, 0], touching[0, :2, 1] = 1, 2
    expected = (math.log1p(math.exp(-1)) + math.log1p(math.exp(3))) / 2
    assert loss(touching) == pytest.approx(expected, rel=1e-5)
    # Dead cells may weigh more than live ones.
    expected = (math.log1p(math.exp(-1)) + 3 * math.log1p(math.exp(3))) / 2
    assert loss(touching, 3.0) == pytest.approx(expected, rel=1e-5)


def test_loss_of_a_perfect_and_of_a_wrong_answer():
    target = torch.tensor([[[0, 1], [2, 1]]])
    right = torch.nn.functional.one_hot(target, 3).movedim(-1, 1).float() * 60 - 30
    weights = torch.ones(3)
    assert losses.segmentation_loss(right, target, weights) < 1e-6
    assert losses.segmentation_loss(-right, target, weights) > 20


def test_class_weights_are_one_on_average_over_pixels():
    counts = np.array([900, 100, 0])
    weights = losses.class_weights(counts)
    assert (weights * counts).sum() / counts.sum() == pytest.approx(1)
    assert weights[1] / weights[0] == pytest.approx(3)
    assert weights[2] == 0
