"""Nikon ND2 at the gate: a real file, read by hand beside it, and made files for what it cannot show."""

import gc
import re
import shutil
import struct
import sys
import threading
import tracemalloc
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from exports import nd2

from livedead.errors import ExportError, FieldError
from livedead.images import containers
from livedead.images.containers import opened, plane_fingerprint
from livedead.images.gate import read_plane
from livedead.images.nd2 import Nd2

SHAPE = (31, 38, 2)
"""Height, width and channels after ../shared/data/README.md."""


@pytest.fixture
def real(shared, tmp_path):
    """A copy of the real file."""
    return shutil.copy(shared / "nd2/cluster.nd2", tmp_path / "B03.nd2")


def by_hand(path):
    """Number of a frame -> where its pixels start: behind its chunk's header, name and time."""
    content = path.read_bytes()
    header = re.compile(rb"\xda\xce\xbe\n(.{4})(.{8})ImageDataSeq\|(\d+)!", re.DOTALL)
    return {
        int(match[3]): match.start() + 16 + struct.unpack("<I", match[1])[0] + 8
        for match in header.finditer(content)
    }


def planes_by_hand(path):
    """Pixels of every plane, by its page."""
    content = path.read_bytes()
    frames = {k: np.frombuffer(content, "<u2", np.prod(SHAPE), at) for k, at in by_hand(path).items()}
    return {2 * k + c: frames[k].reshape(SHAPE)[..., c] for k in sorted(frames) for c in range(2)}


def test_every_plane_has_the_pixels_that_lie_in_the_file(real):
    expected = planes_by_hand(real)
    assert len(expected) == 3 * 10 * 2
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda page: opened(real).plane("frames", page).pixels, expected))
    for pixels, plane in zip(found, expected.values(), strict=True):
        np.testing.assert_array_equal(pixels, plane)


def test_one_damaged_plane_fails_alone(real, code):
    before = planes_by_hand(real)
    known = {page: plane_fingerprint(real, "frames", page) for page in before}
    content = bytearray(real.read_bytes())
    content[by_hand(real)[5]] ^= 1  # a pixel of the first channel
    real.write_bytes(content)
    for page, pixels in before.items():
        checksum = ("sha256", known[page]["sha256"])
        options = {"dataset": "frames", "checksum": checksum, "n_bytes": known[page]["bytes"]}
        if page == 10:
            assert code(real, page=page, **options) == "changed_since_index"
        elif pixels.any():
            np.testing.assert_array_equal(read_plane(real, page, **options), pixels)
        else:  # focal planes above the cells are black in this file
            assert code(real, page=page, **options) == "blank"


def test_no_such_plane_or_array(real, code):
    assert code(real, page=60, dataset="frames") == "missing_plane"
    assert code(real, page=0, dataset="images") == "wrong_layout"


@pytest.mark.parametrize("kept", [0, 3, 5000, 300_000, 557_000])
def test_a_truncated_file_is_unreadable(real, code, kept):
    real.write_bytes(real.read_bytes()[:kept])
    assert code(real, page=0, dataset="frames") == "unreadable"


def test_a_frame_that_the_file_lost_is_refused(real, code):
    """The package fills such frames with zeros."""
    content = real.read_bytes()
    lost = content.replace(b"ImageDataSeq|5!", b"ImageDataXeq|5!")
    real.write_bytes(lost)
    assert code(real, page=10, dataset="frames") == "blank"
    assert read_plane(real, 8, dataset="frames").shape == SHAPE[:2]


def test_its_handle_is_closed_when_nobody_holds_it(real, recwarn):
    container = Nd2(real)
    stream = container.file._rdr._fh
    assert not stream.closed
    del container
    gc.collect()
    assert stream.closed
    assert not recwarn.list


def test_a_file_whose_layout_is_not_read_any_more_fails_its_planes_and_no_job(tmp_path, monkeypatch):
    """As where the directory of a file was damaged after it was indexed."""

    def refuse(path):
        raise ExportError(f"{path}: loops that are not read")

    (tmp_path / "a.nd2").touch()
    monkeypatch.setitem(containers.OPENERS, ".nd2", refuse)
    with pytest.raises(FieldError, match=r"a\.nd2: loops that are not read") as error:
        read_plane(tmp_path / "a.nd2", dataset="frames")
    assert error.value.code == "unreadable"


def test_a_file_that_does_not_open_holds_up_no_other(tmp_path, monkeypatch):
    begun, go_on = threading.Event(), threading.Event()

    def open_slowly(path):
        if path.stem == "dead":
            begun.set()
            go_on.wait(30)

    monkeypatch.setitem(containers.OPENERS, ".nd2", open_slowly)
    for name in ("dead", "fine"):
        (tmp_path / f"{name}.nd2").touch()
    with ThreadPoolExecutor(2) as pool:
        waiting = pool.submit(opened, tmp_path / "dead.nd2")
        try:
            assert begun.wait(10)
            pool.submit(opened, tmp_path / "fine.nd2").result(10)
            assert not waiting.done()
        finally:
            go_on.set()


def test_without_the_package_the_line_that_installs_it_is_told(tmp_path, monkeypatch):
    (tmp_path / "a.nd2").write_bytes(b"\xda\xce\xbe\n")
    monkeypatch.setitem(sys.modules, "nd2", None)
    with pytest.raises(
        ExportError, match=re.escape("a Nikon ND2 file needs the package nd2: pip install -r")
    ):
        read_plane(tmp_path / "a.nd2", dataset="frames")


@pytest.fixture
def made(tmp_path):
    """Makes a file of what the real one cannot show."""

    def write(frames, **options):
        nd2.write_file(tmp_path / "a.nd2", frames, **options)
        return tmp_path / "a.nd2"

    return write


def noise(shape, dtype=np.uint16):
    return np.random.default_rng(0).integers(1, 200, shape).astype(dtype)


@pytest.mark.parametrize(("dtype", "declared"), [(np.uint8, "uint8"), (np.float32, "float")])
def test_other_types_must_be_declared(made, code, dtype, declared):
    frame = noise((8, 9, 1), dtype)
    path = made([frame])
    assert code(path, dataset="frames") == "wrong_dtype"
    found = read_plane(path, dataset="frames", accept=[declared])
    np.testing.assert_array_equal(found, frame[..., 0])


def test_lossless_compression_and_its_damage(made, code):
    frames = [noise((8, 9, 2)) + k for k in range(3)]
    path = made(frames, names=["BF", "GFP"], lossless=True)
    np.testing.assert_array_equal(read_plane(path, 5, dataset="frames"), frames[2][..., 1])
    content = bytearray(path.read_bytes())
    content[content.index(b"ImageDataSeq|1!") + 4072 + 8 + 20] ^= 0xFF
    path.write_bytes(content)
    assert code(path, page=2, dataset="frames") == "unreadable"
    np.testing.assert_array_equal(read_plane(path, 4, dataset="frames"), frames[2][..., 0])


def test_a_plane_takes_the_memory_of_planes_not_of_the_file(made):
    path = made([noise((256, 256, 1)) + k for k in range(60)])
    read_plane(path, 0, dataset="frames")
    tracemalloc.start()
    read_plane(path, 30, dataset="frames")
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 10 * 256 * 256 * 2 < path.stat().st_size / 5


def test_colour_is_refused(made, code):
    path = made([noise((8, 9, 3))], names=["RGB"])
    assert code(path, dataset="frames", accept=["rgb"]) == "wrong_layout"


def test_a_promise_of_huge_frames_is_refused_before_one_is_read(made, code):
    path = made([noise((8, 9, 1))], uiHeight=100_000, uiWidth=100_000, uiWidthBytes=200_000)
    assert code(path, dataset="frames") == "too_large"
    with pytest.raises(FieldError, match="100000 x 100000"):
        plane_fingerprint(path, "frames", 0)


def test_a_file_of_jpeg_2000_is_refused(made):
    path = made([noise((8, 9, 1))], eCompression=1)
    with pytest.raises(FieldError, match=r"a\.nd2: an ND2 file of JPEG 2000 images, which may have lost"):
        read_plane(path, dataset="frames")
