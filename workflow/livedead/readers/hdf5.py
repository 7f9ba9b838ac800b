"""HDF5 stacks: one file per well and timepoint, a dataset (H, W, tiles) per channel."""

import logging
from pathlib import Path
from typing import Any

import h5py

from livedead.errors import ExportError, FieldError
from livedead.images import hdf5_datasets
from livedead.readers.pattern import compiled, words
from livedead.readers.planes import Scan, plane, unreadable_rows

log = logging.getLogger(__name__)

SUFFIXES = (".h5", ".hdf5", ".hdf", ".he5")


def scan(raw: Path, files: list[str], file_pattern: str | None) -> Scan:
    """List the datasets of every file; each is a channel, each of its tiles a field.

    The well and the timepoint are words of the name (``B03_t12.h5``, ``plate-well_B3-time 12.h5``;
    the last word that fits), or groups of `file_pattern`.
    """
    expression = compiled(file_pattern) if file_pattern else None
    rows: list[dict[str, Any]] = []
    passed_over, unreadable = {}, {}
    for path in files:
        if not path.lower().endswith(SUFFIXES):
            continue
        if expression is not None:
            match = expression.fullmatch(path)
            named = None if match is None else match.groupdict()
        else:
            named = words(path)
        if named is None:
            passed_over[path] = "no well in its name"
            continue
        shapes = _shapes(raw / path)
        if shapes is None:
            unreadable[path] = named
            continue
        for dataset, (shape, dtype) in shapes.items():
            height, width, *tiles = shape
            for tile in range(tiles[0] if tiles else 1):
                row = plane(
                    path,
                    **{**named, "channel": dataset},
                    dataset=dataset,
                    page=tile,
                    height=height,
                    width=width,
                    dtype=dtype,
                )
                rows.append({**row, "field": int(named.get("field") or 1) + tile})
    rows += unreadable_rows(rows, unreadable)
    return Scan(rows, "HDF5 files named by well", passed_over=passed_over)


def _shapes(path: Path) -> dict[str, tuple[tuple[int, ...], str]] | None:
    """Shape and type of each image dataset of a file, None if it cannot be read."""
    try:
        with h5py.File(path, "r") as file:
            shapes = {name: (data.shape, data.dtype) for name, data in hdf5_datasets(file, path).items()}
    except FieldError as error:
        raise ExportError(str(error)) from error
    except (OSError, RuntimeError, KeyError) as error:
        log.warning("%s: not a readable HDF5 file: %s", path, error)
        return None
    images = {
        name: (shape, str(dtype.newbyteorder("=")))
        for name, (shape, dtype) in shapes.items()
        if len(shape) in (2, 3) and min(shape) > 0 and dtype.kind in "uifb"
    }
    odd = {name for name, (shape, _) in images.items() if len(shape) == 3 and shape[2] > min(shape[:2])}
    for name in odd:
        message = (
            f"{path}: dataset {name!r} has shape {images[name][0]}; expected (H, W, tiles), "
            "with fewer tiles than rows and columns"
        )
        if odd == set(images):
            raise ExportError(message)
        log.warning("%s; it is left out", message)
    return {name: found for name, found in images.items() if name not in odd}
