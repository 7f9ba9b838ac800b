"""Raw folders that several plates share, as plates.tsv parts them."""

import pytest

from livedead.errors import SheetError
from livedead.plates.plate_sheet import read_plates
from livedead.plates.raw_folders import RawFolders, place_of, seen_from

HEADER = "plate\traw\tpixel_size_um\tformat\tfiles\tfile_pattern\tbarcode\twell_numbers\n"
BY_PATTERN = "pattern\t\t"


@pytest.fixture
def read(write, tmp_path, monkeypatch):
    """Reads a sheet of plates p1, p2, ...: folder and further cells of each; rows, or the mistakes."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "data/x").mkdir(parents=True)
    (tmp_path / "link").symlink_to("data")

    def rows(*plates, file_pattern=None):
        lines = [f"p{k}\t{raw}\t1\t{cells}" for k, (raw, cells) in enumerate(plates, start=1)]
        text = HEADER + "".join(line + "\t" * (7 - line.count("\t")) + "\n" for line in lines)
        try:
            return read_plates(write("plates.tsv", text), None, file_pattern).to_dict("index")
        except SheetError as error:
            return str(error)

    return rows


def test_plates_that_say_which_files_are_theirs_share_a_folder(read):
    rows = read(
        ("data", "auto\tVID1630_*"),
        ("link", "imagexpress\tVID1631_*"),
        ("data", BY_PATTERN + "a_{well}_f{field}"),
        ("data/x", "auto"),
    )
    assert [row["files"] for row in rows.values()] == ["VID1630_*", "VID1631_*", "", ""]
    assert RawFolders(rows).siblings("p1") == [
        {
            "plate": "p2",
            "by_pattern": False,
            "files": "VID1631_*",
            "file_pattern": None,
            "well_numbers": "",
            "plate_names": [],
            "above": "",
            "below": "",
        },
        {
            "plate": "p3",
            "by_pattern": True,
            "files": "",
            "file_pattern": "a_{well}_f{field}",
            "well_numbers": "",
            "plate_names": [],
            "above": "",
            "below": "",
        },
        {
            "plate": "p4",
            "by_pattern": False,
            "files": "",
            "file_pattern": None,
            "well_numbers": "",
            "plate_names": [],
            "above": "",
            "below": "x/",
        },
    ]
    # What is in p4's folder is below x/ for p1 to p3, and nothing there is outside of theirs.
    assert {one["plate"]: one["above"] for one in RawFolders(rows).siblings("p4")} == dict.fromkeys(
        ("p1", "p2", "p3"), "x/"
    )


def test_one_pattern_with_the_plate_parts_a_folder(read):
    plates = [("data", BY_PATTERN), ("data", BY_PATTERN + "\tBC7")]
    rows = read(*plates, file_pattern="{plate}_{well}")
    folders = RawFolders(rows)
    assert [folders.naming(plate)["plate_names"] for plate in rows] == [["p1"], ["p2", "BC7"]]
    assert list(folders.parted) == ["p1"]
    # Without the plate in the pattern, a barcode is not how files are named: to change it indexes nothing.
    alone = read(("data", BY_PATTERN + "\tBC7"), file_pattern="{well}")
    assert RawFolders(alone).naming("p1")["plate_names"] == []
    assert RawFolders(alone).parted == {}


@pytest.mark.parametrize(
    ("first", "second", "told"),
    [
        (
            "auto",
            "auto",
            "line 3, column 'raw': 'data' is the folder of plate p1 (line 2: 'link'); give each",
        ),
        ("auto", "auto\ta*", "line 3, column 'raw': 'data' is the folder of plate p1"),
        ("auto\ta*", "auto", "line 3, column 'raw': 'data' is the folder of plate p1"),
        ("auto\ta*", "ome\tA*", "line 3, column 'files': 'A*' is that of plate p1 (line 2); give each plate"),
        (BY_PATTERN, BY_PATTERN, "line 3, column 'file_pattern': '{well}' is that of plate p1 (line 2)"),
        (BY_PATTERN + "{row}", BY_PATTERN + "{row}", "column 'file_pattern': '{row}' is that of plate p1"),
        ("ome\t\t{row}", "ome\t\t{column}", "line 3, column 'raw': 'data' is the folder of plate p1"),
    ],
)
def test_plates_that_nothing_parts_are_refused(read, first, second, told):
    assert told in read(("link", first), ("data", second), file_pattern="{well}")


def test_a_plate_around_another_needs_files_of_its_own(read):
    told = "line 3, column 'raw': 'data/x' lies in the folder of plate p1 (line 2: 'data'), which would count"
    assert told in read(("data", "auto"), ("data/x", "auto\ta*"))
    assert len(read(("data", "auto\ta*"), ("data/x", "auto"))) == 2


@pytest.mark.parametrize(
    ("column", "value", "told"),
    [
        ("files", r"auto	x\a*", r"'x\\a*'; folders are parted by '/': write 'x/a*'"),
        (
            "well_numbers",
            "auto\t\t\t\trow",
            "'row' (did you mean 'rows'?); allowed: rows, columns, row-snake",
        ),
    ],
)
def test_cells_that_are_not_understood(read, column, value, told):
    text = read(("data", value))
    assert f"line 2, column {column!r}: " in text and told in text


def test_a_path_as_another_folder_has_it(tmp_path):
    outer, inner, other = (place_of(str(tmp_path / name)) for name in ("a", "a/b/c", "d"))
    assert seen_from(inner, outer) == ("b/c/", "")
    assert seen_from(outer, inner) == ("", "b/c/")
    assert seen_from(outer, outer) == ("", "")
    assert seen_from(outer, other) is None
