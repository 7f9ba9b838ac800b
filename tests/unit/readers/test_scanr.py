import numpy as np
import pytest
import tifffile
from small_exports import exported

from livedead.errors import ExportError
from livedead.readers import scanr
from livedead.readers.folder import RawFolder


def test_wells_that_are_numbers_are_counted_as_plates_tsv_says(tmp_path):
    for number in (1, 13, 96):
        image = np.full((8, 8), number, np.uint16)
        tifffile.imwrite(tmp_path / f"--W{number:05d}--P00001--Z00000--T00000--Bf.tif", image)
    with pytest.raises(ExportError) as error:
        exported(tmp_path, channels={"bf": "Bf"})
    assert str(error.value) == (
        "plate p: wells are numbers, which plates.tsv must say how to count: write into its column "
        "'well_numbers' 'rows' (well 00013 is B01), or 'columns' (well 00013 is E02), or 'row-snake' (well "
        "00013 is B12), or 'column-snake' (well 00013 is D02)"
    )
    table, export = exported(tmp_path, channels={"bf": "Bf"}, well_numbers="rows")
    assert export["format"] == "scanr"
    assert list(table["well"]) == ["A01", "B01", "H12"]
    # In the twelfth column, counted upwards, A12 comes last.
    table, _ = exported(tmp_path, channels={"bf": "Bf"}, well_numbers="column-snake")
    assert list(table["well"]) == ["A01", "A12", "D02"]
    with pytest.raises(ExportError, match="well number 96 is not on a 24-well plate"):
        exported(tmp_path, channels={"bf": "Bf"}, n_wells=24, well_numbers="rows")


def test_a_number_that_is_one_well_however_wells_are_counted_needs_no_word(tmp_path):
    tifffile.imwrite(tmp_path / "--W00001--P00001--Z00000--T00000--Bf.tif", np.ones((8, 8), np.uint16))
    assert list(exported(tmp_path, channels={"bf": "Bf"})[0]["well"]) == ["A01"]


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
