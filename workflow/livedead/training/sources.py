"""What a network is trained on: the labelled fields of dyed plates, and the files they came from."""

from pathlib import Path
from typing import Any

import pandas as pd

from livedead.fields.normalized_plate import NormalizedPlate, open_normalized_plate
from livedead.plates import plate_maps
from livedead.provenance import file_sha256
from livedead.training.labelled_fields import LabelledFields, LabelledPlate


def open_labelled(
    raw: list[Path],
    images: list[Path],
    normalization: list[Path],
    labels: list[Path],
    plates: list[dict[str, Any]],
    channels: list[str],
    exclude: list[str],
) -> LabelledFields:
    """The labelled fields of several plates.

    Parameters
    ----------
    raw, images, normalization, labels : list of Path
        Raw folder, index, normalization and class maps of each plate.
    plates : list of dict
        Row of each plate in plates.tsv.
    channels : list of str
        Input channels of the network.
    exclude : list of str
        Wells and fields that are left out, see `LabelledFields`.
    """
    found = []
    for row, folder, index, fitted, class_maps in zip(
        plates, raw, images, normalization, labels, strict=True
    ):
        inputs = open_normalized_plate(folder, index, fitted, channels, row["bit_depth"])
        found.append(LabelledPlate(inputs, class_maps))
    return LabelledFields(found, exclude)


def open_trusted(
    raw: list[Path],
    images: list[Path],
    normalization: list[Path],
    labels: list[Path],
    plates: list[dict[str, Any]],
    channels: list[str],
) -> tuple[LabelledFields, list[NormalizedPlate]]:
    """The labelled fields of those plates that have dyed wells, and the other plates.

    Parameters
    ----------
    labels : list of Path
        Class maps of the plates with dyed wells, in their order.
    raw, images, normalization, plates, channels
        See `open_labelled`.
    """
    files = iter(labels)
    labelled, unlabelled = [], []
    for row, folder, index, fitted in zip(plates, raw, images, normalization, strict=True):
        inputs = open_normalized_plate(folder, index, fitted, channels, row["bit_depth"])
        if row["dyed_wells"]:
            labelled.append(LabelledPlate(inputs, next(files)))
        else:
            unlabelled.append(inputs)
    return LabelledFields(labelled), unlabelled


def read_plate_maps(plates: list[dict[str, Any]], platemaps: list[Path]) -> list[pd.DataFrame]:
    """The plate maps of those plates that have one, each with the column ``plate``.

    Parameters
    ----------
    plates : list of dict
        Row of each plate in plates.tsv.
    platemaps : list of Path
        In the order of the plates.
    """
    mapped = [row for row in plates if row["platemap"]]
    return [
        plate_maps.read_plate_map(path, row["wells"]).assign(plate=row["plate"])
        for row, path in zip(mapped, platemaps, strict=True)
    ]


def source_record(
    images: list[Path],
    normalization: list[Path],
    labels: list[Path],
    encoder: Path | None,
    training: dict[str, Any],
    code: str,
) -> dict[str, Any]:
    """What a network's certificate says of its training, the wells apart: files, settings, code."""
    return {
        "images_sha256": [file_sha256(path) for path in images],
        "normalization_sha256": [file_sha256(path) for path in normalization],
        "labels_sha256": [file_sha256(path) for path in labels],
        "encoder_sha256": None if encoder is None else file_sha256(encoder),
        "training": training,
        "code_sha256": code,
    }
