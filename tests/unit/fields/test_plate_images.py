import hashlib
import logging

import numpy as np
import pytest
import tifffile

from livedead import stores
from livedead.errors import FieldError, StoreError
from livedead.fields.plate_images import PlateImages, open_plate
from livedead.readers.index import index_plate
from livedead.tables import IMAGES

SHAPE = (24, 32)
WELLS = ("B02", "A10", "A02")


def image(well, channel=1):
    rng = np.random.default_rng([WELLS.index(well), channel])
    return rng.integers(1000, 60000, SHAPE).astype(np.uint16)


@pytest.fixture
def index(tmp_path):
    """Two channels of three wells, but B02 was not imaged in the second."""
    for well in WELLS:
        for channel in (1, 2) if well != "B02" else (1,):
            tifffile.imwrite(tmp_path / f"x_{well}_s1_w{channel}.tif", image(well, channel))
    table, _ = index_plate(
        tmp_path,
        plate="p",
        export_format="imagexpress",
        channels={"bf": "w1", "pi": "w2"},
        n_wells=96,
        pixel_size_um=1.0,
    )
    return table


@pytest.fixture
def plate(tmp_path, index):
    return PlateImages(tmp_path, index, 16)


def test_fields_and_wells_are_in_plate_order(plate):
    assert plate.plate == "p"
    assert plate.keys() == [("A02", 1, 1), ("A10", 1, 1), ("B02", 1, 1)]
    assert plate.keys(["B02", "A02", "C03"]) == [("A02", 1, 1), ("B02", 1, 1)]
    assert plate.wells() == ["A02", "A10", "B02"]


def test_a_plane_is_what_the_microscope_wrote(plate):
    np.testing.assert_array_equal(plate.plane(("A10", 1, 1), "pi"), image("A10", 2))


def test_a_plane_that_was_not_imaged_has_a_code(plate):
    with pytest.raises(FieldError, match="'pi' was not imaged") as error:
        plate.plane(("B02", 1, 1), "pi")
    assert error.value.code == "missing_channel"


def test_a_problem_of_the_index_is_the_code_of_the_field(tmp_path, index):
    index.loc[index["well"] == "A02", "problem"] = "unreadable"
    with pytest.raises(FieldError, match=r"x_A02_s1_w1\.tif: the file could not be read when") as error:
        PlateImages(tmp_path, index, 16).plane(("A02", 1, 1), "bf")
    assert error.value.code == "unreadable"


@pytest.mark.parametrize(("projection", "expected"), [("max", 300), ("mean", 184)])
def test_focal_planes_become_one(tmp_path, index, projection, expected):
    rows = index[(index["well"] == "A02") & (index["channel"] == "bf")]
    stack = rows.loc[rows.index.repeat(3)].assign(projection=projection, crc32="", sha256="")
    stack["path"] = [f"z{z}.tif" for z in range(3)]
    for path, level in zip(stack["path"], (100, 151, 300), strict=True):
        tifffile.imwrite(tmp_path / path, np.full(SHAPE, level, np.uint16) + np.eye(*SHAPE, dtype=np.uint16))
    table = stack.assign(**checksums(tmp_path, stack["path"]))
    # The mean of 100, 151 and 300 is 183.67.
    found = PlateImages(tmp_path, table, 16).plane(("A02", 1, 1), "bf")
    np.testing.assert_array_equal(found, expected + np.eye(*SHAPE, dtype=np.uint16))


def checksums(folder, paths):
    contents = [(folder / path).read_bytes() for path in paths]
    return {
        "bytes": list(map(len, contents)),
        "sha256": [hashlib.sha256(content).hexdigest() for content in contents],
    }


def test_only_channels_that_a_field_has_are_given(plate, tmp_path, caplog):
    assert list(plate.planes(("B02", 1, 1), ["bf", "pi"], SHAPE)) == ["bf"]
    assert caplog.text == ""
    (tmp_path / "x_A10_s1_w2.tif").write_bytes(b"II*")
    with caplog.at_level(logging.WARNING):
        assert list(plate.planes(("A10", 1, 1), ["bf", "pi"], SHAPE)) == ["bf"]
        assert "A10 field 1 timepoint 1 without pi: " in caplog.text
        assert plate.planes(("A02", 1, 1), ["bf"], (24, 33)) == {}
    assert "A02 field 1 timepoint 1: bf is (24, 32) px" in caplog.text


def test_overlap_is_cropped_at_every_side(tmp_path, index):
    cropping = PlateImages(tmp_path, index.assign(crop_y_px=2, crop_x_px=5), 16)
    field = np.arange(24 * 32).reshape(1, 24, 32)
    np.testing.assert_array_equal(cropping.cropped(field), field[:, 2:22, 5:27])
    with pytest.raises(FieldError, match="nothing is left of 24 x 10 px cropped by 2 and 5") as error:
        cropping.cropped(field[..., :10])
    assert error.value.code == "wrong_shape"


def test_a_row_says_when_a_field_was_imaged_and_how_reading_went(tmp_path, index):
    plate = PlateImages(tmp_path, index.assign(hours=[2.5, 2.25, 0.0, 0.0, 0.0]), 16)
    key = {"plate": "p", "well": "A02", "field": 1, "timepoint": 1, "hours": 2.25}
    fine = plate.describe(("A02", 1, 1), pixels_sha256="ab")
    assert fine == {**key, "status": "ok", "code": "", "message": "", "pixels_sha256": "ab"}
    failed = plate.describe(("A02", 1, 1), FieldError("blank", "nothing"))
    assert failed == {**key, "status": "failed", "code": "blank", "message": "nothing", "pixels_sha256": ""}


def test_a_plate_is_opened_from_its_index(tmp_path, index):
    stores.write_table(tmp_path / "images.tsv", index, IMAGES)
    plate = open_plate(tmp_path, tmp_path / "images.tsv", 16)
    np.testing.assert_array_equal(plate.plane(("A02", 1, 1), "bf"), image("A02"))
    with pytest.raises(StoreError, match="no such file"):
        open_plate(tmp_path, tmp_path / "absent.tsv", 16)


def test_files_are_held_against_the_checksum_that_was_asked_for(tmp_path, index):
    damaged = index.assign(sha256="0" * 64)
    PlateImages(tmp_path, damaged, 16, checksum="crc32").plane(("A02", 1, 1), "bf")
    with pytest.raises(FieldError, match=r"x_A02_s1_w1\.tif"):
        PlateImages(tmp_path, damaged, 16).plane(("A02", 1, 1), "bf")
