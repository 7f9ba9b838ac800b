"""IN Cell Analyzer exports: the ``.xdce`` index, or else names as ``A - 01(fld 1 wv DAPI - DAPI).tif``."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import Element

from livedead.errors import ExportError
from livedead.images.metadata import TO_MICROMETRES, attributes, elements, local_name, parse_xml
from livedead.plates.geometry import ROW_LETTERS
from livedead.readers.folder import Listing, RawFolder
from livedead.readers.indices import listed_once
from livedead.readers.one_plate import refuse_folders
from livedead.readers.presets import preset, scan_names
from livedead.readers.scan import PLANE, Plane, Scan, well_at

SUFFIX = ".xdce"
PATTERN = (
    rf"(?:.*[_ ])?(?P<row>{ROW_LETTERS}) ?- ?(?P<column>\d{{1,3}}) ?\(fld (?P<field>\d+)(?:-\d+)?"
    r"(?: wv (?P<channel>(?:(?! z \d| -? ?time \d)[^()])+))?(?: z (?P<z>\d+))?"
    r"(?:(?: -)? time (?P<timepoint>\d+)(?: - \d+ ?ms)?)?\)\.tiff?"
)
_NAME = preset(PATTERN)
_WIX = re.compile(r" wix \d+$")
"""What tells wavelengths of equal filters apart in names."""
_SINCE_START = re.compile(r" time \d+ - (\d+) ?ms\)\.", re.IGNORECASE | re.ASCII)
_MS_PER_HOUR = 3_600_000


def scan(folder: RawFolder) -> Scan:
    """Read each index; go by names only where there is none.

    Channels are what follows ``wv`` in the names, such as ``Green - dsRed`` or ``DAPI - DAPI wix 5``,
    with or without ``wix 5``; excitation and emission filter where names say no channel. Fields, focal
    planes and timepoints count from 1.

    Raises
    ------
    ExportError
        If an index cannot be read, or two indices or folders have the same planes.
    """
    indices = [
        path
        for path in folder.files
        if path.lower().endswith(SUFFIX) and b"<ImageStack" in folder.read_bytes(path)[:4096]
    ]
    if indices:
        scanned = _listed(folder, indices)
    else:
        scanned = scan_names(folder, PATTERN, evidence="names such as 'A - 01(fld 1 wv DAPI - DAPI).tif'")
        refuse_folders(scanned.planes)
        scanned.planes = [
            plane._replace(hours=int(told[1]) / _MS_PER_HOUR)
            if (told := _SINCE_START.search(plane.path))
            else plane
            for plane in scanned.planes
        ]
    channels = {plane.channel for plane in scanned.planes}
    scanned.channel_names = {channel: _WIX.sub("", channel) for channel in channels if _WIX.search(channel)}
    return scanned


def _listed(folder: RawFolder, indices: list[str]) -> Scan:
    """What the indices list."""
    scanned = Scan([], " and ".join(indices), by_metadata=True)
    planes_of, stated, sizes = {}, [], []
    for path in indices:
        source = folder.path / path
        root = parse_xml(folder.read_bytes(path), source)
        listing = Listing(folder, path)
        planes_of[path], overlays = _planes(root, source, listing)
        scanned.passed_over |= dict.fromkeys(overlays, "an overlay of several wavelengths")
        scanned.notes += listing.notes()
        stated.append(_expected(root))
        sizes += list(_pixel_sizes(root, source))
    scanned.planes = listed_once(planes_of)
    scanned.expect(stated, sizes)
    return scanned


def _planes(root: Element, source: Path, listing: Listing) -> tuple[list[Plane], list[str]]:
    """The planes that an index lists, and the paths of overlays of several wavelengths."""
    fused = {wave.get("index") for wave in elements(root, "Wavelength") if _is_fused(wave)}
    found: dict[tuple[Any, ...], Plane] = {}
    overlays = []
    for image in elements(root, "Image"):
        try:
            plane, wave_index = _plane(image, listing)
        except (KeyError, ValueError) as error:
            name = image.get("filename")
            raise ExportError(f"{source}: image {name!r}: unreadable or missing value: {error!r}") from error
        if wave_index in fused:
            overlays.append(plane.path)
            continue
        # A wavelength of one focal plane is listed for each plane of the others, with one file.
        key = (plane.path, *(getattr(plane, name) for name in PLANE))
        found[key] = min(plane, found.get(key, plane), key=lambda plane: plane.z)
    return list(found.values()), overlays


def _is_fused(wave: Element) -> bool:
    return wave.get("fusion_wave", "").lower() == "true"


def _plane(image: Element, listing: Listing) -> tuple[Plane, str]:
    """A plane, and the index of its wavelength."""
    parts = {local_name(part.tag): attributes(part) for part in image.iter()}
    at, position = parts["Identifier"], parts.get("PlatePosition_um", {})
    path, problem = listing.find(parts["Image"]["filename"])
    plane = Plane(
        path,
        well_at(parts["Row"]["number"], parts["Column"]["number"]),
        field=int(at["field_index"]) + 1,
        timepoint=int(at["time_index"]) + 1,
        channel=_channel(path, parts),
        z=int(at["z_index"]) + 1,
        x_um=float(position.get("x", "nan")),
        y_um=float(position.get("y", "nan")),
        clock=_clock(parts["Image"]),
        problem=problem,
    )
    return plane, at["wave_index"]


def _channel(path: str, parts: dict[str, dict[str, str]]) -> str:
    """Channel of an image by its name, which tells wavelengths of equal filters apart, or by its filters."""
    named = _NAME.fullmatch(path)
    if named and named["channel"]:
        return named["channel"]
    filters = [parts[name]["name"] for name in ("ExcitationFilter", "EmissionFilter") if name in parts]
    return " - ".join(dict.fromkeys(filters)) or str(int(parts["Identifier"]["wave_index"]) + 1)


def _clock(values: dict[str, str]) -> float:
    """When an image was taken, in hours; since when differs, but not within one export."""
    if "timestamp_sec" in values:
        return float(values["timestamp_sec"]) / 3600
    return float(values.get("acquisition_time_ms", "nan")) / _MS_PER_HOUR


def _expected(root: Element) -> dict[str, Any]:
    expected: dict[str, Any] = {}
    plate = next(elements(root, "Plate"), None)
    if plate is not None and plate.get("rows", "").isdecimal() and plate.get("columns", "").isdecimal():
        expected["n_wells"] = int(plate.attrib["rows"]) * int(plate.attrib["columns"])
    is_series = any(e.get("enabled", "").lower() == "true" for e in elements(root, "TimeSchedule"))
    counts = {
        "fields": len(list(elements(root, "offset_point"))),
        "channels": sum(not _is_fused(wave) for wave in elements(root, "Wavelength")),
        "timepoints": len(list(elements(root, "TimePoint"))) if is_series else 0,
    }
    return {**expected, **{name: n for name, n in counts.items() if n}}


def _pixel_sizes(root: Element, source: Path) -> Iterator[float]:
    """Sides of a pixel; the index gives them in um where it names no unit."""
    for objective in elements(root, "ObjectiveCalibration"):
        factor = TO_MICROMETRES.get(objective.get("unit", "um"), float("nan"))
        try:
            yield float(objective.get("pixel_width", "nan")) * factor
        except ValueError as error:
            raise ExportError(f"{source}: pixel_width of ObjectiveCalibration: {error}") from error
