"""HDF5 stacks: one file per well and timepoint, a dataset (H, W, tiles) per channel."""

import logging
from pathlib import Path

import h5py

from livedead.errors import ExportError, FieldError
from livedead.images.hdf5 import HDF5_SUFFIXES, hdf5_datasets
from livedead.readers.folder import RawFolder, kind_of_entry
from livedead.readers.names import NO_FIT, NO_WELL, FileName, file_name, unreadable_planes
from livedead.readers.scan import Plane, Scan
from livedead.readers.user_pattern import file_pattern

log = logging.getLogger(__name__)

AXES = ("yxn", "nyx")
"""What ``hdf5_axes`` may say of datasets of three axes: (H, W, tiles) or (tiles, H, W)."""
MAX_ELONGATION = 4
"""No field is more than this many times as long as wide: a shape that would make it so is read otherwise."""
_SHOWN = 12

Datasets = dict[str, tuple[tuple[int, ...], str]]


def scan(folder: RawFolder) -> Scan:
    """List the datasets of every file; each is a channel, each of its tiles a field.

    The well and the timepoint are words of the name (``B03_t12.h5``, ``plate-well_B3-time 12.h5``),
    or groups of the user's pattern. A dataset of three axes is (H, W, tiles) if nothing else can be
    meant, or what `RawFolder.hdf5_axes` says.

    Raises
    ------
    ExportError
        If a name or the axes of a configured channel can be read in more than one way, or that
        channel is no image.
    """
    pattern = file_pattern(folder)
    planes: list[Plane] = []
    passed_over: dict[str, str] = {}
    unreadable: list[FileName] = []
    for path in folder.files:
        if not path.lower().endswith(HDF5_SUFFIXES):
            continue
        name = file_name(folder, pattern, path)
        if name.one("well") is None:
            passed_over[path] = NO_WELL if pattern is None else NO_FIT
            continue
        datasets = _datasets(folder.path / path)
        if datasets is None:
            unreadable.append(name)
            continue
        of_file: list[Plane] = []
        holds = f"the file holds {_listed(datasets) or 'no dataset'}"
        for dataset, (shape, dtype) in datasets.items():
            axes, why_not = _axes(shape, dtype, folder.hdf5_axes)
            if not why_not:
                of_file += _tiles(name, dataset, axes, shape, dtype)
            elif dataset in folder.channels:
                raise ExportError(f"{folder.path / path}: dataset {dataset!r} {why_not}; {holds}")
        if not of_file:
            passed_over[path] = f"no dataset (H, W) or (H, W, tiles) of numbers; {holds}"
        planes += of_file
    planes += unreadable_planes(planes, unreadable)
    return Scan(planes, "HDF5 files named by well", passed_over=passed_over)


def _tiles(name: FileName, dataset: str, axes: str, shape: tuple[int, ...], dtype: str) -> list[Plane]:
    """A plane per tile of a dataset."""
    sizes = dict(zip(axes, shape, strict=True))
    tiles = sizes.get("n", 1)
    first = name.first_field(tiles > 1)
    plane = Plane.from_texts(
        name.path,
        **{**name.said(("well", "timepoint", "z")), "channel": dataset},
        dataset=dataset,
        axes=axes,
        height=sizes["y"],
        width=sizes["x"],
        dtype=dtype,
    )
    return [plane._replace(page=tile, field=first + tile) for tile in range(tiles)]


def _axes(shape: tuple[int, ...], dtype: str, told: str | None) -> tuple[str, str]:
    """The axes of a dataset, such as ``yxn``, or why it cannot be read as an image."""
    if len(shape) not in (2, 3) or min(shape) == 0 or not dtype.startswith(("uint", "int", "float", "bool")):
        return "", f"is {dtype} {shape}; an image is a dataset (H, W) or (H, W, tiles) of numbers"
    if len(shape) == 2:
        return "yx", ""
    if told is not None:
        return told, ""
    sizes_of = {axes: dict(zip(axes, shape, strict=True)) for axes in AXES}
    possible = {axes: sizes for axes, sizes in sizes_of.items() if _is_field(sizes["y"], sizes["x"])}
    if list(possible) == ["yxn"]:
        return "yxn", ""
    readings = [
        f"{sizes['n']} tiles of {sizes['y']} x {sizes['x']} px (hdf5_axes: {axes})"
        for axes, sizes in (possible or sizes_of).items()
    ]
    return "", f"of shape {shape} may be {' or '.join(readings)}; say which in config.yaml"


def _is_field(height: int, width: int) -> bool:
    return max(height, width) <= MAX_ELONGATION * min(height, width)


def _listed(datasets: Datasets) -> str:
    shown = [f"{name!r} {dtype} {shape}" for name, (shape, dtype) in datasets.items()]
    more = f" and {len(shown) - _SHOWN} more" if len(shown) > _SHOWN else ""
    return ", ".join(shown[:_SHOWN]) + more


def _datasets(path: Path) -> Datasets | None:
    """Shape and type of each dataset of a file, None if it cannot be read."""
    if kind_of_entry(path):  # a FIFO would wait for its writer for ever
        return None
    try:
        with h5py.File(path, "r") as file:
            return {
                name: (data.shape or (), str(data.dtype.newbyteorder("=")))
                for name, data in hdf5_datasets(file, path).items()
            }
    except FieldError as error:
        raise ExportError(str(error)) from error
    except (OSError, RuntimeError, KeyError) as error:
        log.warning("%s: not a readable HDF5 file: %s", path, error)
        return None
