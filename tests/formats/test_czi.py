"""Zeiss CZI, written by libCZI, which is Zeiss's own library."""

import re
import struct
import sys
import tracemalloc
from concurrent.futures import ThreadPoolExecutor

import czifile
import imagecodecs
import numpy as np
import pandas as pd
import pytest
from exports import czi as export
from exports.counting import COUNTS, counted
from exports.czi import with_scenes, with_tags, with_time_stamps
from exports.experiment import FIELDS
from pylibCZIrw import czi

from livedead.errors import ExportError, FieldError
from livedead.images.gate import read_plane
from livedead.readers.index import index_plate

HEIGHT, WIDTH = 60, 80
DAY = "2026-03-05T"


@pytest.fixture
def raw(tmp_path):
    (tmp_path / "raw").mkdir()
    return tmp_path / "raw"


def images_of(*keys):
    """Keys -> noise; each image another one."""
    return {
        key: np.random.default_rng(k).integers(100, 4000, (HEIGHT, WIDTH), dtype=np.uint16)
        for k, key in enumerate(keys)
    }


def write(path, images, scenes="", step_px=1000, names=("BF",), **options):
    """A file of images by (scene, tile, timepoint, z, channel)."""
    with czi.create_czi(str(path), **options) as file:
        for (scene, tile, timepoint, z, channel), image in images.items():
            file.write(
                image.reshape(*image.shape[:2], -1),
                location=(step_px * scene + 70 * tile, 0),
                plane={"T": timepoint, "Z": z, "C": channel},
                scene=scene,
            )
        file.write_metadata(channel_names=dict(enumerate(names)), scale_x=0.5e-6, scale_y=0.5e-6)
    if scenes:
        with_scenes(path, scenes)


def index(raw, channel="BF", **options):
    options = {"plate": "p", "export_format": "auto", "n_wells": 96, "pixel_size_um": 0.5} | options
    return index_plate(raw, channels={"bf": channel}, **options)


def read(row, folder, **options):
    return read_plane(
        folder / row.path,
        row.page,
        dataset=row.dataset,
        axes=row.axes,
        checksum=("sha256", row.sha256),
        n_bytes=row.bytes,
        **options,
    )


def test_one_experiment_gives_the_table_of_other_formats(tmp_path, unet, experiment, first):
    table = counted(tmp_path, unet, export, experiment[0])
    pd.testing.assert_frame_equal(table[COUNTS], first[COUNTS])
    assert (table["n_fields_used"] == len(FIELDS)).all()


def test_wells_fields_times_focus_and_channels_of_a_plate(raw):
    """Elements as ZEISS's czitools and bioio-czi read them from ZEN's files of plates (w96_A1+A2.czi)."""
    keys = [(s, 0, t, z, c) for s in range(3) for t in range(2) for z in range(2) for c in range(2)]
    pixels = images_of(*keys)
    scenes = (
        '<Scene Index="2" Name="P1"><Shape Name="B12"/><CenterPosition>1000,-50</CenterPosition></Scene>'
        '<Scene Index="0" Name="P1"><ArrayName>A1</ArrayName></Scene>'
        '<Scene Index="1" Name="P2"><ArrayName>A1</ArrayName></Scene>'
    )
    write(raw / "plate.czi", pixels, scenes, names=("BF", "DAPI"))

    def tags(start):
        return (start["S"] < 2) * (
            f"<AcquisitionTime>{DAY}{6 + 2 * start['T']:02d}:00:00.1234567Z</AcquisitionTime>"
            f"<StageXPosition>+{100 * start['S']:012d}.5000</StageXPosition>"
            f"<StageYPosition>-{start['S']:012d}</StageYPosition>"
        )

    with_tags(raw / "plate.czi", tags)
    images, export = index(raw, "DAPI", focal_plane=2)
    assert export["format"] == "czi"
    assert export["expected"]["pixel_size_um"] == pytest.approx(0.5)
    found = images.set_index(["well", "field", "timepoint"])
    assert sorted(found.index) == [(w, f, t) for w, f in (("A01", 1), ("A01", 2), ("B12", 1)) for t in (1, 2)]
    scene_of = {("A01", 1): 0, ("A01", 2): 1, ("B12", 1): 2}
    for (well, field, timepoint), row in found.iterrows():
        scene = scene_of[well, field]
        expected = pixels[scene, 0, timepoint - 1, 1, 1]
        np.testing.assert_array_equal(read(row, raw), expected)
        assert (row["z"], row["height"], row["width"], row["dtype"]) == (2, HEIGHT, WIDTH, "uint16")
        if scene < 2:
            assert row["hours"] == pytest.approx(2 * (timepoint - 1))
            assert (row["x_um"], row["y_um"]) == (100 * scene + 0.5, -scene)
    assert found.loc["B12", "hours"].isna().all()
    assert set(zip(found.loc["B12", "x_um"], found.loc["B12", "y_um"], strict=True)) == {(1000, -50)}


def test_every_tile_of_a_scene_is_a_field_and_their_overlap_is_known(raw):
    pixels = images_of(*((0, tile, 0, 0, 0) for tile in range(3)))
    write(raw / "96well-SingleFile-Scene-05-A5-A5.czi", pixels)
    images, _ = index(raw, overlap="crop")
    assert images[["well", "field"]].to_numpy().tolist() == [["A05", 1], ["A05", 2], ["A05", 3]]
    assert images["x_um"].diff().dropna().tolist() == pytest.approx([35, 35])
    assert set(images["crop_x_px"]) == {5}  # half of the 80 - 70 columns that neighbours share
    for row, image in zip(images.itertuples(), pixels.values(), strict=True):
        np.testing.assert_array_equal(read(row, raw), image)


def test_without_tags_hours_are_those_of_the_time_stamps(raw):
    """From the first one: in a real file (BIOP/quick-start-czi-reader, tulip) that is at 6508.476 s."""
    write(raw / "B03.czi", images_of(*((0, 0, t, 0, 0) for t in range(3))))
    with_time_stamps(raw / "B03.czi", [6508.476, 6508.476 + 1800, 6508.476 + 7200])
    images, _ = index(raw)
    assert images["hours"].tolist() == pytest.approx([0, 0.5, 2])
    write(raw / "B04.czi", images_of((0, 0, 0, 0, 0)))
    assert index(raw)[0]["hours"].isna().all()


@pytest.mark.parametrize(
    ("options", "compression"),
    [
        ("uncompressed:", 0),
        ("zstd0:ExplicitLevel=3", 5),
        ("zstd1:ExplicitLevel=2;PreProcess=HiLoByteUnpack", 6),
        ("zstd1:ExplicitLevel=2", 6),
    ],
)
def test_every_lossless_compression_gives_the_pixels_that_were_written(raw, options, compression):
    pixels = images_of((0, 0, 0, 0, 0))
    write(raw / "B03.czi", pixels, compression_options=options)
    with czifile.CziFile(raw / "B03.czi") as file:
        assert {entry.compression for entry in file.subblock_directory} == {compression}
    images, _ = index(raw)
    np.testing.assert_array_equal(read(next(images.itertuples()), raw), *pixels.values())


def segments(path):
    """Where each subblock lies, and what its entry says, in the order of the directory."""
    with czifile.CziFile(path) as file:
        for entry in file.subblock_directory:
            yield entry, entry.data_segment()


def store(path, compression, content):
    """Put other bytes, of another compression, into the only subblock of a file."""
    ((entry, segment),) = segments(path)
    file = bytearray(path.read_bytes())
    (directory,) = struct.unpack_from("<q", file, 84)
    for at in (directory + 32 + 128, entry.file_position + 32 + 16):
        struct.pack_into("<i", file, at + 18, compression)
    struct.pack_into("<q", file, entry.file_position + 32 + 8, len(content))
    file[segment.data_offset : segment.data_offset + len(content)] = content
    path.write_bytes(file)


def code(row, raw, **options):
    with pytest.raises(FieldError) as error:
        read(row, raw, **options)
    assert str(raw / row.path) in str(error.value)
    return error.value.code


def test_one_damaged_plane_fails_alone(raw):
    pixels = images_of(*((0, 0, t, 0, 0) for t in range(5)))
    write(raw / "B03.czi", pixels)
    images, _ = index(raw)
    _, damaged = list(segments(raw / "B03.czi"))[2]
    content = bytearray((raw / "B03.czi").read_bytes())
    content[damaged.data_offset + 1000] ^= 1
    (raw / "B03.czi").write_bytes(content)
    rows = list(images.itertuples())
    assert code(rows.pop(2), raw) == "changed_since_index"
    for row in rows:
        np.testing.assert_array_equal(read(row, raw), pixels[0, 0, row.timepoint - 1, 0, 0])


def test_a_damaged_zstd_plane_is_unreadable_and_others_are_not(raw):
    write(raw / "B03.czi", images_of(*((0, 0, t, 0, 0) for t in range(3))), compression_options="zstd0:")
    _, damaged = list(segments(raw / "B03.czi"))[1]
    content = bytearray((raw / "B03.czi").read_bytes())
    content[damaged.data_offset : damaged.data_offset + 4] = b"\0\0\0\0"
    (raw / "B03.czi").write_bytes(content)
    images, _ = index(raw)
    rows = list(images.itertuples())
    assert [row.bytes for row in rows] == [2 * HEIGHT * WIDTH, 0, 2 * HEIGHT * WIDTH]
    assert [read(row, raw).shape for row in rows[::2]] == [(HEIGHT, WIDTH)] * 2
    with pytest.raises(FieldError, match="ZSTD") as error:
        read_plane(raw / "B03.czi", rows[1].page, dataset=rows[1].dataset)
    assert error.value.code == "unreadable"


def test_truncated_files_fail_by_their_wells_and_one_without_stops_the_plate(raw):
    write(raw / "A01.czi", images_of((0, 0, 0, 0, 0)))
    content = (raw / "A01.czi").read_bytes()
    for well, n_bytes in (("A02", 50), ("A03", 20_000), ("A04", 0)):
        (raw / f"{well}.czi").write_bytes(content[:n_bytes] if n_bytes < 1000 else content[:-200])
    images, _ = index(raw)
    assert images.set_index("well")["problem"].to_dict() == {
        "A01": "",
        "A02": "unreadable",
        "A03": "unreadable",
        "A04": "unreadable",
    }
    (raw / "plate.czi").write_bytes(content[:-200])
    with pytest.raises(ExportError, match=r"plate\.czi.*its wells are not known"):
        index(raw)


def test_a_stopped_acquisition_and_one_that_was_repeated(raw):
    keys = [(s, 0, t, 0, 0) for s in range(2) for t in range(2)]
    scenes = "".join(f'<Scene Index="{k}"><ArrayName>A{k + 1}</ArrayName></Scene>' for k in range(3))
    write(raw / "plate.czi", images_of(*keys[:-1]), scenes)
    images, export = index(raw)
    assert export["expected"]["wells"] == ["A01", "A02", "A03"]  # the inventory tells that A03 has no image
    problems = images.set_index(["well", "timepoint"])["problem"]
    assert problems[problems != ""].to_dict() == {("A02", 2): "missing_plane"}
    content = (raw / "plate.czi").read_bytes()
    first, second = (entry.file_position for entry, _ in list(segments(raw / "plate.czi"))[:2])
    (directory,) = struct.unpack_from("<q", content, 84)
    start = directory + 32 + 128
    assert struct.unpack_from("<q", content, start + 6) == (first,)
    # The second entry becomes one of the first plane, as where a plane was taken twice.
    twice = bytearray(content)
    twice[start + 172 : start + 2 * 172] = content[start : start + 172]
    struct.pack_into("<q", twice, start + 172 + 6, second)
    (raw / "plate.czi").write_bytes(twice)
    images, _ = index(raw)
    assert images.set_index(["well", "timepoint"]).at[("A01", 1), "problem"] == "doubled"
    assert code(images.iloc[0], raw) == "doubled"


def test_tags_that_cannot_be_read_are_not_told_and_cost_no_image(raw):
    pixels = images_of((0, 0, 0, 0, 0), (0, 0, 1, 0, 0), (0, 0, 2, 0, 0), (0, 0, 3, 0, 0))
    write(raw / "B03.czi", pixels)
    tags = {
        0: f"<AcquisitionTime>{DAY}06:00:00Z</AcquisitionTime>",
        1: "<AcquisitionTime>yesterday</AcquisitionTime>",
        2: "<AcquisitionTime>",
        3: "<AcquisitionTime>0001-01-01T00:00:00</AcquisitionTime>",  # a clock that was never set
    }
    with_tags(raw / "B03.czi", lambda start: tags[start["T"]])
    images, _ = index(raw)
    assert images["hours"].fillna(-1).tolist() == [0, -1, -1, -1]
    for row, image in zip(images.itertuples(), pixels.values(), strict=True):
        np.testing.assert_array_equal(read(row, raw), image)


def test_a_directory_that_points_to_another_plane_is_found_out(raw):
    write(raw / "B03.czi", images_of((0, 0, 0, 0, 0), (0, 0, 1, 0, 0)))
    content = bytearray((raw / "B03.czi").read_bytes())
    (directory,) = struct.unpack_from("<q", content, 84)
    start = directory + 32 + 128
    content[start + 6 : start + 14] = content[start + 172 + 6 : start + 172 + 14]
    (raw / "B03.czi").write_bytes(content)
    images, _ = index(raw)
    assert images["bytes"].tolist() == [0, 2 * HEIGHT * WIDTH]
    with pytest.raises(FieldError, match="not where the directory says"):
        read_plane(raw / "B03.czi", images.at[0, "page"], dataset=images.at[0, "dataset"])


@pytest.mark.parametrize(("encode", "compression"), [("jpegxr_encode", 4), ("jpeg8_encode", 1)])
def test_a_compression_that_may_have_lost_something_must_be_declared(raw, encode, compression):
    y, x = np.indices((HEIGHT, WIDTH))
    image = (100 + x + y).astype(np.uint16 if compression == 4 else np.uint8)
    write(raw / "B03.czi", {(0, 0, 0, 0, 0): image}, compression_options="uncompressed:")
    store(raw / "B03.czi", compression, getattr(imagecodecs, encode)(image))
    images, _ = index(raw)
    row = next(images.itertuples())
    assert code(row, raw, accept=["uint8"]) == "wrong_layout"
    found = read(row, raw, accept=["lossy", "uint8"])
    np.testing.assert_allclose(found, image, atol=0 if compression == 4 else 4)


def test_lzw_loses_nothing(raw):
    """Packed by imagecodecs, as libCZI reads LZW but does not write it."""
    y, x = np.indices((HEIGHT, WIDTH))
    image = (100 + x + y).astype(np.uint16)
    write(raw / "B03.czi", {(0, 0, 0, 0, 0): image}, compression_options="uncompressed:")
    store(raw / "B03.czi", 2, imagecodecs.lzw_encode(image.tobytes()))
    images, _ = index(raw)
    np.testing.assert_array_equal(read(next(images.itertuples()), raw), image)


def test_jpeg_xr_that_the_document_calls_lossless_needs_no_declaration(raw):
    y, x = np.indices((HEIGHT, WIDTH))
    image = (100 + x + y).astype(np.uint16)
    write(raw / "B03.czi", {(0, 0, 0, 0, 0): image}, compression_options="uncompressed:")
    store(raw / "B03.czi", 4, imagecodecs.jpegxr_encode(image))
    with_scenes(
        raw / "B03.czi", "<CurrentCompressionParameters>Lossless: True</CurrentCompressionParameters>"
    )
    images, _ = index(raw)
    np.testing.assert_array_equal(read(next(images.itertuples()), raw), image)


def test_other_pixels_than_raw_counts_are_declared_or_refused(raw):
    noise = images_of((0, 0, 0, 0, 0))[0, 0, 0, 0, 0]
    write(raw / "A01.czi", {(0, 0, 0, 0, 0): (noise % 200).astype(np.uint8)})
    write(raw / "A02.czi", {(0, 0, 0, 0, 0): np.stack([noise % 200] * 3, axis=-1).astype(np.uint8)})
    images, _ = index(raw)
    grey, colour = images.itertuples()
    assert code(grey, raw) == "wrong_dtype"
    np.testing.assert_array_equal(read(grey, raw, accept=["uint8"]), noise % 200)
    assert code(colour, raw, accept=["uint8", "rgb"]) == "wrong_layout"


def test_planes_that_a_header_makes_too_large_are_never_allocated(raw, caplog):
    write(raw / "B03.czi", images_of((0, 0, 0, 0, 0)))
    content = bytearray((raw / "B03.czi").read_bytes())
    ((entry, _),) = segments(raw / "B03.czi")
    (directory,) = struct.unpack_from("<q", content, 84)
    for start in (directory + 32 + 128, entry.file_position + 32 + 16):
        for dimension in range(7):
            at = start + 32 + 20 * dimension
            if content[at : at + 1] in (b"X", b"Y"):
                struct.pack_into("<i", content, at + 8, 90_000)
                struct.pack_into("<i", content, at + 16, 90_000)
    (raw / "B03.czi").write_bytes(content)
    images, _ = index(raw)
    assert "90000 x 90000 px" in caplog.text
    assert images["bytes"].tolist() == [0]
    with pytest.raises(FieldError) as error:
        read_plane(raw / "B03.czi", images.at[0, "page"], dataset=images.at[0, "dataset"])
    assert error.value.code == "too_large"


def test_a_dimension_that_is_not_read_is_refused_by_name(raw):
    write(raw / "B03.czi", images_of((0, 0, 0, 0, 0), (0, 0, 0, 1, 0)))
    content = (raw / "B03.czi").read_bytes().replace(b"Z\0\0\0\x01\0\0\0", b"H\0\0\0\x01\0\0\0")
    (raw / "B03.czi").write_bytes(content)
    with pytest.raises(ExportError, match="images that differ in H, which are not read; export"):
        index(raw)


def test_names_of_positions_are_no_wells_and_a_contradiction_is_refused(raw):
    """ZEN's names of positions, P1, and of regions, TR1, are names of wells of large plates, too."""
    keys = [(s, 0, 0, 0, 0) for s in range(2)]
    write(raw / "B03.czi", images_of(*keys), '<Scene Index="0" Name="P1"/><Scene Index="1" Name="P2"/>')
    images, _ = index(raw, n_wells=384)
    assert images[["well", "field"]].to_numpy().tolist() == [["B03", 1], ["B03", 2]]
    (raw / "B03.czi").unlink()
    write(raw / "x.czi", images_of(*keys), '<Scene Index="0" Name="P1-A1"/><Scene Index="1" Name="A2-P1"/>')
    images, _ = index(raw, n_wells=384)
    assert images["well"].tolist() == ["A01", "A02"]
    (raw / "x.czi").rename(raw / "B03.czi")
    with pytest.raises(ExportError, match="well B03 by its name, but A01, A02 by its metadata"):
        index(raw)


def test_a_plane_takes_the_memory_of_planes_not_of_the_file(raw):
    image = np.random.default_rng(0).integers(1, 999, (256, 256), dtype=np.uint16)
    write(raw / "B03.czi", {(0, 0, t, 0, 0): image + t for t in range(60)})
    images, _ = index(raw)
    tracemalloc.start()
    read(images.iloc[30], raw)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 10 * image.nbytes < (raw / "B03.czi").stat().st_size / 5


def test_several_threads_read_one_file_and_its_handle_is_closed(raw):
    pixels = images_of(*((0, 0, t, 0, 0) for t in range(20)))
    write(raw / "B03.czi", pixels)
    images, _ = index(raw, threads=4)
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda row: read(row, raw), list(images.itertuples()) * 5))
    for one, image in zip(found, [*pixels.values()] * 5, strict=True):
        np.testing.assert_array_equal(one, image)


def test_without_the_package_the_line_that_installs_it_is_told(raw, monkeypatch):
    write(raw / "B03.czi", images_of((0, 0, 0, 0, 0)))
    monkeypatch.setitem(sys.modules, "czifile", None)
    with pytest.raises(
        ExportError, match=re.escape("needs the package czifile: pip install -r requirements-f")
    ):
        index(raw)
