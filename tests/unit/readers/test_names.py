"""One reading of a name is taken; of two, none."""

import pytest

from livedead.errors import ExportError
from livedead.readers.names import words


@pytest.mark.parametrize(
    ("path", "n_wells", "well", "timepoint"),
    [
        ("A01_t12.h5", 96, "A01", "12"),
        ("plate 7/well_B3-time 12.h5", 96, "B03", "12"),
        ("plate-well_B3-D1-time 12.h5", 96, "B03", "12"),  # marked as the well
        ("x-t-B02.h5", 96, "B02", None),
        ("well=B02.h5", 96, "B02", None),
        ("C04_f7_w1_s1_c3.h5", 96, "C04", None),
        ("F7_x.h5", 96, "F07", None),
        ("A01/A1_f1.h5", 96, "A01", None),  # the folder says the same
        ("T01_A02.h5", 96, "A02", "01"),  # no row T on 96 wells
        ("P3_B05.h5", 96, "B05", None),  # nor P: passage 3
        ("H2_B05.h5", 24, "B05", None),
        ("T01_t02.h5", 1536, "T01", "02"),
        ("b03.h5", 96, "B03", None),
        ("B13.h5", 96, "B13", None),  # not on the plate, which is said where wells are checked
        ("HepG2.h5", 96, None, None),
        ("notes.h5", 96, None, None),
    ],
)
def test_names_with_one_reading(path, n_wells, well, timepoint):
    found = words(path, n_wells)
    assert (found.one("well"), found.one("timepoint")) == (well, timepoint)


@pytest.mark.parametrize(
    ("path", "n_wells", "part", "readings"),
    [
        ("HepG2_B05_D1.ome.tif", 96, "well", "B05 or D01"),
        ("C04_B05.h5", 96, "well", "C04 or B05"),
        ("D1/B05.ome.tif", 96, "well", "D01 or B05"),  # a folder a day
        ("A01/D1.ome.tif", 96, "well", "A01 or D01"),  # a folder a well
        ("b05_D1.h5", 96, "well", "B05 or D01"),
        ("a01_f1.h5", 96, "well", "A01 or F01"),
        ("A01_F1.h5", 96, "well", "A01 or F01"),
        ("well_A01_well_A02.h5", 96, "well", "A01 or A02"),
        ("T01_T02.h5", 1536, "well", "T01 or T02"),
        ("A01_T02.h5", 1536, "well", "A01 or T02"),
        ("A01_t1_frame3.h5", 96, "timepoint", "1 or 3"),
        ("A01_s1_f2.h5", 96, "field", "1 or 2"),
    ],
)
def test_names_with_two_readings_list_both_and_the_key_that_decides(path, n_wells, part, readings):
    with pytest.raises(ExportError, match=rf"{path}: the {part} may be {readings}, .*'file_pattern'"):
        words(path, n_wells).one(part)


@pytest.mark.parametrize(
    ("path", "field"),
    [
        ("plate_A1_f1.ome.tif", "1"),
        ("exp_MMStack_A1-Site_0.ome.tif", "0"),
        ("A1-Pos003_000.ome.tif", "003"),
        ("A1_field 12.ome.tif", "12"),
        ("A1_s2/s2.ome.tif", "2"),
        ("A1_F001.ome.tif", "001"),
        ("A1.ome.tif", None),
    ],
)
def test_fields_in_names(path, field):
    assert words(path, 96).one("field") == field
