"""Nikon ND2: a file is a plate, whose points are named by well, or one of several files, each of a well."""

import re
from pathlib import Path
from typing import Any

from livedead.errors import ExportError
from livedead.images.nd2 import FRAMES, ND2_SUFFIX, Nd2
from livedead.readers.folder import RawFolder
from livedead.readers.places import File, Place, scan_files, well_in
from livedead.readers.scan import Plane, Scan

_LETTERS = {"TimeLoop": "t", "NETimeLoop": "t", "XYPosLoop": "p", "ZStackLoop": "z"}
"""Loop of an experiment -> its axis."""
_JULIAN_DAY_OF_1970 = 2440587.5
_HOURS_PER_MS = 1 / 3_600_000


def scan(folder: RawFolder) -> Scan:
    """Read the loops and the metadata of every frame of all files; see `livedead.readers.places.scan_files`.

    Points such as ``G02_0007`` tell well and field. Channels have the names that NIS-Elements shows.
    """
    return scan_files(folder, ND2_SUFFIX, Nd2, _described)


def _described(opened: Nd2, path: Path, n_wells: int) -> File:
    file = opened.file
    loops = {_LETTERS.get(loop.type, ""): loop for loop in file.experiment}
    if "" in loops or len(loops) < len(file.experiment):
        kinds = ", ".join(loop.type for loop in file.experiment)
        raise ExportError(
            f"{path}: loops over {kinds}; read are one each over time, points and focal planes; "
            "export 16-bit grey OME-TIFF from NIS-Elements"
        )
    points = loops["p"].parameters.points if "p" in loops else [None]
    titles = [(point and point.name) or "" for point in points]
    volumes = [channel.volume for channel in file.metadata.channels or []]
    names = [channel.channel.name for channel in file.metadata.channels or []]
    height, width = opened.shape(FRAMES)
    plane = Plane(
        "",
        "",
        dataset=FRAMES,
        axes="".join(loops) + "cyx",
        height=height,
        width=width,
        dtype=str(file.dtype),
    )
    planes = []
    for frame, at in enumerate(file.loop_indices):
        told: dict[str, Any] = {"problem": "missing_plane"}
        if frame < opened.n_frames:
            told = _taken(file, frame)
        of_frame = plane._replace(timepoint=at.get("T", 0) + 1, z=at.get("Z", 0) + 1, **told)
        planes += [
            (
                at.get("P", 0),
                of_frame._replace(
                    page=frame * opened.n_channels + channel, channel=names[channel] or str(channel)
                ),
            )
            for channel in range(opened.n_channels)
        ]
    sizes = [
        size for volume in volumes if all(volume.axesCalibrated[:2]) for size in volume.axesCalibration[:2]
    ]
    return File([_place(title, k, n_wells) for k, title in enumerate(titles, start=1)], planes, sizes)


def _place(title: str, number: int, n_wells: int) -> Place:
    """A point: its name tells the well, and behind it the field."""
    well = well_in(title, n_wells)
    behind = re.fullmatch(r".*[\s_#-][A-Za-z]*(\d+)", title)
    is_field = behind is not None and well is not None and well_in(title[: behind.start(1)], n_wells) == well
    return Place(f"point {number} ({title!r})", well, int(behind[1]) if behind and is_field else None)


def _taken(file: Any, frame: int) -> dict[str, float]:
    """Where and when a frame was taken, alike for all its channels; nothing if the file lists no times."""
    try:
        told = file.frame_metadata(frame).channels[0]
    except IndexError:
        return {}
    stage, time = told.position.stagePositionUm, told.time
    day = time.absoluteJulianDayNumber
    if day > _JULIAN_DAY_OF_1970:
        when = {"clock": (day - _JULIAN_DAY_OF_1970) * 24}
    else:
        when = {"hours": time.relativeTimeMs * _HOURS_PER_MS}
    return {"x_um": stage.x, "y_um": stage.y, **when}
