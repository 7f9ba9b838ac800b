"""XML that microscopes leave beside or inside their images, read without trusting it."""

import xml.etree.ElementTree as ET
from collections.abc import Iterator

from livedead.errors import ExportError

TO_MICROMETRES = {"m": 1e6, "mm": 1e3, "µm": 1.0, "μm": 1.0, "um": 1.0, "nm": 1e-3, "pm": 1e-6, "Å": 1e-4}
"""Unit of a length -> its micrometres."""
TO_HOURS = {"d": 24.0, "h": 1.0, "min": 1 / 60, "s": 1 / 3600, "ms": 1e-3 / 3600, "µs": 1e-6 / 3600}
"""Unit of a time -> its hours."""


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
            f"{source}: not readable XML: {error}; copy the file again, or remove it to use file names"
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
    return _in_units(element, TO_MICROMETRES)


def child_times_h(element: ET.Element) -> dict[str, float]:
    """Local name of each child that is a time with a unit -> hours."""
    return _in_units(element, TO_HOURS)


def _in_units(element: ET.Element, factors: dict[str, float]) -> dict[str, float]:
    values = {}
    for child in element:
        factor = factors.get(child.get("Unit", ""))
        try:
            if factor is not None:
                values[local_name(child.tag)] = float(child.text or "") * factor
        except ValueError:
            continue
    return values
