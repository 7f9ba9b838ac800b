"""Cellomics exports as TIFF (ArrayScan, CellInsight): names such as ``MFGTMP_140206180002_A01f00d0.TIF``."""

from livedead.plates.geometry import ROW_LETTERS
from livedead.readers.folder import RawFolder
from livedead.readers.one_plate import named_like, refuse_several
from livedead.readers.presets import preset
from livedead.readers.scan import Plane, Scan

# The twelve digits before the well are the scan's. Thermo's EVOS ends its names alike, without them.
_NAME = preset(
    rf"(?P<plate>[^/]*\d{{12}})_(?P<well>{ROW_LETTERS}\d{{2}})(?:f(?P<field>\d{{2,3}}))?"
    r"(?P<channel>[do]\d+)\.tiff?"
)


def scan(folder: RawFolder) -> Scan:
    """Read names; fields count from 0, and channels are ``d0``, ``d1``, ...

    Raises
    ------
    ExportError
        If names tell of several scans, which are several plates.
    """
    scanned = Scan([], "names such as 'MFGTMP_140206180002_A01f00d0.TIF'")
    plates: dict[str, tuple[str, str]] = {}
    for path in folder.files:
        match = _NAME.fullmatch(path)
        if match is None:
            continue
        channel, plate = match["channel"].lower(), match["plate"]
        if channel.startswith("o"):
            scanned.passed_over[path] = "an overlay of found objects, no image"
            continue
        plates.setdefault(plate, (path, named_like(f"{plate}_*", path)))
        scanned.planes.append(
            Plane.from_texts(path, well=match["well"], field=match["field"], channel=channel)
        )
    refuse_several("scans", plates)
    return scanned
