import hashlib
import os
import shutil
import zlib
from pathlib import Path

import pytest
from small_exports import exported

from livedead.errors import ExportError, FieldError
from livedead.fields.plate_images import PlateImages
from livedead.images.checksums import file_checksums


def index(raw, **changes):
    return exported(raw, **changes)[0]


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


def test_only_the_wells_that_are_wanted_are_listed_and_hashed(export):
    table, said = exported(export, wells=["A02", "B10"])
    assert set(table["well"]) == {"A02", "B10"}
    assert said["passed_over"] == {f"p_A01_s{k}_w1.tif": "well A01 is not read" for k in (1, 2, 10)}
    whole = index(export)
    left = whole[whole["well"] != "A01"].reset_index(drop=True)
    assert list(table["sha256"]) == list(left["sha256"])


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"wells": ["C01", "C02"]}, r"none of the wells to read \(C01, C02\) .* 'dyed_wells' in plates.tsv"),
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
    with pytest.raises(ExportError, match="points out"):
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
