"""Nikon ND2: a real file of one place, and points as NIS-Elements names those of plates."""

import re
import shutil
import struct

import numpy as np
import pytest
from exports import nd2

from livedead.errors import ExportError
from livedead.readers import nd2 as reader
from livedead.readers.folder import RawFolder
from livedead.readers.index import index_plate

CHANNEL = "5-FAM/pH 9.0"


@pytest.fixture
def raw(tmp_path):
    (tmp_path / "raw").mkdir()
    return tmp_path / "raw"


def index(raw, **options):
    options = {"plate": "p", "export_format": "auto", "n_wells": 96, "pixel_size_um": 0.168} | options
    return index_plate(raw, channels={"green": CHANNEL}, **options)


def times_of(path):
    """Milliseconds of every frame, from their chunk: a double each, behind the header and the name."""
    content = path.read_bytes()
    match = re.search(rb"\xda\xce\xbe\n(.{4})(.{8})CustomData\|AcqTimesCache!", content, re.DOTALL)
    start = match.start() + 16 + struct.unpack("<I", match[1])[0]
    return np.frombuffer(content, "<f8", 30, start)


def test_a_real_file_of_a_well(shared, raw):
    shutil.copy(shared / "nd2/cluster.nd2", raw / "plate1_B03.nd2")
    images, export = index(raw, focal_plane=4)
    assert export["format"] == "nd2"
    assert export["expected"]["pixel_size_um"] == pytest.approx(0.168, abs=5e-4)
    assert images[["well", "field", "timepoint", "z"]].to_numpy().tolist() == [
        ["B03", 1, 1, 4],
        ["B03", 1, 2, 4],
        ["B03", 1, 3, 4],
    ]
    assert images[["height", "width", "dtype"]].drop_duplicates().to_numpy().tolist() == [[31, 38, "uint16"]]
    times = times_of(raw / "plate1_B03.nd2")
    assert images["hours"].tolist() == pytest.approx((times[[3, 13, 23]] - times[0]) / 3.6e6, abs=1e-7)
    assert images["page"].tolist() == [2 * frame for frame in (3, 13, 23)]  # two channels, this is the first
    # Where the stage stood, as NIS-Elements stores it in the chunks X and Y.
    assert images["x_um"].tolist() == pytest.approx([-26056.951] * 3, abs=1e-3)
    assert images["y_um"].tolist() == pytest.approx([-4155.463] * 3, abs=1e-3)


def test_files_of_several_timepoints_count_hours_from_the_first(shared, raw):
    shutil.copy(shared / "nd2/cluster.nd2", raw / "B03_t1.nd2")
    shutil.copy(shared / "nd2/cluster.nd2", raw / "C04_t5.nd2")
    images, _ = index(raw, focal_plane=1)
    assert images["timepoint"].tolist() == [1, 2, 3, 5, 6, 7]
    times = times_of(raw / "B03_t1.nd2")[[0, 10, 20]]
    assert images["hours"].tolist() == pytest.approx([*(times - times[0]) / 3.6e6] * 2, abs=1e-7)


def test_a_damaged_file_fails_its_well_and_one_without_a_well_stops_the_plate(shared, raw):
    content = (shared / "nd2/cluster.nd2").read_bytes()
    (raw / "B03.nd2").write_bytes(content)
    (raw / "B04.nd2").write_bytes(content[:-100])
    (raw / "B05.nd2").write_bytes(b"no ND2 at all")
    images, _ = index(raw, focal_plane=1)
    problems = images.groupby("well")["problem"].unique().map(list).to_dict()
    assert problems == {"B03": [""], "B04": ["unreadable"], "B05": ["unreadable"]}
    # Every timepoint of the others is missed, not the first alone.
    assert all(set(of_well["timepoint"]) == {1, 2, 3} for _, of_well in images.groupby("well"))
    (raw / "plate.nd2").write_bytes(content[:-100])
    with pytest.raises(ExportError, match=r"plate\.nd2.*its wells are not known"):
        index(raw)


@pytest.fixture
def plate(raw):
    """Scans a made file of named points, two timepoints each; no real one of several points is at hand."""

    def scanned(titles, n_frames=None, **options):
        points = [(title, 100.0 * k, -50.0) for k, title in enumerate(titles)]
        frames = [np.full((8, 9, 1), k, np.uint16) for k in range(2 * len(points))]
        nd2.write_file(raw / "plate.nd2", frames[:n_frames], points, n_timepoints=2, **options)
        return reader.scan(RawFolder(raw, ["plate.nd2"], 96))

    return scanned


def test_points_of_a_plate_tell_their_wells_and_fields(plate):
    """Names as in jimrybarski/nd2reader#155: E02_0006, G02_0007; no such file is at hand."""
    scan = plate(["E02_0006", "E02_0007", "G02_0000"], n_frames=5)
    assert [(p.well, p.field, p.timepoint, p.page, p.problem) for p in scan.planes] == [
        ("E02", 6, 1, 0, ""),
        ("E02", 7, 1, 1, ""),
        ("G02", 0, 1, 2, ""),
        ("E02", 6, 2, 3, ""),
        ("E02", 7, 2, 4, ""),
        ("G02", 0, 2, 5, "missing_plane"),  # the acquisition was stopped
    ]
    assert [p.x_um for p in scan.planes[:5]] == [0, 100, 200, 0, 100]
    clocks = np.array([p.clock for p in scan.planes[:5]])
    np.testing.assert_allclose(np.diff(clocks), 0.5, atol=1e-6)
    assert scan.expected == {"pixel_size_um": 0.65}
    # Julian day 2456827.0 is noon of 2014-06-18 (US Naval Observatory's converter).
    assert clocks[0] == pytest.approx(
        (np.datetime64("2014-06-18T12") - np.datetime64("1970-01-01")).astype(int)
    )


@pytest.mark.parametrize(
    ("titles", "expected"),
    [
        (["A1", "A4"], [("A01", 1), ("A04", 1)]),  # the pattern by which the package nd2 knows plates
        (["B2 #3", "B2 #1"], [("B02", 3), ("B02", 1)]),
        (["WellC03_Point0002", "WellC03_Point0005"], [("C03", 2), ("C03", 5)]),
        (["C3", "C3"], [("C03", 1), ("C03", 2)]),
        (["C3_1", "C3_1"], [("C03", 1), ("C03", 2)]),  # a number that does not part them is none
    ],
)
def test_other_names_of_points(plate, titles, expected):
    found = [(p.well, p.field) for p in plate(titles).planes if p.timepoint == 1]
    assert found == expected


def test_without_a_date_hours_are_those_since_the_start(plate):
    assert [p.hours for p in plate(["A1", "A2"], day=-1.0).planes] == pytest.approx([0, 0.5, 1, 1.5])


def test_an_unknown_loop_is_refused(plate):
    with pytest.raises(ExportError, match="loops over CustomLoop, XYPosLoop; read are one each"):
        plate(["A1"], loop=7)
