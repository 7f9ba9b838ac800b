"""Incucyte: exported images such as ``VID1630_Phase_A1_1_00d00h00m.tif``, and the archive of its scans."""

import re
from collections.abc import Iterator

from livedead.plates.geometry import ROW_LETTERS
from livedead.readers.folder import RawFolder
from livedead.readers.one_plate import named_like, refuse_folders, refuse_several
from livedead.readers.pattern_grammar import FLAGS
from livedead.readers.presets import read_names
from livedead.readers.scan import Plane, Scan

_WELL = rf"(?P<well>{ROW_LETTERS}\d{{1,2}})"
EXPORTED = (
    rf"(?:(?P<prefix>[^/]*?)_+)?{_WELL}_(?P<field>\d+)_"
    r"(?:(?P<timepoint>\d+d\d{2}h\d{2}m)|(?P<scanned>\d{4}y\d{2}m\d{2}d_\d{2}h\d{2}m))\.tiff?"
)
"""The prefix is what the user typed: mostly the vessel's number, and the channel."""
ARCHIVED = (
    r"(?P<scanned>\d{4}/\d{2}/\d{4})/(?P<vessel>\d+)/"
    rf"{_WELL}-(?P<field>\d+)-(?P<channel>[^/]+?)\.tiff?"
)
"""Below ``EssenFiles/ScanData``: year and month, day, hour and minute, vessel."""
CHANNELS = ("Phase", "Brightfield", "Green", "Orange", "Red", "NIR")
"""What Incucyte calls its channels."""
_HINT = "; if these differ by the channel alone, name all of them under 'channels' in config.yaml"


def scan(folder: RawFolder) -> Scan:
    """Read names: their times count from the vessel's first scan, or are the dates of scans.

    The channel of an export is the last word of its prefix, or else the name of a folder: one of
    `CHANNELS`, or what the user calls a channel; ``1`` without.

    Raises
    ------
    ExportError
        If the files are of several vessels, or folders hold the same images.
    """
    planes: list[Plane] = []
    vessels: dict[str, tuple[str, str]] = {}
    for plane, vessel, files in [*_exported(folder), *_archived(folder)]:
        planes.append(plane)
        vessels.setdefault(vessel, (plane.path, files))
    refuse_several("vessels", vessels, _HINT)
    refuse_folders(planes, _HINT)
    logs = folder.by_name.get("Diag.zip", []) if planes else []
    return Scan(
        planes,
        "names such as 'VID1_Phase_A1_1_00d00h00m.tif' or 'ScanData/2505/16/1124/1/A1-1-Ph.tif'",
        passed_over=dict.fromkeys(logs, "the instrument's log of a scan"),
    )


def _exported(folder: RawFolder) -> Iterator[tuple[Plane, str, str]]:
    """The exported planes, each with its vessel and what `files` in plates.tsv has to say for that."""
    words = "|".join(re.escape(word) for word in (*CHANNELS, *folder.channels))
    with_channel = re.compile(rf"(?:(?P<vessel>.*?)[\s_-]+)?(?P<channel>{words})", FLAGS)
    for path, said in read_names(folder, EXPORTED):
        vessel, (*folders, name) = said.pop("prefix", ""), path.split("/")
        named = with_channel.fullmatch(vessel)
        if named:
            vessel = named["vessel"] or ""
        else:
            matches = map(with_channel.fullmatch, reversed(folders))
            named = next((match for match in matches if match and match["vessel"] is None), None)
        said["channel"] = named["channel"] if named else "1"
        files = named_like(f"{name[: len(vessel) + 1]}*", path) if vessel else ""
        yield _plane(path, said), vessel, files


def _archived(folder: RawFolder) -> Iterator[tuple[Plane, str, str]]:
    """The planes of the archive, as `_exported` gives them."""
    for path, said in read_names(folder, ARCHIVED):
        vessel = said.pop("vessel")
        yield _plane(path, said), vessel, f"**/{vessel}/*"


def _plane(path: str, said: dict[str, str]) -> Plane:
    """A plane from the groups of a name; the date of its scan, if it is told, becomes one of digits."""
    if "scanned" in said:
        said["timepoint"] = re.sub(r"\D", "", said.pop("scanned"))
    return Plane.from_texts(path, **said)
