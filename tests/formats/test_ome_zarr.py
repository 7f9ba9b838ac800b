"""OME-Zarr plates that ome-zarr-py writes come back pixel by pixel, and give the table of other formats."""

import numpy as np
import pandas as pd
import pytest
from exports.counting import COUNTS, counted
from exports.ome_zarr_py import Writer
from small_exports import exported

from livedead.fields.plate_images import PlateImages

SHAPE = {"t": 2, "c": 3, "z": 2, "y": 60, "x": 80}
CHUNKS = {"t": 1, "c": 1, "z": 1, "y": 30, "x": 40}


def stack(k, axes):
    return np.random.default_rng(k).integers(1, 4000, [SHAPE[axis] for axis in axes], dtype=np.uint16)


@pytest.mark.parametrize(("version", "sharded"), [("0.4", False), ("0.5", False), ("0.5", True)])
@pytest.mark.parametrize("axes", ["yx", "cyx", "tczyx"])
def test_every_pixel_comes_back(tmp_path, version, axes, sharded):
    images = {key: stack(k, axes) for k, key in enumerate([("A01", 0), ("A01", 1), ("H12", 0)])}
    options = {"chunks": tuple(CHUNKS[axis] for axis in axes)}
    if sharded:
        options["shards"] = tuple(SHAPE[axis] for axis in axes)
    Writer(version).write_plate(tmp_path / "p.zarr", images, axes, storage_options=options)
    last = "2" if "c" in axes else "0"
    table, export = exported(tmp_path, channels={"bf": last}, focal_plane="max" if "z" in axes else None)
    assert export["format"] == "ome_zarr"
    assert export["expected"]["pixel_size_um"] == pytest.approx(0.65)
    plate = PlateImages(tmp_path, table, 16)
    expected = {}
    for key, pixels in images.items():
        of_all_axes = pixels.reshape([size if axis in axes else 1 for axis, size in SHAPE.items()])
        expected |= {(*key, t + 1): stack[-1].max(axis=0) for t, stack in enumerate(of_all_axes)}
    assert plate.keys() == list(expected)
    for key, plane in expected.items():
        np.testing.assert_array_equal(plate.plane(key, "bf"), plane)
    hours = [0, 0.5] * 3 if "t" in axes else [np.nan] * 3
    assert list(plate.hours.values()) == pytest.approx(hours, nan_ok=True)


@pytest.mark.parametrize("version", ["0.4", "0.5"])
def test_one_experiment_gives_one_table(tmp_path, unet, experiment, first, version):
    table = counted(tmp_path, unet, Writer(version), experiment[0])
    pd.testing.assert_frame_equal(table[COUNTS], first[COUNTS])
