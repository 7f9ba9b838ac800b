"""PNG files, laid out as the standard says (www.w3.org/TR/png-3) or written by Pillow."""

import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from livedead.errors import FieldError
from livedead.images.gate import read_plane
from livedead.images.headers import read_header

GREY, RGB, PALETTE, GREY_ALPHA, RGB_ALPHA = 0, 2, 3, 4, 6
ADAM7 = [(0, 0, 8, 8), (0, 4, 8, 8), (4, 0, 8, 4), (0, 2, 4, 4), (2, 0, 4, 2), (0, 1, 2, 2), (1, 0, 2, 1)]
"""First row, first column, step of rows, step of columns of each pass."""


def chunk(name, content):
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))


def png(pixels, colour=GREY, interlaced=False, before=b"", bits=None):
    """A PNG of pixels, (H, W) or (H, W, samples), with the chunks `before` its image."""
    height, width = pixels.shape[:2]
    bits = bits or pixels.dtype.itemsize * 8
    passes = ADAM7 if interlaced else [(0, 0, 1, 1)]
    parts = [pixels[row::rows, column::columns] for row, column, rows, columns in passes]
    big = pixels.dtype.newbyteorder(">")
    lines = b"".join(b"\0" + line.astype(big).tobytes() for part in parts if part.size for line in part)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, bits, colour, 0, 0, int(interlaced)))
        + before
        + chunk(b"IDAT", zlib.compress(lines))
        + chunk(b"IEND", b"")
    )


def samples(grey, n, dtype=np.uint16):
    """An image of n equal samples a pixel."""
    return np.repeat(grey.astype(dtype)[..., None], n, axis=2)


@pytest.mark.parametrize("interlaced", [False, True])
@pytest.mark.parametrize("name", ["a.png", "a.PNG", "a.tif"])
def test_sixteen_bits_of_grey_come_through_unchanged(tmp_path, plane, interlaced, name):
    (tmp_path / name).write_bytes(png(plane, interlaced=interlaced))
    np.testing.assert_array_equal(read_plane(tmp_path / name), plane)
    header = read_header(tmp_path / name)
    assert (header.pages, header.height, header.width, header.dtype) == (1, 70, 90, "uint16")


def test_what_pillow_writes(tmp_path, plane, code):
    Image.fromarray(plane).save(tmp_path / "16.png")
    np.testing.assert_array_equal(read_plane(tmp_path / "16.png"), plane)
    Image.fromarray((plane >> 4).astype(np.uint8)).save(tmp_path / "8.png")
    assert code(tmp_path / "8.png") == "wrong_dtype"
    np.testing.assert_array_equal(read_plane(tmp_path / "8.png", accept=["uint8"]), plane >> 4)


RISING = chunk(b"PLTE", bytes(grey for grey in range(256) for _ in range(3)))


@pytest.mark.parametrize(
    ("make", "what", "declared"),
    [
        (lambda grey: png(samples(grey, 3), RGB), "RGB image", "[rgb]"),
        (lambda grey: png(samples(grey >> 4, 3, np.uint8), RGB), "RGB image", "[rgb, uint8]"),
        (lambda grey: png(samples(grey >> 4, 1, np.uint8), PALETTE, before=RISING), "palette image", ""),
        (lambda grey: png(samples(grey, 2), GREY_ALPHA), "transparent", ""),
        (lambda grey: png(samples(grey, 4), RGB_ALPHA), "transparent", ""),
        (lambda grey: png(grey, before=chunk(b"tRNS", b"\0\7")), "transparent", ""),
        (lambda grey: png(grey, before=chunk(b"acTL", struct.pack(">II", 2, 0))), "animation", ""),
        (lambda grey: png(np.zeros((70, 12), np.uint8), bits=1), "uint1", ""),
    ],
)
def test_what_is_no_raw_grey_is_refused_unless_it_can_be_declared_and_is(
    tmp_path, plane, make, what, declared
):
    path = tmp_path / "a.png"
    path.write_bytes(make(plane))
    with pytest.raises(FieldError, match=what) as error:
        read_plane(path)
    assert str(error.value).partition("accept: ")[2].rstrip("}") == declared
    if declared:
        expected = plane >> 4 if "uint8" in declared else plane
        np.testing.assert_array_equal(read_plane(path, accept=declared.strip("[]").split(", ")), expected)


def test_colours_that_differ_are_no_grey(tmp_path, plane, code):
    (tmp_path / "a.png").write_bytes(png(np.stack([plane, plane, plane + np.uint16(1)], axis=2), RGB))
    assert code(tmp_path / "a.png", accept=["rgb"]) == "wrong_layout"


def test_a_file_cut_anywhere_is_truncated(tmp_path, plane, code):
    content = png(plane)
    for n in [8, 20, 32, 33, 50, len(content) // 2, len(content) - 12, len(content) - 1]:
        (tmp_path / "a.png").write_bytes(content[:n])
        assert code(tmp_path / "a.png") == "truncated"


def test_one_flipped_bit_is_found_without_the_index(tmp_path, plane, code):
    content = png(plane)
    for at in range(12, len(content), len(content) // 40):
        damaged = bytearray(content)
        damaged[at] ^= 1 << at % 8
        (tmp_path / "a.png").write_bytes(damaged)
        assert code(tmp_path / "a.png") in (
            "unreadable",
            "truncated",
            "wrong_layout",
            "wrong_dtype",
            "too_large",
        )


def test_a_promise_of_too_many_pixels_is_refused_before_any_is_made(tmp_path, code):
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", 2**20, 2**20, 16, 0, 0, 0, 0))
    image = chunk(b"IDAT", zlib.compress(bytes(10**6)))
    (tmp_path / "a.png").write_bytes(b"\x89PNG\r\n\x1a\n" + header + image + chunk(b"IEND", b""))
    assert code(tmp_path / "a.png") == "too_large"


def test_fewer_lines_than_promised_are_no_image(tmp_path, plane, code):
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", 90, 700, 16, 0, 0, 0, 0))
    (tmp_path / "a.png").write_bytes(png(plane)[:8] + header + png(plane)[33:])
    assert code(tmp_path / "a.png") == "unreadable"
