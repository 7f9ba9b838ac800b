import numpy as np
import pytest
import tifffile
from small_exports import exported

from livedead.errors import ExportError
from livedead.readers import scanr
from livedead.readers.folder import RawFolder


def test_wells_counted_by_number_follow_the_plate(tmp_path):
    for number in (1, 13, 96):
        image = np.full((8, 8), number, np.uint16)
        tifffile.imwrite(tmp_path / f"--W{number:05d}--P00001--Z00000--T00000--Bf.tif", image)
    table, export = exported(tmp_path, channels={"bf": "Bf"})
    assert export["format"] == "scanr"
    assert list(table["well"]) == ["A01", "B01", "H12"]
    with pytest.raises(ExportError, match="well number 00096 is not on a 24-well plate"):
        exported(tmp_path, channels={"bf": "Bf"}, n_wells=24)[0]


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("data/C3--W00027--P00102--Z00000--T00004--Bf.tif", ("C3", 102, "Bf", 4, 0)),
        ("--W00027--P00002--Z00001--T00000--DAPI.tif", ("00027", 2, "DAPI", 0, 1)),
    ],
)
def test_names_of_scanr(path, expected):
    (plane,) = scanr.scan(RawFolder(None, [path, "C3.tif"])).planes
    assert (plane.well, plane.field, plane.channel, plane.timepoint, plane.z) == expected
