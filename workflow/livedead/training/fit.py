"""The fit: encoder frozen, then released; the best epoch on held-out wells is kept."""

import copy
import logging
import math
import time
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from typing import NamedTuple, cast

import numpy as np
import pandas as pd
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from livedead.cells.labels import label_cells
from livedead.errors import ConfigError
from livedead.fields.ahead import work_ahead
from livedead.logs import PROGRESS_SECONDS
from livedead.network.classes import Classes
from livedead.network.devices import choose_device
from livedead.network.plan import PRECISIONS
from livedead.network.unet import UNet
from livedead.network.windows import padded
from livedead.training.checkpoint import Checkpoint
from livedead.training.tiles import Cutting, Example, LabelledFields, batches, split_wells

log = logging.getLogger(__name__)


SCHEDULES = ("cosine", "cosine_restarts", "plateau")
PLATEAU_FACTOR = 0.3


@dataclass(frozen=True)
class Settings:
    """How long and how fast to train.

    Attributes
    ----------
    epochs, frozen_epochs : int
        Epochs in all, and those of them at the start in which the encoder rests.
    learning_rate : float
        Of the decoder, at the start.
    encoder_learning_rate : float
        Of the encoder once released; a trained start must not be washed out.
    schedule : {'cosine', 'cosine_restarts', 'plateau'}
        How both rates fall, see `rate`.
    cycle_epochs : int
        ``cosine_restarts``: length of the first cycle, each next one is twice as long.
    plateau_epochs : int
        ``plateau``: epochs without a better dice that are borne before the rates fall.
    average_decay : float
        The network that is judged and kept is the running mean of the trained one's weights,
        of which each step keeps this share; 0 keeps the trained one itself.
    weight_decay : float
    patience : int
        Epochs without a better validation dice after which training ends.
    cell_weight : float
        Weight of `cell_loss` beside `segmentation_loss`.
    dead_weight : float
        Weight of dead cells over live ones in both losses. Where the dead are few among the living,
        a network calls too many of them live, and viability comes out too high.
    precision : {'float32', 'bfloat16'}
        Arithmetic of the network's passes; weights, losses and steps are float32 in either.
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
    weight_decay: float = 1e-4
    patience: int = 10
    cell_weight: float = 0.0
    dead_weight: float = 1.0
    precision: str = "float32"
    seed: int = 0

    def __post_init__(self) -> None:
        for name, allowed in (("schedule", SCHEDULES), ("precision", PRECISIONS)):
            if getattr(self, name) not in allowed:
                raise ConfigError(f"{name} {getattr(self, name)!r}; allowed: {', '.join(allowed)}")


def rate(settings: Settings, dice: list[float]) -> float:
    """Factor of the learning rates in the epoch after those with the given validation dice.

    ``cosine`` falls to zero at the last epoch. ``cosine_restarts`` falls to zero at the end of each
    cycle and starts again. ``plateau`` is multiplied by `PLATEAU_FACTOR` whenever more than
    ``plateau_epochs`` epochs in a row were not better than the best.

    References
    ----------
    Loshchilov & Hutter (2017), SGDR, https://arxiv.org/abs/1608.03983.
    """
    epoch = len(dice)
    if settings.schedule == "plateau":
        factor, best, waited = 1.0, -math.inf, 0
        for value in dice:
            waited = 0 if value > best else waited + 1
            best = max(best, value)
            if waited > settings.plateau_epochs:
                factor, waited = factor * PLATEAU_FACTOR, 0
        return factor
    length = settings.epochs
    if settings.schedule == "cosine_restarts":
        length = settings.cycle_epochs
        while epoch >= length:
            epoch, length = epoch - length, 2 * length
    return 0.5 * (1 + math.cos(math.pi * epoch / length))


def train_by_well(
    network: UNet,
    fields: LabelledFields,
    settings: Settings,
    cutting: Cutting,
    classes: Classes,
    *,
    validation_fraction: float,
    held_out: Collection[str] = (),
    n_threads: int = 1,
    device: str = "auto",
    checkpoint: Checkpoint | None = None,
) -> tuple[pd.DataFrame, dict[str, list[str]]]:
    """Split the wells, then `train`.

    Parameters
    ----------
    classes : Classes
    validation_fraction : float
        Share of the wells that choose the epoch; 0 trains on all and keeps the last epoch.
    held_out : collection of str
        Wells (``plate/well``) that take no part at all.
    n_threads : int
        Threads that read fields and cut tiles.

    Returns
    -------
    history : DataFrame
    split : dict
        ``training``, ``validation`` and ``held_out``: the wells of each.

    Raises
    ------
    ConfigError
        If there are too few wells, or the labels of those to train on lack a state.
    """
    wells = [well for well in fields.wells if well not in held_out]
    training, validation = split_wells(wells, validation_fraction, settings.seed)
    log.info("training on %d wells, validation on %s", len(training), ", ".join(validation) or "none")
    training_fields, validation_fields = fields.in_wells(training), fields.in_wells(validation)
    n_classes = network.architecture.n_classes
    counts = np.zeros(n_classes, np.int64)
    for k in training_fields:
        counts += np.bincount(fields.class_map(k).ravel(), minlength=n_classes)
    for state in ("live", "dead"):
        if not counts[list(classes.of(state))].any():
            raise ConfigError(
                f"the labels of {len(training)} training wells hold no {state} cell, so the network would "
                f"never see one; look at labels_review.html, and at the thresholds under labels"
            )

    def epoch(rng: np.random.Generator) -> Iterable[Example]:
        return batches(fields.read, training_fields, rng, cutting, classes, n_threads)

    history = train(
        network,
        epoch,
        lambda: map(fields.read, validation_fields),
        class_weights(counts),
        settings,
        device,
        checkpoint,
        classes,
    )
    return history, {"training": training, "validation": validation, "held_out": sorted(held_out)}


def train(
    network: UNet,
    training: Callable[[np.random.Generator], Iterable[Example]],
    validation: Callable[[], Iterable[Example]],
    class_weights: np.ndarray,
    settings: Settings,
    device: str = "auto",
    checkpoint: Checkpoint | None = None,
    classes: Classes | None = None,
) -> pd.DataFrame:
    """Train `network` in place and leave it with the weights of its best epoch.

    Parameters
    ----------
    training : callable
        Random stream -> one epoch of batches, (N, C, H, W) float32 and (N, H, W) uint8. An epoch
        has a stream of its own, so that one after a resumption is the one that was interrupted.
    validation : callable
        -> whole fields of wells that `training` never sees, (C, H, W) and (H, W). Without any,
        the last epoch counts as the best.
    class_weights : ndarray, (n_classes,)
        Weights of the classes in the cross-entropy.
    checkpoint : Checkpoint, optional
        Where the training is kept between epochs, and taken up again.
    classes : Classes, optional
        Needed for ``cell_weight`` and ``dead_weight``.

    Returns
    -------
    DataFrame
        An epoch: ``epoch, seconds, learning_rate, loss, dice`` and a dice per class, on the
        validation wells.
    """
    torch.manual_seed(settings.seed)
    place = choose_device(device)
    network.to(place).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    weights = torch.tensor(class_weights, dtype=torch.float32, device=place)
    if classes:
        weights[list(classes.dead)] *= settings.dead_weight
    rates = {network.decoder: settings.learning_rate, network.encoder: settings.encoder_learning_rate}
    optimizer = torch.optim.AdamW(
        [{"params": part.parameters(), "lr": first} for part, first in rates.items()],
        weight_decay=settings.weight_decay,
    )
    best = copy.deepcopy(network)
    kept: dict[str, nn.Module] = {"network": network, "best": best}
    judged, mean = network, None
    if settings.average_decay:
        # The statistics of BatchNorm belong to the weights, and are averaged with them.
        averaging = get_ema_multi_avg_fn(settings.average_decay)
        kept["mean"] = mean = AveragedModel(network, multi_avg_fn=averaging, use_buffers=True)
        judged = cast(UNet, mean.module)

    def with_cells(batch: Example) -> tuple[np.ndarray, np.ndarray, WholeCells | None]:
        return *batch, whole_cells(batch[1], classes) if settings.cell_weight and classes else None

    history = checkpoint.load(kept, optimizer) if checkpoint else []
    while len(history) < settings.epochs and _waited(history) < settings.patience:
        start = time.monotonic()
        factor = rate(settings, [row["dice"] for row in history])
        for group, first in zip(optimizer.param_groups, rates.values(), strict=True):
            group["lr"] = first * factor
        frozen = len(history) < settings.frozen_epochs
        network.train()
        network.encoder.train(not frozen)
        network.encoder.requires_grad_(not frozen)
        rng = np.random.default_rng([settings.seed, len(history)])
        losses: list[Tensor] = []
        n_images, told = 0, start
        for inputs, targets, cells in work_ahead(with_cells, training(rng), 2):
            with torch.autocast(place.type, torch.bfloat16, enabled=settings.precision == "bfloat16"):
                logits = network(_tensor(inputs, place))
            logits = logits.float()
            loss = segmentation_loss(logits, torch.from_numpy(targets).to(place).long(), weights)
            if cells is not None and classes:
                whole = cell_loss(logits, cells, classes, settings.dead_weight)
                loss = loss + settings.cell_weight * whole
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            nn.utils.clip_grad_norm_(network.parameters(), 1.0)
            optimizer.step()
            if mean is not None:
                mean.update_parameters(network)
            # Left where it is: to fetch it, the processor would wait for a GPU after every step.
            losses.append(loss.detach())
            n_images += len(inputs)
            now = time.monotonic()
            if now - told >= PROGRESS_SECONDS:
                told = now
                log.info(
                    "epoch %d: %d images, loss %.4f, %.1f images/s",
                    len(history) + 1,
                    n_images,
                    torch.stack(losses).mean(),
                    n_images / (now - start),
                )
        if not losses:
            raise ConfigError("training.tiles: an epoch gives fewer tiles than batch_size; lower it")
        trained = time.monotonic() - start
        dice = validation_dice(judged, validation(), place)
        row = {
            "epoch": len(history) + 1,
            "seconds": time.monotonic() - start,
            "learning_rate": optimizer.param_groups[0]["lr"],
            "loss": float(torch.stack(losses).mean()),
            "dice": float(np.nanmean(dice[1:])) if np.isfinite(dice[1:]).any() else math.nan,
            **{f"dice_{k}": float(value) for k, value in enumerate(dice)},
        }
        history.append(row)
        log.info(
            "epoch %d of %d: loss %.4f, %s, %.1f images/s, %.0f s left",
            len(history),
            settings.epochs,
            row["loss"],
            f"validation dice {row['dice']:.4f} ({', '.join(f'{value:.3f}' for value in dice)})"
            if not math.isnan(row["dice"])
            else "no validation",
            n_images / trained,
            (settings.epochs - len(history)) * row["seconds"],
        )
        if _waited(history) == 0:
            best.load_state_dict(judged.state_dict())
        if checkpoint:
            checkpoint.save(kept, optimizer, history)
    if len(history) < settings.epochs:
        log.info("no better dice in %d epochs: stopped", _waited(history))
    network.load_state_dict(best.state_dict())
    network.to("cpu").eval()
    return pd.DataFrame(history)


def _waited(history: list[dict[str, float]]) -> int:
    """Epochs since the first with the best dice; 0 where nothing could be judged."""
    dice = [row["dice"] for row in history if not math.isnan(row["dice"])]
    return len(dice) - 1 - int(np.argmax(dice)) if dice else 0


def segmentation_loss(logits: Tensor, target: Tensor, weights: Tensor) -> Tensor:
    """Weighted cross-entropy plus one minus the mean soft dice of the classes but the first.

    Parameters
    ----------
    logits : Tensor, (N, K, H, W)
    target : Tensor, (N, H, W), int64
    weights : Tensor, (K,)

    References
    ----------
    Milletari et al. (2016), V-Net, https://arxiv.org/abs/1606.04797 (the dice term).
    """
    entropy = F.cross_entropy(logits, target, weights)
    probability = logits.softmax(dim=1)[:, 1:]
    truth = F.one_hot(target, logits.shape[1]).movedim(-1, 1)[:, 1:].to(probability)
    overlap = (probability * truth).sum(dim=(0, 2, 3))
    total = probability.sum(dim=(0, 2, 3)) + truth.sum(dim=(0, 2, 3))
    return entropy + 1 - ((2 * overlap + 1) / (total + 1)).mean()


class WholeCells(NamedTuple):
    """The cells of a batch, each a connected part of one state.

    Attributes
    ----------
    pixels : ndarray, (P,), int64
        Places of their pixels in the flattened batch.
    owner : ndarray, (P,), int64
        The cell, from 0, that each of these pixels belongs to.
    area_px, is_dead : ndarray, (n_cells,), float32
    """

    pixels: np.ndarray
    owner: np.ndarray
    area_px: np.ndarray
    is_dead: np.ndarray


def whole_cells(target: np.ndarray, classes: Classes) -> WholeCells:
    """Find the cells of a batch's class maps, (N, H, W) uint8.

    Parameters
    ----------
    classes : Classes
    """
    labels, n_cells, n_live = np.zeros(target.shape, np.int64), 0, 0
    for state in ("live", "dead"):
        n_live = n_cells
        for own, class_map in zip(labels, target, strict=True):
            found = label_cells(class_map, classes.only(state))
            own[found > 0] = found[found > 0] + n_cells
            n_cells += int(found.max())
    pixels = np.flatnonzero(labels)
    owner = labels.ravel()[pixels] - 1
    area_px = np.bincount(owner, minlength=n_cells).astype(np.float32)
    return WholeCells(pixels, owner, area_px, (np.arange(n_cells) >= n_live).astype(np.float32))


def cell_loss(logits: Tensor, cells: WholeCells, classes: Classes, dead_weight: float = 1.0) -> Tensor:
    """Cross-entropy of whole cells: one decision each, live or dead, as counting takes it.

    A cell has the mean log-odds of its pixels of being dead. So a cell that is half right has a
    gradient on all of its pixels, and a small cell counts as much as a large one; those that the
    tile's edge cuts count by the part of the median area that is left of them.

    Parameters
    ----------
    logits : Tensor, (N, K, H, W)
    cells : WholeCells
    classes : Classes
    dead_weight : float
        Of dead cells over live ones.
    """
    if not len(cells.area_px):
        return logits.new_zeros(())
    pixels, owner, area, is_dead = (torch.from_numpy(part).to(logits.device) for part in cells)
    dead, live = (logits[:, list(classes.of(state))].logsumexp(dim=1) for state in ("dead", "live"))
    odds = logits.new_zeros(len(area)).index_add(0, owner, (dead - live).flatten()[pixels]) / area
    entropy = F.binary_cross_entropy_with_logits(
        odds, is_dead, reduction="none", pos_weight=logits.new_tensor(dead_weight)
    )
    weight = (area / float(np.median(cells.area_px))).clamp(max=1)
    return (entropy * weight).sum() / weight.sum()


def class_weights(counts: np.ndarray) -> np.ndarray:
    """Weights that fall with the square root of a class's frequency, 1 on average over pixels.

    Parameters
    ----------
    counts : ndarray, (n_classes,)
        Pixels of each class.
    """
    raw = 1 / np.sqrt(np.maximum(counts, 1) / counts.sum())
    raw[counts == 0] = 0
    return raw * counts.sum() / (raw * counts).sum()


@torch.inference_mode()
def validation_dice(network: UNet, fields: Iterable[Example], device: torch.device) -> np.ndarray:
    """Dice of every class over all validation fields together, (n_classes,) float64."""
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
