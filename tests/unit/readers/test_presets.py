from livedead.readers.folder import RawFolder
from livedead.readers.presets import preset, read_names, scan_names


def test_a_preset_fits_the_whole_name_in_any_folder_and_case():
    expression = preset(r"(?P<well>[A-H]\d\d)\.tif")
    assert expression.fullmatch("day 1/a01.TIF")["well"] == "a01"
    assert expression.fullmatch("xA01.tif") is None
    assert expression.fullmatch("A01.tiff") is None


def test_the_first_preset_that_fits_is_taken():
    patterns = r"(?P<well>[A-H]\d\d)_(?P<field>\d)\.tif", r"(?P<well>[A-H]\d\d)_(?P<channel>\w)\.tif"
    found = scan_names(RawFolder(None, ["A01_2.tif", "A01_x.tif", "A01.tif"]), *patterns, evidence="names")
    assert [(plane.path, plane.field, plane.channel) for plane in found.planes] == [
        ("A01_2.tif", 2, "1"),
        ("A01_x.tif", 1, "x"),
    ]
    assert found.evidence == "names"
    assert not found.by_metadata


def test_groups_that_a_name_leaves_out_are_left_out():
    patterns = (r"(?:(?P<vessel>\w+)-)?(?P<well>[A-H]\d\d)\.tif",)
    assert dict(read_names(RawFolder(None, ["x/7-A01.tif", "A01.tif", "A01.txt"]), *patterns)) == {
        "x/7-A01.tif": {"vessel": "7", "well": "A01"},
        "A01.tif": {"well": "A01"},
    }
