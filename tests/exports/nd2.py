"""Nikon ND2, version 3: chunks, as the package nd2 reads them; only NIS-Elements writes them itself."""

import struct
import zlib

import numpy as np
from exports.experiment import PIXEL_UM

_MAGIC, _NAME_BYTES = 0x0ABECEDA, 4072
_TIME_LOOP, _POINTS_LOOP = 1, 2
_BOOL, _INT, _DOUBLE, _TEXT, _LEVEL = 1, 2, 6, 8, 11


def write(raw, images):
    """A file of a plate, whose points are named as JOBS does (``A01_0001``)."""
    points = [(f"{well}_{field:04d}", 10_000.0 * k, 0.0) for k, (well, field) in enumerate(images)]
    write_file(raw / "plate.nd2", [image[..., None] for image in images.values()], points, names=["C01"])


def write_file(
    path,
    frames,
    points=(),
    n_timepoints=1,
    names=("BF",),
    lossless=False,
    day=2456827.0,
    loop=_TIME_LOOP,
    **attributes,
):
    """One file.

    Parameters
    ----------
    frames : list of ndarray, (H, W, channels)
        In the order of the loops: timepoints, points.
    points : list of (name, x_um, y_um)
    day : float
        Julian day of the first frame; the others follow every half hour.
    loop : int
        Kind of the loop that is said to be over time.
    **attributes
        Of the file, other than the frames make them.
    """
    height, width, n_channels = frames[0].shape
    stored = {
        "uiWidth": width,
        "uiWidthBytes": width * n_channels * frames[0].itemsize,
        "uiHeight": height,
        "uiComp": n_channels,
        "uiBpcInMemory": 8 * frames[0].itemsize,
        "uiBpcSignificant": 8 * frames[0].itemsize,
        "uiSequenceCount": len(frames),
        "eCompression": 0 if lossless else 2,
    }
    dye = {"m_ExcitationSpectrum": {"uiCount": 0}}
    plane = {"uiCompCount": n_channels // len(names), "pFluorescentProbe": dye}
    planes = {f"a{k}": {"sDescription": name, **plane} for k, name in enumerate(names)}
    picture = {
        "bCalibrated": True,
        "dCalibration": PIXEL_UM,
        "dTimeAbsolute": day,
        "dXPos": 0.0,
        "dYPos": 0.0,
        "sPicturePlanes": {"uiCount": len(names), "sPlaneNew": planes},
    }
    times = {"dStart": 0.0, "dPeriod": 0.0, "dDuration": 0.0, "uiCount": n_timepoints}
    positions = [
        {"dPosName": name, "dPosX": x_um, "dPosY": y_um, "dPosZ": 0.0} for name, x_um, y_um in points
    ]
    of_points = {"eType": _POINTS_LOOP, "uLoopPars": {"uiCount": len(points), "Points": positions}}
    loops = {"eType": loop, "uLoopPars": times, "ppNextLevelEx": [of_points] if points else []}
    milliseconds = np.arange(len(frames)) * 1.8e6
    chunks = {
        "ImageAttributesLV!": _value("SLxImageAttributes", stored | attributes),
        "ImageMetadataSeqLV|0!": _value("SLxPictureMetadata", picture),
        "ImageMetadataLV!": _value("SLxExperiment", loops),
        "CustomData|AcqTimesCache!": milliseconds.astype("<f8").tobytes(),
    }
    for k, frame in enumerate(frames):
        pixels = frame.astype(frame.dtype.newbyteorder("<")).tobytes()
        pixels = zlib.compress(pixels) if lossless else pixels
        chunks[f"ImageDataSeq|{k}!"] = struct.pack("<d", milliseconds[k]) + pixels
    with open(path, "wb") as file:
        file.write(_chunk("ND2 FILE SIGNATURE CHUNK NAME01!", b"Ver3.0".ljust(64, b"\0"), 32))
        places = b""
        for name, content in chunks.items():
            places += name.encode() + struct.pack("<QQ", file.tell(), len(content))
            file.write(_chunk(name, content, _NAME_BYTES))
        ending = b"ND2 CHUNK MAP SIGNATURE 0000001!" + struct.pack("<Q", file.tell())
        file.write(_chunk("ND2 FILEMAP SIGNATURE NAME 0001!", places + ending, 48))


def _chunk(name, content, name_bytes):
    header = struct.pack("<IIQ", _MAGIC, name_bytes, len(content))
    return header + name.encode().ljust(name_bytes, b"\0") + content


def _value(name, value):
    """A named value of NIS-Elements' binary tree; items of a list have no name."""
    head = bytes([_kind(value), len(name) + 1]) + f"{name}\0".encode("utf-16-le")
    if isinstance(value, bool):
        return head + struct.pack("<B", value)
    if isinstance(value, int):
        return head + struct.pack("<i", value)
    if isinstance(value, float):
        return head + struct.pack("<d", value)
    if isinstance(value, str):
        return head + f"{value}\0".encode("utf-16-le")
    items = value.items() if isinstance(value, dict) else [("", item) for item in value]
    content = b"".join(_value(*item) for item in items)
    return (
        head + struct.pack("<IQ", len(items), len(head) + 12 + len(content)) + content + bytes(8 * len(items))
    )


def _kind(value):
    kinds = {bool: _BOOL, int: _INT, float: _DOUBLE, str: _TEXT}
    return kinds.get(type(value), _LEVEL)
