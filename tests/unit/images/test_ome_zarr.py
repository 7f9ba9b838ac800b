"""Planes of OME-Zarr: every layout gives equal pixels; what is damaged, absent or hostile is refused."""

import json
import os
import pickle
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import zarr
from numcodecs import Blosc
from zarr.codecs import BloscCodec, BytesCodec, GzipCodec, ShardingCodec, ZstdCodec
from zarr_plates import multiscales, open_group, say, write_image

from livedead.errors import FieldError
from livedead.images import ome_zarr
from livedead.images.containers import plane_fingerprint
from livedead.images.gate import read_plane


def stack(shape=(2, 3, 64, 96)):
    return np.random.default_rng(0).integers(1, 4000, shape, dtype=np.uint16)


def written(path, pixels, axes="tcyx", version="0.5", **options):
    write_image(open_group(path, version), pixels, axes, version, **options)
    return path


@pytest.mark.parametrize(
    ("version", "options"),
    [
        ("0.4", {}),
        ("0.4", {"chunks": (1, 1, 32, 40), "compressors": Blosc("zstd", shuffle=Blosc.BITSHUFFLE)}),
        ("0.4", {"chunks": (2, 3, 64, 96), "compressors": None, "order": "F"}),
        ("0.5", {}),
        ("0.5", {"chunks": (1, 1, 32, 40), "compressors": GzipCodec()}),
        ("0.5", {"chunks": (1, 1, 32, 40), "compressors": BloscCodec(cname="lz4")}),
        (
            "0.5",
            {"chunks": (1, 1, 32, 48), "shards": (2, 3, 64, 96), "compressors": ZstdCodec(checksum=True)},
        ),
    ],
)
def test_every_layout_gives_equal_pixels(tmp_path, version, options):
    pixels = stack()
    path = written(tmp_path / "a.zarr", pixels, version=version, **options)
    for page, expected in enumerate(pixels.reshape(-1, 64, 96)):
        np.testing.assert_array_equal(read_plane(path, page, dataset="0"), expected)


@pytest.mark.parametrize("axes", ["yx", "xy", "cyx", "tyx", "zyx", "tzxy", "czyx", "tczyx"])
def test_pages_count_as_in_c_and_y_is_down(tmp_path, axes):
    pixels = stack((*(2, 3, 4)[: len(axes) - 2], 20, 30))
    path = written(tmp_path / "a.zarr", pixels, axes)
    upright = pixels if axes.endswith("yx") else pixels.swapaxes(-1, -2)
    planes = upright.reshape(-1, *upright.shape[-2:])
    for page, expected in enumerate(planes):
        np.testing.assert_array_equal(read_plane(path, page, dataset="0"), expected)
    with pytest.raises(FieldError) as error:
        read_plane(path, len(planes), dataset="0")
    assert error.value.code == "missing_plane"


@pytest.mark.parametrize("dtype", [">u2", "u1", "i2", "f4"])
def test_other_types_pass_the_gate_by_its_declarations(tmp_path, code, dtype):
    pixels = (stack((1, 20, 30)) % 200).astype(dtype)
    path = written(tmp_path / "a.zarr", pixels, "cyx", "0.4")
    declaration = {"u1": "uint8", "i2": "int16", "f4": "float"}.get(dtype)
    if declaration:
        assert code(path, dataset="0") == "wrong_dtype"
    np.testing.assert_array_equal(read_plane(path, dataset="0", accept=[declaration]), pixels[0])


@pytest.mark.parametrize("options", [{}, {"shards": (2, 64, 96)}])
def test_a_chunk_that_was_never_written_is_none_of_zeros(tmp_path, code, options):
    pixels = stack((2, 64, 96))
    path = written(tmp_path / "a.zarr", pixels, "cyx", chunks=(1, 32, 32), **options)
    array = open_group(tmp_path / "b.zarr")
    say(array, "0.5", {"multiscales": multiscales("cyx")})
    array = array.create_array("0", shape=pixels.shape, dtype="u2", chunks=(1, 32, 32), **options)
    array[0] = pixels[0]
    array[1, :, :64] = pixels[1, :, :64]
    np.testing.assert_array_equal(read_plane(path, 1, dataset="0"), pixels[1])
    np.testing.assert_array_equal(read_plane(tmp_path / "b.zarr", 0, dataset="0"), pixels[0])
    assert code(tmp_path / "b.zarr", page=1, dataset="0") == "blank"
    filled = read_plane(tmp_path / "b.zarr", 1, dataset="0", accept=["zeros"])
    np.testing.assert_array_equal(filled, np.where(np.arange(96) < 64, pixels[1], 0))


def test_a_written_pixel_of_the_fill_value_is_no_hole(tmp_path):
    pixels = stack((64, 64))
    pixels[::32, ::32] = 0
    path = written(tmp_path / "a.zarr", pixels, "yx", chunks=(32, 32))
    np.testing.assert_array_equal(read_plane(path, dataset="0"), pixels)


@pytest.mark.parametrize(
    ("inner", "refused"), [(BloscCodec(cname="lz4"), True), (ZstdCodec(checksum=True), False)]
)
def test_shards_that_look_whole_where_they_were_cut_off_are_refused(tmp_path, code, inner, refused):
    sharded = ShardingCodec(chunk_shape=(1, 32, 32), codecs=[BytesCodec(), inner], index_location="start")
    group = open_group(tmp_path / "a.zarr")
    say(group, "0.5", {"multiscales": multiscales("cyx")})
    array = group.create_array(
        "0", shape=(1, 64, 64), dtype="u2", chunks=(1, 64, 64), serializer=sharded, compressors=None
    )
    array[:] = stack((1, 64, 64))
    if refused:
        assert code(tmp_path / "a.zarr", dataset="0") == "wrong_layout"
    else:
        np.testing.assert_array_equal(read_plane(tmp_path / "a.zarr", dataset="0"), array[0])


@pytest.mark.parametrize(
    "damage",
    [
        lambda chunk: chunk.write_bytes(chunk.read_bytes()[:-100]),
        lambda chunk: chunk.write_bytes(chunk.read_bytes()[:2000] + b"\xff" * 64 + chunk.read_bytes()[2064:]),
        lambda chunk: chunk.unlink(),
    ],
)
@pytest.mark.parametrize("compressors", [None, ZstdCodec()])
def test_a_damaged_chunk_fails_exactly_its_plane(tmp_path, damage, compressors):
    pixels = stack((3, 64, 96))
    path = written(tmp_path / "a.zarr", pixels, "cyx", chunks=(1, 32, 96), compressors=compressors)
    prints = [plane_fingerprint(path, "0", page) for page in range(3)]
    damage(path / "0/c/1/0/0")
    for page, known in enumerate(prints):
        checks = {"checksum": ("sha256", known["sha256"]), "n_bytes": known["bytes"]}
        if page == 1:
            with pytest.raises(FieldError) as error:
                read_plane(path, page, dataset="0", **checks)
            assert error.value.code in ("unreadable", "changed_since_index")
        else:
            np.testing.assert_array_equal(read_plane(path, page, dataset="0", **checks), pixels[page])


@pytest.mark.parametrize(
    ("version", "compressors", "chunk"),
    [("0.4", Blosc("lz4"), "0/0.0"), ("0.5", BloscCodec(cname="lz4"), "0/c/0/0")],
)
def test_a_chunk_of_blosc_that_was_cut_off_is_truncated(tmp_path, version, compressors, chunk):
    # Blosc's own decoder gives pixels for it, of whatever lies behind the chunk in memory.
    path = written(tmp_path / "a.zarr", stack((64, 96)), "yx", version, compressors=compressors)
    content = (path / chunk).read_bytes()
    for n_bytes in (0, 5, 20, len(content) // 2, len(content) - 1):
        (path / chunk).write_bytes(content[:n_bytes])
        with pytest.raises(FieldError) as error:
            plane_fingerprint(path, "0", 0)
        assert error.value.code == "truncated"


def test_only_the_chunks_of_the_plane_are_opened(tmp_path, monkeypatch):
    path = written(tmp_path / "a.zarr", stack((3, 64, 96)), "cyx", chunks=(1, 32, 96))
    opened = []
    original = ome_zarr._file_in
    monkeypatch.setattr(ome_zarr, "_file_in", lambda root, key: opened.append(key) or original(root, key))
    read_plane(path, 1, dataset="0")
    assert [key for key in opened if "/c/" in key] == ["0/c/1/0/0", "0/c/1/1/0"]


def test_threads_read_at_once(tmp_path):
    pixels = stack((40, 64, 96))
    path = written(tmp_path / "a.zarr", pixels, "cyx", chunks=(1, 16, 16))
    with ThreadPoolExecutor(8) as pool:
        for page, found in enumerate(pool.map(lambda page: read_plane(path, page, dataset="0"), range(40))):
            np.testing.assert_array_equal(found, pixels[page])


def test_what_was_pickled_is_never_run(tmp_path, code):
    class Trap:
        def __reduce__(self):
            return os.mkdir, (str(tmp_path / "run"),)

    path = written(tmp_path / "a.zarr", stack((20, 30)), "yx", "0.4")
    described = json.loads((path / "0/.zarray").read_text())
    next(path.glob("0/0*")).write_bytes(pickle.dumps(Trap()))
    for change in ({"compressor": {"id": "pickle"}}, {"compressor": None, "filters": [{"id": "pickle"}]}):
        for dtype in ("<u2", "|O"):
            (path / "0/.zarray").write_text(json.dumps({**described, "dtype": dtype, **change}))
            assert code(path, dataset="0") == "unreadable"
    assert not (tmp_path / "run").exists()


def test_codecs_that_lose_pixels_are_refused(tmp_path, code):
    path = written(tmp_path / "a.zarr", stack((20, 30)), "yx", "0.4")
    described = json.loads((path / "0/.zarray").read_text())
    lossy = {"id": "fixedscaleoffset", "offset": 0, "scale": 0.1, "dtype": "<u2", "astype": "|u1"}
    (path / "0/.zarray").write_text(json.dumps({**described, "filters": [lossy]}))
    assert code(path, dataset="0") == "wrong_layout"


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"shape": [2**20, 2**20]}, "too_large"),
        ({"chunks": [2**16, 2**16]}, "too_large"),
        ({"shape": [9000, 9000], "chunks": [1, 1]}, "too_large"),
        ({"shape": [3, 20, 30], "chunks": [1, 20, 30]}, "wrong_shape"),
        ({"dtype": "|O", "filters": [{"id": "vlen-utf8"}], "fill_value": ""}, "wrong_dtype"),
        ({"dtype": "|S9", "fill_value": ""}, "wrong_dtype"),
    ],
)
def test_promises_are_looked_at_before_a_pixel_is_made(tmp_path, code, change, expected):
    path = written(tmp_path / "a.zarr", stack((20, 30)), "yx", "0.4")
    described = json.loads((path / "0/.zarray").read_text())
    (path / "0/.zarray").write_text(json.dumps({**described, **change}))
    assert code(path, dataset="0") == expected
    with pytest.raises(FieldError):
        plane_fingerprint(path, "0", 0)


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("[" * 200_000 + "]" * 200_000, "unreadable"),
        ("{", "unreadable"),
        ("[]", "unreadable"),
        (b"\xff\xfe\xff", "unreadable"),
        ("{}", "wrong_layout"),
    ],
)
def test_hostile_metadata(tmp_path, code, content, expected):
    path = written(tmp_path / "a.zarr", stack((20, 30)), "yx", "0.4")
    (path / ".zattrs").write_bytes(content if isinstance(content, bytes) else content.encode())
    assert code(path, dataset="0") == expected


def test_metadata_without_end(tmp_path, code):
    path = written(tmp_path / "a.zarr", stack((20, 30)), "yx")
    os.truncate(path / "zarr.json", ome_zarr.MAX_METADATA_BYTES + 1)
    assert code(path, dataset="0") == "too_large"


def test_nothing_outside_the_folder_is_read(tmp_path, code):
    secret = written(tmp_path / "secret.zarr", stack((20, 30)), "yx")
    path = written(tmp_path / "a.zarr", stack((20, 30)), "yx")
    say(zarr.open_group(path), "0.5", {"multiscales": multiscales("yx", path="../secret.zarr/0")})
    assert code(path, dataset="../secret.zarr/0") == "wrong_layout"
    path = written(tmp_path / "b.zarr", stack((20, 30)), "yx")
    (path / "0/c/0/0").unlink()
    (path / "0/c/0/0").symlink_to(secret / "0/c/0/0")
    assert code(path, dataset="0") == "wrong_layout"
    path = written(tmp_path / "c.zarr", stack((20, 30)), "yx")
    (path / "0").rename(tmp_path / "away")
    (path / "0").symlink_to(tmp_path / "away")
    assert code(path, dataset="0") == "wrong_layout"


def test_what_is_not_there(tmp_path, code):
    path = written(tmp_path / "a.zarr", stack((20, 30)), "yx")
    assert code(path, dataset="1") == "wrong_layout"
    (path / "0/zarr.json").unlink()
    assert code(path, dataset="0") == "missing_plane"
    assert code(tmp_path / "none.zarr", dataset="0") == "missing_file"
    os.mkfifo(path / "0/zarr.json")
    assert code(path, dataset="0") == "unreadable"
