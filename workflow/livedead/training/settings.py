"""How long and how fast to train: the keys of ``training.fit``, and the learning rate of every epoch."""

import math
from dataclasses import dataclass
from typing import Any

from livedead.errors import ConfigError
from livedead.network.plan import PRECISIONS

STATISTICS = ("running", "measured")
SCHEDULES = ("cosine", "cosine_restarts", "plateau")
PLATEAU_FACTOR = 0.3


@dataclass(frozen=True)
class TrainingSettings:
    """How long and how fast to train.

    Attributes
    ----------
    epochs, frozen_epochs : int
        Epochs in all, and how many of them, at the start, train with the encoder frozen.
    learning_rate : float
        Of the decoder, at the start.
    encoder_learning_rate : float
        Of the encoder once released; lower, so that pretrained weights are not washed out.
    schedule : {'cosine', 'cosine_restarts', 'plateau'}
        How both rates fall, see `learning_rate_factor`.
    cycle_epochs : int
        ``cosine_restarts``: length of the first cycle; each next one is twice as long.
    plateau_epochs : int
        ``plateau``: the rates fall after more than this many epochs without a better Dice.
    average_decay : float
        Validate and keep an exponential moving average of the weights, of which each step keeps
        this share; 0 validates and keeps the trained weights themselves.
    statistics : {'running', 'measured'}
        Statistics of BatchNorm: those that ran along with the training, or those of the kept weights,
        measured on one more epoch of tiles. In a short training, the weights run away from the former
        (Izmailov et al. 2018, https://arxiv.org/abs/1803.05407, measure them again for the same reason).
    weight_decay : float
        AdamW's.
    patience : int
        Training ends after this many epochs without a better validation Dice.
    cell_weight : float
        Weight of `livedead.training.losses.cell_loss` beside the loss on pixels.
    dead_weight : float
        Weight of dead cells relative to live ones in both losses. Where dead cells are rare, a
        network calls too many of them live, and viability comes out too high.
    precision : {'float32', 'bfloat16'}
        Arithmetic of the forward pass; weights, losses and steps are float32 in either.
    seed : int
    """

    epochs: int = 30
    frozen_epochs: int = 2
    learning_rate: float = 2e-3
    encoder_learning_rate: float = 5e-4
    schedule: str = "cosine"
    cycle_epochs: int = 10
    plateau_epochs: int = 4
    average_decay: float = 0.0
    statistics: str = "running"
    weight_decay: float = 1e-4
    patience: int = 10
    cell_weight: float = 0.0
    dead_weight: float = 1.0
    precision: str = "float32"
    seed: int = 0

    def __post_init__(self) -> None:
        known = {"schedule": SCHEDULES, "statistics": STATISTICS, "precision": PRECISIONS}
        for name, allowed in known.items():
            if getattr(self, name) not in allowed:
                raise ConfigError(f"{name} {getattr(self, name)!r}; allowed: {', '.join(allowed)}")

    @classmethod
    def from_config(cls, fit: dict[str, Any]) -> "TrainingSettings":
        """Settings from the section ``training.fit`` of the configuration."""
        return cls(**fit)


def learning_rate_factor(settings: TrainingSettings, dice: list[float]) -> float:
    """Factor of the learning rates in the epoch after those with the given validation Dice.

    ``cosine`` falls to zero at the last epoch. ``cosine_restarts`` falls to zero at the end of each
    cycle and starts again. ``plateau`` is multiplied by `PLATEAU_FACTOR` whenever more than
    ``plateau_epochs`` epochs in a row were not better than the best.

    References
    ----------
    Loshchilov & Hutter (2017), SGDR, https://arxiv.org/abs/1608.03983.
    """
    if settings.schedule == "plateau":
        factor, best, waited = 1.0, -math.inf, 0
        for value in dice:
            waited = 0 if value > best else waited + 1
            best = max(best, value)
            if waited > settings.plateau_epochs:
                factor, waited = factor * PLATEAU_FACTOR, 0
        return factor
    epoch, length = len(dice), settings.epochs
    if settings.schedule == "cosine_restarts":
        length = settings.cycle_epochs
        while epoch >= length:
            epoch, length = epoch - length, 2 * length
    return 0.5 * (1 + math.cos(math.pi * epoch / length))
