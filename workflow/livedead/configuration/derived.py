"""What rules read of the configuration that is not a key of its own."""

from collections.abc import Mapping
from typing import Any

from livedead.provenance import value_sha256

HASHED = (
    "channels",
    "input_channels",
    "classes",
    "network",
    "pages",
    "hdf5_axes",
    "focal_plane",
    "overlap",
    "gate",
    "normalization",
    "qc",
    "counting",
)
"""Keys of the configuration that can change a number, beside those of `segmentation`."""

NOT_HASHED = ("device", "seam", "threads")
"""Keys of ``segmentation`` that change none."""


def intensity_channels(config: Mapping[str, Any]) -> list[str]:
    """Channels whose counts each cell gets: those that are named, or all."""
    named = config["counting"]["intensity_channels"]
    return list(config["channels"]) if named is None else named


def counting_rules(config: Mapping[str, Any]) -> dict[str, Any]:
    """Arguments of `livedead.network.classes.CountingRules`."""
    return {name: value for name, value in config["counting"].items() if name != "intensity_channels"}


def config_sha256(config: Mapping[str, Any], plate: Mapping[str, Any]) -> str:
    """Hash of every setting that can change a number: not paths, devices, shards or threads.

    Parameters
    ----------
    config : mapping
        The whole configuration.
    plate : mapping
        The plate's row in plates.tsv.
    """
    settings = {name: config[name] for name in HASHED}
    computing = {name: value for name, value in config["segmentation"].items() if name not in NOT_HASHED}
    of_plate = {name: plate[name] for name in ("pixel_size_um", "bit_depth", "control_plate")}
    return value_sha256({**settings, "segmentation": computing, "plate": of_plate})
