import numpy as np
import pytest
import tifffile

from livedead.errors import FieldError
from livedead.images.gate import read_plane


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


@pytest.mark.parametrize(
    ("convert", "options", "expected"),
    [
        (lambda x: (x >> 8).astype(np.uint8), {"photometric": "minisblack"}, "wrong_dtype"),
        (lambda x: x.astype(np.int16), {"photometric": "minisblack"}, "wrong_dtype"),
        (lambda x: x.astype(np.float32), {"photometric": "minisblack"}, "wrong_dtype"),
        (lambda x: x, {"photometric": "miniswhite"}, "wrong_layout"),
        (lambda x: np.dstack([x, x, x // 2]), {"photometric": "rgb"}, "wrong_layout"),
        (lambda x: x > 2000, {"photometric": "minisblack"}, "wrong_dtype"),
        (lambda x: x.astype(np.uint32), {"photometric": "minisblack"}, "wrong_dtype"),
        (lambda x: np.stack([x, x]), {"photometric": "minisblack"}, "wrong_layout"),
        (lambda x: np.stack([x, x]), {"imagej": True}, "wrong_layout"),
        (lambda x: np.where(np.arange(70)[:, None] < 40, x | 1, 0), {"photometric": "minisblack"}, "blank"),
        (lambda x: x, {"photometric": "minisblack", "extratags": [(274, 3, 1, 6, True)]}, "wrong_layout"),
        (lambda x: np.full_like(x, 7), {"photometric": "minisblack"}, "blank"),
    ],
)
def test_what_is_not_a_raw_grey_plane_is_refused(tmp_path, plane, convert, options, expected, code):
    tifffile.imwrite(tmp_path / "a.tif", convert(plane), **options)
    assert code(tmp_path / "a.tif") == expected


def test_a_tail_of_zeros_is_lost_data(tmp_path, plane, code):
    """What is left where a copy was cut off after the file had its full length."""
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, plane | 1, photometric="minisblack")
    content = path.read_bytes()
    path.write_bytes(content[:-600] + bytes(600))  # 3.3 of 70 rows
    assert code(path) == "blank"
    assert (read_plane(path, accept=["zeros"])[-3:] == 0).all()


def test_absent_and_beyond_the_last_page(tmp_path, plane, code):
    tifffile.imwrite(tmp_path / "a.tif", plane, photometric="minisblack")
    assert code(tmp_path / "b.tif") == "missing_file"
    assert code(tmp_path / "a.tif", page=1) == "wrong_layout"


def test_declared_bit_depth_is_held_to(tmp_path, plane, code):
    tifffile.imwrite(tmp_path / "a.tif", plane, photometric="minisblack")
    read_plane(tmp_path / "a.tif", bit_depth=12)
    assert code(tmp_path / "a.tif", bit_depth=11) == "out_of_range"


def test_real_planes_that_are_all_zero_are_refused(shared, code):
    path = next((shared / "cellvoyager").rglob("*_D08_*C01.tif"))
    assert code(path) == "blank"


@pytest.mark.parametrize(("fill", "declaration"), [(0, "zeros"), (0xFF, "white")])
@pytest.mark.parametrize("options", [{}, {"byteorder": ">"}, {"rowsperstrip": 7}, {"tile": (32, 32)}])
def test_a_lost_block_of_512_bytes_is_refused_unless_it_is_declared(tmp_path, options, fill, declaration):
    plane = np.random.default_rng(0).integers(1, 65_535, (96, 160), dtype=np.uint16)
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, plane, photometric="minisblack", **options)
    content = bytearray(path.read_bytes())
    with tifffile.TiffFile(path) as file:
        at = file.pages[0].dataoffsets[1 if "tile" in options else 0] + 601
    content[at : at + 512] = bytes([fill]) * 512
    path.write_bytes(content)
    for options in ({}, {"bit_depth": 12}):
        with pytest.raises(FieldError, match=rf"lost a block .*accept: \[{declaration}\]") as error:
            read_plane(path, **options)
        assert error.value.code == "blank"
    lost = np.count_nonzero(read_plane(path, accept=[declaration]) == 257 * fill)
    assert lost in (255, 256)


def test_columns_of_zeros_are_refused_unless_they_are_declared(tmp_path, plane):
    plane = np.tile(plane | 1, (5, 5))
    plane[:, :6] = 0
    tifffile.imwrite(tmp_path / "a.tif", plane, photometric="minisblack")
    with pytest.raises(FieldError, match=r"columns of the value 0 only.*accept: \[zeros\]"):
        read_plane(tmp_path / "a.tif")
    np.testing.assert_array_equal(read_plane(tmp_path / "a.tif", accept=["zeros"]), plane)
