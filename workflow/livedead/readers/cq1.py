"""Yokogawa CQ1 exports: ``MeasurementResult.ome.xml``, or names such as ``W0001F0001T0001Z001C1.tif``."""

import re
from collections.abc import Iterator

from livedead.errors import ExportError
from livedead.images.ome_xml import OmeDocument, read_ome
from livedead.plates.geometry import well_name
from livedead.readers.folder import Listing, RawFolder
from livedead.readers.indices import listed_once
from livedead.readers.one_plate import refuse_folders
from livedead.readers.presets import preset, scan_names
from livedead.readers.scan import Plane, Scan

PATTERN = (
    r"(?:.*[^A-Z0-9])?W(?P<well>\d+)F(?P<field>\d+)T(?P<timepoint>\d+)Z(?P<z>\d+)(?P<channel>C\d+)\.tiff?"
)
_NAME = preset(PATTERN)
_TITLE = re.compile(r"W(?P<well>\d+)\(.*\),A\d+,F(?P<field>\d+)", re.ASCII)
"""Of an image in a document; the first one only describes the measurement."""
_DOCUMENTS = {"measurementresult.ome.xml": False, "measurementresultmip.ome.xml": True}
"""Name of a document -> whether its images are projections that the microscope made."""
_SUMS = "measurementresultsum.ome.xml"


def scan(folder: RawFolder) -> Scan:
    """Read each document; go by names only where there is none.

    The well is that of the document's plate, or else the number after ``W``; the field is that of the
    image's title, and the channel (``C1``) that of the file's name. Sums of focal planes are left aside.

    Raises
    ------
    ExportError
        If a document names files otherwise, or two documents or folders have the same planes.
    """
    documents = [path for path in folder.files if _name(path) in _DOCUMENTS]
    if not documents:
        named = scan_names(folder, PATTERN, evidence="names such as 'W0001F0001T0001Z001C1.tif'")
        refuse_folders(named.planes)
        return named
    scanned = Scan([], " and ".join(documents), by_metadata=True)
    planes_of, sizes = {}, []
    for path in documents:
        document = read_ome(folder.read_bytes(path), folder.path / path)
        listing = Listing(folder, path)
        channels = _channels(document, path)
        planes_of[path] = list(_planes(document, path, listing, channels))
        scanned.channel_names |= {channel: name for name, channel in channels.items()}
        scanned.notes += listing.notes()
        sizes += [plane.pixel_size_um for plane in document.planes]
    scanned.planes = listed_once(planes_of)
    scanned.passed_over = {
        path: "lists sums of focal planes" for path in folder.files if _name(path) == _SUMS
    }
    scanned.expect([], sizes)
    return scanned


def _name(path: str) -> str:
    return path.rpartition("/")[2].lower()


def _channels(document: OmeDocument, source: str) -> dict[str, str]:
    """What a document calls each channel -> what the names of its files do."""
    channels: dict[str, str] = {}
    for plane in document.planes:
        if plane.file:
            named = _NAME.fullmatch(plane.file.replace("\\", "/"))
            if named is None or channels.setdefault(plane.channel, named["channel"]) != named["channel"]:
                raise ExportError(
                    f"{source}: lists {plane.file!r} for channel {plane.channel}, which is not named as a "
                    "CQ1 does (W0001F0001T0001Z001C1.tif); copy the export again"
                )
    return channels


def _planes(
    document: OmeDocument, source: str, listing: Listing, channels: dict[str, str]
) -> Iterator[Plane]:
    projected = _DOCUMENTS[_name(source)]
    for found in document.planes:
        title = _TITLE.fullmatch(document.image_names[found.image]) or _NAME.fullmatch(found.file)
        if title is None:
            continue
        path, problem = listing.find(found.file) if found.file else (source, "acquisition_failed")
        well = document.wells.get(found.image)
        yield Plane(
            path,
            title["well"] if well is None else well_name(*well[:2]),
            field=int(title["field"]),
            timepoint=found.timepoint + 1,
            channel=channels.get(found.channel, found.channel),
            z=0 if projected else found.z + 1,
            projected=projected,
            page=max(found.page, 0),
            x_um=found.x_um,
            y_um=found.y_um,
            problem=problem,
        )
