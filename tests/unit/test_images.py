import hashlib

import numpy as np
import pytest
import tifffile

from livedead.errors import FieldError
from livedead.images import read_instances, read_plane, write_ome_tiff


@pytest.fixture
def plane():
    return np.random.default_rng(0).integers(0, 4096, (70, 90), dtype=np.uint16)


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"byteorder": ">"},
        {"bigtiff": True},
        {"tile": (32, 32)},
        {"rowsperstrip": 7},
        {"compression": "lzw"},
        {"compression": "zlib", "predictor": True},
        {"compression": "zstd"},
    ],
)
def test_every_lossless_layout_reads_equal(tmp_path, plane, options):
    tifffile.imwrite(tmp_path / "a.tif", plane, photometric="minisblack", **options)
    found = read_plane(tmp_path / "a.tif")
    assert found.dtype == np.dtype("=u2")
    np.testing.assert_array_equal(found, plane)


def code(path, **options):
    with pytest.raises(FieldError) as error:
        read_plane(path, **options)
    assert str(path) in str(error.value)
    return error.value.code


@pytest.mark.parametrize(
    ("convert", "options", "expected"),
    [
        (lambda x: (x >> 8).astype(np.uint8), {"photometric": "minisblack"}, "wrong_dtype"),
        (lambda x: x.astype(np.int16), {"photometric": "minisblack"}, "wrong_dtype"),
        (lambda x: x.astype(np.float32), {"photometric": "minisblack"}, "wrong_dtype"),
        (lambda x: x, {"photometric": "miniswhite"}, "wrong_layout"),
        (lambda x: np.dstack([x] * 3), {"photometric": "rgb"}, "wrong_layout"),
        (lambda x: x, {"photometric": "minisblack", "extratags": [(274, 3, 1, 6, True)]}, "wrong_layout"),
        (lambda x: np.full_like(x, 7), {"photometric": "minisblack"}, "blank"),
    ],
)
def test_what_is_not_a_raw_grey_plane_is_refused(tmp_path, plane, convert, options, expected):
    tifffile.imwrite(tmp_path / "a.tif", convert(plane), **options)
    assert code(tmp_path / "a.tif") == expected


def test_truncated_anywhere(tmp_path, plane):
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, plane, photometric="minisblack")
    whole = path.read_bytes()
    for share in (0.05, 0.5, 0.9, 0.9999):
        path.write_bytes(whole[: int(len(whole) * share)])
        assert code(path) in ("truncated", "unreadable")
    path.write_bytes(b"")
    assert code(path) == "unreadable"


def test_changed_since_it_was_indexed(tmp_path, plane):
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, plane, photometric="minisblack")
    content = bytearray(path.read_bytes())
    known = {"sha256": hashlib.sha256(content).hexdigest(), "n_bytes": len(content)}
    np.testing.assert_array_equal(read_plane(path, **known), plane)
    content[-1] ^= 1
    path.write_bytes(content)
    assert code(path, **known) == "changed_since_index"


def test_absent_and_beyond_the_last_page(tmp_path, plane):
    tifffile.imwrite(tmp_path / "a.tif", plane, photometric="minisblack")
    assert code(tmp_path / "b.tif") == "missing_file"
    assert code(tmp_path / "a.tif", page=1) == "wrong_layout"


def test_declared_bit_depth_is_held_to(tmp_path, plane):
    tifffile.imwrite(tmp_path / "a.tif", plane, photometric="minisblack")
    read_plane(tmp_path / "a.tif", bit_depth=12)
    assert code(tmp_path / "a.tif", bit_depth=11) == "out_of_range"


def test_instance_masks(tmp_path, plane):
    tifffile.imwrite(tmp_path / "mask.tif", plane)
    np.testing.assert_array_equal(read_instances(tmp_path / "mask.tif"), plane)
    with pytest.raises(FieldError, match=r"none\.png"):
        read_instances(tmp_path / "none.png")


def test_ome_tiff_says_size_and_channels(tmp_path, plane):
    images = [("field 1", [plane, plane]), ("field 2", [plane // 2, plane])]
    write_ome_tiff(tmp_path / "a.ome.tiff", images, (1, 2, 70, 90), ["one", "two"], 0.65)
    with tifffile.TiffFile(tmp_path / "a.ome.tiff") as file:
        assert file.is_ome
        assert 'PhysicalSizeX="0.65"' in file.ome_metadata
        assert 'Name="two"' in file.ome_metadata
        assert [series.name for series in file.series] == ["field 1", "field 2"]
        np.testing.assert_array_equal(file.series[1].asarray(), [plane // 2, plane])


def test_real_eight_bit_images_are_refused(shared):
    paths = sorted((shared / "eightbit_sbs").glob("*.tif"))
    assert len(paths) == 2
    for path in paths:
        with pytest.raises(FieldError, match="PALETTE"):
            read_plane(path)


def test_real_planes_that_are_all_zero_are_refused(shared):
    path = next((shared / "cellvoyager").rglob("*_D08_*C01.tif"))
    assert code(path) == "blank"
