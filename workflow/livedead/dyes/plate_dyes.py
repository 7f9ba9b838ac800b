"""What is known of the dyes of a plate: all that reading a field needs, and how it came about."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import pandas as pd

from livedead.dyes.settings import ROLES, DyeSettings
from livedead.dyes.signals import corrected, field_background
from livedead.dyes.thresholds import Threshold
from livedead.network.classes import Classes
from livedead.provenance import value_sha256
from livedead.tables import DYES

FLAGS = ("none_stained", "not_separated", "depends_on_threshold", "bleed_through")
"""The flags that a dye of a plate may carry."""

SCALES = {"": 1.0, "_080": 0.8, "_125": 1.25}
"""End of a column's name -> factor of a dye's threshold, to see how far the answer hangs on it."""

OF_WELLS = tuple(f"{role}_{flag}" for role in ROLES for flag in FLAGS)
"""The same as QC flags of wells, with the dye in front."""

MAX_COUNT_CHANGE, MAX_VIABILITY_CHANGE = 0.1, 0.05
"""Between 0.8 and 1.25 times the threshold; a larger change of the count, or of viability, is flagged."""

MAX_BLEED_REACH = 0.5
"""Bleed-through of bright cells that comes nearer to the threshold, as a share of it, is flagged."""

BOX = 0.72
"""Side of the box around a pixel of a nucleus, over the nucleus' diameter."""

DEPTH = 0.04
"""Depth of a notch that parts two nuclei, over the nucleus' diameter."""

BACKGROUND, BOUNDARY, LIVE, DEAD, UNKNOWN = range(5)
"""Numbers in the class map of a dye reading."""


@dataclass(frozen=True)
class Dye:
    """One dye of a plate.

    Attributes
    ----------
    channel : str
    gain, offset : ndarray, (H, W), float32
        Flat-field, see `livedead.normalization.transforms.Transform`.
    background, sigma : float
        Level of the background of the plate's darkest fields (tenth percentile), and its standard deviation
        (median), corrected counts.
    max_background : float
        No field's background is taken to be higher: one that cells cover all over shows none. Infinite where
        nuclei are stained, which leave background between them.
    threshold : Threshold
    diameter_px : float
        Of what it stains, nuclei or cells; NaN if that could not be measured.
    histogram : ndarray, (N_BINS,), int64
        Of the signals that the threshold parts, see `livedead.dyes.thresholds.histogram`.
    controls : mapping
        ``negative`` and ``positive`` -> the same of these wells, where there are some.
    of_cells : bool
        Whether a signal is that of a cell, which another dye shows; else that of a pixel.
    bleed_through : float
        Signal of cells without this dye, as a share of that of the dye which shows them; NaN where unknown.
    bleed_reach : float
        The same for the brightest of these cells (95th percentile), as a share of the threshold.
    """

    channel: str
    gain: np.ndarray
    offset: np.ndarray
    background: float
    sigma: float
    max_background: float
    threshold: Threshold
    diameter_px: float
    histogram: np.ndarray
    controls: Mapping[str, np.ndarray] = field(default_factory=dict)
    of_cells: bool = False
    bleed_through: float = float("nan")
    bleed_reach: float = float("nan")

    def signal(self, plane: np.ndarray) -> np.ndarray:
        """Corrected counts over the background of a field, (H, W) float32, from its raw counts, uint16."""
        counts = corrected(plane, self.gain, self.offset)
        counts -= np.float32(min(field_background(counts)[0], self.max_background))
        return counts

    @property
    def box_px(self) -> int:
        """Side of the box around a pixel, see `livedead.dyes.reading.class_map`; 0 for none."""
        return 0 if np.isnan(self.diameter_px) else 4 * max(1, round(BOX / 4 * self.diameter_px)) + 1


@dataclass(frozen=True)
class PlateDyes:
    """The dyes of a plate, and how its fields are read by them.

    Attributes
    ----------
    dyes : mapping
        ``total``, ``live``, ``dead`` -> `Dye`, of the dyes that there are.
    settings : DyeSettings
    n_fields : int
        Number of fields on which thresholds were found.
    dependence : DataFrame
        How far the answer hangs on the thresholds, see `livedead.dyes.dependence.measure_dependence`.
    """

    dyes: Mapping[str, Dye]
    settings: DyeSettings
    n_fields: int
    dependence: pd.DataFrame = field(default_factory=pd.DataFrame)

    @cached_property
    def used(self) -> tuple[str, ...]:
        """The dyes that tell something: those whose threshold holds."""
        return tuple(role for role, dye in self.dyes.items() if dye.threshold.holds)

    @property
    def channels(self) -> list[str]:
        """The dyes' channels."""
        return [dye.channel for dye in self.dyes.values()]

    @property
    def classes(self) -> Classes:
        """The classes of a class map that the dyes in use can tell apart."""
        two = len(self.used) > 1
        states = {
            "live": (LIVE,) if two or self.used == ("live",) else (),
            "dead": (DEAD,) if two or self.used == ("dead",) else (),
            "unknown": (UNKNOWN,) if self.used == ("total",) or len(self.used) == 3 else (),
        }
        return Classes(background=(BACKGROUND,), boundary=(BOUNDARY,), **states)

    @property
    def dead_fraction(self) -> float:
        """A cell is dead if more than this share of its pixels is.

        Half of a nucleus. Where a live dye alone tells the state of a nucleus, it stains all of a living one,
        but also what a neighbour covers of a dead one: a fifth. Where no dye shows all nuclei, the live dye
        fills the whole cell, of which a nucleus is a part: a tenth.
        """
        given, used = self.settings.stained_fraction, self._together
        if used == {"total", "live"}:
            return 0.2 if given is None else 1 - given
        if given is not None:
            return given
        return 0.1 if used == {"live", "dead"} else 0.5

    def share(self, role: str) -> float:
        """Share of a cell's pixels that a dye must stain so that the cell is stained."""
        if role == "dead":
            return self.dead_fraction
        return 1 - self.dead_fraction if self._together == {"total", "live"} else 0.5

    @property
    def _together(self) -> set[str]:
        """The dyes that tell a state together: those in use, or all while one of them is looked at."""
        return set(self.used if len(self.used) > 1 else self.dyes)

    @property
    def diameter_px(self) -> float:
        """Of a usual cell as it is counted: a nucleus, or what the live dye fills; NaN where not known."""
        shown = next((self.dyes[role] for role in ("total", "live", "dead") if role in self.used), None)
        return np.nan if shown is None else shown.diameter_px

    @property
    def split_depth_px(self) -> float:
        """How deep the notch between two cells is, see `livedead.cells.rules.CountingRules`."""
        return 0.0 if np.isnan(self.diameter_px) else DEPTH * self.diameter_px

    @cached_property
    def sha256(self) -> str:
        """Hash of all that decides how a field is read."""
        record = {
            role: [
                dye.channel,
                dye.max_background,
                dye.threshold.counts,
                dye.threshold.verdict,
                dye.box_px,
            ]
            for role, dye in self.dyes.items()
        }
        flat_fields = [
            value_sha256([plane.shape, plane.astype("<f4").tobytes().hex()])
            for dye in self.dyes.values()
            for plane in (dye.gain, dye.offset)
        ]
        how = [self.settings.dead_by, self.settings.both, self.dead_fraction]
        return value_sha256([record, flat_fields, how])

    @property
    def flags(self) -> list[str]:
        """Flags of all dyes, each with the dye's name in front, such as ``dead_not_separated``."""
        return [f"{role}_{flag}" for role in self.dyes for flag in self._flags(role)]

    def _flags(self, role: str) -> Iterator[str]:
        """What to know of a dye before the plate's numbers are used, one of `FLAGS` each."""
        dye, answer = self.dyes[role], self.dependence.loc[role]
        if dye.threshold.verdict in ("none stained", "not separated"):
            yield dye.threshold.verdict.replace(" ", "_")
        n_cells, viability = (
            answer[[f"{name}{end}" for end in SCALES]].to_numpy(float) for name in ("n_cells", "viability")
        )
        if np.ptp(n_cells) > MAX_COUNT_CHANGE * n_cells[0] or np.ptp(viability) > MAX_VIABILITY_CHANGE:
            yield "depends_on_threshold"
        if dye.bleed_reach > MAX_BLEED_REACH:
            yield "bleed_through"

    def table(self, plate: str) -> pd.DataFrame:
        """`livedead.tables.DYES`, a row a dye."""
        rows = [
            {
                "plate": plate,
                "dye": role,
                "channel": dye.channel,
                "method": dye.threshold.method,
                "threshold": dye.threshold.counts,
                "verdict": dye.threshold.verdict,
                "near_threshold": dye.threshold.near,
                "signals_of": "cells" if dye.of_cells else "pixels",
                "n_signals": int(dye.histogram.sum()),
                "n_fields": self.n_fields,
                "background": dye.background,
                "sigma": dye.sigma,
                "diameter_px": dye.diameter_px,
                "bleed_through": dye.bleed_through,
                "bleed_reach": dye.bleed_reach,
                "stained_share": self.share(role),
                **self.dependence.loc[role].to_dict(),
                "flags": ";".join(self._flags(role)),
            }
            for role, dye in self.dyes.items()
        ]
        return DYES.rows(rows)
