"""The fields of wells as OME-Zarr: normalized images, and label images of their counted cells."""

import math
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from livedead.cells.counting import CountedField
from livedead.fields.exported import ExportedPlate
from livedead.images import ome_zarr_out
from livedead.images.ome_zarr_out import FieldImage, Label
from livedead.labels.exported import STROKES
from livedead.logs import progress

STATE_VALUES = {state: value for value, state in enumerate(STROKES, start=1)}
"""State of a cell -> its value in the label image ``states``."""
NOT_COUNTED = 255
"""The value there where no cells were counted: a field that failed, or its part that was not imaged."""
_GREY = "808080"

LABELS = {
    "cells": Label("uint32"),
    "states": Label(
        "uint8",
        NOT_COUNTED,
        {value: (state, STROKES[state]) for state, value in STATE_VALUES.items()}
        | {NOT_COUNTED: ("not counted", _GREY)},
    ),
}


def write_wells(
    folder: Path,
    plate: ExportedPlate,
    wells: list[str],
    counted: Iterable[CountedField],
    pixel_size_um: float,
) -> None:
    """Write wells of a plate, each as `livedead.images.ome_zarr_out.well_path` names it.

    Parameters
    ----------
    folder : Path
    plate : ExportedPlate
    wells : list of str
    counted : iterable of CountedField
        Their fields that did not fail. The value k of a label image ``cells`` is ``cell`` k of the table of
        cells at that timepoint.
    pixel_size_um : float
    """
    timepoints, labels = plate.timepoints, {}
    for well in progress(wells, len(wells), "wells"):
        shapes = plate.shapes(well)
        for field, shape in shapes.items():
            keys = [(well, field, timepoint) for timepoint in timepoints]
            place = folder / ome_zarr_out.well_path(well) / str(field)
            hours = [plate.images.hours.get(key, math.nan) for key in keys]
            about = FieldImage(f"{well} field {field}", shape, pixel_size_um, hours)
            told = [None if math.isnan(hour) else hour for hour in hours]
            others = {"livedead": {"timepoints": timepoints, "hours": told}}
            image = ome_zarr_out.create_image(place, about, plate.channels, others)
            for t, key in enumerate(keys):
                for c, plane in enumerate(plate.field(key, shape)):
                    image.write((t, c), plane)
            labels[well, field] = shape, ome_zarr_out.create_labels(place, about, LABELS)
        if shapes:
            ome_zarr_out.write_well(folder / ome_zarr_out.well_path(well), shapes)
    for found in counted:
        shape, pyramids = labels[found.row["well"], found.row["field"]]
        place_of_time = (timepoints.index(found.row["timepoint"]),)
        for name, values in label_values(found).items():
            plane = np.full(shape, LABELS[name].fill, LABELS[name].dtype)
            plane[: values.shape[0], : values.shape[1]] = values
            pyramids[name].write(place_of_time, plane)


def label_values(field: CountedField) -> dict[str, np.ndarray]:
    """The values of each of `LABELS` in a counted field, (H, W)."""
    states = np.array([0, *field.cells["state"].map(STATE_VALUES)], np.uint8)
    return {"cells": field.labels, "states": states[field.labels]}
