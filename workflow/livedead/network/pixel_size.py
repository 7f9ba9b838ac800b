"""How a plate's pixels compare with those that a network was trained on."""

from collections.abc import Mapping, Sequence
from typing import Any

from livedead.errors import ConfigError

ALIKE = 0.05
"""Pixel sizes that differ by no more, as a share, are taken for the same: cells vary by more."""
SMALLEST, LARGEST = 0.5, 2.0
"""Range of a plate's pixel size over the network's in which fields are resampled."""


def scale_to(network_um: float | None, plate_um: float) -> float:
    """Pixels of the network per pixel of the plate; 1 where nothing is resampled.

    Parameters
    ----------
    network_um : float, optional
        Pixel size that the network was trained at. If it is not known, nothing is resampled.
    plate_um : float
        Pixel size of the plate.

    Raises
    ------
    ConfigError
        If the plate's pixel size is not `SMALLEST` to `LARGEST` times the network's.

    Examples
    --------
    >>> scale_to(0.65, 0.325), scale_to(0.65, 0.67), scale_to(None, 0.325)
    (0.5, 1.0, 1.0)
    """
    if network_um is None or are_alike(network_um, plate_um):
        return 1.0
    scale = plate_um / network_um
    if not SMALLEST <= round(scale, 6) <= LARGEST:
        raise ConfigError(
            f"the plate's pixels are {plate_um:g} um (pixel_size_um in plates.tsv), those that the network "
            f"was trained on {network_um:g} um; allowed: {SMALLEST * network_um:g} to "
            f"{LARGEST * network_um:g} um, from which fields are resampled; correct pixel_size_um if it is "
            "wrong, or else use weights that were trained at about this pixel size"
        )
    return scale


def are_alike(one_um: float, other_um: float) -> bool:
    """Whether two pixel sizes are taken for the same."""
    return abs(other_um / one_um - 1) <= ALIKE


def common_pixel_size(plates: Sequence[Mapping[str, Any]], known_um: float | None = None) -> float:
    """The pixel size of the images that a network is trained on, or learned from.

    Parameters
    ----------
    plates : sequence of mapping
        Row of each plate in plates.tsv.
    known_um : float, optional
        Pixel size that the network was trained at; if not known, that of the first plate.

    Raises
    ------
    ConfigError
        If a plate has another one: a network knows cells by their size in pixels.
    """
    size = plates[0]["pixel_size_um"] if known_um is None else known_um
    others = [
        f"{row['plate']} {row['pixel_size_um']:g} um"
        for row in plates
        if not are_alike(size, row["pixel_size_um"])
    ]
    if others:
        raise ConfigError(
            f"pixel sizes differ by more than {ALIKE:.0%}: {size:g} um, but {', '.join(others)}; allowed: "
            "plates of one pixel size; correct pixel_size_um in plates.tsv, or leave those plates out"
        )
    return float(size)
