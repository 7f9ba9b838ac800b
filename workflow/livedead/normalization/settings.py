"""How the normalization of a plate is fitted."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class NormalizationSettings:
    """How a channel is fitted; the keys of ``normalization`` in config.yaml.

    Attributes
    ----------
    low_percentile, high_percentile : float
        Shares of the pixels, in percent, that become black and white.
    min_range : int
        Smallest distance of white from black, counts; a field or plate without range stays
        flat instead of becoming amplified noise.
    flat_fields : int
        Number of fields, drawn with `seed`, that the illumination profile is taken of; 0 for no flat-field.
    smooth_px : float
        Standard deviation of the Gaussian that removes what is left of objects and noise.
    floor : float
        What is below this fraction of the profile's brightest is not amplified further: there is
        the wall of the well, not a dark part of the picture.
    seed : int
    scope : str
        ``plate``, ``well`` (all its fields and timepoints) or ``field``: whose pixels the
        percentiles are taken of.
    fluorescence : sequence of str
        Channels whose background is subtracted before the division; others are divided only.
    camera_counts : float
        Counts of the camera in the dark, which are no part of a fluorescent profile.
    contrast : float, optional
        In transmitted light: black and white are this share of the median below and above it, instead of
        the percentiles. The medium is then mid-grey in every field, and a cell as dark or bright as it is
        relative to the medium, however bright the lamp, and whatever else is in the field.
    own_light : int
        Degree of the per-field illumination correction of brightfield channels, see
        `livedead.normalization.field_illumination`; 0 for none.
    """

    low_percentile: float
    high_percentile: float
    min_range: int
    flat_fields: int
    smooth_px: float
    floor: float
    seed: int
    scope: str = "plate"
    fluorescence: Sequence[str] = ()
    camera_counts: float = 0.0
    contrast: float | None = None
    own_light: int = 0
