"""Yokogawa CellVoyager exports (CV7000, CV8000, CQ1): ``MeasurementData.mlf``, or else the names."""

import itertools
import logging
from collections import defaultdict
from pathlib import Path
from typing import Any

from livedead.errors import ExportError
from livedead.images.metadata import attributes, elements, parse_xml
from livedead.readers.folder import Listing, RawFolder
from livedead.readers.pattern import scan_names
from livedead.readers.planes import Scan, plane

log = logging.getLogger(__name__)

PATTERN = (
    r"(?:.*_)?(?P<well>(?:[A-Z]|A[A-F])\d{2})_T(?P<timepoint>\d+)F(?P<field>\d+)L\d+A\d+Z(?P<z>\d+)"
    r"(?P<channel>C\d+)\.tiff?"
)
KEY = ("well", "timepoint", "field", "z", "channel")


def scan(folder: RawFolder) -> Scan:
    """Read each measurement's list; go by names only where there is none.

    Channels are ``C01``, ``C02``, ... as in the names. A record of type ERR is a failed acquisition:
    of one plane, or of all planes that its missing attributes leave open and that were not taken.
    """
    lists = [path for path in folder.files if path.rpartition("/")[2].lower() == "measurementdata.mlf"]
    if not lists:
        return scan_names(folder, PATTERN, evidence="names such as 'plate_D08_T0001F001L01A01Z01C01.tif'")
    merged = Scan([], " and ".join(lists), by_metadata=True)
    for path in lists:
        source = folder.path / path
        root = parse_xml(folder.read_bytes(path), source)
        listing = Listing(folder, path)
        taken, failed = [], []
        for record in elements(root, "MeasurementRecord"):
            values = attributes(record)
            name = (record.text or "").strip()
            try:
                if values.get("Type") == "IMG":
                    taken.append(_plane(values, *listing.find(name)))
                elif values.get("Type") == "ERR":
                    failed.append(values)
            except (KeyError, ValueError) as error:
                raise ExportError(
                    f"{source}: record {values}: unreadable or missing value: {error!r}"
                ) from error
        merged.rows += _with_failures(taken, failed, path)
        merged.notes += listing.notes()
    stated, sizes = [], []
    for path in folder.files:
        if path.lower().endswith(".mrf"):
            source = folder.path / path
            try:
                expected, own_sizes = _expected(folder.read_bytes(path), source)
            except (ExportError, ValueError) as error:
                log.warning("%s: not understood (%s); what it expects is not known", source, error)
                continue
            stated.append(expected)
            sizes += own_sizes
    merged.expect(stated, sizes)
    return merged


def _plane(values: dict[str, str], path: str, problem: str) -> dict[str, Any]:
    return plane(
        path,
        row=values["Row"],
        column=values["Column"],
        field=values["FieldIndex"],
        timepoint=values.get("TimePoint"),
        channel=_channel(values["Ch"]),
        z=values.get("ZIndex"),
        x_um=float(values.get("X", "nan")),
        y_um=float(values.get("Y", "nan")),
        problem=problem,
    )


def _channel(number: str) -> str:
    return f"C{int(number):02d}"


def _with_failures(
    taken: list[dict[str, Any]], failed: list[dict[str, str]], source: str
) -> list[dict[str, Any]]:
    """The planes that were taken, and a row for each that a failure record stands for.

    What a record leaves open is filled with every value that the measurement has, except where
    a plane was taken; a record that names a plane in full stands against that plane.
    """
    by_key = {tuple(row[name] for name in KEY): row for row in taken}
    values_of: dict[str, set[Any]] = defaultdict(set)
    for row in taken:
        for name in KEY:
            values_of[name].add(row[name])
    rows = list(taken)
    for values in failed:
        if "Row" not in values or "Column" not in values:
            continue  # a failure of the machine, not of a well
        given = {
            "well": values.get("Row") and plane("", row=values["Row"], column=values["Column"])["well"],
            "timepoint": int(values["TimePoint"]) if "TimePoint" in values else None,
            "field": int(values["FieldIndex"]) if "FieldIndex" in values else None,
            "z": int(values["ZIndex"]) if "ZIndex" in values else None,
            "channel": _channel(values["Ch"]) if "Ch" in values else None,
        }
        open_to = [
            [given[name]]
            if given[name] is not None
            else sorted(values_of[name]) or [1 if name != "channel" else "C01"]
            for name in KEY
        ]
        for key in itertools.product(*open_to):
            known = by_key.get(key)
            if known is None:
                row = plane(source, **dict(zip(KEY, map(str, key), strict=True)))
                by_key[key] = row
                rows.append({**row, "problem": "acquisition_failed"})
            elif None not in given.values():
                known["problem"] = "acquisition_failed"
    return rows


def _expected(content: bytes, source: Path) -> tuple[dict[str, Any], list[float]]:
    """What ``MeasurementDetail.mrf`` promises, and the pixel size of each channel."""
    root = parse_xml(content, source)
    values = attributes(root)
    expected: dict[str, Any] = {}
    for name, attribute in (("fields", "FieldCount"), ("timepoints", "TimePointCount")):
        if values.get(attribute, "").isdigit():
            expected[name] = int(values[attribute])
    if values.get("RowCount", "").isdigit() and values.get("ColumnCount", "").isdigit():
        expected["n_wells"] = int(values["RowCount"]) * int(values["ColumnCount"])
    sizes = {
        attributes(channel).get("HorizontalPixelDimension")
        for channel in elements(root, "MeasurementChannel")
    }
    return expected, [float(size) for size in sizes if size]
