"""OME-XML: the planes, wells and positions that a document says."""

import itertools
import math
import re
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from dataclasses import dataclass

from livedead.errors import ExportError
from livedead.images.metadata import TO_HOURS, TO_MICROMETRES, elements, local_name, parse_xml

MAX_PLANES = 1_000_000
"""Of one image; a document that promises more is none of a microscope."""
_BEGUN = ("AcquisitionDate", "AcquiredDate")
"""Of which the second is that of the schemas up to 2012."""


@dataclass(frozen=True)
class OmePlane:
    """One plane of an OME-XML image.

    Attributes
    ----------
    image : int
        Position of the image in the document, from 0.
    channel : str
        Name of the channel, or its number from 0.
    z, timepoint : int
        From 0.
    file : str
        Name of the file that holds it; empty for the file that holds the document.
    page : int
        Page of that file, from 0; -1 if the document names none.
    x_um, y_um, pixel_size_um : float
        Stage position and pixel size, NaN if the document is silent.
    begun : str
        Date and time at which the image was begun; empty if the document is silent.
    since_h : float
        Hours from then, or from the start of the experiment, to this plane; NaN if the document is silent.
    """

    image: int
    channel: str
    z: int
    timepoint: int
    file: str
    page: int
    x_um: float
    y_um: float
    pixel_size_um: float
    begun: str
    since_h: float


@dataclass(frozen=True)
class OmeDocument:
    """What an OME-XML document says of its planes, wells and images."""

    planes: list[OmePlane]
    image_names: list[str]
    wells: dict[int, tuple[int, int, int]]
    """Image -> zero-based row and column of its well, and its field in the well, from 1."""


def read_ome(text: str | bytes, source: object) -> OmeDocument:
    """Read OME-XML (2010 to 2016 schemas).

    Raises
    ------
    ExportError
        If it is no readable XML, or a number in it is none.
    """
    root = parse_xml(text, source)
    try:
        return _read_ome(root)
    except (ValueError, KeyError) as error:
        raise ExportError(f"{source}: OME-XML with an unreadable or missing value: {error!r}") from error


def _read_ome(root: ET.Element) -> OmeDocument:
    planes: list[OmePlane] = []
    names: list[str] = []
    numbers: dict[str, int] = {}
    first_page = 0
    for number, image in enumerate(e for e in root if local_name(e.tag) == "Image"):
        names.append(image.get("Name", ""))
        identifier = image.get("ID", "")
        if identifier and identifier in numbers:
            raise ValueError(f"two images {identifier}")
        numbers[identifier] = number
        pixels = next(elements(image, "Pixels"), None)
        if pixels is None:
            raise KeyError("Pixels")
        begun = next((e.text or "" for e in image if local_name(e.tag) in _BEGUN), "").strip()
        found = list(_planes(number, pixels, first_page, root.get("UUID", ""), begun))
        if next(elements(pixels, "TiffData"), None) is None:
            first_page += len(found)
        planes += found
    return OmeDocument(planes, names, _wells(root, numbers))


def _wells(root: ET.Element, numbers: dict[str, int]) -> dict[int, tuple[int, int, int]]:
    """`OmeDocument.wells`, from the plates and the `numbers` of images by their identifiers."""
    wells: dict[int, tuple[int, int, int]] = {}
    for well in elements(root, "Well"):
        row, column = int(well.attrib["Row"]), int(well.attrib["Column"])
        for field, sample in enumerate(elements(well, "WellSample"), start=1):
            reference = next(elements(sample, "ImageRef"), None)
            if reference is not None and reference.attrib["ID"] in numbers:
                number, place = numbers[reference.attrib["ID"]], (row, column, field)
                if wells.setdefault(number, place) != place:
                    raise ValueError(f"image {reference.attrib['ID']} is in two wells or fields")
    return wells


def _planes(
    number: int, pixels: ET.Element, first_page: int, own_uuid: str, begun: str
) -> Iterator[OmePlane]:
    """The planes of an image, as its DimensionOrder counts them.

    Parameters
    ----------
    number : int
        Position of the image in the document.
    pixels : Element
        Its ``Pixels``.
    first_page : int
        Where its pages begin if no ``TiffData`` says so.
    own_uuid : str
        Identifier of the file that holds the document, if it has one.
    begun : str
        See `OmePlane`.
    """
    sizes = {axis: int(pixels.attrib[f"Size{axis}"]) for axis in "CZT"}
    if min(sizes.values()) < 1 or math.prod(sizes.values()) > MAX_PLANES:
        raise ValueError(f"sizes {sizes}")
    channels = _channels(pixels, sizes["C"])
    sizes["C"] = len(channels)
    axes = [axis for axis in pixels.get("DimensionOrder", "XYCZT") if axis in "CZT"]
    positions, since_h = _positions(pixels), _since_start_h(pixels)
    # Of several timepoints, when the image was begun tells nothing of one that has no time of its own.
    taken_h = 0.0 if begun and sizes["T"] == 1 else math.nan
    pages = _pages(pixels, {axis: sizes[axis] for axis in axes}, first_page, own_uuid)
    unit = TO_MICROMETRES.get(pixels.get("PhysicalSizeXUnit", "µm"), math.nan)
    pixel_size_um = float(pixels.get("PhysicalSizeX", "nan")) * unit
    # The first axis counts fastest.
    for k, at in enumerate(itertools.product(*(range(sizes[axis]) for axis in reversed(axes)))):
        place = dict(zip(reversed(axes), at, strict=True))
        c, z, t = (place[axis] for axis in "CZT")
        x_um, y_um = positions.get((c, z, t), (math.nan, math.nan))
        of_plane = *pages.get(k, ("", -1)), x_um, y_um, pixel_size_um, begun
        yield OmePlane(number, channels[c], z, t, *of_plane, since_h.get((c, z, t), taken_h))


def _channels(pixels: ET.Element, size_c: int) -> list[str]:
    """Name of each channel, or its number from 0 where names are absent or alike."""
    found = list(elements(pixels, "Channel"))
    names = [channel.get("Name") or str(k) for k, channel in enumerate(found)]
    # Colour images hold several samples of a channel in one page, and SizeC counts samples.
    samples = sum(int(channel.get("SamplesPerPixel", "1")) for channel in found)
    n = len(names) if names and samples == size_c else size_c
    names += [str(k) for k in range(len(names), n)]
    return (names if len(set(names)) == len(names) else [str(k) for k in range(len(names))])[:n]


def _positions(pixels: ET.Element) -> dict[tuple[int, ...], tuple[float, ...]]:
    """Channel, z and timepoint of each plane that the stage's position is given of -> x and y, in µm."""
    return {
        tuple(int(plane.attrib[f"The{axis}"]) for axis in "CZT"): tuple(
            float(plane.get(f"Position{axis}", "nan"))
            * TO_MICROMETRES.get(plane.get(f"Position{axis}Unit", "reference frame"), math.nan)
            for axis in "XY"
        )
        for plane in elements(pixels, "Plane")
    }


def _since_start_h(pixels: ET.Element) -> dict[tuple[int, ...], float]:
    """Channel, z and timepoint of each plane whose time is given -> `OmePlane.since_h`."""
    return {
        tuple(int(plane.attrib[f"The{axis}"]) for axis in "CZT"): float(plane.attrib["DeltaT"])
        * TO_HOURS.get(plane.get("DeltaTUnit", "s"), math.nan)
        for plane in elements(pixels, "Plane")
        if "DeltaT" in plane.attrib
    }


def _pages(
    pixels: ET.Element, sizes: dict[str, int], first_page: int, own_uuid: str
) -> dict[int, tuple[str, int]]:
    """Number of each plane that has one -> its file and page; see `_planes`."""
    total = math.prod(sizes.values())
    blocks = list(elements(pixels, "TiffData"))
    if not blocks:
        return {k: ("", first_page + k) for k in range(total)}
    steps = {axis: math.prod(list(sizes.values())[:k]) for k, axis in enumerate(sizes)}
    pages: dict[int, tuple[str, int]] = {}
    for block in blocks:
        uuid = next(elements(block, "UUID"), None)
        # By its own identifier a file knows itself even where it was renamed.
        file = "" if uuid is None or (uuid.text or "").strip() == own_uuid != "" else uuid.get("FileName", "")
        start = sum(int(block.get(f"First{axis}", "0")) * step for axis, step in steps.items())
        page = int(block.get("IFD", "0"))
        is_of_one = block.get("IFD") is not None or uuid is not None
        n = int(block.get("PlaneCount", "1" if is_of_one else total))
        for k in range(min(n, total - start)):
            if pages.setdefault(start + k, (file, page + k)) != (file, page + k):
                raise ValueError(f"plane {start + k} is on two pages, by two TiffData elements")
    return pages


def absent_planes(document: OmeDocument, file: str, n_pages: int) -> int:
    """How many planes the document places in `file`, or nowhere, that its pages do not hold."""
    return sum(plane.file in ("", file) and not 0 <= plane.page < n_pages for plane in document.planes)


def is_ome(text: str) -> bool:
    """Whether an image description is OME-XML."""
    return (
        re.match(r"\s*(?:<\?xml[^>]*\?>\s*)?(?:<!--.*?-->\s*)*<(?:\w+:)?OME[\s>]", text, re.DOTALL)
        is not None
    )
