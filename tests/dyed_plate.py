"""Dyed plates in memory: drawn or simulated planes, fitted, read and counted as the rules do it."""

from typing import NamedTuple

import numpy as np
import pandas as pd

from livedead.cells.measures import measure_cells
from livedead.dyes.fitting import fit_dyes
from livedead.dyes.plate_dyes import Dye, PlateDyes
from livedead.dyes.reading import class_map
from livedead.dyes.settings import DyeSettings
from livedead.dyes.thresholds import Threshold, histogram
from livedead.errors import FieldError
from livedead.normalization.settings import NormalizationSettings
from livedead.wells.counting import dye_rules

NORMALIZATION = NormalizationSettings(0.1, 99.9, 200, flat_fields=24, smooth_px=32, floor=0.2, seed=0)
COUNTING = {"min_area_um2": 0, "max_area_um2": 1e6, "split_depth_um": None}
AUTO = {"total": "auto", "live": "auto", "dead": "auto"}


def dye_settings(**given) -> DyeSettings:
    """Those of the configuration's defaults; `given` are keys of its section ``dyes``."""
    usual = {"total": None, "live": None, "dead": None, "threshold": AUTO, "sigmas": 6}
    usual |= {"dead_by": "fraction", "stained_fraction": None, "both": "dead", "diameter_um": None}
    return DyeSettings(**{**usual, "fields": 48, "seed": 0, **given})


def known_dyes(shape, diameter_px=12.0, threshold=100.0, verdict="given", **settings) -> PlateDyes:
    """Dyes of a plate as if fitted: even light, one threshold, one diameter, for channels named like dyes."""
    roles = [role for role in ("total", "live", "dead") if settings.get(role)]
    even = np.ones(shape, np.float32)
    found = Threshold(threshold, "fixed", 0.0, verdict)
    levels = {"background": 0.0, "sigma": 1.0, "max_background": float("inf")}
    nothing = histogram(np.empty(0))
    dyes = {
        role: Dye(
            settings[role],
            even,
            0 * even,
            **levels,
            threshold=found,
            diameter_px=diameter_px,
            histogram=nothing,
        )
        for role in roles
    }
    return PlateDyes(dyes, dye_settings(**settings), n_fields=1)


class Read(NamedTuple):
    """A plate that was read: its dyes, and the cells of each field."""

    dyes: PlateDyes
    cells: dict[tuple, pd.DataFrame]

    def n_cells(self) -> int:
        return sum(map(len, self.cells.values()))

    def states(self) -> dict[str, int]:
        """State -> number of cells."""
        return pd.concat(self.cells.values())["state"].value_counts().to_dict()


def fit(planes, settings=None, controls=None, pixel_size_um=1.0, threads=1) -> PlateDyes:
    """Fit the dyes of planes, key -> channel -> (H, W) uint16; a missing channel is a failed field."""

    def plane(key, channel):
        if channel not in planes[key]:
            raise FieldError("missing_channel", f"{key} has no {channel}")
        return planes[key][channel]

    settings = settings or dye_settings(total="total")
    return fit_dyes(plane, list(planes), settings, NORMALIZATION, controls or {}, pixel_size_um, threads)


def signals_of(planes, dyes) -> dict[str, np.ndarray]:
    """Signals of one field, channel -> (H, W) uint16."""
    return {role: dye.signal(planes[dye.channel]) for role, dye in dyes.dyes.items()}


def count(signals, dyes, pixel_size_um=1.0, **counting) -> pd.DataFrame:
    """The cells of one field."""
    rules = dye_rules({**COUNTING, **counting}, dyes, pixel_size_um)
    return measure_cells(class_map(signals, dyes), dyes.classes, rules, pixel_size_um)


def read(planes, settings=None, controls=None, pixel_size_um=1.0, **counting) -> Read:
    """Fit a plate, and count the fields of it."""
    dyes = fit(planes, settings, controls, pixel_size_um)
    fields = {key: signals_of(own, dyes) for key, own in planes.items()} if dyes.used else {}
    return Read(dyes, {key: count(own, dyes, pixel_size_um, **counting) for key, own in fields.items()})


def of_channel(*images) -> dict[tuple, dict[str, np.ndarray]]:
    """Images of nuclei, each a field of a well of its own, of the channel ``total``."""
    return {(f"A{k:02d}", 1, 1): {"total": image} for k, image in enumerate(images, 1)}
