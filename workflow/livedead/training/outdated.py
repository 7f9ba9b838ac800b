"""Results of a network that is being replaced: deleted when the new one is trained.

Pages, tables and exports of a network are made only on request, so the old ones would stay
beside the new network and be taken for its own.
"""

import logging
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from livedead.errors import WeightsError
from livedead.weights.certificate import read_certificate

log = logging.getLogger(__name__)


def remove_outdated(folder: Path, names: Iterable[str]) -> None:
    """Delete these files of `folder` where they exist, each with a line in the log."""
    for path in (folder / name for name in names):
        if path.is_file():
            log.info("deleting %s: it describes the network that this one replaces", path)
            path.unlink()


def trained_alike(networks: Iterable[Path], source: dict[str, Any]) -> bool:
    """Whether all `networks` were trained on the same files, with the same settings and code.

    Parameters
    ----------
    networks : iterable of Path
        Trained here; one that cannot be read counts as trained otherwise.
    source : dict
        What a certificate records of a training, except its wells.
    """
    for path in networks:
        try:
            certified = read_certificate(path)["source"]
        except WeightsError:
            return False
        if {name: certified.get(name) for name in source} != source:
            return False
    return True


def remove_replaced(
    unet: Path,
    fold: int | None,
    source: dict[str, Any],
    *,
    of_network: Iterable[str],
    of_folds: Iterable[str],
) -> None:
    """Delete what was made of the network that a training is about to replace.

    Parameters
    ----------
    unet : Path
        Where the network goes; that of a fold lies in a folder of its own, beside the network of all wells.
    fold : int, optional
        Which part of the cross-validation is trained; None trains on all wells.
    source : dict
        What the training says of itself, see `trained_alike`.
    of_network : iterable of str
        Names of the files beside `unet` that tell of it.
    of_folds : iterable of str
        Those of the cross-validation, beside the network of all wells. They stand if that network alone is
        trained anew, on what its folds were trained on.
    """
    remove_outdated(unet.parent, of_network)
    whole = unet.parent if fold is None else unet.parent.parent
    if fold is not None or not trained_alike(whole.glob("*-of-*/unet.safetensors"), source):
        remove_outdated(whole, of_folds)
