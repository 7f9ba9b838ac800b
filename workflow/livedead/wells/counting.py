"""Class maps of one plate, counted, whichever way they were made."""

import logging
import math
from dataclasses import replace
from pathlib import Path

import pandas as pd

from livedead import stores
from livedead.cells.rules import CountingRules
from livedead.cells.tables import count_fields
from livedead.dyes.dyed_fields import signals
from livedead.dyes.plate_dyes import PlateDyes
from livedead.dyes.stored import read_dyes
from livedead.fields.plate_images import PlateImages
from livedead.logs import progress
from livedead.network.classes import Classes

log = logging.getLogger(__name__)

SPLIT_SHARE = 0.06
"""Depth at which touching nuclei are split, over their diameter."""


def count_class_maps(
    class_maps: Path,
    plate: PlateImages,
    dyes: Path | None,
    classes: list[dict[str, str]],
    rules: CountingRules,
    channels: list[str],
    pixel_size_um: float,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Count the cells of every field in a file of class maps.

    Parameters
    ----------
    class_maps : Path
    plate : PlateImages
        The images that they were made of.
    dyes : Path, optional
        The dyes that they were read from, see `livedead.dyes.stored`; None for a network.
    classes : list of dict
        Those of the network, from the configuration; not used for dyes, which have classes of their own.
    rules : CountingRules
    channels : list of str
        Whose mean over each cell is wanted.
    pixel_size_um : float

    Returns
    -------
    fields, cells : DataFrame
        See `livedead.cells.tables.count_fields`.
    """
    n_fields = len(stores.list_class_maps(class_maps))
    fields = progress(stores.read_segmentations(class_maps), n_fields, "fields")
    if dyes is None:
        named = Classes.from_config(classes)
        return count_fields(fields, plate.planes, channels, named, rules, pixel_size_um)
    of_plate = read_dyes(dyes)
    rules = dye_rules(rules, of_plate, pixel_size_um)
    log.info("dyes: %s", rules)
    return count_fields(
        fields,
        plate.planes,
        channels,
        of_plate.classes,
        rules,
        pixel_size_um,
        of_plate.channels,
        signals(plate, of_plate),
    )


def dye_rules(rules: CountingRules, dyes: PlateDyes, pixel_size_um: float) -> CountingRules:
    """The rules with all that the dyes of the plate decide."""
    depth_um = rules.split_depth_um
    if depth_um is None:
        depth_um = split_depth_um(dyes, pixel_size_um)
    return replace(
        rules,
        split_depth_um=depth_um,
        dead_fraction=dyes.stained_fraction,
        dead_by=dyes.settings.dead_by,
        both=dyes.settings.both,
    )


def split_depth_um(dyes: PlateDyes, pixel_size_um: float) -> float:
    """At which depth nuclei of this plate are split; 0, which leaves them joined, if their size is unknown."""
    diameter_um = dyes.diameter_px * pixel_size_um
    return 0.0 if math.isnan(diameter_um) else SPLIT_SHARE * diameter_um
