"""What tells of a network that another takes the place of: it goes when the other is trained.

Pages, tables and exports of a network are made only where they are asked for, so the old ones
would stay beside the new network and be read as its own.
"""

import logging
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from livedead.errors import WeightsError
from livedead.weights.certificate import read_certificate

log = logging.getLogger(__name__)


def remove_outdated(folder: Path, names: Iterable[str]) -> None:
    """Delete those files of `folder` that are there, each with a line in the log."""
    for path in (folder / name for name in names):
        if path.is_file():
            log.info("deleting %s: it tells of the network that this one replaces", path)
            path.unlink()


def trained_alike(networks: Iterable[Path], source: dict[str, Any]) -> bool:
    """Whether all `networks` were trained on the same files, with the same settings and code.

    Parameters
    ----------
    networks : iterable of Path
        Trained here; one that cannot be read is of another training.
    source : dict
        What a training says of itself in its certificate, but for the wells.
    """
    for path in networks:
        try:
            certified = read_certificate(path)["source"]
        except WeightsError:
            return False
        if {name: certified.get(name) for name in source} != source:
            return False
    return True
