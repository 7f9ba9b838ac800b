"""Files that hold many images and say of which places: their wells and fields, from metadata and names."""

import logging
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from livedead.errors import ExportError, FieldError, SheetError
from livedead.images.container import Container
from livedead.images.guard import in_time
from livedead.plates.geometry import parse_well
from livedead.readers.folder import RawFolder
from livedead.readers.foreign import foreign_kind, in_words
from livedead.readers.names import NO_FIT, NO_WELL, FileName, file_name, unreadable_planes, words
from livedead.readers.scan import Plane, Scan
from livedead.readers.times import TO_BE_NUMBERED, Moment, read_moment
from livedead.readers.user_pattern import file_pattern

log = logging.getLogger(__name__)

_MAX_SECONDS = 3600.0
"""Time that the directory of one file may take, which may be that of a plate of 100,000 planes."""

Opened = TypeVar("Opened", bound=Container)


class Place(NamedTuple):
    """One camera position of a file.

    Attributes
    ----------
    title : str
        What the metadata call it, for people.
    well : str, optional
        As the metadata tell it, see `well_in`.
    field : int, optional
        Its number in the well, as the metadata tell it.
    """

    title: str
    well: str | None = None
    field: int | None = None


class File(NamedTuple):
    """What one file holds.

    Attributes
    ----------
    places : list of Place
    planes : list of (place, Plane)
        Number of the place, from 0, and the plane without path, well and field; its timepoint counts in
        the file.
    sizes_um : list of float
        Sides of a pixel; NaN where it is not told.
    wells : list of str
        That the metadata announce, imaged or not; empty if they do not say.
    """

    places: list[Place]
    planes: list[tuple[int, Plane]]
    sizes_um: list[float]
    wells: Sequence[str] = ()


def scan_files(
    folder: RawFolder,
    suffix: str,
    opener: Callable[..., Opened],
    described: Callable[[Opened, Path, int], File],
) -> Scan:
    """List the planes of all files with a suffix.

    The well is that of the user's pattern; else of the metadata; else a word of the file's name. A
    timepoint in the file's name is that of the first one inside.

    Parameters
    ----------
    folder : RawFolder
    suffix : str
    opener : callable
        Path -> the open file.
    described : callable
        (open file, its path, size of the plate) -> what it holds.

    Raises
    ------
    ExportError
        If metadata and name tell different wells, or only some places have one; if a file can neither be
        read nor says its well.
    """
    pattern = file_pattern(folder)
    paths = [path for path in folder.files if path.lower().endswith(suffix)]
    scanned = Scan([], f"the metadata of {suffix} files", by_metadata=True)
    unreadable: list[FileName] = []
    sizes: list[float] = []
    stated: list[dict[str, Any]] = []
    for path in paths:
        name = file_name(folder, pattern, path)
        file = _read(folder, path, opener, described, name)
        if file is None:
            unreadable.append(name)
            continue
        found = _wells_and_fields(name, file.places)
        if found is None:
            scanned.passed_over[path] = NO_FIT if pattern else NO_WELL
            continue
        first = min((plane.timepoint for _, plane in file.planes), default=1)
        scanned.planes += [
            _placed(name, plane, *found[place], first, alone=len(paths) == 1) for place, plane in file.planes
        ]
        sizes += file.sizes_um
        stated += [{"wells": file.wells}] if file.wells and not name.by_pattern else []
    scanned.planes += unreadable_planes(scanned.planes, unreadable)
    scanned.expect(stated, sizes)
    return scanned


def well_in(title: str, n_wells: int) -> str | None:
    """The only well among the words of a title in metadata; None if none lies on the plate.

    Raises
    ------
    ExportError
        If there are several.
    """
    well = words(f"{title}.", n_wells).one("well")
    try:
        return well and parse_well(well, n_wells)
    except SheetError:
        return None


def _read(
    folder: RawFolder,
    path: str,
    opener: Callable[..., Opened],
    described: Callable[[Opened, Path, int], File],
    name: FileName,
) -> File | None:
    """What a file holds; None if it cannot be read but says its well, whose fields then fail."""
    file = folder.path / path

    def read() -> File:
        if file.exists() and not file.is_file():  # a FIFO would wait for its writer
            raise FieldError("unreadable", f"{file}: no file, though named like one")
        return described(opener(file), file, folder.n_wells)

    try:
        return in_time(read, file, _MAX_SECONDS)
    except FieldError as error:
        log.warning("%s", error)
        if name.one("well") is None:
            kind = foreign_kind(folder.path, path)
            raise ExportError(
                f"{error}; {f'it is {in_words(kind)}' if kind else 'copy it again'}; its wells are not known"
            ) from error
        return None


def _wells_and_fields(name: FileName, places: list[Place]) -> list[tuple[str, int]] | None:
    """Well and field of each place; None if neither metadata nor name tell a well."""
    told = [place for place in places if place.well is not None]
    if name.by_pattern and (well := name.one("well")) is not None:
        wells = [well] * len(places)
    elif told and len(told) == len(places):
        wells = [place.well or "" for place in places]
        named = name.readings.get("well", [])
        if len(named) == 1 and named[0] not in wells:
            raise ExportError(
                f"{name.path}: well {named[0]} by its name, but {', '.join(dict.fromkeys(wells))} by its "
                "metadata; rename the file, or say its well with 'file_pattern' in config.yaml"
            )
    elif told:
        other = next(place.title for place in places if place.well is None)
        raise ExportError(
            f"{name.path}: {told[0].title} is of well {told[0].well}, but {other} names no well of the "
            "plate; correct 'wells' in plates.tsv, or give each well a file of its own and say it with "
            "'file_pattern' in config.yaml"
        )
    elif (well := name.one("well")) is not None:
        wells = [well] * len(places)
    else:
        return None
    return list(zip(wells, _fields(name, places, wells), strict=True))


def _fields(name: FileName, places: list[Place], wells: list[str]) -> list[int]:
    """Number of each place in its well: what the metadata tell, if that parts them, else counted in order."""
    of_well: dict[str, list[int | None]] = defaultdict(list)
    for place, well in zip(places, wells, strict=True):
        of_well[well].append(place.field)
    seen: Counter[str] = Counter()
    fields = []
    for place, well in zip(places, wells, strict=True):
        numbers = of_well[well]
        if place.field is not None and None not in numbers and len({*numbers}) == len(numbers):
            fields.append(place.field)
        else:
            fields.append(name.first_field(len(places) > 1) + seen[well])
        seen[well] += 1
    return fields


def _placed(name: FileName, plane: Plane, well: str, field: int, first: int, alone: bool) -> Plane:
    """A plane in its well and field, at the time that the file's name and the metadata tell."""
    told = name.one("timepoint")
    moment = Moment(plane.timepoint) if told is None else read_moment(told)
    if moment.timepoint != TO_BE_NUMBERED:
        # Hours since the start of one file are the plate's only if there is no other file.
        since, hours = plane.timepoint - first, plane.hours if alone else float("nan")
        moment = Moment(plane.timepoint if told is None else moment.timepoint + since, hours, plane.clock)
    return plane._replace(
        path=name.path,
        well=well,
        field=field,
        channel=name.one("channel") or plane.channel,
        **moment._asdict(),
    )
