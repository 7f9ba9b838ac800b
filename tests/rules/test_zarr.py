"""A plate as OME-Zarr: the pixels of `normalized`, the cells of `labels` and of the tables."""

import filecmp

import numpy as np
import pytest
import tifffile
import zarr
from export_labels import export_labels
from export_normalized import export_normalized
from export_zarr import export_zarr
from gather_zarr import gather_zarr
from ome_zarr_models.v05.hcs import HCS
from ome_zarr_models.v05.image_label import ImageLabel

from livedead import stores
from livedead.tables import CELLS

FIELDS = [("A01", 1), ("A01", 2), ("A12", 1), ("A12", 2), ("B06", 1), ("B06", 2)]
FAILED = ("A12", 2)
SHARDS = ("1-of-2", "2-of-2")


def export(flow, folder, class_maps):
    """The plate, written in as many shards as there are class maps."""
    shards = [folder / f"shard {k}" for k in range(len(class_maps))]
    for path, shard in zip(class_maps, shards, strict=True):
        flow.call(export_zarr, class_maps=path, folder=shard, corrections=[])
    flow.call(gather_zarr, shards=shards, folder=folder / "plate.zarr")
    return folder / "plate.zarr"


@pytest.fixture(scope="module")
def plate(flow, tmp_path_factory):
    maps = [flow.folder / name / "classes.h5" for name in SHARDS]
    return export(flow, tmp_path_factory.mktemp("zarr"), maps)


def image(plate, well, field):
    return zarr.open_group(plate, mode="r")[f"{well[0]}/{well[1:]}/{field}"]


def test_plate_and_labels_are_valid(plate):
    group = zarr.open_group(plate, mode="r")
    about = HCS.from_zarr(group).ome_attributes.plate
    assert (about.name, about.field_count) == ("p", 2)
    assert [(well.path, well.rowIndex, well.columnIndex) for well in about.wells] == [
        ("A/01", 0, 0),
        ("A/12", 0, 11),
        ("B/06", 1, 5),
    ]
    for well, field in FIELDS:
        for name in ("cells", "states"):
            ImageLabel.from_zarr(image(plate, well, field)[f"labels/{name}"])


def test_pixels_are_those_of_the_tiffs(flow, plate, tmp_path):
    flow.call(export_normalized, folder=tmp_path)
    for well, field in FIELDS:
        with tifffile.TiffFile(tmp_path / f"{well}.ome.tiff") as file:
            expected = file.series[field - 1].asarray()
        found = image(plate, well, field)["0"][:]
        assert found.shape == (1, 1, 160, 160)
        np.testing.assert_array_equal(found[0, 0], expected)


def test_labels_are_those_of_the_label_images_and_the_table(flow, plate, tmp_path):
    maps = [flow.folder / name / "classes.h5" for name in SHARDS]
    flow.call(export_labels, class_maps=maps, folder=tmp_path, corrections=[])
    cells = stores.read_table(flow.folder / "cells.csv.gz", CELLS)
    assert not cells.empty
    for key in FIELDS:
        labels = image(plate, *key)["labels"]
        numbers, states = labels["cells/0"][0], labels["states/0"][0]
        if key == FAILED:
            assert not numbers.any()
            assert (states == 255).all()
            continue
        np.testing.assert_array_equal(numbers, tifffile.imread(tmp_path / "{}_f{}.tif".format(*key)))
        here = cells[(cells["well"] == key[0]) & (cells["field"] == key[1])]
        assert np.bincount(numbers.ravel())[1:].tolist() == here["area_px"].tolist()
        value = {"live": 1, "dead": 2, "ambiguous": 3}
        expected = np.array([0, *here["state"].map(value)])
        np.testing.assert_array_equal(states, expected[numbers])


def test_tables_are_those_of_the_plate(flow, plate):
    tables = zarr.open_group(plate / "tables", mode="r")
    assert tables.attrs["tables"] == ["wells", "fields"]
    for name in ("wells", "fields"):
        assert tables[name].attrs["backend"] == "csv"
        assert (plate / f"tables/{name}/table.csv").read_bytes() == (flow.folder / f"{name}.csv").read_bytes()


def test_bytes_are_the_same_in_any_number_of_shards(flow, plate, tmp_path):
    rows = [row for name in SHARDS for row in stores.read_segmentations(flow.folder / name / "classes.h5")]
    wells = sorted({row["well"] for row, _ in rows})
    # One shard, and four, of which one has no well.
    for parts in [wells], [[well] for well in [*wells, "none"]]:
        folder = tmp_path / str(len(parts))
        maps = [folder / f"{k}.h5" for k in range(len(parts))]
        for path, part in zip(maps, parts, strict=True):
            stores.write_segmentations(path, (row for row in rows if row[0]["well"] in part))
        assert_same_files(export(flow, folder, maps), plate)


def assert_same_files(one, other):
    names = sorted(path.relative_to(one) for path in one.rglob("*"))
    assert names == sorted(path.relative_to(other) for path in other.rglob("*"))
    files = [name for name in names if (one / name).is_file()]
    assert filecmp.cmpfiles(one, other, files, shallow=False) == (files, [], [])


def test_the_plate_takes_no_space_beside_its_shards(plate):
    pixels = list(plate.glob("?/*/*/0/c/**/0"))
    files = [path for path in pixels if path.is_file()]
    assert len(files) == len(FIELDS) - 1, "nothing is stored of the field that failed"
    assert {path.stat().st_nlink for path in files} == {2}


def test_without_links_files_are_copied(flow, plate, tmp_path, monkeypatch):
    def no_links(source, target):
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr("os.link", no_links)
    shards = [plate.parent / "shard 0", plate.parent / "shard 1"]
    flow.call(gather_zarr, shards=shards, folder=tmp_path / "plate.zarr")
    assert_same_files(tmp_path / "plate.zarr", plate)
