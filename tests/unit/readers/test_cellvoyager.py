"""CellVoyager: MeasurementData.mlf lists the images."""

import numpy as np
import pytest
import tifffile
from PIL import Image
from small_exports import code, exported, image

from livedead.errors import ExportError
from livedead.fields.plate_images import PlateImages
from livedead.readers import cellvoyager
from livedead.readers.folder import RawFolder


def yokogawa(raw, records):
    listed = "".join(
        "<bts:MeasurementRecord "
        + " ".join(f'bts:{key}="{value}"' for key, value in record.items())
        + f">{text}</bts:MeasurementRecord>"
        for record, text in records
    )
    (raw / "MeasurementData.mlf").write_text(
        f'<?xml version="1.0"?><bts:MeasurementData xmlns:bts="http://www.yokogawa.co.jp">{listed}</bts:MeasurementData>'
    )


def record(kind, field, channel=1, **more):
    values = {
        "Type": kind,
        "Row": 2,
        "Column": 3,
        "TimePoint": 1,
        "FieldIndex": field,
        "ZIndex": 1,
        "Ch": channel,
    }
    return {**values, **more}


def test_errors_of_cellvoyager_are_failed_acquisitions(tmp_path):
    name = "C01_x_B03_T0001F00{}L01A01Z01C01.tif"
    yokogawa(
        tmp_path,
        [
            (record("IMG", 1), name.format(1)),
            (record("IMG", 2), name.format(2)),
            (record("ERR", 2), "autofocus"),
            (record("ERR", 3), "autofocus"),
            ({"Type": "ERR", "Row": 8, "Column": 12}, "lamp"),
            ({"Type": "ERR"}, "door"),
        ],
    )
    for k in (1, 2):
        tifffile.imwrite(tmp_path / name.format(k), image(k))
    table, export = exported(tmp_path, channels={"bf": "C01"})
    assert export["format"] == "cellvoyager"
    problems = {(row.well, row.field): row.problem for row in table.itertuples()}
    failed = "acquisition_failed"
    assert problems == {
        ("B03", 1): "",
        ("B03", 2): failed,
        ("B03", 3): failed,
        ("H12", 1): failed,
        ("H12", 2): failed,
    }
    assert code(PlateImages(tmp_path, table, 16), ("B03", 3, 1)) == failed


def test_an_image_of_two_channels_is_neither(tmp_path):
    yokogawa(tmp_path, [(record("IMG", 1, channel=k), "x.tif") for k in (1, 2)])
    tifffile.imwrite(tmp_path / "x.tif", image())
    plate = PlateImages(tmp_path, exported(tmp_path, channels={"bf": "C02"})[0], 16)
    assert code(plate, ("B03", 1, 1)) == "doubled"


@pytest.mark.parametrize("size", ["0,325", "<"])
def test_what_a_measurement_expected_is_no_need(tmp_path, size):
    yokogawa(tmp_path, [(record("IMG", 1), "x.tif")])
    tifffile.imwrite(tmp_path / "x.tif", image())
    (tmp_path / "MeasurementDetail.mrf").write_text(
        f'<Detail FieldCount="1"><MeasurementChannel HorizontalPixelDimension="{size}"/></Detail>'
    )
    table, _ = exported(tmp_path, channels={"bf": "C01"})
    assert list(table["problem"]) == [""]


def test_images_below_their_list_of_cellvoyager(tmp_path):
    yokogawa(tmp_path, [(record("IMG", 1), "x.tif")])
    (tmp_path / "Image").mkdir()
    tifffile.imwrite(tmp_path / "Image/x.tif", image(1))
    table, _ = exported(tmp_path, channels={"bf": "C01"})
    assert list(table["path"]) == ["Image/x.tif"]


def test_real_cellvoyager_export(shared):
    raw = shared / "cellvoyager"
    with pytest.raises(ExportError, match=r"several focal planes \(1, 2, 3, 4\)"):
        exported(raw, channels={"bf": "C01"})
    table, export = exported(raw, channels={"bf": "C01", "pi": "C02"}, focal_plane={"bf": 2, "pi": "max"})
    counts = table.groupby(["well", "channel"]).size().to_dict()
    assert counts == {(well, c): n for well in ("D08", "E03", "F08") for c, n in (("bf", 4), ("pi", 16))}
    assert export["expected"]["pixel_size_um"] == 0.325
    # The first record is of 13:58:44.438, plane 1 of well D08; plane 2 followed at 13:58:44.647.
    of_bf = table[(table["well"] == "D08") & (table["field"] == 1) & (table["channel"] == "bf")]
    assert of_bf["hours"].tolist() == pytest.approx([0.209 / 3600], abs=1e-9)
    assert table["x_um"].min() == -567.1
    assert code(PlateImages(raw, table, 16), ("D08", 1, 1), "pi") == "blank"


def test_names_of_cellvoyager_where_there_is_no_list():
    (plane,) = cellvoyager.scan(RawFolder(None, ["C_C04_plate_T1_P24_T0002F011L01A01Z03C12.tif"])).planes
    assert (plane.well, plane.field, plane.channel, plane.timepoint, plane.z) == ("P24", 11, "C12", 2, 3)


def test_names_of_pngs(tmp_path):
    """A name of fractal-tasks-core's test data, a CV7000 export whose images are 16-bit PNG."""
    name = "20200812-CardiomyocyteDifferentiation14-Cycle1_B03_T0001F001L01A01Z01C01.png"
    Image.fromarray(image(0)).save(tmp_path / name)
    table, export = exported(tmp_path, channels={"bf": "C01"})
    assert export["format"] == "cellvoyager"
    row = table.iloc[0]
    assert (row["well"], row["height"], row["width"], row["dtype"]) == ("B03", *image(0).shape, "uint16")
    np.testing.assert_array_equal(PlateImages(tmp_path, table, 16).plane(("B03", 1, 1), "bf"), image(0))
