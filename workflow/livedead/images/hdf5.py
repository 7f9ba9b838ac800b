"""Planes of HDF5 files: a dataset, or one tile of it."""

from pathlib import Path
from typing import Any

import h5py
import numpy as np

from livedead.errors import FieldError
from livedead.images.stored import StoredPlane, as_counts, check_declared, is_too_large

HDF5_SUFFIXES = (".h5", ".hdf5", ".hdf", ".he5")


def hdf5_plane(path: Path, dataset: str, axes: str, tile: int, accept: frozenset[str]) -> StoredPlane:
    """One tile of a dataset, or a dataset of two axes whole."""
    with h5py.File(path, "r") as file:
        data = hdf5_datasets(file, path).get(dataset)
        if data is None:
            raise FieldError("wrong_layout", f"{path}: no dataset {dataset!r}; index the plate again")
        sizes = dict(zip(axes, data.shape, strict=False))
        if len(axes) != data.ndim or not {"y", "x"} <= set(axes) or tile >= sizes.get("n", 1):
            raise FieldError(
                "wrong_shape",
                f"{path}: dataset {dataset!r} has shape {data.shape}, not axes {axes!r} with tile {tile}; "
                "index the plate again",
            )
        height, width = sizes["y"], sizes["x"]
        if is_too_large(height, width):
            raise FieldError("too_large", f"{path}: dataset {dataset!r} has shape {data.shape}")
        check_declared(path, str(data.dtype.newbyteorder("=")), {}, accept)
        pixels = data[tuple(tile if axis == "n" else slice(None) for axis in axes)]
        chunk = data.chunks and tuple(
            side for axis, side in zip(axes, data.chunks, strict=True) if axis != "n"
        )
        unwritten = _is_unwritten(data, axes, tile)
    return StoredPlane(np.ascontiguousarray(as_counts(pixels, path)), 8 * pixels.itemsize, chunk, unwritten)


def _is_unwritten(data: h5py.Dataset, axes: str, tile: int) -> bool:
    """Whether any chunk that a tile lies in was never written."""
    if data.chunks is None or data.id.get_space_status() == h5py.h5d.SPACE_STATUS_ALLOCATED:
        return False
    plane = tuple(slice(tile, tile + 1) if axis == "n" else slice(None) for axis in axes)
    for chunk in data.iter_chunks(plane):
        first = tuple(s.start // side * side for s, side in zip(chunk, data.chunks, strict=True))
        if data.id.get_chunk_info_by_coord(first).byte_offset is None:
            return True
    return False


def hdf5_datasets(file: h5py.File, path: Path) -> dict[str, h5py.Dataset]:
    """Every dataset of an open file by name; `FieldError` if one leads to another file."""
    found = {}

    def visit(name: str, entry: Any) -> None:
        if isinstance(entry, h5py.Dataset):
            if entry.external or entry.is_virtual:
                raise FieldError("wrong_layout", f"{path}: dataset {name!r} lies in another file")
            found[name] = entry

    file.visititems(visit)  # follows hard links only
    return found
