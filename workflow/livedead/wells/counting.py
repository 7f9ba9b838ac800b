"""Class maps of one plate, counted, whichever way they were made."""

import logging
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from livedead import stores
from livedead.cells.rules import CountingRules
from livedead.cells.tables import count_fields
from livedead.dyes.dyed_fields import ReadField, dye_signals
from livedead.dyes.plate_dyes import PlateDyes
from livedead.dyes.stored import read_dyes
from livedead.fields.plate_images import PlateImages
from livedead.logs import progress
from livedead.network.classes import Classes
from livedead.weights.assay import certified_experience

log = logging.getLogger(__name__)


def count_class_maps(
    class_maps: Path,
    plate: PlateImages,
    dyes: Path | None,
    reads: Mapping[str, Any],
    classes: list[dict[str, str]],
    counting: dict[str, Any],
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
    reads : mapping
        The record of what reads: the certificate of a network's weights, or that of the plate's dyes.
    classes : list of dict
        Those of the network, from the configuration; not used for dyes, which have classes of their own.
    counting : dict
        From `livedead.configuration.derived.counting_rules`.
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
        of_network, rules = Classes.from_config(classes), CountingRules.from_config(counting)
        seen = certified_experience(reads)
        calibration = None if seen is None else seen.calibration
        log.info("%s", calibration or "no calibration came with the weights: confidence is NA")
        return count_fields(
            fields, plate.planes, channels, of_network, rules, pixel_size_um, calibration=calibration
        )
    return count_dyed_fields(fields, plate, read_dyes(dyes), counting, channels, pixel_size_um)


def count_dyed_fields(
    fields: Iterable[ReadField],
    plate: PlateImages,
    dyes: PlateDyes,
    counting: dict[str, Any],
    channels: list[str],
    pixel_size_um: float,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Count the cells of fields that were read by their dyes; see `count_class_maps`.

    Parameters
    ----------
    fields : iterable
        Such as `livedead.dyes.dyed_fields.read_fields` gives.
    """
    rules = dye_rules(counting, dyes, pixel_size_um)
    log.info("%s", rules)
    return count_fields(
        fields,
        plate.planes,
        channels,
        dyes.classes,
        rules,
        pixel_size_um,
        dyes.channels,
        dye_signals(plate, dyes),
    )


def dye_rules(counting: dict[str, Any], dyes: PlateDyes, pixel_size_um: float) -> CountingRules:
    """The rules with all that the plate's dyes decide."""
    own_depth_um = dyes.split_depth_px * pixel_size_um
    given = counting["split_depth_um"]
    decided = {
        "split_depth_um": own_depth_um if given is None else given,
        "dead_fraction": dyes.dead_fraction,
        "dead_by": dyes.settings.dead_by,
        "both": dyes.settings.both,
    }
    return CountingRules.from_config({**counting, **decided})
