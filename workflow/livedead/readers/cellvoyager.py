"""Yokogawa CellVoyager exports (CV7000, CV8000, CQ1): ``MeasurementData.mlf``, or else the names."""

import itertools
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from livedead.errors import ExportError
from livedead.images.metadata import attributes, elements, parse_xml
from livedead.plates.geometry import ROW_LETTERS
from livedead.readers.folder import Listing, RawFolder
from livedead.readers.presets import scan_names
from livedead.readers.scan import Plane, Scan, well_at
from livedead.readers.times import stated_clock

log = logging.getLogger(__name__)

PATTERN = (
    rf"(?:.*_)?(?P<well>{ROW_LETTERS}\d{{2}})_T(?P<timepoint>\d+)F(?P<field>\d+)L\d+A\d+Z(?P<z>\d+)"
    r"(?P<channel>C\d+)\.(?:tiff?|png)"
)
KEY = ("well", "timepoint", "field", "z", "channel")
_USUAL = {"timepoint": 1, "field": 1, "z": 1, "channel": "C01"}
"""Of a measurement without a single image."""


def scan(folder: RawFolder) -> Scan:
    """Read each measurement's list; go by names only where there is none.

    Channels are ``C01``, ``C02``, ... as in the names. A record of type ERR is a failed acquisition:
    of one plane, or of all planes that its missing attributes leave open and that were not taken.
    """
    lists = [path for path in folder.files if path.rpartition("/")[2].lower() == "measurementdata.mlf"]
    if not lists:
        return scan_names(folder, PATTERN, evidence="names such as 'plate_D08_T0001F001L01A01Z01C01.tif'")
    scanned = Scan([], " and ".join(lists), by_metadata=True)
    for path in lists:
        listing = Listing(folder, path)
        scanned.planes += _listed(folder, path, listing)
        scanned.notes += listing.notes()
    details = list(_details(folder))
    scanned.expect([expected for expected, _ in details], [size for _, sizes in details for size in sizes])
    return scanned


def _listed(folder: RawFolder, path: str, listing: Listing) -> list[Plane]:
    """The planes of one ``MeasurementData.mlf``."""
    source = folder.path / path
    taken, failed = [], []
    for record in elements(parse_xml(folder.read_bytes(path), source), "MeasurementRecord"):
        values = attributes(record)
        name = (record.text or "").strip()
        try:
            if values.get("Type") == "IMG":
                taken.append(_plane(values, *listing.find(name)))
            elif values.get("Type") == "ERR":
                failed.append(values)
        except (KeyError, ValueError) as error:
            raise ExportError(f"{source}: record {values}: unreadable or missing value: {error!r}") from error
    return _with_failures(taken, failed, path)


def _plane(values: dict[str, str], path: str, problem: str) -> Plane:
    return Plane.from_texts(
        path,
        row=values["Row"],
        column=values["Column"],
        field=values["FieldIndex"],
        timepoint=values.get("TimePoint"),
        channel=_channel(values["Ch"]),
        z=values.get("ZIndex"),
        x_um=float(values.get("X", "nan")),
        y_um=float(values.get("Y", "nan")),
        clock=stated_clock(values.get("Time")),
        problem=problem,
    )


def _channel(number: str) -> str:
    return f"C{int(number):02d}"


def _with_failures(taken: list[Plane], failed: list[dict[str, str]], source: str) -> list[Plane]:
    """The planes that were taken, and one for each that a failure record stands for.

    What a record leaves open is filled with every value that the measurement has, except where
    a plane was taken; a record that names a plane in full stands against that plane.
    """
    values_of = {name: sorted({getattr(plane, name) for plane in taken}) for name in KEY}
    planes = list(taken)
    places = {tuple(getattr(plane, name) for name in KEY): k for k, plane in enumerate(planes)}
    for record in failed:
        if not record.get("Row") or "Column" not in record:
            continue  # a failure of the machine, not of a well
        given = {
            "well": well_at(record["Row"], record["Column"]),
            "timepoint": int(record["TimePoint"]) if "TimePoint" in record else None,
            "field": int(record["FieldIndex"]) if "FieldIndex" in record else None,
            "z": int(record["ZIndex"]) if "ZIndex" in record else None,
            "channel": _channel(record["Ch"]) if "Ch" in record else None,
        }
        open_to = [
            [given[name]] if given[name] is not None else values_of[name] or [_USUAL[name]] for name in KEY
        ]
        for key in itertools.product(*open_to):
            place = places.setdefault(key, len(planes))
            if place == len(planes):
                planes.append(Plane(source, **dict(zip(KEY, key, strict=True)), problem="acquisition_failed"))
            elif None not in given.values():
                planes[place] = planes[place]._replace(problem="acquisition_failed")
    return planes


def _details(folder: RawFolder) -> Iterator[tuple[dict[str, Any], list[float]]]:
    """What each ``MeasurementDetail.mrf`` promises, and the pixel size of each channel."""
    for path in folder.files:
        if path.lower().endswith(".mrf"):
            source = folder.path / path
            try:
                yield _expected(folder.read_bytes(path), source)
            except (ExportError, ValueError) as error:
                log.warning("%s: not understood (%s); what it expects is not known", source, error)


def _expected(content: bytes, source: Path) -> tuple[dict[str, Any], list[float]]:
    root = parse_xml(content, source)
    values = attributes(root)
    expected: dict[str, Any] = {}
    for name, attribute in (("fields", "FieldCount"), ("timepoints", "TimePointCount")):
        if values.get(attribute, "").isdecimal():
            expected[name] = int(values[attribute])
    if values.get("RowCount", "").isdecimal() and values.get("ColumnCount", "").isdecimal():
        expected["n_wells"] = int(values["RowCount"]) * int(values["ColumnCount"])
    sizes = {
        attributes(channel).get("HorizontalPixelDimension")
        for channel in elements(root, "MeasurementChannel")
    }
    return expected, [float(size) for size in sizes if size]
