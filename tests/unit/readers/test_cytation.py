"""Names of Gen5 as public repositories show them: glencoesoftware/bioformats2raw (BioTekTest, "taken from
real-world data"; README.md says what the groups are), tumorArea (montage positions 1 to 25), and scripts that
read bright field series of Cytations; its XML as the BioTekReader, ImageJ and MATLAB scripts read it."""

import math

import numpy as np
import pytest
import tifffile
from small_exports import described, exported

from livedead.errors import ExportError
from livedead.images.headers import read_header
from livedead.readers import cytation
from livedead.readers.folder import RawFolder

XML = """<?xml version="1.0" encoding="UTF-8" standalone="yes"?>
<BTIImageMetaData Version="29">
  <System><Gen5><Version>3.09.07</Version></Gen5></System>
  <ImageReference><Plate>Plate 1</Plate><Well>B1</Well><Date>{date}</Date><Time>{time}</Time></ImageReference>
  <ImageAcquisition>
    <PixelWidth>{wide_px}</PixelWidth><ImageWidthMicrons>{wide_um}</ImageWidthMicrons>
    <Channel Color="Bright Field"><BrightField>TRUE</BrightField></Channel>
  </ImageAcquisition>
</BTIImageMetaData>"""


def write(path, k=0, date="12/31/25", time="23:30:00", wide_px=20, wide_um=13.94, xml=XML):
    """An image of 20 x 20 pixels; of 13.94 µm, they are 0.697 µm wide."""
    path.parent.mkdir(parents=True, exist_ok=True)
    image = np.random.default_rng(k).integers(1, 4000, (20, 20), dtype=np.uint16)
    text = xml.format(date=date, time=time, wide_px=wide_px, wide_um=wide_um)
    tifffile.imwrite(path, image, photometric="minisblack", description=text, metadata=None)
    return path


@pytest.mark.parametrize(
    ("path", "well", "field", "channel", "timepoint", "z"),
    [
        ("A10_02_1_1_Bright Field_001.tif", "A10", 1, "Bright Field", 1, 1),
        ("B3_02_1_2Z1_Bright Field_001.tif", "B3", 2, "Bright Field", 1, 1),
        ("B3_02_1_25Z0_Bright_Field_001.tif", "B3", 25, "Bright_Field", 1, 0),
        ("P24_01_1_9_DAPI_002.tif", "P24", 9, "DAPI", 2, 1),
        ("A1_01_3_4_Blue_001.tif", "A1", 4, "Blue", 1, 1),
        ("B2_-1_1_1_Stitched[DAPI 377,447]_001.tif", "B2", 1, "Stitched[DAPI 377,447]", 1, 1),
        (
            "A1_-2_3_1_Tsf[Stitched[Channel 3 600,650]]_001.tif",
            "A1",
            1,
            "Tsf[Stitched[Channel 3 600,650]]",
            1,
            1,
        ),
        ("ID_A9 info/A9_-1_2_1_GFP_001.tif", "A9", 1, "GFP", 1, 1),
        ("A1ROI1_01_1_1Z2_Confocal DAPI_-1.tif", "A1", 1, "Confocal DAPI", 1, 2),
        ("A1_1Z4_DAPI_1_003_.tif", "A1", 1, "DAPI", 3, 4),
        ("B2/B2_1_Bright Field_1_001_02.tif", "B2", 1, "Bright Field", 1, 1),
        (
            "H10_1_Stitched[AandB_Phase Contrast]_1_001_-1.tif",
            "H10",
            1,
            "Stitched[AandB_Phase Contrast]",
            1,
            1,
        ),
    ],
)
def test_names_of_gen5(path, well, field, channel, timepoint, z):
    (plane,) = cytation.scan(RawFolder(None, [path, "A1_001.tif", "A1_02_Result.tif"])).planes
    assert (plane.well, plane.field, plane.channel, plane.timepoint, plane.z) == (
        well,
        field,
        channel,
        timepoint,
        z,
    )


def test_regions_of_interest_are_fields_region_by_region():
    names = [f"A1ROI{region}_01_1_{field}_Confocal DAPI_001.tif" for region in (1, 2, 3) for field in (1, 2)]
    assert [plane.field for plane in cytation.scan(RawFolder(None, names)).planes] == [1, 2, 3, 4, 5, 6]


def test_hours_and_pixel_size_come_from_the_xml_in_the_images(tmp_path):
    write(tmp_path / "Plate 1/B1_02_1_1_Bright Field_001.tif", 1)
    write(tmp_path / "Plate 1/B1_02_1_1_Bright Field_002.tif", 2, date="01/01/26", time="01:30:00")
    stitched = "Plate 1/B1_-1_1_1_Stitched[Bright Field]_001.tif"
    write(tmp_path / stitched, 3)
    (tmp_path / "Plate 1.xpt").write_bytes(b"x")
    (tmp_path / "Plate 1/thumb.png").write_bytes(b"\x89PNG")
    images, export = exported(tmp_path, channels={"bf": "Bright Field"})
    assert export["format"] == "cytation"
    assert images["timepoint"].tolist() == [1, 2]
    np.testing.assert_allclose(images["hours"], [0, 2], atol=1e-6)
    assert export["expected"]["pixel_size_um"] == pytest.approx(0.697)
    assert set(export["passed_over"]) == {"Plate 1.xpt", "Plate 1/thumb.png", stitched}
    assert export["passed_over"][stitched] == "channel Stitched[Bright Field] is not configured"


@pytest.mark.parametrize(
    ("written", "silent"),
    [
        ({}, ""),
        ({"wide_px": 40}, "pixel_size_um"),
        ({"wide_px": "", "wide_um": "?"}, "pixel_size_um"),
        ({"date": "31/12/25"}, "clock"),
        ({"time": ""}, "clock"),
    ],
)
def test_what_the_xml_does_not_say_is_not_known(tmp_path, written, silent):
    image = cytation.read_gen5(read_header(write(tmp_path / "a.tif", **written)))
    known = {name for name, value in image._asdict().items() if not math.isnan(value)}
    assert known == {"pixel_size_um", "clock"} - {silent}


@pytest.mark.parametrize(
    "xml", ["", "ImageJ=1.54", "<!DOCTYPE a [<!ENTITY e 'x'>]><a>&e;</a>", "<BTIImageMetaData>"]
)
def test_images_without_readable_xml_have_no_hours(tmp_path, xml):
    write(tmp_path / "A1_02_1_1_GFP_001.tif", xml=xml)
    images, export = exported(tmp_path, channels={"bf": "GFP"})
    assert images["hours"].isna().all()
    assert "pixel_size_um" not in export["expected"]


def test_doubles_and_missing_montage_positions(tmp_path):
    for k, name in enumerate(("A1_02_1_1", "A01_02_1_1", "A1_02_1_2", "A2_02_1_1")):
        write(tmp_path / f"{name}_Bright Field_001.tif", k)
    images, export = exported(tmp_path, channels={"bf": "Bright Field"})
    assert list(images["problem"]) == ["doubled", "doubled", "", ""]
    assert "wells with fewer than 2 fields: A02 (1)" in described(images, export)


@pytest.mark.parametrize(
    ("paths", "rows"),
    [
        (
            ["A1_02_1_1_GFP_001.tif", "A1_03_1_1_GFP_001.tif"],
            r"read steps.* 02 \(A1_02_1_1_GFP_001.tif\) and 03 \(.*'\*_02_\*' and '\*_03_\*'",
        ),
        (
            ["a/B2_1_Bright Field_1_001_02.tif", "a/B2_1_Bright Field_1_001_03.tif"],
            r"such as '\*\*/\*_02\.\*' and '\*\*/\*_03\.\*'",
        ),
        (
            ["Plate [1]/A1_02_1_1_GFP_001.tif", "Plate 2/A1_02_1_1_GFP_001.tif"],
            r"folders.*such as 'Plate \[1\]/\*\*' and 'Plate 2/\*\*', or remove what is a copy",
        ),
    ],
)
def test_several_measurements_are_refused_with_the_rows_to_write(paths, rows):
    with pytest.raises(ExportError, match=rows):
        cytation.scan(RawFolder(None, paths))


def test_read_steps_of_other_channels_or_wells_are_one_plate():
    names = ["A1_02_1_1_GFP_001.tif", "A1_03_1_1_DAPI_001.tif", "A2_04_1_1_GFP_001.tif"]
    assert len(cytation.scan(RawFolder(None, names)).planes) == 3
