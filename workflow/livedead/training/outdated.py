"""Results of a network that is being replaced: deleted when the new one is trained.

Pages, tables and exports of a network are made only on request, so the old ones would stay
beside the new network and be taken for its own.
"""

import logging
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from livedead.errors import WeightsError
from livedead.weights import read_certificate

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
