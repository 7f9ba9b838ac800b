import numpy as np
import pytest
import tifffile

from livedead.errors import FieldError
from livedead.images import stored
from livedead.images.gate import read_plane


@pytest.mark.parametrize(
    ("declared", "convert", "options"),
    [
        ("uint8", lambda x: (x >> 4).astype(np.uint8), {"photometric": "minisblack"}),
        ("int16", lambda x: x.astype(np.int16), {"photometric": "minisblack"}),
        ("float", lambda x: x.astype(np.float32), {"photometric": "minisblack"}),
        ("miniswhite", lambda x: 65535 - x, {"photometric": "miniswhite"}),
        ("rgb", lambda x: np.dstack([x] * 3), {"photometric": "rgb"}),
        ("orientation", lambda x: x[::-1, ::-1], {"extratags": [(274, 3, 1, 3, True)]}),
        ("orientation", lambda x: x.T[:, ::-1], {"extratags": [(274, 3, 1, 8, True)]}),
        ("pages", lambda x: np.stack([x, x // 2]), {"photometric": "minisblack"}),
    ],
)
def test_what_is_declared_passes_unchanged(tmp_path, plane, declared, convert, options):
    tifffile.imwrite(tmp_path / "a.tif", convert(plane), **{"photometric": "minisblack", **options})
    with pytest.raises(FieldError, match=rf"accept: \[{declared}\]"):
        read_plane(tmp_path / "a.tif")
    expected = plane >> 4 if declared == "uint8" else plane
    np.testing.assert_array_equal(read_plane(tmp_path / "a.tif", accept=[declared]), expected)


@pytest.mark.parametrize(
    ("declared", "value", "dtype"),
    [
        ("int16", -1, np.int16),
        ("float", 0.5, np.float32),
        ("float", 65536, np.float32),
        ("float", np.nan, float),
    ],
)
def test_declared_pixels_that_are_no_counts(tmp_path, plane, declared, value, dtype, code):
    pixels = plane.astype(dtype)
    pixels[3, 4] = value
    tifffile.imwrite(tmp_path / "a.tif", pixels, photometric="minisblack")
    assert code(tmp_path / "a.tif", accept=[declared]) == "out_of_range"


def test_all_declarations_that_a_file_needs_are_named_at_once(tmp_path, plane):
    path = tmp_path / "a.tif"
    eight_bit = (plane >> 4).astype(np.uint8)
    tifffile.imwrite(path, 255 - eight_bit, photometric="miniswhite", extratags=[(274, 3, 1, 3, True)])
    with pytest.raises(FieldError, match=r"accept: \[miniswhite, orientation, uint8\]"):
        read_plane(path)
    found = read_plane(path, accept=["miniswhite", "orientation", "uint8"])
    np.testing.assert_array_equal(found, eight_bit[::-1, ::-1])


def test_real_eight_bit_images_are_refused(shared):
    paths = sorted((shared / "eightbit_sbs").glob("*.tif"))
    assert len(paths) == 2
    for path in paths:
        with pytest.raises(FieldError, match="PALETTE"):
            read_plane(path)
        found = read_plane(path, accept=["palette", "uint8"])
        np.testing.assert_array_equal(found, tifffile.imread(path))


def test_sizes_are_capped_before_memory_is_taken(tmp_path, plane, monkeypatch, code):
    tifffile.imwrite(tmp_path / "a.tif", plane, photometric="minisblack")
    monkeypatch.setattr(stored, "MAX_PIXELS", 70 * 90 - 1)
    assert code(tmp_path / "a.tif") == "too_large"
