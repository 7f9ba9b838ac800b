import hashlib
import os
import shutil
import zlib
from pathlib import Path

import numpy as np
import pytest
import tifffile

from livedead.errors import ExportError, FieldError
from livedead.fields.plate_images import PlateImages
from livedead.images.checksums import file_checksums
from livedead.readers import cellvoyager, imagexpress, inventory, operetta, pattern
from livedead.readers.folder import RawFolder
from livedead.readers.index import index_plate

GUID = "9E84F49F-1B25-4E7E-8040-D1BB2D7E73EA"


def parsed(*files, scan=imagexpress.scan, raw=Path()):
    rows = scan(RawFolder(raw, list(files))).rows
    return [tuple(row[name] for name in ("well", "field", "channel", "timepoint", "z")) for row in rows]


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("plate_A01_s1_w1.TIF", ("A01", 1, "w1", 1, 1)),
        ("p_P24_s12_w3.tif", ("P24", 12, "w3", 1, 1)),
        ("p_AF48_s100_w10.tif", ("AF48", 100, "w10", 1, 1)),
        ("p_B02.TIF", ("B02", 1, "w1", 1, 1)),
        (f"Amp5-1_B_20070424_A01_w1_{GUID}.tif", ("A01", 1, "w1", 1, 1)),
        (f"p_C03_s2_w1{GUID}.tif", ("C03", 2, "w1", 1, 1)),
        (f"p_C03_s2_w12{GUID}.tif", ("C03", 2, "w12", 1, 1)),
        ("plate_C04_x_B02_s1_w2.tif", ("B02", 1, "w2", 1, 1)),
        ("2021-07-06/99/TimePoint_3/ZStep_2/p_I09_s4_w1.tif", ("I09", 4, "w1", 3, 2)),
        (f"x_E08_s117654C10-92F1-4DFD-98AA-6A01BBD77557{'.tif'}", ("E08", 1, "w1", 1, 1)),
        ("thumb_study_h_A01_s1_w1.tif", ("A01", 1, "w1", 1, 1)),
    ],
)
def test_imagexpress_names(path, expected):
    assert parsed(path) == [expected]


@pytest.mark.parametrize(
    "path",
    [
        f"p_C03_s2_w1_thumb{GUID}.tif",
        "p_C03_s2_w1_thumb.tif",
        "notes.txt",
        "experiment_w1BF_s1_t1.TIF",  # no wells: S01 is a well of 1536
        "p_A01_s1_w1_z2_t3.TIF",
        "p_A01_t2_s1_w1.TIF",
    ],
)
def test_what_is_no_image_is_passed_over(path):
    assert parsed(path) == []


def test_real_imagexpress_tree(shared):
    files = [
        path.relative_to(shared / "imagexpress/9987_Plate_3434").as_posix()
        for path in (shared / "imagexpress/9987_Plate_3434").rglob("*")
    ]
    table = imagexpress.scan(RawFolder(shared / "imagexpress/9987_Plate_3434", sorted(files))).table()
    assert sorted(set(table["well"])) == ["B02", "B03"]
    assert set(table["channel"]) == {"w1", "w2", "w3"}
    assert set(table["field"]) == {1, 2}


@pytest.fixture
def export(tmp_path):
    raw = tmp_path / "raw with space; $(x)"
    raw.mkdir()
    rng = np.random.default_rng(0)
    for well in ("A01", "A02", "B10"):
        for field in (1, 2, 10):
            image = rng.integers(0, 999, (8, 8), dtype=np.uint16)
            tifffile.imwrite(raw / f"p_{well}_s{field}_w1.tif", image)
    return raw


def index(raw, **changes):
    return exported(raw, **changes)[0]


def exported(raw, **changes):
    settings = {"export_format": "auto", "channels": {"bf": "w1"}, "n_wells": 96, "pixel_size_um": 1.0}
    return index_plate(raw, plate="p", **{**settings, **changes})


def test_index(export):
    table = index(export)
    assert list(table["well"]) == ["A01"] * 3 + ["A02"] * 3 + ["B10"] * 3
    assert list(table["field"]) == [1, 2, 10] * 3
    assert set(table["channel"]) == {"bf"}
    first = export / table["path"][0]
    assert table["sha256"][0] == hashlib.sha256(first.read_bytes()).hexdigest()
    assert table["crc32"][0] == f"{zlib.crc32(first.read_bytes()):08x}"
    assert table["bytes"][0] == first.stat().st_size


def test_a_missing_well_shifts_nothing(export):
    whole = index(export).set_index(["well", "field"])["sha256"]
    for path in export.glob("p_A02_*"):
        path.unlink()
    rest = index(export).set_index(["well", "field"])["sha256"]
    assert (whole[rest.index] == rest).all()
    assert "A02" not in rest.index


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"n_wells": 6}, "not on a 6-well plate"),
        ({"channels": {"bf": "w7"}}, "none of the configured channels w7 .* has w1"),
        ({"export_format": "leica"}, "known: auto, imagexpress, operetta"),
        ({"export_format": "pattern"}, "file_pattern"),
    ],
)
def test_index_errors(export, changes, message):
    with pytest.raises(ExportError, match=message):
        index(export, **changes)


def test_empty_absent_doubled_and_stacked(export, tmp_path):
    with pytest.raises(ExportError, match="no folder"):
        index(tmp_path / "absent")
    (tmp_path / "empty").mkdir()
    with pytest.raises(ExportError, match="no file at all"):
        index(tmp_path / "empty")
    (export / "again").mkdir()
    shutil.copy(export / "p_A01_s1_w1.tif", export / "again")
    table = index(export)
    doubled = table[table["problem"] == "doubled"]
    assert doubled[["well", "field"]].to_numpy().tolist() == [["A01", 1], ["A01", 1]]
    (export / "again").rename(export / "ZStep_2")
    with pytest.raises(ExportError, match="several focal planes"):
        index(export)


def test_links_out_of_the_folder_are_refused(export, tmp_path):
    secret = tmp_path / "p_C01_s1_w1.tif"
    secret.write_bytes(b"x")
    (export / "p_C01_s1_w1.tif").symlink_to(secret)
    with pytest.raises(ExportError, match="leads out"):
        index(export)


def test_links_that_lead_nowhere_are_missing_files(export):
    (export / "p_C01_s1_w1.tif").symlink_to("p_C01_s1_w1.tif")
    (export / "p_C02_s1_w1.tif").symlink_to("gone.tif")
    (export / "self").symlink_to(".")
    table = index(export)
    assert {"C01", "C02"} <= set(table["well"])
    assert len(table) == 9 + 2
    with pytest.raises(FieldError) as error:
        PlateImages(export, table, 16).plane(("C02", 1, 1), "bf")
    assert error.value.code == "missing_file"


def test_what_a_file_system_refuses_fails_one_field_or_says_which_folder(export, monkeypatch):
    def refused(path):
        if Path(path).name == "p_A02_s2_w1.tif":
            raise PermissionError(13, "Permission denied", str(path))
        return file_checksums(path)

    monkeypatch.setattr("livedead.readers.index.file_checksums", refused)
    table = index(export)
    assert len(table) == 9
    plate = PlateImages(export, table, 16)
    with pytest.raises(FieldError) as error:
        plate.plane(("A02", 2, 1), "bf")
    assert error.value.code == "changed_since_index"
    assert plate.plane(("A02", 1, 1), "bf").shape == (8, 8)

    (export / "locked").mkdir()
    scandir = os.scandir

    def locked(path):
        if Path(path).name == "locked":
            raise PermissionError(13, "Permission denied", str(path))
        return scandir(path)

    monkeypatch.setattr("os.scandir", locked)
    with pytest.raises(ExportError, match=r"locked: Permission denied; make the folder readable"):
        index(export)


def test_files_of_the_desktop_are_no_images(export):
    for name in ("._p_A01_s1_w1.tif", ".DS_Store", "Thumbs.db", "Icon\r"):
        (export / name).write_bytes(b"x")
    table, said = exported(export)
    assert len(table) == 9
    assert list(said["passed_over"]) == ["Thumbs.db"]
    (export / "p_A01_s1_w1\r.tif").write_bytes(b"x")
    with pytest.raises(ExportError, match=r"'p_A01_s1_w1\\r\.tif' .* rename it"):
        index(export)


def test_inventory_names_what_is_amiss(export):
    (export / "p_B10_s10_w1.tif").unlink()
    path = export / "p_A02_s2_w1.tif"
    path.write_bytes(path.read_bytes()[:40])
    shutil.copy(export / "p_A01_s1_w1.tif", export / "holiday.tif")
    tifffile.imwrite(export / "p_A01_s2_w1.tif", np.ones((8, 9), np.uint8))
    text = described(export, ["A01", "A02", "C01"], fields_per_well=3)
    assert "3 of 96 wells" in text
    assert "mapped, not imaged: C01" in text
    assert "imaged, not mapped: B10" in text
    assert "fewer than 3 fields: B10" in text
    assert "p_A02_s2_w1.tif (40 bytes)" in text
    assert "unlisted files, not named as imagexpress does: holiday.tif" in text
    assert "of another shape: p_A01_s2_w1.tif (8 x 9)" in text
    assert "of a depth other than uint16: p_A01_s2_w1.tif (uint8)" in text
    assert "format: imagexpress" in text


def test_inventory_names_images_that_lie_there_twice(export):
    assert "THE SAME IMAGE" not in described(export)
    shutil.copy(export / "p_A01_s1_w1.tif", export / "p_A02_s2_w1.tif")
    os.link(export / "p_A01_s2_w1.tif", export / "p_C03_s1_w1.tif")
    text = described(export)
    assert "THE SAME IMAGE in several places: A01 field 1 timepoint 1 bf = A02 field 2 timepoint 1 bf" in text
    assert "A01 field 2 timepoint 1 bf = C03 field 1 timepoint 1 bf" in text


def described(raw, mapped=(), fields_per_well=None, **changes):
    images, export = exported(raw, **changes)
    return inventory.take_inventory(
        images,
        export,
        list(mapped),
        plate="p",
        n_wells=changes.get("n_wells", 96),
        pixel_size_um=1.0,
        input_channels=["bf"],
        fields_per_well=fields_per_well,
    )


@pytest.mark.parametrize(
    ("scan", "path", "expected"),
    [
        (pattern.scan_incell, "A - 01(fld 1 wv DAPI - DAPI).tif", ("A01", 1, "DAPI - DAPI", 1, 1)),
        (
            pattern.scan_incell,
            "x/P - 24(fld 012 wv Green - dsRed z 3 time 2 - 120 ms).tif",
            ("P24", 12, "Green - dsRed", 2, 3),
        ),
        (pattern.scan_incell, "AF - 48(fld 3).tif", ("AF48", 3, "1", 1, 1)),
        (
            pattern.scan_scanr,
            "data/C3--W00027--P00102--Z00000--T00004--Bf.tif",
            ("C3", 102, "Bf", 4, 0),
        ),
        (pattern.scan_scanr, "--W00027--P00002--Z00001--T00000--DAPI.tif", ("00027", 2, "DAPI", 0, 1)),
        (operetta.scan, "Images/r16c24f100p03-ch2sk7fk1fl1.tiff", ("P24", 100, "2", 7, 3)),
        (operetta.scan, "r01c02f01p01rc1-ch10sk1fk1fl1.tiff", ("A02", 1, "10", 1, 1)),
        (
            cellvoyager.scan,
            "C_C04_plate_T1_P24_T0002F011L01A01Z03C12.tif",
            ("P24", 11, "C12", 2, 3),
        ),
    ],
)
def test_names_of_other_microscopes(scan, path, expected):
    row = scan(RawFolder(Path(), [path])).rows[0]
    found = (row["well"], row["field"], row["channel"], row["timepoint"], row["z"])
    assert (found[0].replace("A2", "A02"), *found[1:]) == expected or found == expected


def test_wells_counted_by_number_follow_the_plate(tmp_path):
    for number in (1, 13, 96):
        image = np.full((8, 8), number, np.uint16)
        tifffile.imwrite(tmp_path / f"--W{number:05d}--P00001--Z00000--T00000--Bf.tif", image)
    table, export = exported(tmp_path, channels={"bf": "Bf"})
    assert export["format"] == "scanr"
    assert list(table["well"]) == ["A01", "B01", "H12"]
    with pytest.raises(ExportError, match="well number 00096 is not on a 24-well plate"):
        index(tmp_path, channels={"bf": "Bf"}, n_wells=24)


def test_formats_that_explain_a_folder_in_part_say_how_much_of_it(export):
    tifffile.imwrite(export / "r01c01f01p01-ch1sk1fk1fl1.tiff", np.eye(8, dtype=np.uint16))
    (export / "notes.txt").write_text("no image")
    expected = (
        r"may be: imagexpress \(explains 9 of 10 image files, .*operetta \(explains 1 of 10 image files, "
    )
    with pytest.raises(ExportError, match=expected):
        index(export)
    assert exported(export, export_format="imagexpress")[1]["format"] == "imagexpress"


def test_focal_planes_are_chosen_projected_or_asked_for(tmp_path):
    for step in (1, 2, 3):
        (tmp_path / f"ZStep_{step}").mkdir()
        for well in ("A01", "A02"):
            image = np.full((8, 8), step * 10, np.uint16) + np.eye(8, dtype=np.uint16)
            tifffile.imwrite(tmp_path / f"ZStep_{step}/p_{well}_s1_w1.tif", image)
    tifffile.imwrite(tmp_path / "p_A01_s1_w1.tif", np.eye(8, dtype=np.uint16))
    (tmp_path / "ZStep_3/p_A02_s1_w1.tif").unlink()
    with pytest.raises(ExportError, match=r"several focal planes \(1, 2, 3, acquired\)"):
        index(tmp_path)
    with pytest.raises(ExportError, match="no focal plane 7; it has 1, 2, 3, acquired"):
        index(tmp_path, focal_plane=7)
    assert list(index(tmp_path, focal_plane=2)["path"]) == [
        "ZStep_2/p_A01_s1_w1.tif",
        "ZStep_2/p_A02_s1_w1.tif",
    ]
    assert list(index(tmp_path, focal_plane="acquired")["path"]) == ["p_A01_s1_w1.tif"]
    table = index(tmp_path, focal_plane={"bf": "max"})
    plate = PlateImages(tmp_path, table, 16)
    assert plate.plane(("A01", 1, 1), "bf").max() == 31
    with pytest.raises(FieldError) as error:
        plate.plane(("A02", 1, 1), "bf")
    assert error.value.code == "missing_plane"
    mean = PlateImages(tmp_path, index(tmp_path, focal_plane="mean"), 16).plane(("A01", 1, 1), "bf")
    assert mean[0, 1] == 20


def test_pages_of_a_stack_are_said_not_guessed(tmp_path):
    stack = np.random.default_rng(0).integers(1, 999, (4, 8, 8), dtype=np.uint16)
    tifffile.imwrite(tmp_path / "p_A01_s1_w1.tif", stack, photometric="minisblack")
    with pytest.raises(FieldError, match=r"4 page\(s\), expected 1"):
        PlateImages(tmp_path, index(tmp_path), 16).plane(("A01", 1, 1), "bf")
    table = index(tmp_path, pages="timepoint")
    assert list(table["timepoint"]) == [1, 2, 3, 4]
    found = PlateImages(tmp_path, table, 16).plane(("A01", 1, 3), "bf")
    np.testing.assert_array_equal(found, stack[2])


def test_a_stack_that_cannot_be_read_fails_in_all_its_pages(tmp_path):
    for k, well in enumerate(("A01", "A02")):
        stack = np.random.default_rng(k).integers(1, 999, (3, 8, 8), dtype=np.uint16)
        tifffile.imwrite(tmp_path / f"p_{well}_s1_w1.tif", stack, photometric="minisblack", metadata=None)
    (tmp_path / "p_A02_s1_w1.tif").write_bytes(b"")
    table = index(tmp_path, pages="timepoint")
    found = list(zip(table["well"], table["timepoint"], table["problem"], strict=True))
    assert found == [("A01", k, "") for k in (1, 2, 3)] + [("A02", k, "unreadable") for k in (1, 2, 3)]


def test_a_stack_of_fewer_channels_is_not_read_by_their_places(tmp_path):
    """Of brightfield, GFP, PI and of brightfield, PI, page 2 is not the same channel."""
    for k, (well, n) in enumerate((("A01", 3), ("A02", 2))):
        stack = np.random.default_rng(k).integers(1, 999, (n, 8, 8), dtype=np.uint16)
        tifffile.imwrite(tmp_path / f"p_{well}_s1.tif", stack, photometric="minisblack", metadata=None)
    table = index(tmp_path, pages="channel", channels={"bf": "2"})
    assert list(zip(table["well"], table["problem"], strict=True)) == [("A01", ""), ("A02", "missing_plane")]


HTD = """"HTSInfoFile", Version 1.0
"TimePoints", 2
"XWells", 12
"YWells", 8
"WellsSelection1", TRUE, TRUE, FALSE, FALSE, FALSE, FALSE, FALSE, FALSE, FALSE, FALSE, FALSE, FALSE
"WellsSelection4", TRUE, FALSE, FALSE, FALSE, FALSE, FALSE, FALSE, FALSE, FALSE, FALSE, FALSE, FALSE
"Sites", TRUE
"XSites", 2
"YSites", 2
"SiteSelection1", TRUE, TRUE
"SiteSelection2", TRUE, FALSE
"NWavelengths", 2
"WaveName1", "Brightfield"
"WaveName2", "PI"
"""


def test_htd_says_what_to_expect(export):
    expected, names = imagexpress.parse_htd(HTD)
    assert expected == {
        "wells": ["A01", "A02", "D01"],
        "n_wells": 96,
        "fields": 3,
        "channels": 2,
        "timepoints": 2,
    }
    assert names == {"w1": "Brightfield", "w2": "PI"}
    (export / "p.HTD").write_text(HTD)
    text = described(export, channels={"bf": "Brightfield"})
    assert "NOTE" not in text
    assert "promised by the export, not imaged: D01" in text
    assert "fields with fewer than 2 timepoints" in text


def test_htd_files_that_disagree_on_channels_are_not_mixed(export):
    for name, text in (("a", HTD), ("b", HTD.replace("XSites", "YSites")), ("c", "no settings\n")):
        (export / f"{name}.HTD").write_text(text)
    assert set(index(export, channels={"bf": "Brightfield"})["channel"]) == {"bf"}
    (export / "b.HTD").write_text(HTD.replace("Brightfield", "x").replace("PI", "Brightfield"))
    with pytest.raises(ExportError, match=r"w1 is 'Brightfield' in one, 'x' in another"):
        index(export)


def test_an_htd_file_of_a_billion_wells_takes_no_time():
    expected, _ = imagexpress.parse_htd(HTD.replace('"YWells", 8', '"YWells", 1000000000 '))
    assert expected["wells"] == ["A01", "A02", "D01"]
