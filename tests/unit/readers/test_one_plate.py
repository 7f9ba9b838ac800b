import pytest

from livedead.errors import ExportError
from livedead.readers.one_plate import claiming_alike, named_like, refuse_folders, refuse_several
from livedead.readers.scan import Plane


def test_one_of_a_kind_is_no_fault_and_several_get_a_row_each():
    refuse_several("vessels", {})
    refuse_several("vessels", {"1": ("1_A1.tif", "1_*")})
    with pytest.raises(ExportError) as error:
        refuse_several("vessels", {"1": ("1_A1.tif", "1_*"), "": ("A1.tif", "")}, "; or not")
    assert str(error.value) == (
        "several vessels, which are several plates: 1 (1_A1.tif) and none (A1.tif); give each a row of "
        "plates.tsv with its own 'files', such as '1_*'; or not"
    )


def test_folders_that_share_the_planes_of_a_plate_among_them_are_one_plate():
    planes = [
        Plane("a/1.tif", "A1"),
        Plane("b/1.tif", "A2"),
        Plane("b/2.tif", "A1", field=2),
        Plane("c/1.tif", "A1", hours=2.0),
        Plane("c/2.tif", "A1", z=2),
    ]
    refuse_folders(planes)
    with pytest.raises(ExportError, match=r"a \(a/1\.tif\) and c/d \(c/d/1\.tif\).*'a/\*\*' and 'c/d/\*\*'"):
        refuse_folders([*planes, Plane("c/d/1.tif", "A1")])


def test_origins_of_planes_that_others_do_not_claim_are_not_named():
    planes = [
        (Plane("1", "A1"), "x"),
        (Plane("2", "A1"), "y"),
        (Plane("3", "A2"), "z"),
        (Plane("4", "A2"), "z"),
    ]
    assert claiming_alike(planes) == {"x": "1", "y": "2"}


@pytest.mark.parametrize(("path", "pattern"), [("a_1.tif", "a_*"), ("b/c/a_1.tif", "**/a_*")])
def test_a_pattern_of_names_looks_into_folders_where_the_file_lies_in_one(path, pattern):
    assert named_like("a_*", path) == pattern
