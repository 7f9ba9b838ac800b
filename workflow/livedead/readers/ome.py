"""OME-TIFF: planes, wells and positions from the OME-XML, wells and fields from names where it has none."""

import logging
import math
from collections import Counter, defaultdict
from contextlib import suppress
from pathlib import Path

from livedead.errors import ExportError, FieldError
from livedead.images.headers import read_header
from livedead.images.ome_xml import OmeDocument, OmePlane, is_ome, read_ome
from livedead.images.tiff import TIFF_SUFFIXES
from livedead.plates.geometry import well_name
from livedead.readers.folder import Listing, RawFolder
from livedead.readers.names import NO_FIT, FileName, file_name, unreadable_planes, words
from livedead.readers.scan import Plane, Scan
from livedead.readers.times import TO_BE_NUMBERED, Moment, read_moment, stated_clock
from livedead.readers.user_pattern import file_pattern

log = logging.getLogger(__name__)

SUFFIXES = tuple(f".ome{suffix}" for suffix in TIFF_SUFFIXES)
COMPANION = ".companion.ome"
_KEY = ("path", "page", "well", "field", "timepoint", "channel", "z", "problem")


def scan(folder: RawFolder) -> Scan:
    """Read the OME-XML of every OME-TIFF, and ``.companion.ome`` files.

    Well and field are those that the user's pattern takes from a file's name; else the well is
    that of the document's plate, or a word of the file's name, or of the image's, and fields are
    numbered by the plate, by a word of the names where each has a file of its own (``_f1``,
    ``Site_0``), or by their order. Channels are named as in the document; timepoints count from 1,
    or from what the file's name says.
    """
    names = _Names(folder)
    files = _Files(folder, names)
    planes: dict[tuple[object, ...], Plane] = {}
    sizes, notes = [], []
    for path, document in files.documents:
        listing = Listing(folder, path)
        found, without_well = _planes(path, document, listing, names, files)
        for plane in found:
            # In a set of files each holds the whole document: what all say alike is said once.
            planes.setdefault(tuple(getattr(plane, name) for name in _KEY), plane)
        files.passed_over |= dict.fromkeys(without_well, NO_FIT)
        notes += listing.notes()
        sizes += [plane.pixel_size_um for plane in document.planes]
    read = list(planes.values())
    listed = {plane.path for plane in read}
    read += unreadable_planes(read, [name for name in files.unreadable if name.path not in listed])
    scanned = Scan(read, "OME-XML in the images", by_metadata=True, passed_over=files.passed_over)
    scanned.notes = list(dict.fromkeys(notes))
    scanned.expect([], sizes)
    return scanned


class _Names:
    """What the names of files say, by the user's pattern or by their words."""

    def __init__(self, folder: RawFolder):
        self._folder = folder
        self._pattern = file_pattern(folder)
        self._read: dict[str, FileName] = {}

    def of(self, path: str) -> FileName:
        """The readings of a name."""
        if path not in self._read:
            self._read[path] = file_name(self._folder, self._pattern, path)
        return self._read[path]

    def well(self, path: str, document: OmeDocument, image: int, files: list[str]) -> str | None:
        """The well of an image in `files`; None if there is none in its document and the user's pattern.

        Raises
        ------
        ExportError
            If names are all that may say it, and say nothing or several wells.
        """
        names = [self.of(file) for file in files]
        if image in document.wells and not any(name.by_pattern and name.readings for name in names):
            return well_name(*document.wells[image][:2])
        if self._pattern is None:
            names = [name for name in names if name.readings.get("well")]
            titled = words(f"{document.image_names[image]}.", self._folder.n_wells)
            if not names or len(titled.readings.get("well", [])) == 1:
                names.append(titled)
            if not any(name.readings.get("well") for name in names):
                raise ExportError(
                    f"{self._folder.path / files[0]}: no well in its OME-XML, nor in its name; "
                    "give 'file_pattern' in config.yaml"
                )
        found = dict.fromkeys(well for name in names for well in name.readings.get("well", []))
        where = ", ".join(dict.fromkeys(name.path.removesuffix(".") for name in names)) or path
        return FileName(where, {"well": list(found)}).one("well")


class _Files:
    """The OME files of a folder.

    Attributes
    ----------
    documents : list of (path, OmeDocument)
    unreadable : list of FileName
        Of files with a well in their names whose document cannot be read.
    passed_over : dict
        Relative path -> why, of the others.
    """

    def __init__(self, folder: RawFolder, names: _Names):
        self._folder = folder
        self._pages: dict[str, int] = {}
        self.documents: list[tuple[str, OmeDocument]] = []
        self.unreadable: list[FileName] = []
        self.passed_over: dict[str, str] = {}
        for path in folder.files:
            if path.lower().endswith(COMPANION):
                self.documents.append((path, read_ome(folder.read_bytes(path), folder.path / path)))
            elif path.lower().endswith(SUFFIXES):
                self._open(path, names)

    def _open(self, path: str, names: _Names) -> None:
        try:
            header = read_header(self._folder.path / path)
            text = header.description
            document = read_ome(text, self._folder.path / path) if is_ome(text) else None
        except (FieldError, ExportError) as error:
            log.warning("%s", error)
            name = names.of(path)
            if name.one("well") is None:
                self.passed_over[path] = f"not readable, and no well in its name: {error}"
            else:
                self.unreadable.append(name)
            return
        self._pages[path] = header.pages
        if document is None:
            self.passed_over[path] = "no OME-XML inside"
        else:
            self.documents.append((path, document))

    def pages(self, file: str) -> int | None:
        """Pages of a file, None if it has no readable header; a companion may list files of any name."""
        if file not in self._pages and file in self._folder.known:
            with suppress(FieldError):  # the gate says so of the fields
                self._pages[file] = read_header(self._folder.path / file).pages
        return self._pages.get(file)


def _planes(
    path: str, document: OmeDocument, listing: Listing, names: _Names, files: _Files
) -> tuple[list[Plane], list[str]]:
    """The planes of a document, and the files of its images without a well."""
    places = [
        (path, "") if found.file in ("", Path(path).name) else listing.find(found.file)
        for found in document.planes
    ]
    of_image: dict[int, dict[str, None]] = defaultdict(dict)
    first_time: dict[tuple[int, str], int] = {}
    for found, (file, _) in zip(document.planes, places, strict=True):
        of_image[found.image][file] = None
        at = found.image, file
        first_time[at] = min(found.timepoint, first_time.get(at, found.timepoint))
    wells = {image: names.well(path, document, image, list(own)) for image, own in of_image.items()}
    image_names = {image: names.of(next(iter(own))) for image, own in of_image.items()}
    fields = _fields(document, {image: well for image, well in wells.items() if well}, image_names)
    planes = []
    for found, (file, problem) in zip(document.planes, places, strict=True):
        well, name, pages = wells[found.image], names.of(file), files.pages(file)
        if well is None:
            continue
        if not problem and (found.page < 0 or (pages is not None and found.page >= pages)):
            problem = "missing_plane"
        try:
            moment = _moment(found, first_time[found.image, file], name.one("timepoint"))
        except ValueError as error:
            raise ExportError(f"{file}: timepoint {error}") from error
        planes.append(
            Plane(
                file,
                well,
                fields[found.image],
                moment.timepoint,
                name.one("channel") or found.channel,
                int(name.one("z") or 1) + found.z,
                page=max(found.page, 0),
                pages=pages or 1,
                x_um=found.x_um,
                y_um=found.y_um,
                hours=moment.hours,
                clock=moment.clock,
                problem=problem,
            )
        )
    return planes, [file for image, well in wells.items() if well is None for file in of_image[image]]


def _moment(plane: OmePlane, first: int, told: str | None) -> Moment:
    """When a plane was taken; `first` is the first timepoint of its image in its file, `told` by its name."""
    clock = stated_clock(plane.begun) + plane.since_h
    hours = plane.since_h if not plane.begun else math.nan
    if told is None:
        return Moment(plane.timepoint + 1, hours, clock)
    moment = read_moment(told)
    if moment.timepoint == TO_BE_NUMBERED:
        if plane.timepoint > first:
            raise ValueError(f"{told!r} is one time, but the file holds several timepoints; leave it out")
        return moment
    return Moment(moment.timepoint + plane.timepoint - first, hours, clock)


def _fields(document: OmeDocument, wells: dict[int, str], names: dict[int, FileName]) -> dict[int, int]:
    """Image -> number of its field in its well."""
    members: dict[str, list[int]] = defaultdict(list)
    for image, well in wells.items():
        members[well].append(image)
    fields: dict[int, int] = {}
    for images in members.values():
        told = _fields_in_names(document, images, names)
        for order, image in enumerate(images, start=1):
            fields[image] = document.wells[image][2] if image in document.wells else order
        fields |= told
    return fields


def _fields_in_names(document: OmeDocument, images: list[int], names: dict[int, FileName]) -> dict[int, int]:
    """Numbers of the fields of one well, where names tell them apart; none if they do not.

    A file of several numbers them from what its name says on.
    """
    by_pattern = any(names[image].by_pattern and "field" in names[image].readings for image in images)
    if not by_pattern:
        by_plate = len(images) > 1 and all(image in document.wells for image in images)
        if by_plate or max(Counter(names[image].path for image in images).values()) > 1:
            return {}
    told = {image: names[image].one("field") for image in images}
    if not by_pattern and len(set(told.values()) - {None}) < len(images):
        return {}
    seen: Counter[str] = Counter()
    fields = {}
    for image, text in told.items():
        path = names[image].path
        fields[image] = int(text or 1) + seen[path]
        seen[path] += 1
    return fields
