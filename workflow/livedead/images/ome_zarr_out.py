"""Plates as OME-Zarr 0.5 (HCS; Zarr version 3), for viewers and other tools.

The format: https://ngff.openmicroscopy.org/0.5. A plane is one file, a shard of small compressed chunks: few
files, of which a viewer reads what it shows.
"""

import itertools
import math
import shutil
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

import numpy as np

from livedead.images.container import needed
from livedead.plates.geometry import FORMATS, row_letters, sort_wells, well_position

VERSION = "0.5"
CHUNK_PX = 512
_CHUNKS_OF_A_SHARD = 8
"""At most, along each side."""
_SMALLEST_PX = 256
"""A reduced image is halved no more when its long side is this short."""
_EVEN_STEPS = 0.01
"""Steps of time are one scale if none differs by a larger share from their mean."""
_COLOURS = ("00FFFF", "FF00FF", "FFFF00", "FFFFFF")
"""Of several channels, RGB; a single one is grey."""


class Label(NamedTuple):
    """A label image.

    Attributes
    ----------
    dtype : str
    fill : int
        The value of every pixel that is not written.
    values : mapping
        Value -> its name and its colour, RRGGBB; those of no meaning of their own need not be listed.
    """

    dtype: str
    fill: int = 0
    values: Mapping[int, tuple[str, str]] = {}


class FieldImage(NamedTuple):
    """What all images of one field share.

    Attributes
    ----------
    name : str
    shape : (int, int)
        Height and width.
    pixel_size_um : float
    hours : sequence of float
        When each timepoint was imaged, NaN where that is not known.
    """

    name: str
    shape: tuple[int, int]
    pixel_size_um: float
    hours: Sequence[float]


class Pyramid:
    """An image at full size and at reduced ones, written plane by plane."""

    def __init__(self, levels: list[Any], halved: Callable[[np.ndarray], np.ndarray]):
        self._levels, self._halved = levels, halved

    def write(self, place: tuple[int, ...], plane: np.ndarray) -> None:
        """Write a plane, (H, W), in all sizes; `place` is its index along the other axes."""
        for level in self._levels:
            level[place] = plane
            plane = self._halved(plane)


def create_image(folder: Path, field: FieldImage, channels: list[str], others: Mapping[str, Any]) -> Pyramid:
    """A new image of a field, (T, C, H, W) uint16, whose values of 0 are black and of 65,535 white.

    Parameters
    ----------
    folder : Path
    field : FieldImage
    channels : list of str
    others : mapping
        Attributes of the image beside those of OME-Zarr.
    """
    window = {"min": 0, "max": 65535, "start": 0, "end": 65535}
    colours = itertools.cycle(_COLOURS if len(channels) > 1 else _COLOURS[-1:])
    omero = {
        "channels": [
            {"label": channel, "color": colour, "active": True, "window": window}
            for channel, colour in zip(channels, colours, strict=False)
        ],
        "rdefs": {"defaultT": 0, "defaultZ": 0, "model": "color" if len(channels) > 1 else "greyscale"},
    }
    about = {**others, "ome": {"version": VERSION, "omero": omero}}
    return _create(folder, field, {"c": len(channels)}, "uint16", 0, halved_by_mean, about)


def create_labels(folder: Path, field: FieldImage, labels: Mapping[str, Label]) -> dict[str, Pyramid]:
    """New label images, (T, H, W), of the image in `folder`, by their names."""
    _group(folder / "labels", {"ome": {"version": VERSION, "labels": list(labels)}})
    pyramids = {}
    for name, label in labels.items():
        known = label.values.items()
        image_label = {
            "source": {"image": "../../"},
            "colors": [{"label-value": k, "rgba": [*bytes.fromhex(rgb), 255]} for k, (_, rgb) in known],
            "properties": [{"label-value": k, "name": value} for k, (value, _) in known],
        }
        told = {key: value for key, value in image_label.items() if value}
        about = {"ome": {"version": VERSION, "image-label": told}}
        pyramids[name] = _create(
            folder / "labels" / name,
            field._replace(name=name),
            {},
            label.dtype,
            label.fill,
            halved_by_nearest,
            about,
        )
    return pyramids


def write_well(folder: Path, fields: Iterable[int]) -> None:
    """Make a folder with an image for each field, named like it, the well of a plate."""
    images = [{"path": str(field)} for field in fields]
    _group(folder, {"ome": {"version": VERSION, "well": {"images": images}}})


def well_path(well: str) -> str:
    """Where a well lies in its plate.

    Examples
    --------
    >>> well_path("AF03")
    'AF/03'
    """
    row, column = well_position(well)
    return f"{row_letters(row)}/{column + 1:02d}"


def write_plate(folder: Path, name: str, n_wells: int, tables: Mapping[str, Path]) -> None:
    """Make a folder of wells, see `write_well`, a plate.

    Parameters
    ----------
    folder : Path
    name : str
    n_wells : int
        Of such a plate, imaged or not; a key of `livedead.plates.geometry.FORMATS`.
    tables : mapping
        Name -> its file, CSV. They lie in the plate as ngio and Fractal read them:
        https://fractal-analytics-platform.github.io/ngio/stable/table_specs/overview
    """
    n_rows, n_columns = FORMATS[n_wells]
    fields = {
        f"{path.parts[-3]}{path.parts[-2]}": len(list(path.parent.glob("*/zarr.json")))
        for path in folder.glob("*/*/zarr.json")
    }
    wells = [
        {"path": well_path(well), "rowIndex": row, "columnIndex": column}
        for well in sort_wells(fields)
        for row, column in [well_position(well)]
    ]
    plate = {
        "name": name,
        "version": VERSION,
        "rows": [{"name": row_letters(row)} for row in range(n_rows)],
        "columns": [{"name": f"{column + 1:02d}"} for column in range(n_columns)],
        "wells": wells,
        "field_count": max(fields.values()),
    }
    _group(folder, {"ome": {"version": VERSION, "plate": plate}})
    for row in {str(well["path"]).split("/")[0] for well in wells}:
        _group(folder / row, {})
    _group(folder / "tables", {"tables": list(tables)})
    for table, path in tables.items():
        about = {"type": "generic_table", "table_version": "1", "backend": "csv"}
        _group(folder / "tables" / table, about)
        shutil.copyfile(path, folder / "tables" / table / "table.csv")


def halved_by_mean(plane: np.ndarray) -> np.ndarray:
    """The mean of every 2 x 2 pixels, rounded, uint16; a last odd row or column is left out."""
    rows, columns = (side // 2 * 2 for side in plane.shape)
    sums = np.zeros((rows // 2, columns // 2), np.uint32)
    for y, x in itertools.product((0, 1), (0, 1)):
        sums += plane[y:rows:2, x:columns:2]
    return ((sums + 2) // 4).astype(np.uint16)


def halved_by_nearest(plane: np.ndarray) -> np.ndarray:
    """The first of every 2 x 2 pixels; a last odd row or column is left out."""
    rows, columns = (side // 2 * 2 for side in plane.shape)
    return plane[:rows:2, :columns:2]


def _create(
    folder: Path,
    field: FieldImage,
    others: Mapping[str, int],
    dtype: str,
    fill: int,
    halved: Callable[[np.ndarray], np.ndarray],
    about: Mapping[str, Any],
) -> Pyramid:
    """A new pyramid, (T, *others, H, W)."""
    shape, shapes = field.shape, [field.shape]
    while max(shape) > _SMALLEST_PX and min(shape) > 1:
        shape = shape[0] // 2, shape[1] // 2
        shapes.append(shape)
    time, step, start = time_axis(field.hours)
    space = {"type": "space", "unit": "micrometer"}
    axes = [
        time,
        *({"name": name, "type": "channel"} for name in others),
        {"name": "y", **space},
        {"name": "x", **space},
    ]
    datasets = []
    for level in range(len(shapes)):
        size_um = field.pixel_size_um * 2**level
        # The first pixel of a reduced image lies in the middle of those that it was made of.
        shift_um = (size_um - field.pixel_size_um) / 2
        scale = [step, *(1.0 for _ in others), size_um, size_um]
        shift = [start, *(0.0 for _ in others), shift_um, shift_um]
        transforms: list[dict[str, Any]] = [{"type": "scale", "scale": scale}]
        if any(shift):
            transforms.append({"type": "translation", "translation": shift})
        datasets.append({"path": str(level), "coordinateTransformations": transforms})
    multiscales = [{"name": field.name, "axes": axes, "datasets": datasets}]
    _group(folder, {**about, "ome": {**about["ome"], "multiscales": multiscales}})
    leading = (len(field.hours), *others.values())
    names = [axis["name"] for axis in axes]
    levels = [_array(folder / str(k), (*leading, *side), names, dtype, fill) for k, side in enumerate(shapes)]
    return Pyramid(levels, halved)


def time_axis(hours: Sequence[float]) -> tuple[dict[str, str], float, float]:
    """The axis of time, its step and its start: in hours, if they are known and evenly spaced.

    Examples
    --------
    >>> time_axis([2.0, 6.0, 10.0])
    ({'name': 't', 'type': 'time', 'unit': 'hour'}, 4.0, 2.0)
    >>> time_axis([2.0, 6.0, 24.0])
    ({'name': 't', 'type': 'time'}, 1.0, 0.0)
    """
    steps = np.diff(hours)
    step = float(steps.mean()) if steps.size else math.nan
    if step > 0 and (abs(steps - step) <= _EVEN_STEPS * step).all():
        return {"name": "t", "type": "time", "unit": "hour"}, step, float(hours[0])
    return {"name": "t", "type": "time"}, 1.0, 0.0


def _group(folder: Path, attributes: Mapping[str, Any]) -> None:
    _zarr(folder).create_group(folder, attributes=dict(attributes), zarr_format=3)


def _array(path: Path, shape: tuple[int, ...], axes: list[str], dtype: str, fill: int) -> Any:
    zarr = _zarr(path)
    leading = (1,) * (len(shape) - 2)
    chunk = [min(CHUNK_PX, side) for side in shape[-2:]]
    n_chunks = (math.ceil(side / of_chunk) for side, of_chunk in zip(shape[-2:], chunk, strict=True))
    shard = [side * min(_CHUNKS_OF_A_SHARD, n) for side, n in zip(chunk, n_chunks, strict=True)]
    return zarr.create_array(
        path,
        shape=shape,
        chunks=(*leading, *chunk),
        shards=(*leading, *shard),
        dtype=dtype,
        fill_value=fill,
        compressors=zarr.codecs.ZstdCodec(level=3, checksum=True),
        dimension_names=axes,
        zarr_format=3,
    )


def _zarr(path: Path) -> ModuleType:
    with needed(path, "OME-Zarr"):
        import zarr
    return zarr
