import hashlib
import shutil

import numpy as np
import pytest
import tifffile

from livedead.errors import ExportError
from livedead.readers import imagexpress, index_plate, inventory, pattern

GUID = "9E84F49F-1B25-4E7E-8040-D1BB2D7E73EA"


def parsed(*files):
    table = imagexpress.scan(list(files))
    return [
        tuple(row) for row in table[["well", "field", "channel", "timepoint", "z"]].itertuples(index=False)
    ]


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
    ],
)
def test_imagexpress_names(path, expected):
    assert parsed(path) == [expected]


@pytest.mark.parametrize(
    "path", [f"p_C03_s2_w1_thumb{GUID}.tif", "p_C03_s2_w1_thumb.tif", "9987.HTD", "notes.txt"]
)
def test_what_is_no_image_is_passed_over(path):
    assert parsed(path) == []


def test_real_imagexpress_tree(shared):
    files = [
        path.relative_to(shared / "imagexpress/9987_Plate_3434").as_posix()
        for path in (shared / "imagexpress/9987_Plate_3434").rglob("*")
    ]
    table = imagexpress.scan(sorted(files))
    assert sorted(set(table["well"])) == ["B02", "B03"]
    assert set(table["channel"]) == {"w1", "w2", "w3"}
    assert set(table["field"]) == {1, 2}


def test_patterns_of_ones_own():
    files = ["x/r02c11f007-t3.tif", "x/other.tif"]
    table = pattern.scan(files, r"r(?P<row>\d+)c(?P<column>\d+)f(?P<field>\d+)-t(?P<timepoint>\d+)\.tif")
    assert len(table) == 1
    row = table.iloc[0]
    assert (row["well"], row["field"], row["timepoint"], row["channel"]) == ("B11", 7, 3, "1")


@pytest.mark.parametrize("text", ["(", r"(?P<field>\d)", r"(?P<well>\w)(?P<colour>x)"])
def test_patterns_that_cannot_work(text):
    with pytest.raises(ExportError, match="file_pattern"):
        pattern.scan([], text)


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
    settings = {"plate": "p", "export_format": "imagexpress", "channels": {"bf": "w1"}, "n_wells": 96}
    return index_plate(raw, **{**settings, **changes})


def test_index(export):
    table = index(export)
    assert list(table["well"]) == ["A01"] * 3 + ["A02"] * 3 + ["B10"] * 3
    assert list(table["field"]) == [1, 2, 10] * 3
    assert set(table["channel"]) == {"bf"}
    first = export / table["path"][0]
    assert table["sha256"][0] == hashlib.sha256(first.read_bytes()).hexdigest()
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
        ({"export_format": "leica"}, "known: imagexpress, pattern"),
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
    with pytest.raises(ExportError, match="no file"):
        index(tmp_path / "empty")
    (export / "again").mkdir()
    shutil.copy(export / "p_A01_s1_w1.tif", export / "again")
    with pytest.raises(ExportError, match="claim a plane that another has"):
        index(export)
    (export / "again").rename(export / "ZStep_2")
    with pytest.raises(ExportError, match="several focal planes"):
        index(export)


def test_links_out_of_the_folder_are_refused(export, tmp_path):
    secret = tmp_path / "p_C01_s1_w1.tif"
    secret.write_bytes(b"x")
    (export / "p_C01_s1_w1.tif").symlink_to(secret)
    with pytest.raises(ExportError, match="leads out"):
        index(export)


def test_inventory_names_what_is_amiss(export):
    (export / "p_B10_s10_w1.tif").unlink()
    path = export / "p_A02_s2_w1.tif"
    path.write_bytes(path.read_bytes()[:40])
    text = inventory.take_inventory(
        index(export), ["A01", "A02", "C01"], plate="p", n_wells=96, input_channels=["bf"], fields_per_well=3
    )
    assert "3 of 96 wells" in text
    assert "mapped, not imaged: C01" in text
    assert "imaged, not mapped: B10" in text
    assert "fewer than 3 fields: B10" in text
    assert "p_A02_s2_w1.tif (40 bytes)" in text
