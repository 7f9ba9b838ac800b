"""Zeiss CZI: scenes are positions of a plate, or a file is a well; each tile of a scene is a field."""

import logging
import math
import re
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any, NamedTuple
from xml.etree.ElementTree import Element

from livedead.errors import ExportError, FieldError
from livedead.images.czi import CZI_SUFFIX, Czi, Subblock
from livedead.images.guard import in_time
from livedead.images.metadata import child_texts, elements, parse_xml
from livedead.readers.folder import RawFolder
from livedead.readers.places import File, Place, scan_files, well_in
from livedead.readers.scan import Plane, Scan
from livedead.readers.times import stated_clock

log = logging.getLogger(__name__)

_POSITION = re.compile(r"\b(?:P|TR|S|ScanRegion)\d+\b")
"""What ZEN calls a position or a region by itself; P1 is no well there."""
_UM_PER_M = 1e6
_SECONDS_PER_HOUR = 3600


class _Scene(NamedTuple):
    name: str
    well: str | None = None
    x_um: float = float("nan")
    y_um: float = float("nan")


class _Document(NamedTuple):
    """What the file says of all its subblocks.

    Attributes
    ----------
    scenes, channels : dict
        By number, from 0.
    pixel_um : dict
        Side of a pixel, of X and Y.
    seconds : list of float
        Of each timepoint, from a start that is not told; empty if the file does not say.
    """

    scenes: dict[int, _Scene]
    channels: dict[int, str]
    pixel_um: dict[str, float]
    seconds: list[float]


def scan(folder: RawFolder) -> Scan:
    """Read the directory, the document and the subblocks' tags of all files.

    The well of a scene is its ArrayName, else the name of its shape, else a word of its own name; see
    `livedead.readers.places.scan_files` for files without. Channels have the names that ZEN shows.
    """
    return scan_files(folder, CZI_SUFFIX, Czi, _described)


def _described(opened: Czi, path: Path, n_wells: int) -> File:
    document = _document(opened, path, n_wells)
    of_tile: dict[tuple[int, int], dict[tuple[int, int, int], list[Subblock]]] = defaultdict(dict)
    for one in opened.subblocks:
        of_tile[one.scene, one.tile].setdefault((one.timepoint, one.z, one.channel), []).append(one)
    # What one tile has, all must have: an acquisition that was stopped lacks some.
    promised = sorted({at for found in of_tile.values() for at in found})
    n_tiles = Counter(scene for scene, _ in of_tile)
    places, planes = [], []
    told: dict[str, Any]
    for number, ((index, _), found) in enumerate(sorted(of_tile.items())):
        scene = document.scenes.get(index, _Scene(f"scene {index}"))
        places.append(Place(scene.name, scene.well))
        for timepoint, z, channel in promised:
            several = found.get((timepoint, z, channel), [])
            if several:
                told = _taken(opened, several[0], path, document, scene if n_tiles[index] == 1 else None)
                problem = "doubled" if len(several) > 1 else ""
            else:
                told, problem = {}, "missing_plane"
            like = (several or next(iter(found.values())))[0]
            like = like._replace(timepoint=timepoint, z=z, channel=channel)
            planes.append((number, _plane(opened, like, document)._replace(problem=problem, **told)))
    announced = [scene.well for scene in document.scenes.values() if scene.well is not None]
    return File(places, planes, list(document.pixel_um.values()), announced)


def _plane(opened: Czi, one: Subblock, document: _Document) -> Plane:
    return Plane(
        "",
        "",
        timepoint=one.timepoint + 1,
        channel=document.channels.get(one.channel) or str(one.channel),
        z=one.z + 1,
        dataset=one.dataset,
        axes="tzcyx",
        page=opened.page(one),
        height=one.height,
        width=one.width,
        dtype=one.dtype,
    )


def _taken(
    opened: Czi, one: Subblock, path: Path, document: _Document, scene: _Scene | None
) -> dict[str, float]:
    """Where and when a subblock was taken: after its tags, its scene (if it is all of one), or its pixels."""
    tagged = _tagged(opened, one, path)
    if "clock" not in tagged and document.seconds:
        tagged["hours"] = (document.seconds[one.timepoint] - document.seconds[0]) / _SECONDS_PER_HOUR
    if "x_um" in tagged and "y_um" in tagged:
        return tagged
    if scene is not None:
        return {**tagged, "x_um": scene.x_um, "y_um": scene.y_um}
    nan = float("nan")
    x_um, y_um = one.x_px * document.pixel_um.get("X", nan), one.y_px * document.pixel_um.get("Y", nan)
    return {**tagged, "x_um": x_um, "y_um": y_um}


def _tagged(opened: Czi, one: Subblock, path: Path) -> dict[str, float]:
    """What the tags of a subblock tell; nothing if they cannot be read."""
    tags: dict[str, str] = {}
    told: dict[str, float] = {}
    try:
        text = in_time(lambda: opened.tags(one), path)
        for element in elements(parse_xml(text, path), "Tags") if text else ():
            tags |= child_texts(element)
        for name, tag in (("x_um", "StageXPosition"), ("y_um", "StageYPosition")):
            if tag in tags:
                told[name] = float(tags[tag])
        if "AcquisitionTime" in tags:
            told["clock"] = _clock(tags["AcquisitionTime"])
    except (ExportError, FieldError, ValueError) as error:
        log.warning("%s: tags of plane %d of %s: %s", path, opened.page(one), one.dataset, error)
    return told


def _clock(text: str) -> float:
    """`Moment.clock` of a tag; a clock that was never set tells the first day of the year 1."""
    clock = stated_clock(text)
    if math.isnan(clock):
        raise ValueError(f"{text!r} is no time of an acquisition")
    return clock


def _document(opened: Czi, path: Path, n_wells: int) -> _Document:
    root = parse_xml(opened.metadata, path)
    try:
        scenes = {
            int(element.get("Index", "0")): _scene(element, n_wells) for element in elements(root, "Scene")
        }
        pixel_um = {
            distance.get("Id", ""): float(child_texts(distance)["Value"]) * _UM_PER_M
            for scaling in elements(root, "Scaling")
            for distance in elements(scaling, "Distance")
            if distance.get("Id") in ("X", "Y")
        }
    except (KeyError, ValueError) as error:
        raise ExportError(
            f"{path}: unreadable or missing value in its metadata: {error!r}; save it again in ZEN"
        ) from error
    seconds = opened.time_stamps()
    n_timepoints = 1 + max((one.timepoint for one in opened.subblocks), default=0)
    return _Document(scenes, _channels(root), pixel_um, seconds if len(seconds) == n_timepoints else [])


def _scene(element: Element, n_wells: int) -> _Scene:
    texts, name = child_texts(element), element.get("Name", "")
    shapes = [shape.get("Name", "") for shape in elements(element, "Shape")]
    titles = [texts.get("ArrayName", ""), *shapes, _POSITION.sub("", name)]
    well = next((well for title in titles if (well := well_in(title, n_wells)) is not None), None)
    x_um, y_um = (float(part) for part in texts.get("CenterPosition", "nan,nan").split(","))
    return _Scene(f"scene {element.get('Index')} ({name!r})", well, x_um, y_um)


def _channels(root: Element) -> dict[int, str]:
    """Number of a channel -> its name, after the image's list, else after the display's."""
    names: dict[int, str] = {}
    for section in ("Dimensions", "DisplaySetting"):
        for parent in elements(root, section):
            for number, channel in enumerate(elements(parent, "Channel")):
                name = channel.get("Name")
                if name:
                    names.setdefault(number, name)
    return names
