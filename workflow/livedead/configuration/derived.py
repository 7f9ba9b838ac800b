"""What rules take from the configuration that is not a key of its own."""

from collections.abc import Mapping, Sequence
from typing import Any

from livedead.dyes.settings import ROLES
from livedead.plates.geometry import sort_wells
from livedead.provenance import value_sha256

HASHED = (
    "channels",
    "pages",
    "hdf5_axes",
    "focal_plane",
    "overlap",
    "gate",
    "normalization",
    "qc",
)
"""Keys of the configuration that can change a number, whatever is read, in addition to ``counting``."""

OF_PLATE = ("pixel_size_um", "bit_depth", "control_plate")
"""Columns of plates.tsv that can change a number, whatever is read."""

NOT_HASHED = ("device", "seam", "threads")
"""Keys of ``segmentation`` that change no number."""


def given_dyes(config: Mapping[str, Any]) -> dict[str, str]:
    """Dye -> its channel, of the dyes that there are, in the order of `livedead.dyes.settings.ROLES`."""
    return {role: config["dyes"][role] for role in ROLES if config["dyes"][role] is not None}


def dye_channels(config: Mapping[str, Any]) -> list[str]:
    """The channels of these dyes."""
    return list(given_dyes(config).values())


def dye_normalization(config: Mapping[str, Any]) -> dict[str, Any]:
    """The section ``normalization``, with every dye as a fluorescence channel."""
    fluorescent = [*config["normalization"]["fluorescence"], *dye_channels(config)]
    return {**config["normalization"], "fluorescence": list(dict.fromkeys(fluorescent))}


def needs_controls(config: Mapping[str, Any]) -> bool:
    """Whether the threshold of a dye that there is can depend on the plate's control wells."""
    dyes = config["dyes"]
    return any(dyes["threshold"][role] in ("auto", "controls") for role in ROLES if dyes[role] is not None)


def intensity_channels(config: Mapping[str, Any]) -> list[str]:
    """Channels whose mean intensity is measured in each cell: those that are named, or all."""
    named = config["counting"]["intensity_channels"]
    return list(config["channels"]) if named is None else named


def counting_rules(config: Mapping[str, Any]) -> dict[str, Any]:
    """Arguments of `livedead.cells.rules.CountingRules`; what is None there, the dyes of the plate decide."""
    others = ("intensity_channels", "corrections")
    rules = {name: value for name, value in config["counting"].items() if name not in others}
    if config["reading"] == "network" and rules["split_depth_um"] is None:
        rules["split_depth_um"] = 0
    return rules


def page_settings(config: Mapping[str, Any]) -> dict[str, Any]:
    """Arguments of `livedead.pictures.plate_page.PageSettings`."""
    return {name: config["report"][name] for name in ("fields_per_well", "side_px", "quality", "pictures")}


def auditing_rules(config: Mapping[str, Any]) -> dict[str, Any]:
    """The same as a reading of the audited wells by their dyes would have them, which know no context."""
    return counting_rules({**config, "reading": "dyes"}) | {"min_context_fraction": 0.0}


def wells_with_dyes(plate: Mapping[str, Any]) -> list[str]:
    """Wells of a plate that dyes were added to, to train on, to read or to audit: its row of plates.tsv."""
    return sort_wells({*plate["dyed_wells"], *plate["audit_wells"]})


def config_sha256(
    config: Mapping[str, Any],
    plate: Mapping[str, Any],
    auditor: Mapping[str, Any] | None = None,
    corrections_sha256: Sequence[str] = (),
) -> str:
    """Hash of every setting that can change a number: not paths, devices, shards or threads.

    Parameters
    ----------
    config : mapping
        The whole configuration.
    plate : mapping
        The plate's row in plates.tsv.
    auditor : mapping, optional
        The row of the plate whose audit corrects its viability, itself or another one.
    corrections_sha256 : sequence of str
        Hashes of the files of corrections by hand of the plate's cells.
    """
    settings = {name: config[name] for name in HASHED}
    settings["counting"] = {**config["counting"], **counting_rules(config)}
    del settings["counting"]["corrections"]
    if corrections_sha256:
        settings["corrections"] = list(corrections_sha256)
    if config["plate_map"]["hours_per_timepoint"] is not None:
        settings["hours_per_timepoint"] = config["plate_map"]["hours_per_timepoint"]
    of_plate = {name: plate[name] for name in OF_PLATE}
    if config["reading"] == "network":
        settings |= {name: config[name] for name in ("input_channels", "classes", "network")}
        computing = config["segmentation"]
        settings["segmentation"] = {name: computing[name] for name in computing if name not in NOT_HASHED}
        if auditor is not None:
            settings["dyes"] = config["dyes"]
            of_plate["auditor"] = {name: auditor[name] for name in (*OF_PLATE, "dyed_wells", "audit_wells")}
    else:
        settings |= {"reading": config["reading"], "dyes": config["dyes"]}
        of_plate["dyed_wells"] = plate["dyed_wells"]
    return value_sha256({**settings, "plate": of_plate})
