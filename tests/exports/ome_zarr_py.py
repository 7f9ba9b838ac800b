"""Plates of OME-Zarr 0.4 and 0.5, written by ome-zarr-py."""

import warnings

import zarr
from exports.experiment import PIXEL_UM

with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)  # its own use of what it deprecates
    from ome_zarr.format import FormatV04, FormatV05
    from ome_zarr.writer import write_image, write_plate_metadata, write_well_metadata

_FORMATS = {"0.4": FormatV04(), "0.5": FormatV05()}
_UNITS = {"t": "second", "z": "micrometer", "y": "micrometer", "x": "micrometer"}
_SCALE = {"t": 1800.0, "c": 1.0, "z": 1.5, "y": PIXEL_UM, "x": PIXEL_UM}


class Writer:
    """What writes a plate in one version; `CHANNEL` is what the export calls the channel."""

    CHANNEL = "0"

    def __init__(self, version):
        self.version = version
        self._format = _FORMATS[version]

    def write(self, raw, images):
        """The experiment: an image a field."""
        self.write_plate(raw / "plate.zarr", images, "yx")

    def write_plate(self, path, images, axes, **options):
        """A whole 96-well plate; a pyramid of two levels for each of `images`, (well, field) -> pixels."""
        root = zarr.open_group(path, mode="w", zarr_format=self._format.zarr_format)
        wells = sorted({well for well, _ in images})
        paths = {well: f"{well[0]}/{int(well[1:])}" for well in wells}
        columns = [str(column) for column in range(1, 13)]
        write_plate_metadata(root, list("ABCDEFGH"), columns, list(paths.values()), fmt=self._format)
        for well in wells:
            group = root.require_group(paths[well])
            fields = [str(field) for own, field in images if own == well]
            write_well_metadata(group, fields, fmt=self._format)
            for field in fields:
                write_image(
                    images[well, int(field)],
                    group.require_group(field),
                    scale_factors=(2,),
                    axes=axes,
                    scale={axis: _SCALE[axis] for axis in axes},
                    axes_units={axis: _UNITS[axis] for axis in axes if axis in _UNITS},
                    fmt=self._format,
                    **options,
                )
