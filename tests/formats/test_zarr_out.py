"""A plate that we write as OME-Zarr, opened by napari's reader and by ome-zarr-py."""

import warnings

import numpy as np
import pytest
import tifffile
from chain import Plate
from convert_weights import convert_weights
from export_normalized import export_normalized
from export_zarr import export_zarr
from exports.experiment import SIDE_PX, simulate
from gather_zarr import gather_zarr
from ome_zarr.io import parse_url
from ome_zarr.reader import Reader
from tabulate_wells import tabulate_wells

from livedead import stores
from livedead.tables import CELLS, IMAGES

with warnings.catch_warnings(action="ignore", category=DeprecationWarning):
    import napari_ome_zarr

WELLS = ("A01", "B02")
HOURS_BETWEEN = 6.0


@pytest.fixture(scope="module")
def plate(tmp_path_factory, repository):
    """Field 1 of two wells, imaged as is and six hours later upside down; the files lie in its folder."""
    folder = tmp_path_factory.mktemp("plate")
    plate = Plate(
        folder,
        export_format="pattern",
        naming={"file_pattern": "p_{well}_s{field}_{channel}_{timepoint}.tif"},
        imaged={"brightfield": "C01"},
        platemap=None,
    )
    (folder / "raw").mkdir()
    images, _ = simulate()
    for well in WELLS:
        for timepoint, image in enumerate((images[well, 1], images[well, 1][::-1]), start=1):
            name = f"p_{well}_s1_C01_{timepoint}.tif"
            tifffile.imwrite(folder / "raw" / name, image, photometric="minisblack")
    plate.call(convert_weights, source=repository / "config/demo/unet.h5")
    plate.prepare()
    index = stores.read_table(folder / "images.tsv", IMAGES)
    hours = (index["timepoint"] - 1) * HOURS_BETWEEN
    stores.write_table(folder / "images.tsv", index.assign(hours=hours), IMAGES)
    shard = folder / "1-of-1"
    plate.read_shard(shard)
    plate.gather(shard)
    plate.call(tabulate_wells)
    plate.call(export_zarr, class_maps=shard / "classes.h5", folder=shard / "zarr", corrections=[])
    plate.call(gather_zarr, shards=[shard / "zarr"], folder=folder / "plate.zarr")
    plate.call(export_normalized, folder=folder / "normalized")
    return folder


def normalized(plate, well):
    """(T, H, W)"""
    return tifffile.imread(plate / f"normalized/{well}.ome.tiff")


def layers(path):
    """Layers of napari: (full size, settings, kind) each."""
    read = napari_ome_zarr.napari_get_reader(str(path))
    return [(np.asarray(data[0]), settings, kind) for data, settings, kind in read(str(path))]


def assert_cells(plate, well, numbers, states):
    """The centre of each cell lies in a label of its number and state, at its timepoint."""
    cells = stores.read_table(plate / "cells.csv.gz", CELLS)
    cells = cells[cells["well"] == well]
    assert cells.groupby("timepoint").size().tolist() == [labels.max() for labels in numbers]
    place = cells["timepoint"] - 1, cells["y_px"].round().astype(int), cells["x_px"].round().astype(int)
    within = numbers[place] == cells["cell"]
    assert within.mean() > 0.95, "few cells are so bent that their centre lies outside"
    told = states[place][within]
    assert told.tolist() == cells["state"][within].map({"live": 1, "dead": 2, "ambiguous": 3}).tolist()


def test_napari_opens_an_image_with_its_labels(plate):
    image, cells, states = layers(plate / "plate.zarr/A/01/1")
    assert [kind for _, _, kind in (image, cells, states)] == ["image", "labels", "labels"]
    assert image[1]["channel_axis"] == 1
    assert image[1]["name"] == ["A01 field 1: brightfield"]
    assert image[1]["contrast_limits"] == [[0, 65535]]
    np.testing.assert_array_equal(image[0][:, 0], normalized(plate, "A01"))
    for _, settings, _ in (image, cells, states):
        assert settings["scale"] == pytest.approx([HOURS_BETWEEN, 0.65, 0.65])
        assert settings["units"] == ("hour", "micrometer", "micrometer")
    assert states[1]["properties"]["name"][:3] == ["live", "dead", "ambiguous"]
    assert states[1]["colormap"][2] == pytest.approx([0xD5 / 255, 0x5E / 255, 0, 1])
    assert_cells(plate, "A01", cells[0], states[0])


def test_napari_opens_the_plate(plate):
    """Wells lie in a grid of 8 x 12, each of the size of a field."""
    image, cells, states = layers(plate / "plate.zarr")
    corners = {"A01": (0, 0), "B02": (SIDE_PX, SIDE_PX)}
    for well, (y, x) in corners.items():
        here = np.s_[:, y : y + SIDE_PX, x : x + SIDE_PX]
        np.testing.assert_array_equal(image[0][:, 0][here], normalized(plate, well))
        assert_cells(plate, well, cells[0][here], states[0][here])
    assert image[0].shape == (2, 1, 8 * SIDE_PX, 12 * SIDE_PX)
    assert not image[0][..., 2 * SIDE_PX :, :].any()


def test_ome_zarr_py_reads_image_and_labels(plate):
    nodes = {node.zarr.basename(): node for node in Reader(parse_url(plate / "plate.zarr/B/02/1"))()}
    assert set(nodes) == {"1", "labels", "cells", "states"}
    np.testing.assert_array_equal(nodes["1"].data[0][:, 0], normalized(plate, "B02"))
    assert nodes["1"].metadata["channel_names"] == ["brightfield"]
    numbers, states = (np.asarray(nodes[name].data[0]) for name in ("cells", "states"))
    assert_cells(plate, "B02", numbers, states)
    assert nodes["states"].metadata["properties"][1] == {"name": "live"}


def test_ome_zarr_py_reads_the_plate(plate):
    [node, *_] = Reader(parse_url(plate / "plate.zarr"))()
    assert node.metadata["metadata"]["plate"]["name"] == "p"
    first = node.data[0][:, 0, :SIDE_PX, :SIDE_PX]
    np.testing.assert_array_equal(first, normalized(plate, "A01"))
