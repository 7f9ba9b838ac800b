"""Which wells are trained on, which choose the epoch, and which may be judged.

Wells, never tiles, are split: two tiles of one well overlap or share cells, and a network
validated on them is validated on what it has seen.
"""

from collections.abc import Collection, Iterable
from typing import Any

import numpy as np

from livedead.errors import ConfigError


def split_wells(wells: Iterable[str], fraction: float, seed: int) -> tuple[list[str], list[str]]:
    """Disjoint wells for training and validation.

    Parameters
    ----------
    wells : iterable of str
        ``plate/well``; may repeat.
    fraction : float
        Share of wells for validation; at least one, and at least one is left for training. 0
        leaves all of them for training.
    seed : int

    Returns
    -------
    training, validation : list of str

    Raises
    ------
    ConfigError
        If there are too few wells for both.
    """
    unique = sorted(set(wells))
    needed = 1 if fraction == 0 else 2
    if len(unique) < needed:
        raise ConfigError(
            f"labelled wells to train on: {', '.join(unique) or 'none'}; needed: {needed} or more, with a "
            f"training.tiles.validation_fraction of {fraction:g}; name more dyed_wells in plates.tsv"
        )
    if fraction == 0:
        return unique, []
    order = np.random.default_rng(seed).permutation(len(unique))
    n_validation = min(max(1, round(fraction * len(unique))), len(unique) - 1)
    chosen = {unique[k] for k in order[:n_validation]}
    return [well for well in unique if well not in chosen], sorted(chosen)


def fold_wells(wells: Iterable[str], n_folds: int, seed: int) -> list[list[str]]:
    """Deal the wells into `n_folds` disjoint parts of nearly equal size, for cross-validation."""
    unique = sorted(set(wells))
    if not 2 <= n_folds <= len(unique):
        raise ConfigError(f"training.folds: {n_folds}; allowed: 2 to the number of wells, {len(unique)}")
    order = np.random.default_rng(seed).permutation(len(unique))
    return [sorted(unique[k] for k in order[first::n_folds]) for first in range(n_folds)]


def never_trained_on(certificate: dict[str, Any], wells: Collection[str]) -> list[str]:
    """The labelled wells on which a network may be judged.

    Parameters
    ----------
    certificate : dict
        Of the weights; it records which wells were used for what in training.
    wells : collection of str
        ``plate/well``.

    Returns
    -------
    list of str
        Wells held out of the training altogether; if there are none, those that chose its epoch;
        for a network that was not trained here, all.
    """
    split, before = _split(certificate), certificate["source"].get("trained_before", [])
    unseen = sorted(set(wells) - wells_seen(certificate))
    return unseen or sorted(set(wells) - {*split.get("training", []), *before})


def wells_seen(certificate: dict[str, Any]) -> set[str]:
    """Wells (``plate/well``) that a network was trained on, or that which it started from."""
    split, before = _split(certificate), certificate["source"].get("trained_before", [])
    return {*split.get("training", []), *split.get("validation", []), *before}


def _split(certificate: dict[str, Any]) -> dict[str, list[str]]:
    return certificate["source"].get("trained_on") or {}
