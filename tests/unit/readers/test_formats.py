import numpy as np
import pytest
import tifffile
from small_exports import exported, write_image

from livedead.errors import ExportError
from livedead.readers.folder import RawFolder
from livedead.readers.formats import FORMATS


def test_a_pattern_that_fits_names_the_format_it_needs(tmp_path):
    for name in ("x_A01_f1_BF.tif", "x_A02_f1_BF.tif"):
        write_image(tmp_path / name)
    for export_format in ("auto", "incell"):
        with pytest.raises(ExportError) as error:
            exported(tmp_path, export_format=export_format, file_pattern="{well}_f{field}_{channel}")
        assert str(error.value).endswith(
            "file_pattern fits 2 file(s), such as x_A01_f1_BF.tif; if these are the images, write 'pattern' "
            "into the column 'format' of plates.tsv"
        )


def test_a_folder_of_no_known_format_says_why_each_reader_left_its_files(tmp_path):
    (tmp_path / "plate.h5").write_bytes(b"x")
    write_image(tmp_path / "x.tif")
    with pytest.raises(ExportError) as error:
        exported(tmp_path)
    assert "1 file(s) for hdf5, such as plate.h5: no well in its name; give 'file_pattern'" in str(
        error.value
    )
    assert "'file_pattern' in config.yaml, such as '{well}_f{field}_{channel}'" in str(error.value)


def test_a_photograph_beside_images_of_unknown_names_is_not_all_that_is_said(tmp_path):
    (tmp_path / "plate.jpg").write_bytes(b"\xff\xd8\xff\xe0")
    write_image(tmp_path / "x.tif")
    with pytest.raises(ExportError, match=r"plate\.jpg is JPEG: .*; x\.tif; use format 'pattern'"):
        exported(tmp_path)


def test_formats_that_explain_a_folder_in_part_say_how_much_of_it(export):
    tifffile.imwrite(export / "r01c01f01p01-ch1sk1fk1fl1.tiff", np.eye(8, dtype=np.uint16))
    (export / "notes.txt").write_text("no image")
    expected = (
        r"may be: imagexpress \(explains 9 of 10 image files, .*operetta \(explains 1 of 10 image files, "
    )
    with pytest.raises(ExportError, match=expected):
        exported(export)[0]
    assert exported(export, export_format="imagexpress")[1]["format"] == "imagexpress"


@pytest.mark.parametrize(
    ("export_format", "name"),
    [
        ("imagexpress", "plate_B03_s2_w1E94C24BD-45E4-450A-9919-257C714278F7.tif"),
        ("operetta", "r03c03f01p01-ch1sk1fk1fl1.tiff"),
        ("cellvoyager", "x_D08_T0001F001L01A01Z01C01.tif"),
        ("cq1", "W0001F0001T0001Z001C1.tif"),
        ("incell", "B - 03(fld 1 wv TL-Brightfield - Cy3 wix 2).tif"),
        ("cellomics", "MFGTMP_140206180002_A01f00d0.TIF"),
        ("scanr", "A1--W00001--P00001--Z00000--T00000--DAPI.tif"),
    ],
)
def test_one_format_knows_a_name(tmp_path, export_format, name):
    known = [other for other, reader in FORMATS.items() if reader(RawFolder(tmp_path, [name])).planes]
    assert known == [export_format]
