"""Harmony and Columbus: an index lists the images."""

import functools

import numpy as np
import pytest
import small_exports
import tifffile
from small_exports import code, described, image

from livedead.errors import ExportError
from livedead.fields.plate_images import PlateImages
from livedead.readers import operetta
from livedead.readers.folder import RawFolder

exported = functools.partial(small_exports.exported, channels={"bf": "1"})


def harmony(raw, images, version="HarmonyV5", extra="", name="Index.idx.xml", channels=("Brightfield",)):
    """An export as Harmony writes it; `images` are (row, column, field, channel, state, url, x)."""
    entries = "".join(
        f"<Entry ChannelID='{k}'><ChannelName>{channel}</ChannelName>"
        "<ImageResolutionX Unit='m'>1E-06</ImageResolutionX></Entry>"
        for k, channel in enumerate(channels, start=1)
    )
    raw.mkdir(parents=True, exist_ok=True)
    listed = "".join(
        f"<Image Version='1'><id>i</id><State>{state}</State>"
        + (f"<URL>{url}</URL>" if isinstance(url, str) else "".join(url))
        + f"<Row>{row}</Row><Col>{column}</Col>"
        f"<FieldID>{field}</FieldID><PlaneID>1</PlaneID><TimepointID>0</TimepointID>"
        f"<ChannelID>{channel}</ChannelID>"
        f"<PositionX Unit='m'>{x}</PositionX><PositionY Unit='m'>0</PositionY></Image>"
        for row, column, field, channel, state, url, x in images
    )
    (raw / name).write_text(
        f"\ufeff<?xml version='1.0' encoding='utf-8'?>{extra}<EvaluationInputData xmlns='http://x/{version}'><Plates>"
        "<Plate><PlateRows>8</PlateRows><PlateColumns>12</PlateColumns></Plate></Plates><Wells><Well><Row>1</Row>"
        f"<Col>2</Col></Well></Wells><Maps><Map>{entries}</Map></Maps><Images>{listed}</Images>"
        "</EvaluationInputData>",
        encoding="utf-8",
    )


def test_harmony_index_stands_over_names(tmp_path):
    raw = tmp_path / "Images"
    url = "r01c02f0{}p01-ch1sk1fk1fl1.tiff"
    planes = [(1, 2, k, 1, "Ok", url.format(k), (k - 1) * 15e-6) for k in (1, 2)]
    planes += [(1, 2, 3, 1, "Failed", url.format(3), 0.1), (1, 2, 4, 1, "Ok", url.format(4), 0.2)]
    harmony(raw, planes, "43B2A954-E3C3-47E1-B392-6635266B0DD3/HarmonyV7", name="Index.xml")
    for k in (1, 2, 3, 9):
        tifffile.imwrite(raw / url.format(k), image(k))
    table, export = exported(tmp_path, channels={"bf": "Brightfield"})
    assert export["format"] == "operetta"
    assert list(zip(table["well"], table["field"], table["timepoint"], strict=True)) == [
        ("A02", k, 1) for k in (1, 2, 3, 4)
    ]
    plate = PlateImages(tmp_path, table, 16)
    np.testing.assert_array_equal(plate.plane(("A02", 2, 1), "bf"), image(2))
    assert code(plate, ("A02", 3, 1)) == "acquisition_failed"
    assert code(plate, ("A02", 4, 1)) == "missing_file"
    assert "not listed in" in export["passed_over"][f"Images/{url.format(9)}"]


@pytest.mark.parametrize(
    ("times", "hours"),
    [
        # Over the night in which clocks are put forward: 21:30 to 04:00 is 5.5 h.
        (
            [
                "<AbsTime>2024-03-30T21:30:00.0000000+01:00</AbsTime>",
                "<AbsTime>2024-03-31T04:00:00.0000000+02:00</AbsTime>",
            ],
            [0, 5.5],
        ),
        ([f"<MeasurementTimeOffset Unit='s'>{s}</MeasurementTimeOffset>" for s in (0, 5400)], [0, 1.5]),
        (["<AbsTime>0001-01-01T00:00:00</AbsTime>", "<AbsTime>soon</AbsTime>"], [np.nan, np.nan]),
        (["", ""], [np.nan, np.nan]),
    ],
)
def test_hours_are_those_of_the_index(tmp_path, times, hours):
    harmony(tmp_path, [(1, 2, 1, 1, "Ok", f"{k}.tiff", 0) for k in (1, 2)])
    index = tmp_path / "Index.idx.xml"
    first, second, rest = index.read_text(encoding="utf-8").split("<TimepointID>0</TimepointID>")
    text = (
        f"{first}<TimepointID>0</TimepointID>{times[0]}{second}<TimepointID>1</TimepointID>{times[1]}{rest}"
    )
    index.write_text(text, encoding="utf-8")
    for k in (1, 2):
        tifffile.imwrite(tmp_path / f"{k}.tiff", image(k))
    table, _ = exported(tmp_path)
    assert table["timepoint"].tolist() == [1, 2]
    np.testing.assert_allclose(table["hours"], hours, atol=1e-9)


def test_overlap_is_said_and_cropped_to_half(tmp_path):
    planes = [(1, 2, k, 1, "Ok", f"{k}.tiff", (k - 1) * 15e-6) for k in (1, 2)]
    harmony(tmp_path, planes)
    for k in (1, 2):
        tifffile.imwrite(tmp_path / f"{k}.tiff", image(k))
    table, export = exported(tmp_path)
    text = described(table, export)
    # Fields of 20 px that lie 15 px apart share 5 columns.
    assert "1 pairs, up to 5 columns and 0 rows: COUNTED TWICE" in text
    plate = PlateImages(tmp_path, exported(tmp_path, overlap="crop")[0], 16)
    assert plate.cropped(image()).shape == (20, 14)
    np.testing.assert_array_equal(plate.cropped(image()), image()[:, 3:17])


@pytest.mark.parametrize("url", ["../secret.tiff", "/etc/secret.tiff", "C:\\secret.tiff", "a/../../b.tiff"])
def test_paths_that_lead_out_are_refused(tmp_path, url):
    harmony(tmp_path, [(1, 2, 1, 1, "Ok", url, 0)])
    with pytest.raises(ExportError, match="is outside its folder"):
        exported(tmp_path, export_format="operetta")


def test_entities_and_broken_xml_are_refused(tmp_path):
    harmony(tmp_path, [(1, 2, 1, 1, "Ok", "a.tiff", 0)], extra="<!DOCTYPE a [<!ENTITY b 'c'>]>")
    with pytest.raises(ExportError, match="DOCTYPE") as error:
        exported(tmp_path)
    assert "write the right one" not in str(error.value)  # no other format would help
    path = tmp_path / "Index.idx.xml"
    path.write_text(path.read_text()[:200].replace("<!DOCTYPE a [<!ENTITY b 'c'>]>", ""))
    with pytest.raises(ExportError, match="not readable XML"):
        exported(tmp_path, export_format="operetta")


def test_failed_acquisitions_without_a_file(tmp_path):
    """Harmony lists a failed image with an empty URL, or none; it is one field, not the plate."""
    harmony(
        tmp_path,
        [(1, 2, 1, 1, "Ok", "1.tiff", 0), (1, 2, 2, 1, "Failed", "", 0), (1, 2, 3, 1, "Failed", [], 0)],
    )
    tifffile.imwrite(tmp_path / "1.tiff", image())
    plate = PlateImages(tmp_path, exported(tmp_path)[0], 16)
    assert plate.plane(("A02", 1, 1), "bf").shape == (20, 20)
    assert code(plate, ("A02", 2, 1)) == code(plate, ("A02", 3, 1)) == "acquisition_failed"
    harmony(tmp_path, [(1, 2, 1, 1, "Ok", [], 0)])
    with pytest.raises(ExportError, match="'URL'"):
        exported(tmp_path)


def test_two_measurements_whose_channels_differ_are_not_mixed(tmp_path):
    for row, channels in ((1, ("Brightfield", "PI")), (2, ("PI", "Brightfield"))):
        raw = tmp_path / f"measurement {row}"
        harmony(raw, [(row, 2, 1, c, "Ok", f"{c}.tiff", 0) for c in (1, 2)], channels=channels)
        for c in (1, 2):
            tifffile.imwrite(raw / f"{c}.tiff", image(c))
    with pytest.raises(ExportError, match=r"channel 1 is 'PI', in another index .* 'Brightfield'"):
        exported(tmp_path, channels={"bf": "Brightfield"})


def test_planes_of_a_flex_file_are_read_by_their_number(tmp_path):
    planes = [(1, 2, 1, c, "Ok", [f"<URL BufferNo='{c - 1}'>1.flex</URL>"], 0) for c in (1, 2)]
    harmony(tmp_path, planes, name="ImageIndex.ColumbusIDX.xml", channels=("PI", "Brightfield"))
    tifffile.imwrite(tmp_path / "1.flex", np.stack([image(1), image(2)]), photometric="minisblack")
    table, _ = exported(tmp_path, channels={"bf": "Brightfield"}, accept=["pages"])
    np.testing.assert_array_equal(PlateImages(tmp_path, table, 16).plane(("A02", 1, 1), "bf"), image(2))


@pytest.mark.parametrize("below", ["Images/", "a/b/"])
def test_images_below_their_index_are_read_there_and_it_is_said(tmp_path, below):
    planes = [(1, 2, k, 1, "Ok", f"{k}.tiff", 0) for k in (1, 2)]
    harmony(tmp_path, planes, name="Index.xml")
    (tmp_path / below).mkdir(parents=True)
    for k in (1, 2):
        tifffile.imwrite(tmp_path / below / f"{k}.tiff", image(k))
    table, export = exported(tmp_path)
    np.testing.assert_array_equal(PlateImages(tmp_path, table, 16).plane(("A02", 2, 1), "bf"), image(2))
    assert f"NOTE: 2 file(s) that Index.xml lists lie not beside it but below, in {below}" in described(
        table, export
    )


def test_images_of_one_name_in_two_folders_below_their_index_are_not_chosen(tmp_path):
    harmony(tmp_path, [(1, 2, 1, 1, "Ok", "1.tiff", 0)], name="Index.xml")
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        tifffile.imwrite(tmp_path / folder / "1.tiff", image(1))
    table, export = exported(tmp_path)
    assert code(PlateImages(tmp_path, table, 16), ("A02", 1, 1)) == "missing_file"
    assert "several of their name lie below it, such as a/1.tiff and b/1.tiff" in described(table, export)


def test_an_index_that_contradicts_itself_is_refused(tmp_path):
    harmony(tmp_path, [(1, 2, 1, 1, "Ok", "1.tiff", 0)])
    path = tmp_path / "Index.idx.xml"
    text = path.read_text(encoding="utf-8")
    path.write_text(
        text.replace("<Row>1</Row><Col>2</Col><FieldID>", "<Row>1</Row><Row>7</Row><Col>2</Col><FieldID>")
    )
    with pytest.raises(ExportError, match="Row is there twice, '1' and '7'"):
        exported(tmp_path)
    entry = "<Entry ChannelID='1'><ChannelName>PI</ChannelName></Entry></Map>"
    path.write_text(text.replace("</Map>", entry))
    with pytest.raises(ExportError, match="channel 1 is both 'Brightfield' and 'PI'"):
        exported(tmp_path)


def test_real_harmony_export(shared):
    table, export = exported(
        shared / "operetta", channels={"bf": "Fluorescein (FITC)"}, n_wells=384, pixel_size_um=1.196
    )
    assert list(zip(table["well"], table["field"], strict=True)) == [("C03", 1), ("C03", 2)]
    assert export["expected"]["pixel_size_um"] == pytest.approx(1.1959521619)
    # AbsTime is 10:19:26.58 and 10:19:27.157.
    assert table["hours"].tolist() == pytest.approx([0, 0.577 / 3600], abs=1e-9)
    plane = PlateImages(shared / "operetta", table, 16).plane(("C03", 2, 1), "bf")
    np.testing.assert_array_equal(
        plane, tifffile.imread(shared / "operetta/Images" / "r03c03f02p01-ch1sk1fk1fl1.tiff")
    )


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("Images/r16c24f100p03-ch2sk7fk1fl1.tiff", ("P24", 100, "2", 7, 3)),
        ("r01c02f01p01rc1-ch10sk1fk1fl1.tiff", ("A02", 1, "10", 1, 1)),
    ],
)
def test_names_of_operetta_where_there_is_no_index(path, expected):
    (plane,) = operetta.scan(RawFolder(None, [path])).planes
    assert (plane.well, plane.field, plane.channel, plane.timepoint, plane.z) == expected
