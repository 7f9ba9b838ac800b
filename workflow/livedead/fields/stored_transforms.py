"""The fitted transforms of a plate's channels, as normalization.h5 holds them."""

from typing import Any

import numpy as np

from livedead.normalization.transforms import Transform


def read_transforms(channels: dict[str, dict[str, Any]], names: list[str]) -> dict[str, Transform]:
    """Transforms of the named channels from what `livedead.stores.read_normalization` gives."""
    return {name: _transform(channels[name]) for name in names}


def _transform(stored: dict[str, Any]) -> Transform:
    local = {}
    if "local_wells" in stored:
        keys = zip(
            (well.decode() for well in stored["local_wells"]),
            stored["local_fields"].tolist(),
            stored["local_timepoints"].tolist(),
            strict=True,
        )
        local = dict(zip(keys, map(tuple, stored["local_levels"].tolist()), strict=True))
    return Transform(
        stored["gain"],
        float(stored["black"]),
        float(stored["white"]),
        stored.get("offset"),
        local,
        int(stored["own_light"]),
        float(stored["floor"]),
    )


def store_transform(transform: Transform) -> dict[str, Any]:
    """What `livedead.stores.write_normalization` takes and `read_transforms` reads back."""
    stored: dict[str, Any] = {
        "gain": transform.gain,
        "black": transform.black,
        "white": transform.white,
        "own_light": transform.illumination_degree,
        "floor": transform.floor,
    }
    if transform.offset is not None:
        stored["offset"] = transform.offset
    if transform.local:
        wells, fields, timepoints = zip(*transform.local, strict=True)
        stored["local_wells"] = np.array(wells, "S4")
        stored["local_fields"] = np.array(fields, np.int64)
        stored["local_timepoints"] = np.array(timepoints, np.int64)
        stored["local_levels"] = np.array(list(transform.local.values()), np.float64)
    return stored
