"""OME-Zarr: plates by their metadata, single images by their names."""

import shutil
import sys

import numpy as np
import pytest
import zarr
from small_exports import code, described, exported, write_image
from zarr_plates import open_group, say, write_plate
from zarr_plates import write_image as write_zarr

from livedead.errors import ExportError
from livedead.fields.plate_images import PlateImages
from livedead.readers import ome_zarr


def stack(seed, shape=(2, 2, 20, 20)):
    return np.random.default_rng(seed).integers(1, 4000, shape, dtype=np.uint16)


def images(*paths, shape=(2, 2, 20, 20)):
    return {path: stack(k, shape) for k, path in enumerate(paths)}


def read(raw, **changes):
    return exported(raw, channels={"bf": "BF"}, **changes)


def keys(table):
    return [(row.well, row.field, row.timepoint, row.problem) for row in table.itertuples()]


@pytest.mark.parametrize("version", ["0.4", "0.5"])
@pytest.mark.parametrize("inside", [False, True])
def test_a_plate_is_read_by_its_metadata(tmp_path, version, inside):
    written = images("B/03/0", "B/03/1", "H/12/0")
    write_plate(tmp_path / "p.zarr", written, "tcyx", version, labels=["PI", "BF"])
    raw = tmp_path / "p.zarr" if inside else tmp_path
    table, export = read(raw)
    assert (export["format"], export["expected"]) == (
        "ome_zarr",
        {"wells": ["B03", "H12"], "pixel_size_um": 0.65},
    )
    assert keys(table) == [
        (well, field, t, "") for well, field in [("B03", 0), ("B03", 1), ("H12", 0)] for t in (1, 2)
    ]
    assert table["hours"].tolist() == [0, 0.5] * 3
    assert set(table["dtype"]) == {"uint16"}
    plate = PlateImages(raw, table, 16)
    for path, pixels in written.items():
        row, column, field = path.split("/")
        for t in (1, 2):
            found = plate.plane((f"{row}{column}", int(field), t), "bf")
            np.testing.assert_array_equal(found, pixels[t - 1, 1])


def test_channels_without_names_count_from_0_and_focal_planes_from_1(tmp_path):
    write_plate(tmp_path / "p.zarr", images("A/1/0", shape=(2, 3, 20, 20)), "czyx", labels=["BF", "BF"])
    table, _ = exported(tmp_path, channels={"bf": "1"}, focal_plane=3)
    assert table[["channel", "z", "page"]].to_numpy().tolist() == [["bf", 3, 5]]


def test_folders_that_the_metadata_do_not_list_are_passed_over(tmp_path):
    root = write_plate(tmp_path / "p.zarr", images("A/1/1", "A/1/0"), "tcyx", labels=["BF", "PI"])
    write_zarr(root.create_group("A/2/0"), stack(8), "tcyx", labels=["BF", "PI"])
    write_zarr(root.create_group("A/1/0/labels/cells"), stack(8), "tcyx", labels=["BF", "PI"])
    assert {(well, field) for well, field, _, _ in keys(read(tmp_path)[0])} == {("A01", 0), ("A01", 1)}


def test_fields_that_are_no_numbers_count_in_their_order(tmp_path):
    write_plate(tmp_path / "p.zarr", images("A/1/left", "A/1/0", shape=(1, 20, 20)), "cyx", labels=["BF"])
    table, _ = read(tmp_path)
    assert table[["field", "dataset"]].to_numpy().tolist() == [[1, "A/1/left/0"], [2, "A/1/0/0"]]


def test_what_is_listed_and_is_not_there_fails_alone(tmp_path):
    paths = ("A/1/0", "A/1/1", "A/2/0", "A/2/1", "A/3/0", "A/3/1")
    root = write_plate(tmp_path / "p.zarr", images(*paths), "tcyx", labels=["BF", "PI"])
    shutil.rmtree(tmp_path / "p.zarr/A/1/1")  # an image
    shutil.rmtree(tmp_path / "p.zarr/A/2/1/0")  # its array
    (tmp_path / "p.zarr/A/2/0/zarr.json").write_text("{")
    shutil.rmtree(tmp_path / "p.zarr/A/3")  # a well
    table, export = read(tmp_path)
    problems = {(well, field): problem for well, field, _, problem in keys(table)}
    assert problems == {
        ("A01", 0): "",
        ("A01", 1): "missing_plane",
        ("A02", 0): "unreadable",
        ("A02", 1): "missing_plane",
        ("A03", 0): "missing_plane",
        ("A03", 1): "missing_plane",
    }
    assert len(table) == 12
    assert "A03 field 0 timepoint 2 bf" in described(table, export)
    plate = PlateImages(tmp_path, table, 16)
    assert code(plate, ("A02", 0, 1)) == "unreadable"
    np.testing.assert_array_equal(plate.plane(("A01", 0, 2), "bf"), root["A/1/0/0"][1, 0])


def test_acquisitions_are_what_the_user_says(tmp_path):
    write_plate(
        tmp_path / "p.zarr",
        images("A/1/1", "A/1/2", "A/2/1", "A/2/2", shape=(1, 20, 20)),
        "cyx",
        labels=["BF"],
        acquisitions={"1": 4, "2": 7},
    )
    with pytest.raises(ExportError, match=r"several acquisitions: day 4, day 7; if .*'\{row\}/\{column\}/1'"):
        read(tmp_path)
    table, _ = read(tmp_path, file_pattern="{row}/{column}/{timepoint}")
    assert keys(table) == [(well, 1, t, "") for well in ("A01", "A02") for t in (1, 2)]
    assert table["hours"].isna().all()
    table, export = read(tmp_path / "p.zarr", file_pattern="{row}/{column}/2")
    assert "2 image(s) of ., such as A/1/1, are left out" in export["notes"][0]
    assert table["dataset"].tolist() == ["A/1/2/0", "A/2/2/0"]
    assert keys(table) == [(well, 1, 1, "") for well in ("A01", "A02")]


def test_one_acquisition_needs_no_word(tmp_path):
    write_plate(tmp_path / "p.zarr", images("A/1/0"), "tcyx", labels=["BF", "PI"], acquisitions={"0": 1})
    assert len(read(tmp_path, file_pattern=r"(?P<well>[A-H]\d+)_x\.tif")[0]) == 2


def test_several_plates_are_told_apart_by_the_user(tmp_path):
    for name in ("p.zarr", "p_mip.zarr"):
        write_plate(tmp_path / name, images("A/1/0"), "tcyx", labels=["BF", "PI"])
    with pytest.raises(
        ExportError,
        match=r"several OME-Zarrs, which are several plates.*p\.zarr.*p_mip\.zarr.*give each a row",
    ):
        read(tmp_path)


def test_single_images_are_named_by_their_wells(tmp_path):
    for name in ("B03_f2_t5.zarr", "day 1/B04.ome.zarr", "overview.zarr"):
        write_zarr(open_group(tmp_path / name), stack(0), "tcyx", labels=["BF", "PI"])
    (tmp_path / "B05_f2.zarr").mkdir()
    (tmp_path / "B06_f2.zarr").write_bytes(b"no folder")
    table, export = read(tmp_path)
    assert keys(table) == [
        ("B03", 2, 5, ""),
        ("B03", 2, 6, ""),
        ("B04", 1, 1, ""),
        ("B04", 1, 2, ""),
        ("B05", 2, 1, "unreadable"),
        ("B05", 2, 2, "unreadable"),
        ("B06", 2, 1, "unreadable"),
        ("B06", 2, 2, "unreadable"),
    ]
    assert "no well in its name" in export["passed_over"]["overview.zarr"]
    table, _ = read(tmp_path, file_pattern=r"(?P<field>\d)/(?P<well>B04)\.ome\.zarr")
    assert keys(table) == [("B04", 1, 1, ""), ("B04", 1, 2, "")]


@pytest.mark.parametrize("wells", [True, False])
def test_what_bioformats2raw_writes_without_a_plate(tmp_path, wells):
    """Its layout 3 (ngff.openmicroscopy.org/0.4): images 0, 1, ... and OME/METADATA.ome.xml."""
    root = open_group(tmp_path / "p.zarr", "0.4")
    root.attrs["bioformats2raw.layout"] = 3
    for k in range(2):
        write_zarr(root.create_group(str(k)), stack(k), "tcyx", "0.4", labels=["BF", "PI"])
    listed = "".join(
        f'<Well Row="1" Column="{4 - k}"><WellSample ID="s{k}"><ImageRef ID="Image:{k}"/></WellSample></Well>'
        for k in range(2)
    )
    pixels = '<Pixels SizeC="2" SizeZ="1" SizeT="2" DimensionOrder="XYCZT"/>'
    plate = f"<Plate>{listed}</Plate>" if wells else ""
    (tmp_path / "p.zarr/OME").mkdir()
    (tmp_path / "p.zarr/OME/METADATA.ome.xml").write_text(
        f'<OME>{plate}<Image ID="Image:0">{pixels}</Image><Image ID="Image:1">{pixels}</Image></OME>'
    )
    if wells:
        table, _ = read(tmp_path)
        assert table.groupby("well")["dataset"].first().to_dict() == {"B05": "0/0", "B04": "1/0"}
    else:
        with pytest.raises(
            ExportError, match=r"2 images, but wells for 0 of them.*convert it again as a plate"
        ):
            read(tmp_path)


def test_what_cannot_be_read_says_why(tmp_path):
    def refused(match, name="p.zarr"):
        with pytest.raises(ExportError, match=match):
            read(tmp_path / name)

    (tmp_path / "p.zarr").mkdir()
    refused(r"p\.zarr: no Zarr group")
    root = write_plate(tmp_path / "p.zarr", images("A/1/0"), "tcyx", labels=["BF", "PI"])
    refused(r"part of a Zarr.*name its whole folder so", "p.zarr/A")
    say(root, "0.6", {"plate": {}})
    refused(r"version '0\.6'; read are 0\.4 and 0\.5")
    say(root, "0.5", {"labels": ["cells"]})
    refused("neither a plate nor an image of OME-Zarr")
    (tmp_path / "p.zarr/zarr.json").write_text("[" * 100_000)
    refused(r"p\.zarr/zarr\.json: not readable JSON")


def test_no_image_of_a_plate_that_can_be_read(tmp_path):
    write_plate(tmp_path / "p.zarr", images("A/1/0", "A/2/0"), "tcyx", labels=["BF", "PI"])
    for well in "12":
        say(zarr.open_group(tmp_path / f"p.zarr/A/{well}/0"), "0.3", {"multiscales": []})
    with pytest.raises(ExportError, match=r"A/2/0: OME-Zarr of version '0\.3'"):
        read(tmp_path)


def test_beside_other_images_the_user_says_which(tmp_path):
    write_plate(tmp_path / "p.zarr", images("A/1/0"), "tcyx", labels=["BF", "PI"])
    write_image(tmp_path / "p_A01_s1_w1.tif")
    with pytest.raises(ExportError, match=r"imagexpress \(explains 1 of 2.*ome_zarr \(explains 1 of 2"):
        read(tmp_path)
    assert len(read(tmp_path, export_format="ome_zarr")[0]) == 2


def test_a_plate_of_more_planes_than_any_microscope_takes(tmp_path, monkeypatch):
    write_plate(tmp_path / "p.zarr", images("A/1/0", "A/2/0"), "tcyx", labels=["BF", "PI"])
    monkeypatch.setattr(ome_zarr, "MAX_PLANES", 7)
    assert [problem for _, _, _, problem in keys(read(tmp_path)[0])] == ["", "", "unreadable", "unreadable"]


def test_without_its_package_the_line_that_installs_it_is_told(tmp_path, monkeypatch):
    write_plate(tmp_path / "p.zarr", images("A/1/0"), "tcyx", labels=["BF", "PI"])
    monkeypatch.delitem(sys.modules, "livedead.images.ome_zarr", raising=False)
    monkeypatch.setitem(sys.modules, "zarr", None)
    with pytest.raises(ExportError, match=r"package zarr: pip install -r requirements-formats\.txt"):
        read(tmp_path)
