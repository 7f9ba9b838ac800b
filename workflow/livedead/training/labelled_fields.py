"""The labelled fields of all dyed plates, read one at a time."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from livedead import stores
from livedead.errors import ConfigError
from livedead.fields.normalized_plate import NormalizedPlate
from livedead.normalization.transforms import Key
from livedead.tables import FIELD_KEY

Example = tuple[np.ndarray, np.ndarray]
"""Input (C, H, W) float32 in [-1, 1], class map (H, W) uint8."""


@dataclass(frozen=True)
class LabelledPlate:
    """One dyed plate.

    Attributes
    ----------
    inputs : NormalizedPlate
        The input channels of its fields.
    labels : Path
        File of the class maps.
    """

    inputs: NormalizedPlate
    labels: Path


class Place(NamedTuple):
    """Where to find a labelled field.

    Attributes
    ----------
    source : int
        Number of its `LabelledPlate`.
    number : int
        Number of its class map in that plate's file.
    plate : str
        Id of the plate.
    key : Key
    """

    source: int
    number: int
    plate: str
    key: Key

    @property
    def well(self) -> str:
        """``plate/well``: the unit by which fields are split."""
        return f"{self.plate}/{self.key[0]}"


class LabelledFields:
    """The labelled fields of one or several plates, read one at a time.

    Parameters
    ----------
    plates : list of LabelledPlate
    exclude : collection of str
        Wells (``plate/well``) and fields (``plate/well/field``) that are left out, such as those
        rejected by a person.

    Attributes
    ----------
    places : list of Place
        Of each field.

    Raises
    ------
    ConfigError
        If `exclude` names a well or field that is not labelled.
    """

    def __init__(self, plates: list[LabelledPlate], exclude: Collection[str] = ()):
        self.plates = plates
        self.places: list[Place] = []
        excluded = set(exclude)
        unknown = set(exclude)
        for source, plate in enumerate(plates):
            for number, row in enumerate(stores.list_class_maps(plate.labels).itertuples()):
                place = Place(source, number, row.plate, (row.well, int(row.field), int(row.timepoint)))
                rejected = {place.well, f"{place.well}/{row.field}"} & excluded
                unknown -= rejected
                if not rejected:
                    self.places.append(place)
        if unknown:
            raise ConfigError(
                f"training.exclude: {', '.join(sorted(unknown))}: no such labelled well or field; "
                "allowed: plate/well and plate/well/field"
            )

    @property
    def wells(self) -> list[str]:
        """``plate/well`` of each field."""
        return [place.well for place in self.places]

    def read(self, k: int) -> Example:
        """Input (C, H, W) float32 and class map (H, W) uint8 of field k."""
        place = self.places[k]
        return self.plates[place.source].inputs.normalized(place.key), self.class_map(k)

    def key(self, k: int) -> dict[str, Any]:
        """``plate, well, field, timepoint`` of field k."""
        place = self.places[k]
        return dict(zip(FIELD_KEY, (place.plate, *place.key), strict=True))

    def class_map(self, k: int) -> np.ndarray:
        """Class map of field k alone, (H, W) uint8."""
        place = self.places[k]
        return stores.read_class_map(self.plates[place.source].labels, place.number)

    def instances(self, k: int) -> np.ndarray | None:
        """The cells from which the labels of field k were made, (H, W), where they were drawn."""
        return self._arrays(k).get("instances")

    def boxes(self, k: int) -> np.ndarray | None:
        """Upper, left, lower and right side of these cells, (n, 4), in px, where they were drawn as boxes."""
        return self._arrays(k).get("boxes")

    def _arrays(self, k: int) -> dict[str, np.ndarray]:
        place = self.places[k]
        return stores.read_segmentation(self.plates[place.source].labels, place.number)

    def in_wells(self, wells: Iterable[str]) -> list[int]:
        """Numbers of the fields in `wells`."""
        chosen = set(wells)
        return [k for k, well in enumerate(self.wells) if well in chosen]
