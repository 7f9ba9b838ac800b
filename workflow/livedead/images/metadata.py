"""XML that microscopes leave beside or inside their images, read without trusting it.

This room opens no file: it takes text and returns what the text says.
"""

import math
import re
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from livedead.errors import ExportError

TO_MICROMETRES = {"m": 1e6, "mm": 1e3, "µm": 1.0, "μm": 1.0, "um": 1.0, "nm": 1e-3, "pm": 1e-6, "Å": 1e-4}
"""Unit of a length -> its micrometres."""


class _NoDoctype(ET.TreeBuilder):
    """Refuses a document type, and with it every entity that could grow without end."""

    def doctype(self, name: str, pubid: str | None, system: str | None) -> None:
        raise ValueError(f"a DOCTYPE ({name!r}), which no export has")


def parse_xml(content: str | bytes, source: object) -> ET.Element:
    """Root of an XML document.

    Parameters
    ----------
    content : str or bytes
    source : object
        Where it came from, for the message.

    Raises
    ------
    ExportError
        If it is not well formed, or declares a document type.
    """
    try:
        return ET.fromstring(content, ET.XMLParser(target=_NoDoctype()))
    except (ET.ParseError, ValueError, LookupError) as error:
        raise ExportError(
            f"{source}: not readable XML: {error}; copy the file again, or remove it to go by file names"
        ) from error


def local_name(name: str) -> str:
    """Name of a tag or attribute without its namespace, which changes from version to version."""
    return name.rpartition("}")[2]


def elements(root: ET.Element, name: str) -> Iterator[ET.Element]:
    """Every element of a local name below `root`."""
    return (element for element in root.iter() if local_name(element.tag) == name)


def attributes(element: ET.Element) -> dict[str, str]:
    """Attributes by local name."""
    return {local_name(key): value for key, value in element.attrib.items()}


def child_texts(element: ET.Element) -> dict[str, str]:
    """Local name of each child -> its text; `ValueError` if equal names have different texts."""
    texts: dict[str, str] = {}
    for child in element:
        name, text = local_name(child.tag), (child.text or "").strip()
        if texts.setdefault(name, text) != text:
            raise ValueError(f"{name} is there twice, {texts[name]!r} and {text!r}")
    return texts


def child_lengths_um(element: ET.Element) -> dict[str, float]:
    """Local name of each child that is a length with a unit -> micrometres."""
    lengths = {}
    for child in element:
        factor = TO_MICROMETRES.get(child.get("Unit", ""))
        try:
            if factor is not None:
                lengths[local_name(child.tag)] = float(child.text or "") * factor
        except ValueError:
            continue
    return lengths


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
        found = list(_pixels_planes(number, pixels, first_page, root.get("UUID", "")))
        if next(elements(pixels, "TiffData"), None) is None:
            first_page += len(found)
        planes += found
    wells: dict[int, tuple[int, int, int]] = {}
    for well in elements(root, "Well"):
        row, column = int(well.attrib["Row"]), int(well.attrib["Column"])
        for field, sample in enumerate(elements(well, "WellSample"), start=1):
            reference = next(elements(sample, "ImageRef"), None)
            if reference is not None and reference.attrib["ID"] in numbers:
                image_number, place = numbers[reference.attrib["ID"]], (row, column, field)
                if wells.setdefault(image_number, place) != place:
                    raise ValueError(f"image {reference.attrib['ID']} is in two wells or fields")
    return OmeDocument(planes, names, wells)


def _pixels_planes(number: int, pixels: ET.Element, first_page: int, own: str) -> Iterator[OmePlane]:
    sizes = {axis: int(pixels.attrib[f"Size{axis}"]) for axis in "CZT"}
    if min(sizes.values()) < 1 or math.prod(sizes.values()) > 1_000_000:
        raise ValueError(f"sizes {sizes}")
    # Colour images hold several samples of a channel in one page.
    channels = [e.get("Name") or str(k) for k, e in enumerate(elements(pixels, "Channel"))]
    samples = sum(int(e.get("SamplesPerPixel", "1")) for e in elements(pixels, "Channel"))
    sizes["C"] = sizes["C"] if samples != sizes["C"] or not channels else len(channels)
    channels += [str(k) for k in range(len(channels), sizes["C"])]
    if len(set(channels)) < len(channels):
        channels = [str(k) for k in range(len(channels))]
    order = [axis for axis in pixels.get("DimensionOrder", "XYCZT") if axis in "CZT"]
    counts = [sizes[axis] for axis in order]
    unit = TO_MICROMETRES.get(pixels.get("PhysicalSizeXUnit", "µm"), float("nan"))
    pixel_size_um = float(pixels.get("PhysicalSizeX", "nan")) * unit
    places = {}
    for plane in elements(pixels, "Plane"):
        at = tuple(int(plane.attrib[f"The{axis}"]) for axis in order)
        places[at] = [
            float(plane.get(f"Position{axis}", "nan"))
            * TO_MICROMETRES.get(plane.get(f"Position{axis}Unit", "reference frame"), float("nan"))
            for axis in "XY"
        ]

    def position(k: int) -> tuple[int, ...]:
        return k % counts[0], k // counts[0] % counts[1], k // counts[0] // counts[1]

    total = counts[0] * counts[1] * counts[2]
    blocks = list(elements(pixels, "TiffData"))
    mapped: dict[int, tuple[str, int]] = {}
    for block in blocks:
        uuid = next(elements(block, "UUID"), None)
        # By its own identifier a file knows itself even where it was renamed.
        file = "" if uuid is None or (uuid.text or "").strip() == own != "" else uuid.get("FileName", "")
        start = sum(
            int(block.get(f"First{axis}", "0")) * math.prod(counts[:k]) for k, axis in enumerate(order)
        )
        page = int(block.get("IFD", "0"))
        every = int(
            block.get("PlaneCount", "1" if block.get("IFD") is not None or uuid is not None else total)
        )
        for k in range(min(every, total - start)):
            if mapped.setdefault(start + k, (file, page + k)) != (file, page + k):
                raise ValueError(f"plane {start + k} is on two pages, by two TiffData elements")
    if not blocks:
        mapped = {k: ("", first_page + k) for k in range(total)}
    for k in range(total):
        at = position(k)
        along = dict(zip(order, at, strict=True))
        file, page = mapped.get(k, ("", -1))
        x_um, y_um = places.get(at, [float("nan")] * 2)
        yield OmePlane(
            number, channels[along["C"]], along["Z"], along["T"], file, page, x_um, y_um, pixel_size_um
        )


def imagej_pixel_size_um(metadata: dict[str, Any], pixels_per_unit: float) -> float:
    """Side of a pixel after ImageJ's ``unit`` and the TIFF's XResolution; NaN where they name no length.

    Parameters
    ----------
    metadata : dict
        ImageJ's description.
    pixels_per_unit : float
        ImageJ writes the resolution in its own unit and leaves TIFF's ResolutionUnit at none.
    """
    unit = str(metadata.get("unit", "")).replace("\\u00B5", "µ").replace("micron", "um")
    length = TO_MICROMETRES.get(unit.removesuffix("s"), float("nan"))
    return length / pixels_per_unit if pixels_per_unit > 0 else float("nan")


def absent_planes(document: OmeDocument, file: str, n_pages: int) -> int:
    """How many planes the document places in `file`, or nowhere, that its pages do not hold."""
    return sum(plane.file in ("", file) and not 0 <= plane.page < n_pages for plane in document.planes)


def is_ome(text: str) -> bool:
    """Whether an image description is OME-XML."""
    return (
        re.match(r"\s*(?:<\?xml[^>]*\?>\s*)?(?:<!--.*?-->\s*)*<(?:\w+:)?OME[\s>]", text, re.DOTALL)
        is not None
    )
