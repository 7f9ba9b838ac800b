"""What a network has seen: by that, plates and cells that it cannot be trusted on are told.

It travels with the weights, as `livedead.weights.assay` carries it, or in a file of its own where the
weights came without.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from livedead.network.calibration import Calibration

STATES = ("live", "dead")


@dataclass(frozen=True)
class Experience:
    """What a network has seen; what is not known is None or empty.

    Attributes
    ----------
    pixel_size_um : float, optional
        Of the images that it was trained on.
    cell_area_um2 : mapping
        State -> median area of the cells that it reads on images like those.
    calibration : Calibration, optional
        What its log odds are worth, from cells that it was not trained on.

    Examples
    --------
    >>> Experience.from_dict({"pixel_size_um": 0.65}).of_pixel_size(0.65).pixel_size_um
    0.65
    """

    pixel_size_um: float | None = None
    cell_area_um2: Mapping[str, float] = field(default_factory=dict)
    calibration: Calibration | None = None

    @classmethod
    def from_dict(cls, record: Mapping[str, Any]) -> "Experience":
        """The inverse of `as_dict`; raises ValueError for anything else."""
        try:
            size, areas = record.get("pixel_size_um"), dict(record.get("cell_area_um2", {}))
            unknown = [*(set(record) - set(cls.__dataclass_fields__)), *(set(areas) - set(STATES))]
            if unknown:
                raise ValueError(f"unknown: {', '.join(sorted(unknown))}")
            calibration = record.get("calibration")
            return cls(
                None if size is None else _positive(size),
                {state: _positive(areas[state]) for state in areas},
                None if calibration is None else Calibration.from_dict(calibration),
            )
        except (AttributeError, TypeError) as error:
            raise ValueError(f"no record of what a network has seen: {error!r}") from error

    def as_dict(self) -> dict[str, Any]:
        """As JSON-like values."""
        calibration = {} if self.calibration is None else {"calibration": self.calibration.as_dict()}
        return {
            "pixel_size_um": self.pixel_size_um,
            "cell_area_um2": dict(self.cell_area_um2),
            **calibration,
        }

    def of_pixel_size(self, pixel_size_um: float) -> "Experience":
        """The same with its pixel size, where that is not known.

        Raises
        ------
        ValueError
            If another one is known.
        """
        if self.pixel_size_um is None:
            return replace(self, pixel_size_um=_positive(pixel_size_um))
        if not math.isclose(self.pixel_size_um, pixel_size_um):
            raise ValueError(
                f"trained on pixels of {self.pixel_size_um:g} um; the configuration says {pixel_size_um:g} um"
            )
        return self


def _positive(value: Any) -> float:
    number = float(value)
    if not (math.isfinite(number) and number > 0):
        raise ValueError(f"{value!r}; allowed: numbers above 0")
    return number
