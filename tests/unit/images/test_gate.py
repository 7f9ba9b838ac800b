import hashlib
import os
import threading
import zlib

import h5py
import numpy as np
import pytest
import tifffile

from livedead.errors import FieldError
from livedead.images import gate
from livedead.images.gate import read_instances, read_plane, write_ome_tiff


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


@pytest.mark.parametrize("compression", [None, "zlib", "zstd", "lzw"])
@pytest.mark.parametrize(
    ("tag", "value"),
    [("ImageLength", 75), ("ImageLength", 60), ("ImageWidth", 100), ("RowsPerStrip", 6), ("RowsPerStrip", 9)],
)
def test_a_size_that_its_strips_do_not_make(tmp_path, plane, compression, tag, value):
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, plane, photometric="minisblack", compression=compression, rowsperstrip=7)
    with tifffile.TiffFile(path, mode="r+b") as file:
        file.pages[0].tags[tag].overwrite(value)
    assert code(path) in ("wrong_shape", "unreadable")


@pytest.mark.parametrize(("tag", "value"), [("ImageWidth", 80), ("BitsPerSample", 12)])
def test_uncompressed_pixels_of_another_width_or_depth(tmp_path, plane, tag, value):
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, plane, photometric="minisblack")
    with tifffile.TiffFile(path, mode="r+b") as file:
        file.pages[0].tags[tag].overwrite(value)
    assert code(path) == "wrong_shape"


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


def test_a_tail_of_zeros_is_lost_data(tmp_path, plane):
    """What is left where a copy was cut off after the file had its full length."""
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, plane | 1, photometric="minisblack")
    content = path.read_bytes()
    path.write_bytes(content[:-600] + bytes(600))  # 3.3 of 70 rows
    assert code(path) == "blank"
    assert (read_plane(path, accept=["zeros"])[-3:] == 0).all()


def test_orientations_that_do_not_exist_are_refused_always(tmp_path, plane):
    tifffile.imwrite(tmp_path / "a.tif", plane, photometric="minisblack", extratags=[(274, 3, 1, 9, True)])
    assert code(tmp_path / "a.tif", accept=["orientation"]) == "wrong_layout"


@pytest.mark.parametrize("bigtiff", [False, True])
@pytest.mark.parametrize("byteorder", ["<", ">"])
def test_a_stack_whose_last_page_was_lost_is_no_single_image(tmp_path, plane, bigtiff, byteorder):
    path = tmp_path / "a.tif"
    with tifffile.TiffWriter(path, bigtiff=bigtiff, byteorder=byteorder) as file:
        for _ in range(2):
            file.write(plane, photometric="minisblack", metadata=None, contiguous=False)
    with tifffile.TiffFile(path) as file:
        second = file.pages[1].offset
    np.testing.assert_array_equal(read_plane(path, 1, pages=2), plane)
    path.write_bytes(path.read_bytes()[:second])
    assert code(path) == "truncated"


CHECKSUMS = {
    "sha256": lambda content: hashlib.sha256(content).hexdigest(),
    "crc32": lambda content: f"{zlib.crc32(content):08x}",
}


@pytest.mark.parametrize("kind", CHECKSUMS)
def test_changed_since_it_was_indexed(tmp_path, plane, kind):
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, plane, photometric="minisblack")
    content = bytearray(path.read_bytes())
    known = {"checksum": (kind, CHECKSUMS[kind](content)), "n_bytes": len(content)}
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
        found = read_plane(path, accept=["palette", "uint8"])
        np.testing.assert_array_equal(found, tifffile.imread(path))


def test_real_planes_that_are_all_zero_are_refused(shared):
    path = next((shared / "cellvoyager").rglob("*_D08_*C01.tif"))
    assert code(path) == "blank"


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
def test_declared_pixels_that_are_no_counts(tmp_path, plane, declared, value, dtype):
    pixels = plane.astype(dtype)
    pixels[3, 4] = value
    tifffile.imwrite(tmp_path / "a.tif", pixels, photometric="minisblack")
    assert code(tmp_path / "a.tif", accept=[declared]) == "out_of_range"


def test_lossy_compression_is_refused(tmp_path, plane):
    tifffile.imwrite(tmp_path / "a.tif", (plane >> 4).astype(np.uint8), compression="jpeg")
    assert code(tmp_path / "a.tif", accept=["uint8"]) == "wrong_layout"
    assert read_plane(tmp_path / "a.tif", accept=["uint8", "lossy"]).shape == plane.shape


def test_ome_metadata_that_promises_absent_planes(tmp_path, plane):
    tifffile.imwrite(tmp_path / "b.ome.tif", np.stack([plane] * 3), ome=True, photometric="minisblack")
    with tifffile.TiffFile(tmp_path / "b.ome.tif") as file:
        promise = file.ome_metadata
    tifffile.imwrite(tmp_path / "a.tif", plane, photometric="minisblack", description=promise, metadata=None)
    with pytest.raises(FieldError, match="promises 2 plane"):
        read_plane(tmp_path / "a.tif")


def test_sizes_are_capped_before_memory_is_taken(tmp_path, plane, monkeypatch):
    tifffile.imwrite(tmp_path / "a.tif", plane, photometric="minisblack")
    monkeypatch.setattr(gate, "MAX_PIXELS", 70 * 90 - 1)
    assert code(tmp_path / "a.tif") == "too_large"


def test_a_file_that_never_ends_is_given_up(tmp_path):
    os.mkfifo(tmp_path / "a.tif")
    release = threading.Timer(1.0, lambda: (tmp_path / "a.tif").open("wb").close())
    release.start()
    assert code(tmp_path / "a.tif", max_seconds=0.1) == "timed_out"
    release.join()


@pytest.mark.parametrize("kind", CHECKSUMS)
def test_large_files_are_checked_once_and_again_when_changed(tmp_path, plane, monkeypatch, kind):
    monkeypatch.setattr(gate, "IN_MEMORY_BYTES", 100)
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, plane, photometric="minisblack")
    known = {"checksum": (kind, CHECKSUMS[kind](path.read_bytes())), "n_bytes": path.stat().st_size}
    for _ in range(2):
        np.testing.assert_array_equal(read_plane(path, **known), plane)
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    assert code(path, **known) == "changed_since_index"


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


def test_a_lost_block_of_a_chunked_dataset(tmp_path):
    planes = np.random.default_rng(0).integers(1, 65_535, (128, 128, 2), dtype=np.uint16)
    planes[70:86, 32:64, 1] = 0  # 1 KiB of a chunk
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file.create_dataset("lost", data=planes, chunks=(64, 32, 1))
        file.create_dataset("unwritten", (20, 20, 2), np.uint16, chunks=(10, 5, 1))[:, :15] = planes[:20, :15]
        file["unwritten"][:, 15:, 0] = planes[:20, 15:20, 0]
    for dataset in ("lost", "unwritten"):
        side = 128 if dataset == "lost" else 20
        found = read_plane(tmp_path / "a.h5", 0, dataset=dataset, axes="yxn")
        np.testing.assert_array_equal(found, planes[:side, :side, 0])
        assert code(tmp_path / "a.h5", page=1, dataset=dataset, axes="yxn") == "blank"
        assert (read_plane(tmp_path / "a.h5", 1, dataset=dataset, axes="yxn", accept=["zeros"]) == 0).any()


def test_all_declarations_that_a_file_needs_are_named_at_once(tmp_path, plane):
    path = tmp_path / "a.tif"
    eight_bit = (plane >> 4).astype(np.uint8)
    tifffile.imwrite(path, 255 - eight_bit, photometric="miniswhite", extratags=[(274, 3, 1, 3, True)])
    with pytest.raises(FieldError, match=r"accept: \[miniswhite, orientation, uint8\]"):
        read_plane(path)
    found = read_plane(path, accept=["miniswhite", "orientation", "uint8"])
    np.testing.assert_array_equal(found, eight_bit[::-1, ::-1])
