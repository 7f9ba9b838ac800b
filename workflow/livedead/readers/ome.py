"""OME-TIFF: planes, wells and positions from the OME-XML, wells and fields from names where it has none."""

import logging
from collections import Counter, defaultdict
from contextlib import suppress
from pathlib import Path
from typing import Any

from livedead.errors import ExportError, FieldError
from livedead.images.headers import read_header
from livedead.images.ome_xml import OmeDocument, is_ome, read_ome
from livedead.plates.geometry import well_name
from livedead.readers.folder import Listing, RawFolder
from livedead.readers.names import NO_FIT, FileName, file_name, unreadable_rows, words
from livedead.readers.pattern import FilePattern, file_pattern
from livedead.readers.planes import Scan, plane

log = logging.getLogger(__name__)

SUFFIXES = (".ome.tif", ".ome.tiff", ".ome.btf", ".ome.tf2", ".ome.tf8")
COMPANION = ".companion.ome"


def scan(folder: RawFolder) -> Scan:
    """Read the OME-XML of every OME-TIFF, and ``.companion.ome`` files.

    Well and field are those that the user's pattern takes from a file's name; else the well is
    that of the document's plate, or a word of the file's name, or of the image's, and fields are
    numbered by the plate, by a word of the names where each has a file of its own (``_f1``,
    ``Site_0``), or by their order. Channels are named as in the document; timepoints count from 1,
    or from what the file's name says.
    """
    reading = _Reading(folder, file_pattern(folder))
    rows: dict[tuple[Any, ...], dict[str, Any]] = {}
    sizes, notes = [], []
    for path, document in reading.documents:
        listing = Listing(folder, path)
        for row in reading.rows(path, document, listing):
            # In a set of files each holds the whole document: what all say alike is said once.
            key = ("path", "page", "well", "field", "timepoint", "channel", "z", "problem")
            rows.setdefault(tuple(row[name] for name in key), row)
        notes += listing.notes()
        sizes += [found.pixel_size_um for found in document.planes]
    found = list(rows.values())
    listed = {row["path"] for row in found}
    found += unreadable_rows(found, [name for name in reading.unreadable if name.path not in listed])
    scanned = Scan(found, "OME-XML in the images", by_metadata=True, passed_over=reading.passed_over)
    scanned.notes = list(dict.fromkeys(notes))
    scanned.expect([], sizes)
    return scanned


class _Reading:
    """The documents of a folder, and what file names add to them."""

    def __init__(self, folder: RawFolder, pattern: FilePattern | None):
        self.folder = folder
        self.pattern = pattern
        self.documents: list[tuple[str, OmeDocument]] = []
        self.passed_over: dict[str, str] = {}
        self.unreadable: list[FileName] = []
        self._pages: dict[str, int] = {}
        self._names: dict[str, FileName] = {}
        for path in folder.files:
            if path.lower().endswith(COMPANION):
                self.documents.append((path, read_ome(folder.read_bytes(path), folder.path / path)))
            elif path.lower().endswith(SUFFIXES):
                self._open(path)

    def _open(self, path: str) -> None:
        try:
            header = read_header(self.folder.path / path)
            text = header.description
            document = read_ome(text, self.folder.path / path) if is_ome(text) else None
        except (FieldError, ExportError) as error:
            log.warning("%s", error)
            name = self._name(path)
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

    def _name(self, path: str) -> FileName:
        if path not in self._names:
            self._names[path] = file_name(self.folder, self.pattern, path)
        return self._names[path]

    def _n_pages(self, file: str) -> int | None:
        """Pages of a file, None if it has no readable header; a companion may list files of any name."""
        if file not in self._pages and file in self.folder.known:
            with suppress(FieldError):  # the gate says so of the fields
                self._pages[file] = read_header(self.folder.path / file).pages
        return self._pages.get(file)

    def rows(self, path: str, document: OmeDocument, listing: Listing) -> list[dict[str, Any]]:
        """A row per plane of a document."""
        places = [
            (path, "") if found.file in ("", Path(path).name) else listing.find(found.file)
            for found in document.planes
        ]
        files: dict[int, dict[str, None]] = defaultdict(dict)
        first_time: dict[tuple[int, str], int] = {}
        for found, (file, _) in zip(document.planes, places, strict=True):
            files[found.image][file] = None
            at = found.image, file
            first_time[at] = min(found.timepoint, first_time.get(at, found.timepoint))
        wells = {image: self._well(path, document, image, list(own)) for image, own in files.items()}
        names = {image: self._name(next(iter(own))) for image, own in files.items()}
        fields = _fields(document, {image: well for image, well in wells.items() if well}, names)
        rows = []
        for found, (file, problem) in zip(document.planes, places, strict=True):
            well, name, pages = wells[found.image], self._name(file), self._n_pages(file)
            if well is None:
                self.passed_over[file] = NO_FIT
                continue
            if not problem and (found.page < 0 or (pages is not None and found.page >= pages)):
                problem = "missing_plane"
            told = name.one("timepoint")
            since = found.timepoint - first_time[found.image, file]
            rows.append(
                plane(
                    file,
                    well=well,
                    field=str(fields[found.image]),
                    channel=name.one("channel") or found.channel,
                    timepoint=str(found.timepoint + 1 if told is None else int(told) + since),
                    z=str(int(name.one("z") or 1) + found.z),
                    page=max(found.page, 0),
                    pages=pages or 1,
                    x_um=found.x_um,
                    y_um=found.y_um,
                    problem=problem,
                )
            )
        return rows

    def _well(self, path: str, document: OmeDocument, image: int, files: list[str]) -> str | None:
        """The well of an image; None if its document has none and the user's pattern does not fit."""
        names = [self._name(file) for file in files]
        if image in document.wells and not any(name.by_pattern and name.readings for name in names):
            return well_name(*document.wells[image][:2])
        if self.pattern is None:
            title = document.image_names[image]
            names = [name for name in names if name.readings.get("well")]
            titled = words(f"{title}.", self.folder.n_wells)
            if not names or len(titled.readings.get("well", [])) == 1:
                names.append(titled)
            if not any(name.readings.get("well") for name in names):
                raise ExportError(
                    f"{self.folder.path / files[0]}: no well in its OME-XML, nor in its name; "
                    "give 'file_pattern' in config.yaml"
                )
        found = dict.fromkeys(well for name in names for well in name.readings.get("well", []))
        where = ", ".join(dict.fromkeys(name.path.removesuffix(".") for name in names)) or path
        return FileName(where, {"well": list(found)}).one("well")


def _fields(document: OmeDocument, wells: dict[int, str], names: dict[int, FileName]) -> dict[int, int]:
    """Image -> number of its field in its well."""
    members: dict[str, list[int]] = defaultdict(list)
    for image, well in wells.items():
        members[well].append(image)
    fields: dict[int, int] = {}
    for images in members.values():
        in_file = Counter(names[image].path for image in images)
        by_plate = len(images) > 1 and all(image in document.wells for image in images)
        by_pattern = any(names[image].by_pattern and "field" in names[image].readings for image in images)
        if by_pattern or (not by_plate and max(in_file.values()) == 1):
            told = [names[image].one("field") for image in images]
            if by_pattern or len(set(told) - {None}) == len(images):
                seen: Counter[str] = Counter()
                for image, text in zip(images, told, strict=True):
                    path = names[image].path
                    fields[image] = int(text or 1) + seen[path]
                    seen[path] += 1
                continue
        for order, image in enumerate(images, start=1):
            fields[image] = document.wells[image][2] if image in document.wells else order
    return fields
