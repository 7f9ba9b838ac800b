"""Class maps of one plate, counted, whichever way they were made."""

import logging
from collections.abc import Collection, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from livedead import stores
from livedead.cells.counting import CountedField
from livedead.cells.rules import CountingRules
from livedead.cells.tables import FieldCounter, count_fields
from livedead.dyes.dyed_fields import dye_signals
from livedead.dyes.plate_dyes import PlateDyes
from livedead.dyes.stored import read_dyes
from livedead.fields.plate_images import PlateImages
from livedead.logs import progress
from livedead.network.classes import Classes
from livedead.normalization.transforms import Key
from livedead.plates.corrections import Corrections
from livedead.weights.assay import certified_experience

log = logging.getLogger(__name__)


def counter_of(
    plate: PlateImages,
    dyes: Path | None,
    reads: Mapping[str, Any],
    classes: list[dict[str, str]],
    counting: dict[str, Any],
    channels: list[str],
    pixel_size_um: float,
    corrections: Corrections,
) -> FieldCounter:
    """What counts the fields of a plate.

    Parameters
    ----------
    plate : PlateImages
        The images that the class maps were made of.
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
    corrections : mapping
        Field -> what people changed of it, from `livedead.plates.corrections.read_corrections`.
    """
    if dyes is not None:
        return dyed_counter(plate, read_dyes(dyes), counting, channels, pixel_size_um, corrections)
    seen = certified_experience(reads)
    calibration = None if seen is None else seen.calibration
    log.info("%s", calibration or "no calibration came with the weights: confidence is NA")
    return FieldCounter(
        plate.planes,
        channels,
        Classes.from_config(classes),
        CountingRules.from_config(counting),
        pixel_size_um,
        calibration=calibration,
        corrections=corrections,
    )


def dyed_counter(
    plate: PlateImages,
    dyes: PlateDyes,
    counting: dict[str, Any],
    channels: list[str],
    pixel_size_um: float,
    corrections: Corrections,
) -> FieldCounter:
    """What counts fields that were read by their dyes; see `counter_of`."""
    rules = dye_rules(counting, dyes, pixel_size_um)
    log.info("%s", rules)
    return FieldCounter(
        plate.planes,
        channels,
        dyes.classes,
        rules,
        pixel_size_um,
        dyes.channels,
        dye_signals(plate, dyes),
        corrections=corrections,
    )


def count_class_maps(class_maps: Path, counter: FieldCounter) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Count the cells of every field in a file of class maps; see `livedead.cells.tables.count_fields`."""
    n_fields = len(stores.list_class_maps(class_maps))
    return count_fields(progress(stores.read_segmentations(class_maps), n_fields, "fields"), counter)


def counted_fields(
    class_maps: Iterable[Path], counter: FieldCounter, wanted: Collection[Key]
) -> Iterator[CountedField]:
    """Count some fields again, to have their cells' pixels beside their numbers.

    Parameters
    ----------
    class_maps : iterable of Path
        The files of all shards.
    counter : FieldCounter
        From `counter_of`, as it counted them.
    wanted : collection of (well, field, timepoint)
        Fields that did not fail.
    """
    for path in class_maps:
        for k, row in enumerate(stores.list_class_maps(path).to_dict("records")):
            if (row["well"], row["field"], row["timepoint"]) in wanted:
                yield counter.count(row, stores.read_segmentation(path, k))


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
