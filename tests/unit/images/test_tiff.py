import numpy as np
import pytest
import tifffile

from livedead.errors import FieldError
from livedead.images.gate import read_plane
from livedead.images.headers import read_header


def test_truncated_anywhere(tmp_path, plane, code):
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, plane, photometric="minisblack")
    whole = path.read_bytes()
    for share in (0.05, 0.5, 0.9, 0.9999):
        path.write_bytes(whole[: int(len(whole) * share)])
        assert code(path) in ("truncated", "unreadable")
    path.write_bytes(b"")
    assert code(path) == "unreadable"


def test_a_padded_last_strip_and_no_strip_height_are_allowed(tmp_path, plane):
    # 70 rows in strips of 20: the last is written whole, as some cameras do.
    padded = np.vstack([plane, np.zeros((10, 90), np.uint16)])
    tifffile.imwrite(tmp_path / "a.tif", padded, photometric="minisblack", rowsperstrip=20)
    tifffile.imwrite(tmp_path / "b.tif", plane, photometric="minisblack")
    with tifffile.TiffFile(tmp_path / "a.tif", mode="r+b") as file:
        file.pages[0].tags["ImageLength"].overwrite(70)
    with tifffile.TiffFile(tmp_path / "b.tif", mode="r+b") as file:
        file.pages[0].tags["RowsPerStrip"].overwrite(2**31 - 1)
    for name in ("a.tif", "b.tif"):
        np.testing.assert_array_equal(read_plane(tmp_path / name), plane)


@pytest.mark.parametrize("compression", [None, "zlib", "zstd", "lzw"])
@pytest.mark.parametrize(
    ("tag", "value"),
    [("ImageLength", 75), ("ImageLength", 60), ("ImageWidth", 100), ("RowsPerStrip", 6), ("RowsPerStrip", 9)],
)
def test_a_size_that_its_strips_do_not_make(tmp_path, plane, compression, tag, value, code):
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, plane, photometric="minisblack", compression=compression, rowsperstrip=7)
    with tifffile.TiffFile(path, mode="r+b") as file:
        file.pages[0].tags[tag].overwrite(value)
    assert code(path) in ("wrong_shape", "unreadable")


@pytest.mark.parametrize(("tag", "value"), [("ImageWidth", 80), ("BitsPerSample", 12)])
def test_uncompressed_pixels_of_another_width_or_depth(tmp_path, plane, tag, value, code):
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, plane, photometric="minisblack")
    with tifffile.TiffFile(path, mode="r+b") as file:
        file.pages[0].tags[tag].overwrite(value)
    assert code(path) == "wrong_shape"


def test_orientations_that_do_not_exist_are_refused_always(tmp_path, plane, code):
    tifffile.imwrite(tmp_path / "a.tif", plane, photometric="minisblack", extratags=[(274, 3, 1, 9, True)])
    assert code(tmp_path / "a.tif", accept=["orientation"]) == "wrong_layout"


@pytest.mark.parametrize("bigtiff", [False, True])
@pytest.mark.parametrize("byteorder", ["<", ">"])
def test_a_stack_whose_last_page_was_lost_is_no_single_image(tmp_path, plane, bigtiff, byteorder, code):
    path = tmp_path / "a.tif"
    with tifffile.TiffWriter(path, bigtiff=bigtiff, byteorder=byteorder) as file:
        for _ in range(2):
            file.write(plane, photometric="minisblack", metadata=None, contiguous=False)
    with tifffile.TiffFile(path) as file:
        second = file.pages[1].offset
    np.testing.assert_array_equal(read_plane(path, 1, pages=2), plane)
    path.write_bytes(path.read_bytes()[:second])
    assert code(path) == "truncated"


def pyramid(path, plane, steps, subfiletype):
    """A file of an image and smaller ones; the type 1 says that they are copies (TIFF 6.0, page 36)."""
    with tifffile.TiffWriter(path) as file:
        file.write(plane, photometric="minisblack", metadata=None)
        for step in steps:
            small = plane[::step, ::step]
            file.write(small, photometric="minisblack", metadata=None, subfiletype=subfiletype)
    return path


def test_smaller_copies_at_the_end_of_a_file_are_no_planes(tmp_path, plane, code):
    path = pyramid(tmp_path / "a.tif", plane, steps=(2, 4), subfiletype=1)
    np.testing.assert_array_equal(read_plane(path), plane)
    assert read_header(path).pages == 1
    assert code(pyramid(tmp_path / "not_said.tif", plane, steps=(2,), subfiletype=0)) == "wrong_layout"
    assert code(pyramid(tmp_path / "as_large.tif", plane, steps=(1,), subfiletype=1)) == "wrong_layout"
    with tifffile.TiffFile(path) as file:
        last = file.pages[2].offset
    path.write_bytes(path.read_bytes()[:last])
    assert code(path) == "truncated"


def test_a_single_pixel_behind_an_image_is_no_plane(tmp_path, plane):
    path = tmp_path / "a.tif"
    with tifffile.TiffWriter(path) as file:
        file.write(plane, photometric="minisblack", metadata=None)
        file.write(plane[:1, :1], photometric="minisblack", metadata=None)
    np.testing.assert_array_equal(read_plane(path), plane)
    assert read_header(path).pages == 1


def test_ome_metadata_that_promises_absent_planes(tmp_path, plane):
    tifffile.imwrite(tmp_path / "b.ome.tif", np.stack([plane] * 3), ome=True, photometric="minisblack")
    with tifffile.TiffFile(tmp_path / "b.ome.tif") as file:
        promise = file.ome_metadata
    tifffile.imwrite(tmp_path / "a.tif", plane, photometric="minisblack", description=promise, metadata=None)
    with pytest.raises(FieldError, match="promises 2 plane"):
        read_plane(tmp_path / "a.tif")


def test_lossy_compression_is_refused(tmp_path, plane, code):
    tifffile.imwrite(tmp_path / "a.tif", (plane >> 4).astype(np.uint8), compression="jpeg")
    assert code(tmp_path / "a.tif", accept=["uint8"]) == "wrong_layout"
    assert read_plane(tmp_path / "a.tif", accept=["uint8", "lossy"]).shape == plane.shape
