"""Acquifer IM: names such as ``-A001--PO01--LO001--CO6--SL001--PX32500--...--T1374030543--WE00001.tif``."""

from livedead.errors import FieldError
from livedead.images.headers import read_header
from livedead.plates.geometry import ROW_LETTERS
from livedead.readers.folder import RawFolder
from livedead.readers.one_plate import refuse_folders
from livedead.readers.presets import read_names
from livedead.readers.scan import Plane, Scan, pixel_sizes

PATTERN = (
    rf"(?:WE\d+--)?-(?P<well>{ROW_LETTERS}\d{{3}})--PO(?P<field>\d+)--LO(?P<timepoint>\d+)--(?P<channel>CO\d+)"
    r"--SL(?P<z>\d+)--PX(?P<sensor>\d+)--PW\d+--IN\d+--TM-?\d+--X(?P<x>-?\d+)--Y(?P<y>-?\d+)--Z-?\d+"
    r"--T(?P<ms>\d+)(?:--WE\d+)?\.tiff?"
)
"""Well, subposition, loop, channel, slice, pixel, light, exposure, temperature, stage, time, order."""
SENSOR_PX = 2048
"""Side of the camera's sensor."""
_MS = 3_600_000
"""Milliseconds of an hour."""


def scan(folder: RawFolder) -> Scan:
    """Read names; channels are ``CO1`` to ``CO6``, timepoints the numbers of the loops.

    Stage positions are in micrometres, times in milliseconds from an instant that is not told; pixels in
    0.1 nm, of the sensor before binning.

    Raises
    ------
    ExportError
        If folders hold the same images.
    """
    planes, sensors_um = [], set()
    for path, said in read_names(folder, PATTERN):
        sensors_um.add(int(said.pop("sensor")) / 10_000)
        x_um, y_um, clock = float(said.pop("x")), float(said.pop("y")), int(said.pop("ms")) / _MS
        planes.append(Plane.from_texts(path, x_um=x_um, y_um=y_um, clock=clock, **said))
    refuse_folders(plane._replace(clock=0) for plane in planes)
    scanned = Scan(planes, "names such as '-A001--PO01--LO001--CO6--SL001--PX32500--...--T1374030543.tif'")
    if planes:
        _add_pixel_sizes(scanned, folder, sensors_um)
    return scanned


def _add_pixel_sizes(scanned: Scan, folder: RawFolder, sensors_um: set[float]) -> None:
    """Take over the sizes that names tell if an image is as large as the sensor; else note why not."""
    path = scanned.planes[0].path
    try:
        width = read_header(folder.path / path).width
    except FieldError:
        return
    if width == SENSOR_PX:
        scanned.expected.update(pixel_sizes(sensors_um))
    else:
        scanned.notes.append(
            f"the names tell the size of the sensor's pixels, {SENSOR_PX} a side, but {path} is {width} px "
            "wide, binned or cropped: the size of its pixels is not known"
        )
