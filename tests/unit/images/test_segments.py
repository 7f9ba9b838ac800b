import struct

import imagecodecs
import numpy as np
import pytest
import tifffile

from livedead.errors import FieldError
from livedead.images.gate import read_plane


@pytest.fixture
def plane():
    return np.random.default_rng(0).integers(1, 4096, (70, 90), dtype=np.uint16)


def write(path, plane, **options):
    tifffile.imwrite(path, plane, photometric="minisblack", metadata=None, **options)
    return path


def overwrite(path, tag, change):
    """Change the numbers that a tag of the first page holds, in the file."""
    with tifffile.TiffFile(path, mode="r+b") as file:
        values = file.pages[0].tags[tag].value
        changed = change(list(values if isinstance(values, tuple) else (values,)))
        file.pages[0].tags[tag].overwrite(tuple(changed) if len(changed) > 1 else changed[0])


def remove(path, tag):
    """Take a tag out of the directory of a little-endian classic file."""
    content = bytearray(path.read_bytes())
    (start,) = struct.unpack_from("<I", content, 4)
    (n_tags,) = struct.unpack_from("<H", content, start)
    entries = [bytes(content[start + 2 + 12 * k :][:12]) for k in range(n_tags)]
    kept = [entry for entry in entries if struct.unpack_from("<H", entry)[0] != tag]
    assert len(kept) == n_tags - 1
    directory = struct.pack("<H", len(kept)) + b"".join(kept) + bytes(4)
    content[start : start + len(directory)] = directory
    path.write_bytes(content)


def refused(path, **options):
    with pytest.raises(FieldError) as error:
        read_plane(path, **options)
    assert str(path) in str(error.value)
    return error.value


STRIPS = [{"rowsperstrip": 7}, {"rowsperstrip": 7, "compression": "zlib"}, {"tile": (32, 32)}]
STRIPS += [{"rowsperstrip": 7, "bigtiff": True, "byteorder": ">"}]


@pytest.mark.parametrize("options", STRIPS)
@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda offsets: [offsets[0], offsets[0], *offsets[2:]], "share bytes"),
        (lambda offsets: [offsets[0], offsets[1] - 2, *offsets[2:]], "share bytes"),
        (lambda offsets: [2, *offsets[1:]], "header or directory"),
    ],
)
def test_strips_and_tiles_are_apart_and_outside_the_header(tmp_path, plane, options, change, said):
    path = write(tmp_path / "a.tif", plane, **options)
    tag = "TileOffsets" if "tile" in options else "StripOffsets"
    np.testing.assert_array_equal(read_plane(path), plane)
    overwrite(path, tag, change)
    error = refused(path)
    assert error.code == "wrong_layout"
    assert said in str(error)


def test_a_strip_where_a_directory_or_a_tags_values_are(tmp_path, plane):
    path = tmp_path / "a.tif"
    with tifffile.TiffWriter(path) as file:
        for _ in range(2):
            file.write(
                plane, photometric="minisblack", metadata=None, description="x" * 400, contiguous=False
            )
    with tifffile.TiffFile(path) as file:
        second = file.pages[1]
        text = second.tags["ImageDescription"].valueoffset
        places = {"directory": second.offset - 100, "description": text + 10}
        first = file.pages[0].dataoffsets[0]
    for where in places.values():
        overwrite(path, "StripOffsets", lambda _, where=where: [where])
        assert refused(path, pages=2).code in ("wrong_layout", "truncated")
    overwrite(path, "StripOffsets", lambda _: [first])
    np.testing.assert_array_equal(read_plane(path, pages=2), plane)


def test_pixels_before_the_directory_and_smaller_images_below_are_no_fault(tmp_path, plane):
    path = tmp_path / "a.tif"
    with tifffile.TiffWriter(path, bigtiff=True) as file:
        file.write(plane, photometric="minisblack", metadata=None, subifds=2)
        for step in (2, 4):
            file.write(plane[::step, ::step], photometric="minisblack", metadata=None, subfiletype=1)
    np.testing.assert_array_equal(read_plane(path), plane)


@pytest.mark.parametrize("rows", [70, 7])
def test_where_plain_strips_have_no_lengths_the_size_says_them(tmp_path, plane, rows):
    path = write(tmp_path / "a.tif", plane, rowsperstrip=rows)
    overwrite(path, "StripByteCounts", lambda counts: [0] * len(counts))
    np.testing.assert_array_equal(read_plane(path), plane)
    remove(path, 279)
    np.testing.assert_array_equal(read_plane(path), plane)
    path.write_bytes(path.read_bytes()[:-4])
    assert refused(path).code == "truncated"


def test_where_compressed_strips_have_no_lengths_the_tag_is_named(tmp_path, plane):
    path = write(tmp_path / "a.tif", plane, rowsperstrip=7, compression="zlib")
    overwrite(path, "StripByteCounts", lambda counts: [counts[0], 0, *counts[2:]])
    error = refused(path)
    assert error.code == "wrong_layout"
    assert "StripByteCounts is 0" in str(error)
    remove(path, 279)
    assert "StripByteCounts is absent" in str(refused(path))


@pytest.mark.parametrize("compression", [None, "zlib"])
def test_tiles_that_were_never_written_are_zeros_only_if_declared(tmp_path, plane, compression):
    path = write(tmp_path / "a.tif", plane, tile=(32, 32), compression=compression)
    for tag in ("TileOffsets", "TileByteCounts"):
        overwrite(path, tag, lambda values: [0, *values[1:4], 0, *values[5:]])
    assert refused(path).code == "blank"
    expected = plane.copy()
    expected[:32, :32] = expected[32:64, 32:64] = 0  # three tiles a row
    np.testing.assert_array_equal(read_plane(path, accept=["zeros"]), expected)
    for tag in ("TileOffsets", "TileByteCounts"):
        overwrite(path, tag, lambda values: [0] * len(values))
    assert refused(path, accept=["zeros"]).code == "blank"


def test_packed_pixels_that_are_declared_as_16_bit(tmp_path, plane):
    """12 bits a pixel in the strips, 16 in the header, and the other way round."""
    path = tmp_path / "a.tif"
    packed = imagecodecs.packints_encode(plane, 12)
    tifffile.imwrite(path, plane, photometric="minisblack", metadata=None)
    with tifffile.TiffFile(path) as file:
        start = file.pages[0].dataoffsets[0]
    path.write_bytes(path.read_bytes()[:start] + packed)
    assert refused(path).code == "truncated"
    overwrite(path, "StripByteCounts", lambda _: [len(packed)])
    error = refused(path)
    assert error.code == "wrong_shape"
    assert "16 bits a pixel expected, found 12" in str(error)
    overwrite(path, "BitsPerSample", lambda _: [12])
    np.testing.assert_array_equal(read_plane(path), plane)
    overwrite(path, "StripByteCounts", lambda _: [plane.nbytes])
    path.write_bytes(path.read_bytes() + bytes(plane.nbytes))
    assert refused(path).code == "wrong_shape"


@pytest.mark.parametrize("compression", ["png", "lerc"])
def test_png_and_lerc_without_loss_pass(tmp_path, plane, compression):
    path = write(tmp_path / "a.tif", plane, compression=compression)
    np.testing.assert_array_equal(read_plane(path), plane)


@pytest.mark.parametrize("packed", [None, "deflate", "zstd"])
def test_lerc_with_an_error_is_lossy(tmp_path, plane, packed):
    args = {"level": 0} if packed is None else {"level": 0, "compression": packed}
    exact = write(tmp_path / "a.tif", plane, compression="lerc", compressionargs=args, rowsperstrip=35)
    np.testing.assert_array_equal(read_plane(exact), plane)
    path = write(tmp_path / "b.tif", plane, compression="lerc", compressionargs={**args, "level": 4})
    assert "accept: [lossy]" in str(refused(path))
    assert abs(read_plane(path, accept=["lossy"]).astype(int) - plane).max() in range(1, 5)


def test_what_does_not_tell_for_sure_stays_lossy(tmp_path, plane):
    path = write(tmp_path / "a.tif", plane, compression="jpeg2000", compressionargs={"level": 0})
    error = refused(path)
    assert "JPEG2000, which may have lost" in str(error)
    np.testing.assert_array_equal(read_plane(path, accept=["lossy"]), plane)


@pytest.mark.parametrize("fill", [0, 0xFF])
def test_a_lost_block_in_zstd_pixels_is_found(tmp_path, fill):
    """zstd carries no checksum here: it would decode to other pixels without a word."""
    plane = np.random.default_rng(0).integers(1, 65_535, (200, 200), dtype=np.uint16)
    path = write(tmp_path / "a.tif", plane, compression="zstd", rowsperstrip=200)
    np.testing.assert_array_equal(read_plane(path), plane)
    content = bytearray(path.read_bytes())
    content[20_000:20_512] = bytes([fill]) * 512
    path.write_bytes(content)
    assert not np.array_equal(tifffile.imread(path), plane)
    assert refused(path).code == "blank"
