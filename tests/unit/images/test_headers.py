import math
import os

import numpy as np
import pytest
import tifffile

from livedead.errors import FieldError
from livedead.images.headers import read_header


def test_a_header_says_pages_size_type_and_description(tmp_path):
    path = tmp_path / "a.tif"
    stack = np.zeros((3, 20, 30), np.uint16)
    tifffile.imwrite(path, stack, photometric="minisblack", description="note", metadata=None)
    header = read_header(path)
    assert (header.pages, header.height, header.width, header.dtype) == (3, 20, 30, "uint16")
    assert header.description == "note"
    assert math.isnan(header.pixel_size_um)


@pytest.mark.parametrize(
    ("unit", "per_unit", "pixel_size_um"),
    [
        ("micron", 2, 0.5),
        (r"\u00B5m", 4, 0.25),
        ("microns", 2, 0.5),
        ("nm", 0.002, 0.5),
        ("mm", 2000, 0.5),
        ("pixel", 2, math.nan),
        ("micron", 0, math.nan),
    ],
)
def test_the_pixel_size_is_imagejs_unit_over_the_resolution(tmp_path, unit, per_unit, pixel_size_um):
    tifffile.imwrite(
        tmp_path / "a.tif",
        np.zeros((20, 30), np.uint16),
        imagej=True,
        resolution=(per_unit, per_unit),
        metadata={"unit": unit},
    )
    found = read_header(tmp_path / "a.tif").pixel_size_um
    assert found == pytest.approx(pixel_size_um, nan_ok=True)


@pytest.mark.parametrize(
    ("state", "x", "units", "pixel_size_um"),
    [
        ("on", "1.3668", "um", 1.3668),
        ("on", "650", "nm", 0.65),
        ("off", "1", "pixel", math.nan),
        ("off", "1.3668", "um", math.nan),
        ("on", "?", "um", math.nan),
    ],
)
def test_the_pixel_size_of_metamorph_is_its_calibration(tmp_path, state, x, units, pixel_size_um):
    description = (
        f'<MetaData>\n<PlaneInfo>\n<prop id="spatial-calibration-state" type="bool" value="{state}"/>\n'
        f'<prop id="spatial-calibration-x" type="float" value="{x}"/>\n'
        f'<prop id="spatial-calibration-units" type="string" value="{units}"/>\n</PlaneInfo>\n</MetaData>'
    )
    pixels = np.zeros((20, 30), np.uint16)
    tifffile.imwrite(tmp_path / "a.tif", pixels, description=description, metadata=None)
    found = read_header(tmp_path / "a.tif").pixel_size_um
    assert found == pytest.approx(pixel_size_um, nan_ok=True)


def test_the_pixel_size_of_a_real_export_of_metaxpress(shared):
    """As its ``spatial-calibration-x`` says; ``pixel-size-x`` is the number of columns."""
    path = shared / "imagexpress/9987_Plate_3420/TimePoint_1/9987_B02.TIF"
    assert read_header(path).pixel_size_um == 1.3672


@pytest.mark.parametrize(
    ("make", "code"),
    [
        (lambda path: None, "missing_file"),
        (lambda path: path.write_text("no image"), "unreadable"),
        (lambda path: path.write_bytes(b"II*\0"), "unreadable"),
        (lambda path: path.mkdir(), "unreadable"),
        (os.mkfifo, "unreadable"),
    ],
)
def test_what_has_no_header(tmp_path, make, code):
    make(tmp_path / "a.tif")
    with pytest.raises(FieldError, match=r"a\.tif") as error:
        read_header(tmp_path / "a.tif")
    assert error.value.code == code
