"""IN Cell Analyzer exports: names such as ``A - 01(fld 1 wv Green - dsRed z 3).tif``."""

import re

from livedead.plates.geometry import ROW_LETTERS
from livedead.readers.folder import RawFolder
from livedead.readers.presets import scan_names
from livedead.readers.scan import Scan

PATTERN = (
    rf"(?:.*[_ ])?(?P<row>{ROW_LETTERS}) ?- ?(?P<column>\d{{1,2}}) ?\(fld (?P<field>\d+)(?:-\d+)?"
    r"(?: wv (?P<channel>[^()]+?))?(?: z (?P<z>\d+))?(?: time (?P<timepoint>\d+)(?: - \d+ ?ms)?)?\)\.tiff?"
)
_SINCE_START = re.compile(r" time \d+ - (\d+) ?ms\)\.", re.IGNORECASE | re.ASCII)
_MS_PER_HOUR = 3_600_000


def scan(folder: RawFolder) -> Scan:
    """Read names; channels are what follows ``wv``, such as ``Green - dsRed``; times are in ms."""
    scanned = scan_names(folder, PATTERN, evidence="names such as 'A - 01(fld 1 wv DAPI - DAPI).tif'")
    scanned.planes = [
        plane._replace(hours=int(told[1]) / _MS_PER_HOUR)
        if (told := _SINCE_START.search(plane.path))
        else plane
        for plane in scanned.planes
    ]
    return scanned
