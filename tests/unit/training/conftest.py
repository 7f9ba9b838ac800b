"""A training that takes a second: a tiny network that learns bright and dark squares."""

import itertools

import numpy as np
import pytest
import torch

from livedead.network.classes import Classes
from livedead.network.unet import Architecture, UNet
from livedead.training.fit import Trainer
from livedead.training.losses import class_weights
from livedead.training.settings import TrainingSettings

SQUARES = Classes(background=(0,), live=(1,), dead=(2,))


@pytest.fixture
def classes():
    """Of `squares`."""
    return SQUARES


@pytest.fixture
def tiny_network():
    """Seed -> a new network of three classes."""
    return new_network


@pytest.fixture
def squares():
    """Number of examples, seed -> inputs and class maps of bright (live) and dark (dead) squares."""
    return draw_squares


@pytest.fixture
def trained():
    """Seed, epochs, ... -> a network trained on squares, and its history."""
    return train_on_squares


def new_network(seed=0):
    torch.manual_seed(seed)
    return UNet(Architecture(n_classes=3, alpha=0.35, decoder_widths=(16, 12, 8, 8)))


def draw_squares(n, seed):
    rng = np.random.default_rng(seed)
    for _ in range(n):
        target = np.zeros((64, 64), np.uint8)
        for number in (1, 2):
            y, x = rng.integers(0, 48, 2)
            target[y : y + 16, x : x + 16] = number
        inputs = np.array([0.0, 0.8, -0.8], np.float32)[target]
        yield (inputs + 0.05 * rng.standard_normal(target.shape, np.float32))[None], target


def train_on_squares(seed, epochs, checkpoint=None, interrupt_in=None, **changes):
    """With `interrupt_in`, a KeyboardInterrupt comes in the middle of that epoch."""
    network = new_network(seed)
    examples = list(draw_squares(8, 1))
    begun = itertools.count(1)

    def epoch(rng):
        number = next(begun)
        for k, part in enumerate(np.array_split(rng.permutation(8), 4)):
            if number == interrupt_in and k == 2:
                raise KeyboardInterrupt
            yield np.stack([examples[k][0] for k in part]), np.stack([examples[k][1] for k in part])

    few = {"epochs": epochs, "frozen_epochs": 1, "learning_rate": 5e-3, "patience": 99, "seed": seed}
    settings = TrainingSettings(**{**few, **changes})
    weights = class_weights(np.array([80, 10, 10]))
    trainer = Trainer(network, weights, settings, SQUARES, "cpu", checkpoint)
    return network, trainer.train(epoch, lambda: draw_squares(3, 2))
