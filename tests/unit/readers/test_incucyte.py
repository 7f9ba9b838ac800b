"""Names of Incucyte as public repositories show them: LIVECell (sartorius-research), pyincucyte,
Leiden-Cell-Observatory/OMERO_scripts (incucyte/README.md), MontpellierRessourcesImagerie (Incucyte_Exporter),
and macros and scripts that read exports."""

import math

import pytest
from small_exports import described, exported, write_image

from livedead.errors import ExportError
from livedead.readers import incucyte
from livedead.readers.folder import RawFolder
from livedead.readers.times import read_moment

SCANS = "EssenFiles/ScanData"


@pytest.mark.parametrize(
    ("path", "well", "field", "channel", "hours"),
    [
        ("VID1630_A1_1_00d00h00m.tif", "A1", 1, "1", 0),
        ("VID9955_Phase_B3_1_01d02h30m.tif", "B3", 1, "Phase", 26.5),
        ("A172_Phase_C7_4_00d12h00m.tif", "C7", 4, "Phase", 12),
        ("Phase_A1_1_00d00h00m.tif", "A1", 1, "Phase", 0),
        ("R2_MDF_green_B2_1_00d00h00m.tif", "B2", 1, "green", 0),
        ("exp/Phase/DE_A549_B10_6_00d00h00m.tif", "B10", 6, "Phase", 0),
        ("exp/Red/P1_G7_1_10d00h00m.tif", "G7", 1, "Red", 240),
        ("2101001/A1/field_1/2101001_G_A1_1_04d00h00m.tif", "A1", 1, "G", 96),
        ("20251216_Faz-SGs__A1_1_00d00h00m.TIF", "A1", 1, "1", 0),
    ],
)
def test_names_of_exports(path, well, field, channel, hours):
    (plane,) = incucyte.scan(RawFolder(None, [path, "notes.tif"], channels={"G"})).planes
    assert (plane.well, plane.field, plane.channel, plane.hours) == (well, field, channel, hours)
    assert math.isnan(plane.clock)


@pytest.mark.parametrize(
    ("path", "channel", "scanned"),
    [
        ("VID123_C04_2_2026y10m05d_14h30m.tif", "1", "2026-10-05 14:30"),
        ("x_Phase_C4_2_2023y09m22d_22h30m.tif", "Phase", "2023-09-22 22:30"),
        (f"{SCANS}/2505/16/1124/1248/C4-2-Ph.tif", "Ph", "2025-05-16 11:24"),
        ("1405/16/0007/644/C4-2-C1.tif", "C1", "2014-05-16 00:07"),
    ],
)
def test_names_and_folders_with_dates(path, channel, scanned):
    (plane,) = incucyte.scan(RawFolder(None, [path])).planes
    assert (plane.field, plane.channel, plane.clock) == (2, channel, read_moment(scanned).clock)
    assert math.isnan(plane.hours)
    assert plane.well in ("C04", "C4")


@pytest.mark.parametrize(
    "path",
    [
        "A172_Phase_A7_1_00d00h00m_1.tif",  # a crop, as LIVECell has them
        "VID1_Green_A1_1_00d00h00m_cal-bg-unmix.tif",  # calibrated by pyincucyte
        f"{SCANS}/2505/16/1124/1248/exported/A1-1-Ph.tif",  # converted by the Incucyte_Exporter
    ],
)
def test_what_others_made_of_the_images_is_not_taken_for_them(path):
    assert incucyte.scan(RawFolder(None, [path])).planes == []


def test_timepoints_follow_the_hours_and_not_the_names(tmp_path):
    times = ("00d02h00m", "01d00h00m", "00d10h30m", "00d24h00m")
    for k, time in enumerate(times):
        write_image(tmp_path / f"VID7_Phase_B3_1_{time}.tif", k)
    images, export = exported(tmp_path, channels={"bf": "Phase"})
    assert export["format"] == "incucyte"
    assert list(zip(images["timepoint"], images["hours"], images["problem"], strict=True)) == [
        (1, 2, ""),
        (2, 10.5, ""),
        (3, 24, "doubled"),
        (3, 24, "doubled"),
    ]


def test_the_archive_counts_hours_from_its_first_scan_and_sets_aside_what_is_no_image(tmp_path):
    for k, scan in enumerate(("2505/31/2230", "2506/01/0030")):
        for name in ("A1-1-Ph.tif", "A1-1-C1.tif", "B12-2-Ph.tif"):
            write_image(tmp_path / SCANS / scan / "1248" / name, k)
        (tmp_path / SCANS / scan / "Diag.zip").write_bytes(b"PK\3\4")
    (tmp_path / SCANS / "2506/01/0030/1248/B12-2-Ph.tif").unlink()
    (tmp_path / "experiment.icarch").write_bytes(b"x")
    images, export = exported(tmp_path, channels={"bf": "Ph"})
    assert export["format"] == "incucyte"
    assert images[["well", "field", "timepoint", "hours"]].to_numpy().tolist() == [
        ["A01", 1, 1, 0],
        ["A01", 1, 2, 2],
        ["B12", 2, 1, 0],
    ]
    assert "fields with fewer than 2 timepoints: B12 field 2 (1)" in described(images, export)
    assert export["passed_over"] == {
        f"{SCANS}/2505/31/2230/1248/A1-1-C1.tif": "channel C1 is not configured",
        f"{SCANS}/2506/01/0030/1248/A1-1-C1.tif": "channel C1 is not configured",
        f"{SCANS}/2505/31/2230/Diag.zip": "the instrument's log of a scan",
        f"{SCANS}/2506/01/0030/Diag.zip": "the instrument's log of a scan",
        "experiment.icarch": "no image",
    }


@pytest.mark.parametrize(
    ("paths", "rows"),
    [
        (
            ["VID1630_A1_1_00d00h00m.tif", "VID9955_Phase_B3_1_00d00h00m.tif"],
            r"VID1630 \(VID1630_A1.*\) and VID9955 \(.*'VID1630_\*' and 'VID9955_\*'",
        ),
        (
            ["x/1_Red_A1_1_00d00h00m.tif", "x/2 Red_A1_1_00d00h00m.tif"],
            r"'\*\*/1_\*' and '\*\*/2 \*'; if these differ by the channel alone, name all of them",
        ),
        (
            ["2505/16/1124/100/A1-1-Ph.tif", "2505/16/1124/101/A1-1-Ph.tif"],
            r"vessels.*100 .* and 101 .*such as '\*\*/100/\*' and '\*\*/101/\*'",
        ),
        (
            ["a/Phase/A1_1_00d00h00m.tif", "b/Phase/A1_1_00d00h00m.tif"],
            r"'a/Phase/\*\*' and 'b/Phase/\*\*', or remove what is a copy; if these differ by the channel",
        ),
    ],
)
def test_several_vessels_are_refused_with_the_rows_to_write(paths, rows):
    with pytest.raises(ExportError, match=rows):
        incucyte.scan(RawFolder(None, paths))


def test_words_that_the_user_calls_channels_part_no_vessel():
    names = [f"2101001_{word}_A1_1_04d00h00m.tif" for word in ("G", "R", "P")]
    with pytest.raises(ExportError, match="several vessels"):
        incucyte.scan(RawFolder(None, names))
    planes = incucyte.scan(RawFolder(None, names, channels={"G", "R", "P"})).planes
    assert [plane.channel for plane in planes] == ["G", "R", "P"]


def test_dates_of_two_experiments_are_no_one_plate(tmp_path):
    write_image(tmp_path / "VID7_A1_1_2026y10m05d_14h30m.tif")
    write_image(tmp_path / "VID7_A1_1_00d00h00m.tif", 1)
    with pytest.raises(ExportError, match="must tell their time in one way"):
        exported(tmp_path, channels={"bf": "1"})
