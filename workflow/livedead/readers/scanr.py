"""ScanR exports: names such as ``A1--W00001--P00001--Z00000--T00000--DAPI.tif``."""

from livedead.plates.geometry import ROW_LETTERS
from livedead.readers.folder import RawFolder
from livedead.readers.presets import scan_names
from livedead.readers.scan import Scan

_REST = r"--P(?P<field>\d+)--Z(?P<z>\d+)--T(?P<timepoint>\d+)--(?P<channel>[^/]+?)\.tiff?"
PATTERNS = (
    rf"(?:.*_)?(?P<well>{ROW_LETTERS}\d{{1,2}})--W\d+{_REST}",
    rf"--W(?P<well>\d+){_REST}",
)
"""The second without ``A1``, where W is the number of a well."""


def scan(folder: RawFolder) -> Scan:
    """Read names; channels are their last words."""
    return scan_names(
        folder, *PATTERNS, evidence="names such as 'A1--W00001--P00001--Z00000--T00000--DAPI.tif'"
    )
