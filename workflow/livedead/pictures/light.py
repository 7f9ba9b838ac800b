"""Planes of a field as one picture: the input of a network, or the light of all dyes."""

from collections.abc import Sequence

import numpy as np
from matplotlib.colors import to_rgb

from livedead.dyes.signals import field_background

LIGHT = {"live": "lime", "dead": "magenta"}
"""What a dye is drawn in over the first one, which is white."""


def composed(planes: np.ndarray, shown: Sequence[str]) -> np.ndarray:
    """A field as it is drawn: the input of a network, or the light of all dyes.

    Of a dye, the square root of what is over the background is drawn, so that dim nuclei are seen.

    Parameters
    ----------
    planes : ndarray, (C, H, W), float32
        In [-1, 1].
    shown : sequence of str
        What each of them is.

    Returns
    -------
    ndarray, (H, W, 3), float32
        In [0, 1].
    """
    field = np.zeros((*planes.shape[1:], 3), np.float32)
    for k, (what, plane) in enumerate(zip(shown, planes, strict=True)):
        brightness = (plane + 1) / 2
        if what != "input":
            background = field_background(plane)[0]
            brightness = np.sqrt(np.clip((plane - background) / max(1 - background, 1e-6), 0, 1))
        field += brightness[..., np.newaxis] * np.array(to_rgb(light_of(what, k)), np.float32)
    return np.clip(field, 0, 1)


def light_of(what: str, place: int) -> str:
    """The colour that a plane is drawn in: the first is white."""
    return LIGHT[what] if place else "white"
