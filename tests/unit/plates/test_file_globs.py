"""Which files of a folder a glob fits."""

import pytest

from livedead.errors import SheetError
from livedead.plates.file_globs import check_globs, fitting

# Names as of Incucyte's exports and archive.
PATHS = [
    "EssenFiles/ScanData/2603/05/1430/vessel1/A1-1-Ph.tif",
    "EssenFiles/ScanData/2603/05/1430/vessel12/A1-1-Ph.tif",
    "VID1630_A1_1_00d00h00m.tif",
    "VID1631_A1_1_00d00h00m.tif",
    "notes [1].txt",
]


@pytest.mark.parametrize(
    ("glob", "places"),
    [
        ("VID1630_*", [2]),
        ("vid1630_*.TIF", [2]),
        ("VID163?_*", [2, 3]),
        ("**/vessel1/**", [0]),
        ("**/vessel1*/**", [0, 1]),
        ("EssenFiles/**", [0, 1]),
        ("**/*.tif", [0, 1, 2, 3]),
        ("*.tif", [2, 3]),
        ("VID1631_*|notes [1].txt", [3, 4]),
        ("**", [0, 1, 2, 3, 4]),
        ("notes [1].txt", [4]),
    ],
)
def test_files_that_a_glob_fits(glob, places):
    assert fitting(glob, PATHS) == [PATHS[k] for k in places]


@pytest.mark.parametrize(
    ("glob", "told"),
    [
        ("vessel12/**", r"'vessel12/\*\*' fits no file; write '\*\*/vessel12/\*\*'"),
        ("VID1630_*|*.HTD", r"plates\.tsv: '\*\.HTD' fits no file; correct it; nearest: "),
        ("EssenFiles", r"write 'EssenFiles/\*\*'"),
        ("VID1632_*", r"nearest: VID163\d_A1_1_00d00h00m\.tif, VID163\d_A1_1_00d00h00m\.tif, "),
    ],
)
def test_a_glob_that_fits_nothing_is_told_with_what_would(glob, told):
    with pytest.raises(SheetError, match=told):
        fitting(glob, PATHS)
    with pytest.raises(SheetError, match="nearest: none, as the folder has no file"):
        fitting(glob, [])


@pytest.mark.parametrize(
    ("glob", "told"),
    [
        ("a\\b*", "write 'a/b\\*'"),
        ("/data/p1/*", "below 'raw'"),
        ("C:/data/*", "below 'raw'"),
        ("../p1/*", "below 'raw'"),
        ("p1/", "below 'raw'"),
        ("p1*|", "below 'raw'"),
    ],
)
def test_globs_that_lead_elsewhere_are_refused(glob, told):
    with pytest.raises(SheetError, match=told):
        check_globs(glob)
