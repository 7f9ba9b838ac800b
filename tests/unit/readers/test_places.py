"""Wells and fields of files that hold many images, made up without any package."""

import os

import pytest

from livedead.errors import ExportError
from livedead.readers.folder import RawFolder
from livedead.readers.places import File, Place, scan_files, well_in
from livedead.readers.scan import Plane
from livedead.readers.times import TO_BE_NUMBERED


@pytest.fixture
def scan(tmp_path):
    """Reads files by name; a file is what `files` says it holds, damaged where that is None."""

    def scanned(files, pattern=None):
        def opener(path):
            if files[path.name] is None:
                raise ValueError("torn")
            return path

        def described(opened, path, n_wells):
            places, times = files[path.name]
            planes = [(k, Plane("", "", **time)) for k in range(len(places)) for time in times]
            return File(places, planes, [0.5])

        for name in files:
            (tmp_path / name).touch()
        return scan_files(
            RawFolder(tmp_path, sorted(files), 96, file_pattern=pattern), ".nd2", opener, described
        )

    return scanned


def found(scanned):
    return [(plane.path, plane.well, plane.field) for plane in scanned.planes]


ONE = [Place("P1")]
TIME = [{"timepoint": 1}]


def test_a_file_is_a_well_by_its_name_and_numbers_its_places(scan):
    scanned = scan(
        {"A01_f7.nd2": (ONE, TIME), "B02.nd2": ([Place("a"), Place("b")], TIME), "notes.nd2": (ONE, TIME)}
    )
    assert found(scanned) == [("A01_f7.nd2", "A01", 7), ("B02.nd2", "B02", 1), ("B02.nd2", "B02", 2)]
    assert list(scanned.passed_over) == ["notes.nd2"]
    assert scanned.expected == {"pixel_size_um": 0.5}


def test_metadata_stand_over_words_of_a_name_and_the_users_pattern_over_both(scan):
    places = [Place("1", "C03", 4), Place("2", "C03", 2), Place("3", "D04", None)]
    files = {"run_C3_D4.nd2": (places, TIME)}
    assert found(scan(files)) == [
        ("run_C3_D4.nd2", well, f) for well, f in (("C03", 4), ("C03", 2), ("D04", 1))
    ]
    by_pattern = scan(files, pattern="run_{well}_")
    assert found(by_pattern) == [("run_C3_D4.nd2", "C3", field) for field in (1, 2, 3)]


def test_two_readings_of_a_well_are_refused(scan):
    with pytest.raises(ExportError, match=r"B03\.nd2: well B03 by its name, but C03, C04 by its metadata"):
        scan({"B03.nd2": ([Place("1", "C03"), Place("2", "C04")], TIME)})
    with pytest.raises(ExportError, match="point 1 is of well C03, but point 2 names no well of the plate"):
        scan({"run.nd2": ([Place("point 1", "C03"), Place("point 2")], TIME)})
    with pytest.raises(ExportError, match="the well may be A01 or B02"):
        well_in("A1 B2", 96)
    assert well_in("S1", 96) is None  # no well of such a plate


def test_times_count_from_the_name_and_hours_only_where_one_file_tells_them(scan):
    times = [{"timepoint": 1, "hours": 0.0}, {"timepoint": 2, "hours": 3.0}]
    (first, second) = scan({"A01_t5.nd2": (ONE, times)}).planes
    assert (first.timepoint, second.timepoint, second.hours) == (5, 6, 3.0)
    two = scan({"A01_t5.nd2": (ONE, times), "A01_t7.nd2": (ONE, times)}).planes
    assert [plane.timepoint for plane in two] == [5, 6, 7, 8]
    assert all(plane.hours != plane.hours for plane in two)  # each file has a start of its own
    (told,) = scan({"A01_7001020430.nd2": (ONE, [times[1]])}, pattern="{well}_{timepoint}.nd2").planes
    assert (told.timepoint, told.clock) == (TO_BE_NUMBERED, 28.5)  # 1970-01-02 04:30
    (split,) = scan({"A01_t5.nd2": (ONE, times[1:])}).planes
    assert split.timepoint == 5  # a file whose own count goes on from another one's


def test_what_cannot_be_read_fails_by_its_well_or_is_refused(scan, tmp_path):
    scanned = scan({"A01.nd2": (ONE, TIME), "B02.nd2": None})
    assert [(plane.well, plane.problem) for plane in scanned.planes] == [("A01", ""), ("B02", "unreadable")]
    with pytest.raises(ExportError, match=r"plate\.nd2.*torn; copy it again; its wells are not known"):
        scan({"A01.nd2": (ONE, TIME), "plate.nd2": None})
    (tmp_path / "plate.nd2").write_bytes(b"version https://git-lfs.github.com/spec/v1\n")
    with pytest.raises(ExportError, match=r"it is a Git LFS pointer.*git lfs pull"):
        scan({"plate.nd2": None})


def test_a_fifo_is_no_file(tmp_path):
    os.mkfifo(tmp_path / "A01.nd2")
    scanned = scan_files(RawFolder(tmp_path, ["A01.nd2"], 96), ".nd2", open, lambda *_: None)
    assert [plane.problem for plane in scanned.planes] == ["unreadable"]
