"""What OME-Zarr groups say of themselves, versions 0.4 and 0.5: plates, wells and images.

``ome-zarr-models`` holds it to the specification (ngff.openmicroscopy.org); imported only where there
is an OME-Zarr.
"""

import math
from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np
from ome_zarr_models import v04, v05

from livedead.errors import FieldError, SheetError
from livedead.images.metadata import TO_MICROMETRES
from livedead.plates.geometry import FORMATS, parse_well, well_name

VERSIONS = {"0.4": v04, "0.5": v05}
_SECTIONS = ("plate", "well", "multiscales")
_MICROMETRES = {
    **TO_MICROMETRES,
    "meter": 1e6,
    "centimeter": 1e4,
    "millimeter": 1e3,
    "micrometer": 1.0,
    "nanometer": 1e-3,
    "picometer": 1e-6,
    "angstrom": 1e-4,
}
_HOURS = {
    "day": 24.0,
    "hour": 1.0,
    "minute": 1 / 60,
    "second": 1 / 3600,
    "millisecond": 1 / 3600e3,
    "microsecond": 1 / 3600e6,
    "h": 1.0,
    "min": 1 / 60,
    "s": 1 / 3600,
    "ms": 1 / 3600e3,
}
OTHER = "o"
"""Letter of an axis that is none of t, c, z, y, x."""


class ZarrPlate(NamedTuple):
    """What a plate says: path of each well in it -> the well's name; acquisitions by number."""

    wells: dict[str, str]
    acquisitions: dict[int, str]


class ZarrImage(NamedTuple):
    """What an image says of its array of full resolution.

    Attributes
    ----------
    path : str
        Of the array, in the image.
    axes : str
        A letter each, the slowest first: ``tczyx``, or `OTHER`.
    pixel_sizes_um : (float, float)
        Along y and x, NaN without a unit.
    hours : (float, float)
        Of timepoint 0 and from one to the next, NaN without a unit.
    labels : list of str
        Of its channels, as far as they are named.
    """

    path: str
    axes: str
    pixel_sizes_um: tuple[float, float]
    hours: tuple[float, float]
    labels: list[str]


def ome_content(attributes: object, source: object) -> dict[str, Any]:
    """The OME metadata among the attributes of a group, with its ``version``; empty without any.

    Raises
    ------
    FieldError
        If they are of a version that is not read.
    """
    content = attributes.get("ome", attributes) if isinstance(attributes, dict) else attributes
    if not isinstance(content, dict):
        raise FieldError("unreadable", f"{source}: its attributes are {type(content).__name__}, no object")
    if not {*_SECTIONS, "bioformats2raw.layout"} & set(content):
        return {}
    sections = [content.get(name) for name in _SECTIONS]
    sections = [part[0] if isinstance(part, list) and part else part for part in sections]
    told = [part.get("version") for part in (content, *sections) if isinstance(part, dict)]
    version = str(next((one for one in told if one is not None), "0.4"))
    if version not in VERSIONS:
        raise FieldError(
            "wrong_layout",
            f"{source}: OME-Zarr of version {version!r}; read are {' and '.join(VERSIONS)}: "
            "convert it, or export the plate again",
        )
    return {**content, "version": version}


def read_plate(content: dict[str, Any], source: object) -> ZarrPlate:
    """The wells of a plate, each by its path, row and column, which must agree."""
    models = VERSIONS[content["version"]]
    told = content["plate"]
    if isinstance(told, dict):
        told = {"version": content["version"], **told}
    plate = _validated(models.plate.Plate, told, f"{source}: plate")
    rows, columns = ([one.name for one in axis] for axis in (plate.rows, plate.columns))
    wells = {}
    for well in plate.wells:
        at = (well.rowIndex, well.columnIndex)
        inside = 0 <= at[0] < len(rows) and 0 <= at[1] < len(columns)
        if not inside or well.path != f"{rows[at[0]]}/{columns[at[1]]}":
            raise FieldError(
                "wrong_layout",
                f"{source}: plate: well {well.path} is said to be in row {at[0]} and column {at[1]} "
                f"of rows {', '.join(rows)} and columns {', '.join(columns)}; correct the plate's metadata",
            )
        if well.path in wells:
            raise FieldError("wrong_layout", f"{source}: plate: well {well.path} is there twice")
        wells[well.path] = _well(rows, columns, *at, source)
    return ZarrPlate(wells, {one.id: one.name or str(one.id) for one in plate.acquisitions or ()})


def _well(rows: list[str], columns: list[str], row: int, column: int, source: object) -> str:
    """A well by the names of its row and column, as many plates list only those that were imaged."""
    try:
        return parse_well(f"{rows[row]}{columns[column]}")
    except SheetError as error:
        if (len(rows), len(columns)) in FORMATS.values():
            return well_name(row, column)
        raise FieldError(
            "wrong_layout",
            f"{source}: plate: row {rows[row]!r} and column {columns[column]!r} name no well, and "
            f"{len(rows)} x {len(columns)} is no whole plate, by which they could be counted",
        ) from error


def read_well(content: dict[str, Any], source: object) -> dict[str, int | None]:
    """Path of each image of a well, in their order -> number of its acquisition, if it has one."""
    well = _validated(
        VERSIONS[content["version"]].well_types.WellMeta, content.get("well"), f"{source}: well"
    )
    return {image.path: image.acquisition for image in well.images}


def read_image(content: dict[str, Any], source: object) -> ZarrImage:
    """The full resolution of an image."""
    listed = content.get("multiscales")
    model = VERSIONS[content["version"]].multiscales.Multiscale
    if not isinstance(listed, list) or not listed:
        raise FieldError("wrong_layout", f"{source}: no image, as it has no 'multiscales'")
    image = _validated(model, listed[0], f"{source}: multiscales")
    if any(_validated(model, one, f"{source}: multiscales") != image for one in listed[1:]):
        raise FieldError("wrong_layout", f"{source}: several images in 'multiscales'; leave the one to read")
    axes = "".join(_letter(axis, source) for axis in image.axes)
    steps = (*image.datasets[0].coordinateTransformations, *(image.coordinateTransformations or ()))
    scales, offsets = _scaled(steps, len(axes))
    units = dict(zip(axes, (axis.unit for axis in image.axes), strict=True))
    scale, offset = (dict(zip(axes, values.tolist(), strict=True)) for values in (scales, offsets))
    for axis in "yx":
        if not 0 < scale[axis] < math.inf:
            raise FieldError(
                "wrong_layout", f"{source}: pixels of {scale[axis]} along {axis}; correct its scale"
            )
    in_hours = _factor(_HOURS, units.get("t")) if scale.get("t", 0) > 0 else math.nan
    return ZarrImage(
        image.datasets[0].path,
        axes,
        (scale["y"] * _factor(_MICROMETRES, units["y"]), scale["x"] * _factor(_MICROMETRES, units["x"])),
        (offset.get("t", 0.0) * in_hours, scale.get("t", 0.0) * in_hours),
        _labels(content.get("omero")),
    )


def _letter(axis: Any, source: object) -> str:
    letter = {"time": "t", "channel": "c", "space": str(axis.name).lower()}.get(axis.type, OTHER)
    if axis.type == "space" and letter not in ("z", "y", "x"):
        raise FieldError("wrong_layout", f"{source}: an axis {axis.name!r} of space; allowed are z, y and x")
    return letter


def _scaled(steps: Iterable[Any], n_axes: int) -> tuple[np.ndarray, np.ndarray]:
    """Scale and offset that transformations, one after the other, make of the places of an array."""
    scales, offsets = np.ones(n_axes), np.zeros(n_axes)
    for step in steps:
        factors = getattr(step, "scale", np.ones(n_axes) if step.type != "scale" else np.full(n_axes, np.nan))
        shifts = getattr(step, "translation", np.zeros(n_axes))
        with np.errstate(all="ignore"):  # of what is no number the caller says so
            scales, offsets = scales * factors, offsets * factors + shifts
    return scales, offsets


def _factor(factors: dict[str, float], unit: object) -> float:
    return factors.get(unit, math.nan) if isinstance(unit, str) else math.nan


def _labels(omero: object) -> list[str]:
    """What ``omero`` calls the channels; what is no such list of names is none."""
    channels = omero.get("channels") if isinstance(omero, dict) else None
    listed = channels if isinstance(channels, list) else []
    labels = [one.get("label") if isinstance(one, dict) else None for one in listed]
    return [label if isinstance(label, str) else "" for label in labels]


def _validated(model: Any, content: object, where: str) -> Any:
    try:
        return model.model_validate(content)
    except ValueError as error:  # of pydantic: a line that counts, then the first place, then what is wrong
        _, place, what, *_ = [*str(error).splitlines(), "", ""]
        raise FieldError("wrong_layout", f"{where}: not as OME-Zarr is: {place}: {what.strip()}") from error
