"""How the dyes of a plate are read."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

ROLES = ("total", "live", "dead")
"""What a dye stains: the nuclei of all cells, the living cells, the dead ones."""

NUCLEAR = ("total", "dead")
"""Dyes that stain nuclei; a live dye may fill the whole cell."""


@dataclass(frozen=True)
class DyeSettings:
    """How the dyes of a plate are read; the keys of ``dyes`` in config.yaml.

    Attributes
    ----------
    total, live, dead : str, optional
        Channel of each dye; None where there is none.
    threshold : mapping
        Dye -> method, one of `livedead.dyes.thresholds.METHODS`, or the threshold itself in counts over
        the background.
    sigmas : float
        No threshold is less than so many standard deviations of the background.
    dead_by : {'fraction', 'mean'}
        What of a cell's signal decides on its state: the share of its stained pixels, or its mean.
    stained_fraction : float, optional
        Share of a cell's pixels that the dye which decides on its state must stain, see
        `livedead.dyes.plate_dyes.PlateDyes.dead_fraction`.
    both : {'dead', 'live'}
        State of a cell that both the live and the dead dye stain.
    diameter_um : float, optional
        Of a usual nucleus; measured on the plate if not given.
    fields : int
        Number of fields, drawn with `seed`, on which thresholds are found.
    seed : int
    """

    total: str | None
    live: str | None
    dead: str | None
    threshold: Mapping[str, str | float]
    sigmas: float
    dead_by: str
    stained_fraction: float | None
    both: str
    diameter_um: float | None
    fields: int
    seed: int

    @classmethod
    def from_config(cls, dyes: dict[str, Any]) -> "DyeSettings":
        """Settings from the section ``dyes`` of the configuration."""
        return cls(**dyes)

    @property
    def channels(self) -> dict[str, str]:
        """Dye -> its channel, of the dyes that there are."""
        named = {role: getattr(self, role) for role in ROLES}
        return {role: channel for role, channel in named.items() if channel is not None}
