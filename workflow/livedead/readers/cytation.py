"""Cytation and Lionheart (BioTek Gen5): names such as ``B3_02_1_2Z1_Bright Field_001.tif``."""

import datetime
import math
from typing import NamedTuple

from livedead.errors import ExportError
from livedead.images.headers import Header
from livedead.images.metadata import parse_xml
from livedead.plates.geometry import ROW_LETTERS
from livedead.readers.folder import RawFolder
from livedead.readers.headers import read_headers
from livedead.readers.one_plate import claiming_alike, named_like, refuse_folders, refuse_several
from livedead.readers.presets import read_names
from livedead.readers.scan import Plane, Scan, pixel_sizes
from livedead.readers.times import clock_hours

_WELL = rf"(?P<well>{ROW_LETTERS}\d{{1,2}})"
_CHANNEL = r"(?P<channel>[^/_]*[A-Z][^/]*?)"
PATTERNS = (
    rf"{_WELL}(?:ROI(?P<region>\d+))?_(?P<step>-?\d+)_\d+_(?P<field>\d+)(?:Z(?P<z>\d+))?_{_CHANNEL}"
    r"_(?:-\d+|(?P<timepoint>\d+))\.tiff?",
    rf"{_WELL}_(?P<field>\d+)(?:Z(?P<z>\d+))?_{_CHANNEL}_\d+_(?P<timepoint>\d+)_(?P<step>-?\d+)?\.tiff?",
)
"""Well, region of interest, read step, number of the channel in it, montage position, slice, channel,
timepoint; the second is that of older versions. Read steps below 0 hold what Gen5 made of other images."""
_WRITTEN = (
    "{*}ImageAcquisition/{*}PixelWidth",
    "{*}ImageAcquisition/{*}ImageWidthMicrons",
    "{*}ImageReference/{*}Date",
    "{*}ImageReference/{*}Time",
)
_AT_ONCE = 8
"""Headers that are read at a time: the disk takes longer than the processor."""


class Gen5Image(NamedTuple):
    """What Gen5 writes into an image; NaN where it is silent.

    Attributes
    ----------
    pixel_size_um : float
    clock : float
        When it was taken, see `livedead.readers.times.Moment`.
    """

    pixel_size_um: float = math.nan
    clock: float = math.nan


def scan(folder: RawFolder) -> Scan:
    """Read names; times and pixel sizes are those of Gen5's XML in the images of the channels that are used.

    Channels are called as in the names. Regions of interest are fields, numbered region by region.

    Raises
    ------
    ExportError
        If several read steps or folders hold the same images.
    """
    planes, steps, regions = [], [], []
    for path, said in read_names(folder, *PATTERNS):
        steps.append(said.pop("step", ""))
        regions.append(int(said.pop("region", 1)))
        planes.append(Plane.from_texts(path, **said))
    most = max((plane.field for plane in planes), default=1)
    planes = [
        plane._replace(field=(region - 1) * most + plane.field)
        for plane, region in zip(planes, regions, strict=True)
    ]
    alike = claiming_alike(zip(planes, steps, strict=True))
    refuse_several("read steps", {step: (path, _of_step(step, path)) for step, path in alike.items()})
    refuse_folders(planes)
    scanned = Scan(planes, "names such as 'B3_02_1_2Z1_Bright Field_001.tif'")
    table = scanned.table()
    used = table[table["channel"].isin(folder.channels)]
    headers = read_headers(folder.path, used, _AT_ONCE)
    written = {path: read_gen5(header) for path, header in headers.items()}
    scanned.planes = [plane._replace(clock=written.get(plane.path, Gen5Image()).clock) for plane in planes]
    scanned.expected.update(pixel_sizes(image.pixel_size_um for image in written.values()))
    return scanned


def _of_step(step: str, path: str) -> str:
    """What `files` in plates.tsv has to say for the images of a read step."""
    return named_like(f"*_{step}_*" if f"_{step}_" in path.rpartition("/")[2] else f"*_{step}.*", path)


def read_gen5(header: Header) -> Gen5Image:
    """What the XML in the ImageDescription of an image says, Gen5's ``BTIImageMetaData``."""
    try:
        root = parse_xml(header.description, "ImageDescription")
    except ExportError:
        return Gen5Image()
    wide_px, wide_um, date, time = ((root.findtext(name) or "").strip() for name in _WRITTEN)
    return Gen5Image(_pixel_size_um(wide_px, wide_um, header.width), _clock(f"{date} {time}"))


def _pixel_size_um(wide_px: str, wide_um: str, width: int) -> float:
    """NaN, too, for an image that was made smaller: which width the micrometres are of is not known."""
    try:
        return float(wide_um) / width if int(wide_px) == width else math.nan
    except ValueError:
        return math.nan


def _clock(text: str) -> float:
    try:
        return clock_hours(datetime.datetime.strptime(text, "%m/%d/%y %H:%M:%S"))
    except ValueError:
        return math.nan
