"""OME-Zarr, read back by zarr and checked by the models of ome-zarr-models."""

import math
import sys

import numpy as np
import pytest
import zarr
from ome_zarr_models.v05.hcs import HCS
from ome_zarr_models.v05.image import Image
from ome_zarr_models.v05.image_label import ImageLabel
from skimage.measure import block_reduce

from livedead.errors import ExportError
from livedead.images import ome_zarr_out
from livedead.images.ome_zarr_out import FieldImage, Label

SHAPE = (700, 1101)
RNG = np.random.default_rng(4)
PLANES = RNG.integers(0, 65536, (3, 2, *SHAPE)).astype(np.uint16)
FIELD = FieldImage("B03 field 2", SHAPE, 0.5, [1.0, 5.0, 9.0])
STATES = Label("uint8", 255, {1: ("live", "0072B2"), 255: ("not counted", "808080")})


@pytest.fixture(scope="module")
def field(tmp_path_factory):
    """An image of three timepoints and two channels, with labels of the second timepoint alone."""
    folder = tmp_path_factory.mktemp("image") / "2"
    image = ome_zarr_out.create_image(folder, FIELD, ["bright field", "dead"], {"livedead": {"hours": [1]}})
    for t, c in np.ndindex(3, 2):
        image.write((t, c), PLANES[t, c])
    labels = ome_zarr_out.create_labels(folder, FIELD, {"cells": Label("uint32"), "states": STATES})
    labels["cells"].write((1,), PLANES[0, 0].astype(np.uint32) + 100_000)
    labels["states"].write((1,), np.ones(SHAPE, np.uint8))
    return zarr.open_group(folder, mode="r")


def datasets(group):
    return group.attrs["ome"]["multiscales"][0]["datasets"]


def test_an_image_is_valid_and_tells_its_channels(field):
    Image.from_zarr(field)
    assert field.attrs["livedead"] == {"hours": [1]}
    channels = field.attrs["ome"]["omero"]["channels"]
    assert [channel["label"] for channel in channels] == ["bright field", "dead"]
    assert len({channel["color"] for channel in channels}) == 2
    assert {tuple(channel["window"].items()) for channel in channels} == {
        (("min", 0), ("max", 65535), ("start", 0), ("end", 65535))
    }


def test_every_size_is_the_mean_of_the_one_before(field):
    assert [array["path"] for array in datasets(field)] == ["0", "1", "2", "3"]
    np.testing.assert_array_equal(field["0"][:], PLANES)
    for level in (1, 2, 3):
        before, found = field[str(level - 1)][:], field[str(level)][:]
        even = before[..., : before.shape[-2] // 2 * 2, : before.shape[-1] // 2 * 2]
        expected = block_reduce(even.astype(float), (1, 1, 2, 2), np.mean)
        assert found.dtype == np.uint16
        assert found.shape == expected.shape
        assert np.abs(found - expected).max() <= 0.5
    assert field["3"].shape[-2:] == (87, 137)


def test_pixels_of_all_sizes_lie_where_those_lie_that_they_were_made_of(field):
    """The centre of the first pixel of size k is the mean of the centres of 2**k pixels, from 0 on."""
    assert [axis["name"] for axis in field.attrs["ome"]["multiscales"][0]["axes"]] == ["t", "c", "y", "x"]
    for level, dataset in enumerate(datasets(field)):
        scale, shift = dataset["coordinateTransformations"]
        size_um, shift_um = 0.5 * 2**level, np.mean(np.arange(2**level)) * 0.5
        assert scale == {"type": "scale", "scale": [4.0, 1.0, size_um, size_um]}
        assert shift == {"type": "translation", "translation": [1.0, 0.0, shift_um, shift_um]}


def test_labels_are_valid_and_lie_on_their_image(field):
    for name, dtype in {"cells": np.uint32, "states": np.uint8}.items():
        label = field[f"labels/{name}"]
        ImageLabel.from_zarr(label)
        assert label["0"].dtype == dtype
        assert label["0"].shape == (3, *SHAPE)
        for mine, of_image in zip(datasets(label), datasets(field), strict=True):
            for one, other in zip(*(d["coordinateTransformations"] for d in (mine, of_image)), strict=True):
                t, _, y, x = other[other["type"]]
                assert one[one["type"]] == [t, y, x]
    assert field["labels"].attrs["ome"]["labels"] == ["cells", "states"]
    about = field["labels/states"].attrs["ome"]["image-label"]
    assert about["colors"] == [
        {"label-value": 1, "rgba": [0, 0x72, 0xB2, 255]},
        {"label-value": 255, "rgba": [128, 128, 128, 255]},
    ]
    assert [p["name"] for p in about["properties"]] == ["live", "not counted"]


def test_reduced_labels_are_values_that_there_were(field):
    for level in (1, 2):
        before, found = (field[f"labels/cells/{k}"][1] for k in (level - 1, level))
        rows, columns = found.shape
        np.testing.assert_array_equal(found, before[::2, ::2][:rows, :columns])


def test_what_was_not_written_is_the_fill_value_and_takes_no_file(field):
    states = field["labels/states"]
    assert [np.unique(states["0"][t]).tolist() for t in range(3)] == [[255], [1], [255]]
    files = [path for path in (states.store.root / "labels/states/0/c").rglob("*") if path.is_file()]
    assert [path.parts[-3:] for path in files] == [("1", "0", "0")]


def test_a_plane_is_one_shard_of_small_chunks_with_checksums(field):
    array = field["0"]
    assert array.chunks == (1, 1, 512, 512)
    assert array.shards == (1, 1, 1024, 1536)
    assert array.compressors[0].checksum


@pytest.mark.parametrize(
    ("hours", "scale", "shift", "unit"),
    [
        ([0.0, 4.0, 8.01], 4.005, None, "hour"),
        ([0.0, 4.0, 8.1], 1.0, None, None),
        ([0.0, math.nan, 8.0], 1.0, None, None),
        ([12.0], 1.0, None, None),
        ([0.0, 0.0], 1.0, None, None),
    ],
)
def test_time_is_in_hours_only_where_these_are_known_and_even(tmp_path, hours, scale, shift, unit):
    field = FieldImage("A01 field 1", (20, 30), 0.5, hours)
    ome_zarr_out.create_image(tmp_path / "1", field, ["w1"], {})
    group = zarr.open_group(tmp_path / "1", mode="r")
    [dataset] = datasets(group)
    [found] = dataset["coordinateTransformations"]
    assert found["scale"] == pytest.approx([scale, 1, 0.5, 0.5])
    assert group.attrs["ome"]["multiscales"][0]["axes"][0].get("unit") == unit


def test_a_plate_is_valid_and_has_every_well_in_plate_order(tmp_path):
    plate, table = tmp_path / "plate.zarr", tmp_path / "wells.csv"
    table.write_text("well,n_live\nA02,7\n")
    for well, fields in {"AF48": [7], "B01": [1, 3], "A02": [1]}.items():
        place = plate / ome_zarr_out.well_path(well)
        for k in fields:
            about = FieldImage(f"{well} field {k}", (8, 8), 0.5, [math.nan])
            ome_zarr_out.create_image(place / str(k), about, ["w1"], {})
        ome_zarr_out.write_well(place, fields)
    ome_zarr_out.write_plate(plate, "p 1", 1536, {"wells": table})
    found = HCS.from_zarr(zarr.open_group(plate, mode="r"))
    about = found.ome_attributes.plate
    assert (len(about.rows), len(about.columns), about.field_count) == (32, 48, 2)
    assert [(well.path, well.rowIndex, well.columnIndex) for well in about.wells] == [
        ("A/02", 0, 1),
        ("B/01", 1, 0),
        ("AF/48", 31, 47),
    ]
    assert [[i.path for i in well.ome_attributes.well.images] for well in found.well_groups] == [
        ["1"],
        ["1", "3"],
        ["7"],
    ]
    assert (plate / "tables/wells/table.csv").read_text() == table.read_text()


def test_equal_pixels_equal_bytes(field, tmp_path):
    image = ome_zarr_out.create_image(
        tmp_path / "2", FIELD, ["bright field", "dead"], {"livedead": {"hours": [1]}}
    )
    for t, c in np.ndindex(3, 2):
        image.write((t, c), PLANES[t, c])
    files = [path for path in (tmp_path / "2").rglob("*") if path.is_file()]
    assert len(files) == 1 + 4 * (1 + 6)
    for path in files:
        expected = field.store.root / path.relative_to(tmp_path / "2")
        assert path.read_bytes() == expected.read_bytes(), path


def test_without_zarr_the_line_that_installs_it_is_told(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "zarr", None)
    with pytest.raises(ExportError, match=r"zarr: pip install -r requirements-formats\.txt"):
        ome_zarr_out.create_image(tmp_path / "2", FIELD, ["w1"], {})
