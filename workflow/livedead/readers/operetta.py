"""Opera Phenix and Operetta exports (Harmony, Columbus): ``Index.idx.xml``, or else the names."""

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import Element

from livedead.errors import ExportError
from livedead.images.metadata import (
    child_lengths_um,
    child_texts,
    child_times_h,
    elements,
    local_name,
    parse_xml,
)
from livedead.plates.geometry import well_name
from livedead.readers.folder import Listing, RawFolder
from livedead.readers.presets import preset, scan_names
from livedead.readers.scan import Plane, Scan
from livedead.readers.times import stated_clock

INDEX_NAMES = ("index.idx.xml", "index.xml", "index.ref.xml", "imageindex.columbusidx.xml")
"""Names of the index, the better first: one folder may hold several that list the same images."""

PATTERN = (
    r"r(?P<row>\d{2})c(?P<column>\d{2})f(?P<field>\d+)p(?P<z>\d+)(?:rc\d+)?"
    r"-ch(?P<channel>\d+)sk(?P<timepoint>\d+)(?:fk\d+)?(?:fl\d+)?\.tiff?"
)
_NAME = preset(PATTERN)
_OK = ("", "ok")


def scan(folder: RawFolder) -> Scan:
    """Read the index of each measurement; go by names only where there is none.

    Channels are the export's numbers (``1``, ``2``, ...), named as in the index; timepoints count
    from 1, as in the names. An image that does not lie beside the index is looked for below it.
    """
    indices = _indices(folder)
    if not indices:
        return scan_names(folder, PATTERN, evidence="names such as 'r03c03f01p01-ch1sk1fk1fl1.tiff'")
    scanned = Scan([], " and ".join(indices), by_metadata=True)
    stated, sizes = [], []
    for path in indices:
        source = folder.path / path
        root = parse_xml(folder.read_bytes(path), source)
        try:
            names, own_sizes = _channels(root)
            stated.append(_expected(root))
        except ValueError as error:
            raise ExportError(f"{source}: {error}") from error
        sizes += own_sizes
        for channel, name in names.items():
            known = scanned.channel_names.setdefault(channel, name)
            if known != name:
                raise ExportError(
                    f"{source}: channel {channel} is {name!r}, in another index of this folder {known!r}; "
                    "give each measurement a row of plates.tsv with its own 'files'"
                )
        listing = Listing(folder, path)
        scanned.planes += _planes(root, path, source, listing)
        scanned.notes += listing.notes()
    scanned.expect(stated, sizes)
    return scanned


def _indices(folder: RawFolder) -> list[str]:
    """The best index of each folder of the export that has one, sorted."""
    best: dict[str, str] = {}
    for path in folder.files:
        parent, _, name = path.rpartition("/")
        if name.lower() in INDEX_NAMES and b"EvaluationInputData" in folder.read_bytes(path)[:4096]:
            best[parent] = min(best.get(parent, path), path, key=_rank)
    return sorted(best.values())


def _rank(path: str) -> int:
    return INDEX_NAMES.index(path.rpartition("/")[2].lower())


def _planes(root: Element, index: str, source: Path, listing: Listing) -> Iterator[Plane]:
    for image in elements(root, "Image"):
        if len(image):  # elsewhere an Image is only a reference
            try:
                yield _plane(image, index, listing)
            except (KeyError, ValueError) as error:
                raise ExportError(
                    f"{source}: image {[e.text for e in image]}: unreadable or missing value: {error!r}"
                ) from error


def _plane(image: Element, index: str, listing: Listing) -> Plane:
    texts, lengths = child_texts(image), child_lengths_um(image)
    problem = "" if texts.get("State", "").lower() in _OK else "acquisition_failed"
    name = texts.get("URL", "")
    if not name and not problem:
        raise KeyError("URL")
    if "://" in name:
        name = name.rpartition("/")[2]
    # A failed acquisition may name no file; then the index stands for it.
    path, missing = listing.find(name) if name else (index, "")
    named = _NAME.fullmatch(path)
    # Harmony counts timepoints from 0 in the index and from 1 in the names.
    timepoint = int(named["timepoint"]) if named else int(texts.get("TimepointID", "0")) + 1
    clock = stated_clock(texts.get("AbsTime"))
    return Plane.from_texts(
        path,
        row=texts["Row"],
        column=texts["Col"],
        field=texts["FieldID"],
        timepoint=str(timepoint),
        channel=texts["ChannelID"],
        z=texts.get("PlaneID"),
        page=_page(image),
        x_um=lengths.get("PositionX", float("nan")),
        y_um=lengths.get("PositionY", float("nan")),
        clock=clock,
        hours=child_times_h(image).get("MeasurementTimeOffset", math.nan) if math.isnan(clock) else math.nan,
        problem=problem or missing,
    )


def _page(image: Element) -> int:
    """Page of the file: Columbus lists several planes of one .flex file."""
    return next((int(e.get("BufferNo", "0")) for e in image if local_name(e.tag) == "URL"), 0)


def _channels(root: Element) -> tuple[dict[str, str], list[float]]:
    """Channel names and pixel sizes: beside each image up to Harmony 5, in the maps from Harmony 7 on."""
    names: dict[str, str] = {}
    sizes: list[float] = []
    for entry in _entries(root):
        texts = child_texts(entry)
        channel = entry.get("ChannelID") or texts.get("ChannelID", "")
        name = texts.get("ChannelName")
        if name and names.setdefault(channel, name) != name:
            raise ValueError(f"channel {channel} is both {names[channel]!r} and {name!r}")
        sizes.append(child_lengths_um(entry).get("ImageResolutionX", float("nan")))
    return names, sizes


def _entries(root: Element) -> Iterator[Element]:
    for element in root.iter():
        if local_name(element.tag) in ("Entry", "Image") and len(element):
            yield element


def _expected(root: Element) -> dict[str, Any]:
    expected: dict[str, Any] = {}
    plate = next((child_texts(e) for e in elements(root, "Plate")), {})
    if plate.get("PlateRows", "").isdecimal() and plate.get("PlateColumns", "").isdecimal():
        expected["n_wells"] = int(plate["PlateRows"]) * int(plate["PlateColumns"])
    wells = [child_texts(e) for e in elements(root, "Well") if len(e)]
    if wells and all(well.get("Row", "").isdecimal() and well.get("Col", "").isdecimal() for well in wells):
        expected["wells"] = [well_name(int(well["Row"]) - 1, int(well["Col"]) - 1) for well in wells]
    return expected
