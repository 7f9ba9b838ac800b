"""OME-Zarr: plates (HCS), or an image a field, of versions 0.4 and 0.5."""

import itertools
import logging
import math
from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

from livedead.errors import ExportError, FieldError
from livedead.images.containers import open_ome_zarr
from livedead.images.guard import Result, in_time
from livedead.images.ome_xml import MAX_PLANES, read_ome
from livedead.plates.geometry import well_name
from livedead.readers.folder import RawFolder
from livedead.readers.names import NO_FIT, NO_WELL, FileName, file_name, unreadable_planes
from livedead.readers.one_plate import refuse_several
from livedead.readers.scan import Plane, Scan
from livedead.readers.times import read_moment
from livedead.readers.user_pattern import FilePattern, file_pattern

if TYPE_CHECKING:
    from livedead.images.ome_zarr import Level, OmeZarr

log = logging.getLogger(__name__)

SUFFIX = ".zarr"
_OME_XML = "OME/METADATA.ome.xml"


class _Place(NamedTuple):
    """Where an image of a container belongs, and what its name says beside (timepoint, channel, z)."""

    group: str
    well: str
    field: int
    said: dict[str, str]


class _Listed(NamedTuple):
    """An image that a plate lists: its path, its well, its path in the well, its acquisition."""

    group: str
    well: str
    image: str
    acquisition: int | None


class _Absent(NamedTuple):
    """What is listed and cannot be read: an image, or a well, whose fields are then not known."""

    group: str
    well: str
    field: int | None
    said: dict[str, str]
    problem: str


class _InStack(NamedTuple):
    """A plane of an image: its channel, and its timepoint and focal plane from 0."""

    channel: str
    t: int
    z: int


def scan(folder: RawFolder) -> Scan:
    """Read the metadata of every ``.zarr``: a plate, or an image whose well is a word of its name.

    The wells of a plate, and their images, are those that its metadata list, whatever lies in its
    folders. The user's pattern stands over both where it fits the paths of images (``plate.zarr/A/1/0``):
    those that it does not fit are then left out.

    Raises
    ------
    ExportError
        If there are several plates, or one of several acquisitions that the pattern does not tell apart.
    """
    pattern = file_pattern(folder)
    scanned = Scan([], "OME-Zarr metadata", by_metadata=True)
    plates: list[str] = []
    wells: list[str] = []
    sizes: list[float] = []
    unreadable: list[FileName] = []
    for path in folder.files:
        if (folder.path / path).suffix.lower() != SUFFIX:
            continue
        found = _Zarr(folder, path, pattern)
        try:
            found.read()
        except FieldError as error:
            log.warning("%s", error)
            if found.is_plate or found.name.one("well") is None:
                scanned.passed_over[path] = str(error)
            else:
                unreadable.append(found.name)
            continue
        if not found.planes:
            scanned.passed_over[path] = NO_WELL if pattern is None else NO_FIT
        plates += [path] * found.is_plate
        scanned.planes += found.planes
        wells += [plane.well for plane in found.planes]
        sizes += found.pixel_sizes_um
        scanned.notes += found.notes
    refuse_several("OME-Zarrs", {path: (path, path) for path in plates})
    scanned.planes += unreadable_planes(scanned.planes, unreadable)
    scanned.expect([{"wells": wells}] if plates else [], sizes)
    return scanned


class _Zarr:
    """One OME-Zarr of a folder.

    Attributes
    ----------
    name : FileName
    is_plate : bool
    planes : list of Plane
    pixel_sizes_um : list of float
    notes : list of str
        What a person should know of how it was read.
    """

    def __init__(self, folder: RawFolder, path: str, pattern: FilePattern | None):
        self._path = path
        self._file = folder.path / path
        self._pattern = pattern
        self._container: OmeZarr = open_ome_zarr(self._file)
        self.name = file_name(folder, pattern, self._file.name if path == "." else path)
        self.is_plate = False
        self.planes: list[Plane] = []
        self.pixel_sizes_um: list[float] = []
        self.notes: list[str] = []

    def read(self) -> None:
        """Find the planes; `FieldError` if there is none that can be read."""
        content = self._in_time(self._container.content)
        self.is_plate = "plate" in content
        if self.is_plate:
            places, absent = self._of_plate()
        elif "bioformats2raw.layout" in content:
            places, absent = self._of_series(), []
        elif "multiscales" in content:
            places, absent = self._by_name(""), []
        else:
            raise FieldError(
                "wrong_layout",
                f"{self._file}: neither a plate nor an image of OME-Zarr; 'raw' must be one, or hold one",
            )
        self._read_images(places, absent)

    def _of_plate(self) -> tuple[list[_Place], list[_Absent]]:
        """The images that a plate lists, and its wells that cannot be read."""
        plate = self._in_time(self._container.plate)
        listed: list[_Listed] = []
        absent: list[_Absent] = []
        error = FieldError("missing_plane", f"{self._file}: a plate without wells")
        for path, well in plate.wells.items():
            try:
                images = self._in_time(partial(self._container.well, path))
            except FieldError as own:
                error = own
                log.warning("%s", error)
                absent.append(_Absent(path, well, None, {}, _problem(error)))
                continue
            listed += [_Listed(f"{path}/{image}", well, image, number) for image, number in images.items()]
        if not listed:
            raise error
        said = {one.group: self._said(one.group) for one in listed}
        if any(said.values()):
            return self._by_pattern(listed, said), absent
        self._check_acquisitions(listed, plate.acquisitions)
        return _by_number(listed), absent

    def _said(self, group: str) -> dict[str, str]:
        """What the user's pattern takes from the path of an image in the plate."""
        if self._pattern is None:
            return {}
        return self._pattern.read(group if self._path == "." else f"{self._path}/{group}") or {}

    def _by_pattern(self, listed: list[_Listed], said: dict[str, dict[str, str]]) -> list[_Place]:
        """The images that the user's pattern fits; fields that it does not number count in order."""
        order: Counter[tuple[str, str | None]] = Counter()
        places = []
        for one in listed:
            if own := said[one.group]:
                at = own["well"], own.get("timepoint")
                order[at] += 1
                places.append(_Place(one.group, own["well"], int(own.get("field") or order[at]), own))
        others = [one.group for one in listed if not said[one.group]]
        if others:
            self.notes.append(
                f"{len(others)} image(s) of {self._path}, such as {others[0]}, are left out, as file_pattern "
                f"fits others ({places[0].group}) but not these"
            )
        return places

    def _check_acquisitions(self, listed: list[_Listed], names: dict[int, str]) -> None:
        """Refuse images of several acquisitions: they may be timepoints, stains or repeats."""
        found = list(dict.fromkeys(one.acquisition for one in listed))
        if len(found) > 1:
            shown = ", ".join(names.get(-1 if number is None else number, str(number)) for number in found)
            raise ExportError(
                f"{self._file}: its images are of several acquisitions: {shown}; if these are timepoints, "
                "say so with 'file_pattern' in config.yaml, such as '{row}/{column}/{timepoint}' for paths "
                f"such as {listed[0].group}; if one is meant, write its image: "
                f"'{{row}}/{{column}}/{listed[0].image}'"
            )

    def _of_series(self) -> list[_Place]:
        """The images of what bioformats2raw wrote without a plate, by the wells of its OME-XML."""
        source = self._file / _OME_XML
        document = read_ome(self._in_time(partial(self._container.read_bytes, _OME_XML)), source)
        series = [str(k) for k in range(len(document.image_names))]
        if len(series) == 1 and not document.wells:
            return self._by_name(series[0])
        if len(document.wells) < len(series):
            raise FieldError(
                "wrong_layout",
                f"{self._file}: {len(series)} images, but wells for {len(document.wells)} of them in "
                f"{_OME_XML}; convert it again as a plate, or each image into a .zarr named by its well",
            )
        return [
            _Place(series[k], well_name(row, column), field, {})
            for k, (row, column, field) in document.wells.items()
        ]

    def _by_name(self, group: str) -> list[_Place]:
        """The only image, whose well the container's name says; none if it does not."""
        well = self.name.one("well")
        if well is None:
            return []
        said = self.name.said(("timepoint", "channel", "z"))
        return [_Place(group, well, self.name.first_field(several=False), said)]

    def _read_images(self, places: list[_Place], absent: list[_Absent]) -> None:
        """The planes of all images; those that cannot be read have the planes of the others."""
        stacks: dict[_InStack, None] = {}
        error = None
        for place in places:
            try:
                level = self._in_time(partial(self._container.level, place.group))
                stack = self._stack(level)
            except FieldError as own:
                error = own
                log.warning("%s", error)
                absent = [*absent, _Absent(*place, _problem(error))]
                continue
            stacks |= dict.fromkeys(stack)
            self.pixel_sizes_um += level.image.pixel_sizes_um
            self.planes += self._planes_of(place, level, stack)
        if error is not None and not self.planes:
            raise error
        fields = sorted({place.field for place in places})
        for one in absent:
            for field, at in itertools.product(fields if one.field is None else [one.field], stacks):
                self.planes.append(
                    self._plane(one.well, field, one.said, at, dataset=one.group, problem=one.problem)
                )

    def _stack(self, level: "Level") -> list[_InStack]:
        """Every plane of an image, as its pages follow."""
        sizes = level.stack
        if len(self.planes) + math.prod(sizes.values()) > MAX_PLANES:
            raise FieldError("too_large", f"{self._file}: more than {MAX_PLANES:,} planes")
        channels = _channels(level.image.labels, sizes.get("c", 1))
        places = (dict(zip(sizes, at, strict=True)) for at in itertools.product(*map(range, sizes.values())))
        return [_InStack(channels[at.get("c", 0)], at.get("t", 0), at.get("z", 0)) for at in places]

    def _planes_of(self, place: _Place, level: "Level", stack: list[_InStack]) -> Iterator[Plane]:
        sizes, (start, step) = level.sizes, level.image.hours
        for page, at in enumerate(stack):
            yield self._plane(
                place.well,
                place.field,
                place.said,
                at,
                start + at.t * step if sizes.get("t", 1) > 1 else math.nan,
                dataset=level.dataset,
                axes=level.image.axes,
                page=page,
                height=sizes["y"],
                width=sizes["x"],
                dtype=str(level.array.dtype.newbyteorder("=")),
            )

    def _plane(
        self,
        well: str,
        field: int,
        said: dict[str, str],
        at: _InStack,
        hours: float = math.nan,
        **known: Any,
    ) -> Plane:
        """A plane of an image: what the image's name says is that of its first plane."""
        told = read_moment(said.get("timepoint") or "1")
        return Plane(
            self._path,
            well,
            field,
            told.timepoint + at.t,
            said.get("channel") or at.channel,
            int(said.get("z") or 1) + at.z,
            hours=hours if math.isnan(told.hours) else told.hours,
            clock=told.clock,
            **known,
        )

    def _in_time(self, read: Callable[[], Result]) -> Result:
        return in_time(read, self._file)


def _by_number(listed: list[_Listed]) -> list[_Place]:
    """The images as fields, by the numbers that are their paths, else in their order in the well."""
    numbered = all(one.image.isdecimal() for one in listed)
    order: Counter[str] = Counter()
    places = []
    for one in listed:
        order[one.well] += 1
        places.append(_Place(one.group, one.well, int(one.image) if numbered else order[one.well], {}))
    return places


def _channels(labels: list[str], n: int) -> list[str]:
    """Name of each channel, or its number from 0 where names are absent or alike."""
    names = [label or str(k) for k, label in enumerate(labels)]
    return names if len(names) == n == len(set(names)) else [str(k) for k in range(n)]


def _problem(error: FieldError) -> str:
    """The problem of a plane that metadata list."""
    return "missing_plane" if error.code == "missing_plane" else "unreadable"
