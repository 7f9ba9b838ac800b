"""The fit: encoder frozen, then released; the best epoch on validation wells is kept."""

import copy
import logging
import math
import time
from collections.abc import Callable, Collection, Iterable
from typing import NamedTuple, cast

import numpy as np
import pandas as pd
import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn, update_bn

from livedead.errors import ConfigError
from livedead.fields.ahead import work_ahead
from livedead.logs import PROGRESS_SECONDS
from livedead.network.classes import Classes
from livedead.network.devices import choose_device
from livedead.network.unet import UNet
from livedead.network.windows import padded
from livedead.training.batches import batches, repeat_small_wells
from livedead.training.checkpoint import Checkpoint
from livedead.training.labelled_fields import Example, LabelledFields
from livedead.training.losses import WholeCells, cell_loss, class_weights, segmentation_loss, whole_cells
from livedead.training.settings import TrainingSettings, learning_rate_factor
from livedead.training.splits import split_wells
from livedead.training.tiles import Cutting

log = logging.getLogger(__name__)


def train_by_well(
    network: UNet,
    fields: LabelledFields,
    settings: TrainingSettings,
    cutting: Cutting,
    classes: Classes,
    *,
    validation_fraction: float,
    held_out: Collection[str] = (),
    n_threads: int = 1,
    device: str = "auto",
    checkpoint: Checkpoint | None = None,
) -> tuple[pd.DataFrame, dict[str, list[str]]]:
    """Split the wells, and train `network` in place.

    Parameters
    ----------
    validation_fraction : float
        Share of the wells that choose the epoch; 0 trains on all and keeps the last epoch.
    held_out : collection of str
        Wells (``plate/well``) that take no part at all.
    n_threads : int
        Threads that read fields and cut tiles.
    checkpoint : Checkpoint, optional
        Keeps the training between epochs, and resumes it.

    Returns
    -------
    history : DataFrame
        From `Trainer.train`.
    split : dict
        ``training``, ``validation`` and ``held_out``: the wells of each.

    Raises
    ------
    ConfigError
        If there are too few wells, or the training labels have no live or no dead cell.
    """
    wells = [well for well in fields.wells if well not in held_out]
    training, validation = split_wells(wells, validation_fraction, settings.seed)
    log.info("training on %d wells, validation on %s", len(training), ", ".join(validation) or "none")
    training_fields, validation_fields = fields.in_wells(training), fields.in_wells(validation)
    n_pixels = _pixels_by_class(fields, training_fields, network.architecture.n_classes)
    if cutting.balance == "wells":
        training_fields = repeat_small_wells(training_fields, [fields.wells[k] for k in training_fields])
    for state in ("live", "dead"):
        if not n_pixels[list(classes.of(state))].any():
            raise ConfigError(
                f"the labels of {len(training)} training wells hold no {state} cell, so the network would "
                f"never see one; look at labels_review.html, and at the thresholds under labels"
            )
    trainer = Trainer(network, class_weights(n_pixels), settings, classes, device, checkpoint)
    history = trainer.train(
        lambda rng: batches(fields.read, training_fields, rng, cutting, classes, n_threads),
        lambda: map(fields.read, validation_fields),
    )
    return history, {"training": training, "validation": validation, "held_out": sorted(held_out)}


def _pixels_by_class(fields: LabelledFields, chosen: list[int], n_classes: int) -> np.ndarray:
    """Pixels of each class in the labels of some fields, (n_classes,) int64."""
    n_pixels = np.zeros(n_classes, np.int64)
    for k in chosen:
        n_pixels += np.bincount(fields.class_map(k).ravel(), minlength=n_classes)
    return n_pixels


class Batch(NamedTuple):
    """What one step learns from: inputs (N, C, H, W), targets (N, H, W), and their cells if needed."""

    inputs: np.ndarray
    targets: np.ndarray
    cells: WholeCells | None


class Trainer:
    """One training: a network, its optimizer, and a row of history for every epoch.

    Parameters
    ----------
    network : UNet
        Trained in place.
    class_weights : ndarray, (n_classes,)
        Weights of the classes in the cross-entropy.
    settings : TrainingSettings
    classes : Classes
    device : {'auto', 'cpu', 'cuda'}
    checkpoint : Checkpoint, optional
        Keeps the training between epochs, and resumes it.

    Attributes
    ----------
    history : list of dict
        A row for every epoch, see `train`.
    """

    def __init__(
        self,
        network: UNet,
        class_weights: np.ndarray,
        settings: TrainingSettings,
        classes: Classes,
        device: str = "auto",
        checkpoint: Checkpoint | None = None,
    ):
        torch.manual_seed(settings.seed)
        self.settings, self.classes, self.checkpoint = settings, classes, checkpoint
        self.device = choose_device(device)
        network.to(self.device).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.network, self.best = network, copy.deepcopy(network)
        self.class_weights = torch.tensor(class_weights, dtype=torch.float32, device=self.device)
        self.class_weights[list(classes.dead)] *= settings.dead_weight
        rates = {network.decoder: settings.learning_rate, network.encoder: settings.encoder_learning_rate}
        self.optimizer = torch.optim.AdamW(
            [{"params": part.parameters(), "lr": rate, "initial_lr": rate} for part, rate in rates.items()],
            weight_decay=settings.weight_decay,
        )
        self.average: AveragedModel | None = None
        if settings.average_decay:
            # The statistics of BatchNorm belong to the weights, and are averaged with them.
            averaging = get_ema_multi_avg_fn(settings.average_decay)
            self.average = AveragedModel(network, multi_avg_fn=averaging, use_buffers=True)
        self.history: list[dict[str, float]] = []

    def train(
        self,
        training: Callable[[np.random.Generator], Iterable[Example]],
        validation: Callable[[], Iterable[Example]],
    ) -> pd.DataFrame:
        """Train until the last epoch, or until patience ends; leaves the network at its best epoch.

        Parameters
        ----------
        training : callable
            Random stream -> one epoch of batches, (N, C, H, W) float32 and (N, H, W) uint8. Each
            epoch has its own stream, so that a resumed training repeats the interrupted epoch.
        validation : callable
            -> whole fields of wells that `training` never sees, (C, H, W) and (H, W). Without any,
            the last epoch counts as the best.

        Returns
        -------
        DataFrame
            An epoch: ``epoch, seconds, learning_rate, loss, dice`` and a Dice per class, on the
            validation wells.
        """
        self.resume()
        while len(self.history) < self.settings.epochs and self.waited < self.settings.patience:
            start = time.monotonic()
            rng = np.random.default_rng([self.settings.seed, len(self.history)])
            loss, images_per_s = self.epoch(training(rng))
            dice = self.validate(validation())
            self.close_epoch(loss, dice, time.monotonic() - start, images_per_s)
        if len(self.history) < self.settings.epochs:
            log.info("no better Dice in %d epochs: stopped", self.waited)
        self.network.load_state_dict(self.best.state_dict())
        if self.settings.statistics == "measured":
            rng = np.random.default_rng([self.settings.seed, len(self.history)])
            update_bn((_tensor(inputs, self.device) for inputs, _ in training(rng)), self.network)
        self.network.to("cpu").eval()
        return pd.DataFrame(self.history)

    def resume(self) -> None:
        """Continue after the last epoch of the checkpoint, if there is one."""
        if self.checkpoint:
            self.history = self.checkpoint.load(self._modules, self.optimizer)

    def epoch(self, training: Iterable[Example]) -> tuple[float, float]:
        """Learn from every batch once.

        Returns
        -------
        loss : float
            Mean over the batches.
        images_per_s : float
        """
        number, start = len(self.history), time.monotonic()
        factor = learning_rate_factor(self.settings, [row["dice"] for row in self.history])
        for group in self.optimizer.param_groups:
            group["lr"] = group["initial_lr"] * factor
        frozen = number < self.settings.frozen_epochs
        self.network.train()
        self.network.encoder.train(not frozen)
        self.network.encoder.requires_grad_(not frozen)
        losses: list[Tensor] = []
        n_images, told = 0, start
        for batch in work_ahead(self._with_cells, training, 2):
            losses.append(self.step(batch))
            n_images += len(batch.inputs)
            now = time.monotonic()
            if now - told >= PROGRESS_SECONDS:
                told, loss, rate = now, torch.stack(losses).mean(), n_images / (now - start)
                log.info("epoch %d: %d images, loss %.4f, %.1f images/s", number + 1, n_images, loss, rate)
        if not losses:
            raise ConfigError("training.tiles: an epoch gives fewer tiles than batch_size; lower it")
        images_per_s = n_images / (time.monotonic() - start)
        return float(torch.stack(losses).mean()), images_per_s

    def step(self, batch: Batch) -> Tensor:
        """Learn from one batch; its loss stays on the device, as fetching it would stall a GPU."""
        bfloat16 = self.settings.precision == "bfloat16"
        with torch.autocast(self.device.type, torch.bfloat16, enabled=bfloat16):
            logits = self.network(_tensor(batch.inputs, self.device))
        logits = logits.float()
        targets = torch.from_numpy(batch.targets).to(self.device).long()
        loss = segmentation_loss(logits, targets, self.class_weights)
        if batch.cells is not None:
            of_cells = cell_loss(logits, batch.cells, self.classes, self.settings.dead_weight)
            loss = loss + self.settings.cell_weight * of_cells
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(self.network.parameters(), 1.0)
        self.optimizer.step()
        if self.average is not None:
            self.average.update_parameters(self.network)
        return loss.detach()

    def validate(self, fields: Iterable[Example]) -> np.ndarray:
        """Dice of every class over all validation fields, (n_classes,) float64."""
        return dice_by_class(self._candidate, fields, self.device)

    def close_epoch(self, loss: float, dice: np.ndarray, seconds: float, images_per_s: float) -> None:
        """Add the epoch to the history, keep the network if it is the best so far, save the checkpoint."""
        known = np.isfinite(dice[1:]).any()
        row = {
            "epoch": len(self.history) + 1,
            "seconds": seconds,
            "learning_rate": self.optimizer.param_groups[0]["lr"],
            "loss": loss,
            "dice": float(np.nanmean(dice[1:])) if known else math.nan,
            **{f"dice_{k}": float(value) for k, value in enumerate(dice)},
        }
        self.history.append(row)
        by_class = ", ".join(f"{value:.3f}" for value in dice)
        log.info(
            "epoch %d of %d: loss %.4f, %s, %.1f images/s, %.0f s left",
            len(self.history),
            self.settings.epochs,
            loss,
            f"validation Dice {row['dice']:.4f} ({by_class})" if known else "no validation",
            images_per_s,
            (self.settings.epochs - len(self.history)) * seconds,
        )
        if self.waited == 0:
            self.best.load_state_dict(self._candidate.state_dict())
        if self.checkpoint:
            self.checkpoint.save(self._modules, self.optimizer, self.history)

    @property
    def waited(self) -> int:
        """Epochs since the first with the best Dice; 0 where there is no validation."""
        dice = [row["dice"] for row in self.history if not math.isnan(row["dice"])]
        return len(dice) - 1 - int(np.argmax(dice)) if dice else 0

    @property
    def _candidate(self) -> UNet:
        """The network that is validated, and kept if it is the best."""
        return self.network if self.average is None else cast(UNet, self.average.module)

    @property
    def _modules(self) -> dict[str, nn.Module]:
        """What a checkpoint holds."""
        average = {} if self.average is None else {"mean": self.average}
        return {"network": self.network, "best": self.best, **average}

    def _with_cells(self, example: Example) -> Batch:
        inputs, targets = example
        return Batch(
            inputs, targets, whole_cells(targets, self.classes) if self.settings.cell_weight else None
        )


@torch.inference_mode()
def dice_by_class(network: UNet, fields: Iterable[Example], device: torch.device) -> np.ndarray:
    """Dice of every class over all fields together, (n_classes,) float64; NaN for a class without pixels."""
    network.eval()
    n_classes = network.architecture.n_classes
    confusion = np.zeros((n_classes, n_classes), np.int64)
    for inputs, target in fields:
        height, width = target.shape
        logits = network(_tensor(padded(inputs)[None], device))[0, :, :height, :width]
        found = logits.argmax(dim=0).cpu().numpy()
        index = target.astype(np.int64) * n_classes + found
        confusion += np.bincount(index.ravel(), minlength=n_classes**2).reshape(confusion.shape)
    total = confusion.sum(axis=0) + confusion.sum(axis=1)
    with np.errstate(invalid="ignore"):
        return 2 * np.diag(confusion) / total


def _tensor(batch: np.ndarray, device: torch.device) -> Tensor:
    return torch.from_numpy(batch).to(device, memory_format=torch.channels_last)
