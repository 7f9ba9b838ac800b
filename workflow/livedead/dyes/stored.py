"""The dyes of a plate, as dyes.h5 holds them."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from livedead import stores
from livedead.dyes.plate_dyes import Dye, PlateDyes
from livedead.dyes.settings import DyeSettings
from livedead.dyes.thresholds import Threshold

_PLATE = "plate"
_RECORD = "record"
_PLANES = ("gain", "offset", "histogram")
_NUMBERS = (
    "channel",
    "background",
    "sigma",
    "max_background",
    "diameter_px",
    "of_cells",
    "bleed_through",
    "bleed_reach",
)
_CONTROL = "control_"


def write_dyes(path: Path, dyes: PlateDyes) -> None:
    """Write all that reading the fields of a plate needs; equal dyes, equal bytes."""
    groups = {role: _stored(dye) for role, dye in dyes.dyes.items()}
    plate = {
        "settings": asdict(dyes.settings),
        "n_fields": dyes.n_fields,
        "dyes": list(dyes.dyes),
    }
    groups[_PLATE] = {_RECORD: _text(plate)}
    stores.write_normalization(path, groups, dyes.dependence.rename_axis("dye").reset_index())


def read_dyes(path: Path) -> PlateDyes:
    """The dyes that `write_dyes` wrote.

    Raises
    ------
    StoreError
        If the file is damaged.
    """
    groups, dependence = stores.read_normalization(path)
    plate = _record(groups[_PLATE])
    return PlateDyes(
        {role: _dye(groups[role]) for role in plate["dyes"]},
        DyeSettings(**plate["settings"]),
        plate["n_fields"],
        dependence.set_index("dye"),
    )


def describe(dyes: PlateDyes, pixel_size_um: float) -> dict[str, Any]:
    """The record of the dyes that results point to by ``model_sha256``."""
    return {
        "model_sha256": dyes.sha256,
        "thresholds": {role: dye.threshold.counts for role, dye in dyes.dyes.items()},
        "diameter_um": None if np.isnan(dyes.diameter_px) else dyes.diameter_px * pixel_size_um,
        "split_depth_um": dyes.split_depth_px * pixel_size_um,
        "flags": dyes.flags,
    }


def _stored(dye: Dye) -> dict[str, Any]:
    numbers = {name: getattr(dye, name) for name in _NUMBERS} | {"threshold": asdict(dye.threshold)}
    controls = {f"{_CONTROL}{kind}": counts for kind, counts in dye.controls.items()}
    return {name: getattr(dye, name) for name in _PLANES} | controls | {_RECORD: _text(numbers)}


def _dye(stored: dict[str, Any]) -> Dye:
    numbers = _record(stored)
    threshold = Threshold(**numbers.pop("threshold"))
    controls = {
        name.removeprefix(_CONTROL): counts for name, counts in stored.items() if name.startswith(_CONTROL)
    }
    return Dye(threshold=threshold, controls=controls, **numbers, **{name: stored[name] for name in _PLANES})


def _text(record: dict[str, Any]) -> np.ndarray:
    """A record as bytes: a dataset of them has a checksum, a text of HDF5 has none."""
    return np.frombuffer(json.dumps(record, sort_keys=True).encode(), np.uint8)


def _record(group: dict[str, Any]) -> dict[str, Any]:
    record: dict[str, Any] = json.loads(group[_RECORD].tobytes())
    return record
