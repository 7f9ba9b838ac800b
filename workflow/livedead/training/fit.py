"""The fit: encoder frozen, then released; the best epoch on held-out wells is kept."""

import copy
import logging
import math
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np
import pandas as pd
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from livedead.inference import choose_device, padded
from livedead.training.tiles import Example, LabelledFields, batches, split_wells
from livedead.unet import UNet

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Settings:
    """How long and how fast to train.

    Attributes
    ----------
    epochs, frozen_epochs : int
        Epochs in all, and those of them at the start in which the encoder rests.
    learning_rate : float
        Of the decoder, at the start; it falls to zero along a cosine.
    encoder_learning_rate : float
        Of the encoder once released; a trained start must not be washed out.
    weight_decay : float
    patience : int
        Epochs without a better validation dice after which training ends.
    seed : int
    """

    epochs: int = 30
    frozen_epochs: int = 2
    learning_rate: float = 2e-3
    encoder_learning_rate: float = 5e-4
    weight_decay: float = 1e-4
    patience: int = 10
    seed: int = 0


def train_by_well(
    network: UNet,
    fields: LabelledFields,
    settings: Settings,
    *,
    tile_px: int,
    tiles_per_field: int,
    batch_size: int,
    validation_fraction: float,
    device: str = "auto",
) -> tuple[pd.DataFrame, dict[str, list[str]]]:
    """Split the wells, then `train`.

    Returns
    -------
    history : DataFrame
    split : dict
        ``training`` and ``validation``: the wells of each.
    """
    training, validation = split_wells(fields.wells, validation_fraction, settings.seed)
    log.info("training on %d wells, validation on %s", len(training), ", ".join(validation))
    training_fields, validation_fields = fields.in_wells(training), fields.in_wells(validation)
    n_classes = network.architecture.n_classes
    counts = sum(np.bincount(fields.read(k)[1].ravel(), minlength=n_classes) for k in training_fields)

    def epoch(rng: np.random.Generator) -> Iterable[Example]:
        return batches(
            fields.read,
            training_fields,
            rng,
            tile_px=tile_px,
            tiles_per_field=tiles_per_field,
            batch_size=batch_size,
        )

    history = train(
        network,
        epoch,
        lambda: map(fields.read, validation_fields),
        class_weights(np.asarray(counts)),
        settings,
        device,
    )
    return history, {"training": training, "validation": validation}


def train(
    network: UNet,
    training: Callable[[np.random.Generator], Iterable[Example]],
    validation: Callable[[], Iterable[Example]],
    class_weights: np.ndarray,
    settings: Settings,
    device: str = "auto",
) -> pd.DataFrame:
    """Train `network` in place and leave it with the weights of its best epoch.

    Parameters
    ----------
    training : callable
        Random stream -> one epoch of batches, (N, C, H, W) float32 and (N, H, W) uint8.
    validation : callable
        -> whole fields of wells that `training` never sees, (C, H, W) and (H, W).
    class_weights : ndarray, (n_classes,)
        Weights of the classes in the cross-entropy.

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
    optimizer = torch.optim.AdamW(
        [
            {"params": network.decoder.parameters(), "lr": settings.learning_rate},
            {"params": network.encoder.parameters(), "lr": settings.encoder_learning_rate},
        ],
        weight_decay=settings.weight_decay,
    )
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda epoch: 0.5 * (1 + math.cos(math.pi * epoch / settings.epochs))
    )
    history, best, best_state = [], -1.0, network.state_dict()
    waited = 0
    for epoch in range(settings.epochs):
        start = time.monotonic()
        frozen = epoch < settings.frozen_epochs
        network.train()
        network.encoder.train(not frozen)
        network.encoder.requires_grad_(not frozen)
        rng = np.random.default_rng([settings.seed, epoch])
        losses, n_images = [], 0
        for inputs, targets in training(rng):
            logits = network(_tensor(inputs, place))
            loss = segmentation_loss(logits, torch.from_numpy(targets).to(place).long(), weights)
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            nn.utils.clip_grad_norm_(network.parameters(), 1.0)
            optimizer.step()
            losses.append(float(loss.detach()))
            n_images += len(inputs)
        if not losses:
            raise ValueError("an epoch gave no batch: fewer tiles than batch_size")
        trained = time.monotonic() - start
        dice = validation_dice(network, validation(), place)
        mean_dice = float(np.nanmean(dice[1:]))
        history.append(
            {
                "epoch": epoch + 1,
                "seconds": time.monotonic() - start,
                "learning_rate": schedule.get_last_lr()[0],
                "loss": float(np.mean(losses)),
                "dice": mean_dice,
                **{f"dice_{k}": value for k, value in enumerate(dice)},
            }
        )
        log.info(
            "epoch %d of %d: loss %.4f, validation dice %.4f (%s), %.1f images/s, %.0f s left",
            epoch + 1,
            settings.epochs,
            history[-1]["loss"],
            mean_dice,
            ", ".join(f"{value:.3f}" for value in dice),
            n_images / trained,
            (settings.epochs - epoch - 1) * history[-1]["seconds"],
        )
        schedule.step()
        waited += 1
        if mean_dice > best:
            best, best_state, waited = mean_dice, copy.deepcopy(network.state_dict()), 0
        if waited >= settings.patience:
            log.info("no better dice in %d epochs: stopped", waited)
            break
    network.load_state_dict(best_state)
    network.to("cpu").eval()
    return pd.DataFrame(history)


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
