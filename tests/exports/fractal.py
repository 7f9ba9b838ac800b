"""A plate as Fractal lays it out (OME-Zarr 0.4), down to the bytes of its chunks: no ``zarr`` wrote it.

After github.com/fmicompbio/ez_zarr, tests/example_data/plate_ones_mip.zarr, and the documentation of
fractal-tasks-core: only rows and columns that were imaged are listed, the plate tells no version, chunks lie
in nested folders, and channels are labelled beside the microscope's own names.
"""

import json

import imagecodecs
import numpy as np
from exports.experiment import PIXEL_UM

CHANNEL = "C01"
_CHUNK_PX = 200
_BLOSC = {"id": "blosc", "cname": "lz4", "clevel": 5, "shuffle": 1, "blocksize": 0}


def write(raw, images):
    plate = raw / "plate.zarr"
    wells = sorted({well for well, _ in images})
    rows, columns = (sorted({well[part] for well in wells}) for part in (slice(1), slice(1, None)))
    listed = [
        {
            "path": f"{well[0]}/{well[1:]}",
            "rowIndex": rows.index(well[0]),
            "columnIndex": columns.index(well[1:]),
        }
        for well in wells
    ]
    names = {"rows": [{"name": row} for row in rows], "columns": [{"name": column} for column in columns]}
    _group(plate, plate={"acquisitions": [{"id": 0, "name": "plate"}], **names, "wells": listed})
    for well in wells:
        fields = [{"path": str(field - 1)} for own, field in images if own == well]
        _group(plate / well[0])
        _group(plate / well[0] / well[1:], well={"images": fields, "version": "0.4"})
    for (well, field), image in images.items():
        _write_image(plate / well[0] / well[1:] / str(field - 1), image)


def _group(folder, **attributes):
    folder.mkdir(parents=True, exist_ok=True)
    (folder / ".zgroup").write_text('{"zarr_format": 2}')
    if attributes:
        (folder / ".zattrs").write_text(json.dumps(attributes, indent=4))


def _write_image(folder, image):
    """Axes c, z, y, x, as Fractal has them for one focal plane."""
    space = [{"name": name, "type": "space", "unit": "micrometer"} for name in "zyx"]
    scale = [{"type": "scale", "scale": [1.0, 1.0, PIXEL_UM, PIXEL_UM]}]
    levels = [{"path": "0", "coordinateTransformations": scale}]
    axes = [{"name": "c", "type": "channel"}, *space]
    channel = {"wavelength_id": "A01_C01", "label": CHANNEL, "color": "00FFFF"}
    _group(
        folder,
        multiscales=[{"axes": axes, "datasets": levels, "version": "0.4"}],
        omero={"id": 1, "name": "TBD", "version": "0.4", "channels": [channel]},
    )
    height, width = image.shape
    (folder / "0").mkdir()
    described = {
        "zarr_format": 2,
        "shape": [1, 1, height, width],
        "chunks": [1, 1, _CHUNK_PX, _CHUNK_PX],
        "dtype": "<u2",
        "compressor": _BLOSC,
        "fill_value": 0,
        "filters": None,
        "order": "C",
        "dimension_separator": "/",
    }
    (folder / "0/.zarray").write_text(json.dumps(described))
    padded = np.pad(image, [(0, -side % _CHUNK_PX) for side in image.shape])
    for row in range(0, height, _CHUNK_PX):
        for column in range(0, width, _CHUNK_PX):
            chunk = folder / f"0/0/0/{row // _CHUNK_PX}/{column // _CHUNK_PX}"
            chunk.parent.mkdir(parents=True, exist_ok=True)
            pixels = np.ascontiguousarray(padded[row : row + _CHUNK_PX, column : column + _CHUNK_PX], "<u2")
            chunk.write_bytes(
                imagecodecs.blosc_encode(pixels.tobytes(), compressor="lz4", level=5, shuffle=1, typesize=2)
            )
