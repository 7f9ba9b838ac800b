"""Places in an object store, as plates.tsv names them."""

import pytest

from livedead.errors import SheetError
from livedead.plates.object_stores import can_be_fetched, is_url, objects_at, parse_url
from livedead.plates.plate_sheet import read_plates


def test_a_place_in_a_store_has_two_slashes_and_a_folder_has_not():
    assert is_url("s3://screens/p1")
    assert not is_url("/data/screens/p1")


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("s3://screens/p1", "s3://screens/p1"),
        ("s3://screens/2026/plate 1/", "s3://screens/2026/plate 1"),
        ("s3://my.bucket_2/µ/p", "s3://my.bucket_2/µ/p"),
    ],
)
def test_a_url_loses_only_its_last_slash(text, url):
    assert parse_url(text) == url


@pytest.mark.parametrize(
    "text",
    [
        "https://example.org/p1",
        "gs://screens/p1",
        "s3://screens",
        "s3://screens/",
        "s3://key:secret@screens/p1",
        "s3:///p1",
        "s3://screens/a//p1",
        "s3://screens/../p1",
        "s3://screens/p{1}",
        "s3://screens/p1?versionId=3",
        "s3://screens/p#1",
    ],
)
def test_other_urls_are_refused_with_what_is_allowed(text):
    with pytest.raises(SheetError, match="allowed: s3://bucket/folder"):
        parse_url(text)


@pytest.mark.parametrize("name", ["a b/µ_w1.tif", "Bright Field_001.tif", "p/A1(1)+%20&=.tif", "...tif"])
def test_usual_names_can_be_fetched(name):
    assert can_be_fetched(name)


@pytest.mark.parametrize("name", ["well #1.tif", "a?.tif", "{well}.tif", "a//b.tif", "../b.tif", "a/./b.tif"])
def test_names_that_the_plugin_would_take_for_others_cannot(name):
    assert not can_be_fetched(name)


def problems(write, *raw):
    rows = "".join(f"p{k}\t{place}\t0.65\n" for k, place in enumerate(raw, 1))
    with pytest.raises(SheetError) as caught:
        read_plates(write("plates.tsv", f"plate\traw\tpixel_size_um\n{rows}"))
    return str(caught.value)


def test_two_plates_at_one_place_are_refused(write):
    told = problems(write, "s3://screens/run/a", "s3://screens/run/a/")
    assert "line 3, column 'raw': 's3://screens/run/a' is the folder of plate p1 (line 2" in told


def test_plates_that_files_part_may_share_a_place(write):
    sheet = (
        "plate\traw\tpixel_size_um\tfiles\np1\ts3://screens/run\t1\tp1_*\np2\ts3://screens/run/\t1\tp2_*\n"
    )
    assert list(read_plates(write("plates.tsv", sheet))["files"]) == ["p1_*", "p2_*"]


def test_a_place_in_that_of_another_plate_is_refused(write):
    told = problems(write, "s3://screens/run/a/TimePoint_1", "s3://screens/run/a")
    assert "line 2, column 'raw': 's3://screens/run/a/TimePoint_1' lies in the folder of plate p2" in told


def test_neighbours_and_plates_on_the_disk_are_not(write):
    sheet = "plate\traw\tpixel_size_um\np1\ts3://screens/run/a\t1\np2\ts3://screens/run/ab/\t1\np3\traw\t1\n"
    table = read_plates(write("plates.tsv", sheet))
    assert table["raw"].to_list() == ["s3://screens/run/a", "s3://screens/run/ab", "raw"]


def test_the_objects_at_paths_are_those_that_are_there():
    names = ["a/1.tif", "a/2.tif", "notes.txt"]
    assert objects_at(names, ["a/2.tif", "a/3.tif"]) == ["a/2.tif"]


def test_a_path_that_is_a_folder_has_all_objects_below_it():
    names = ["p.zarr/A/1/0/c/0", "p.zarr/A/1/zarr.json", "p.zarr/A/10/0/c/0"]
    assert objects_at(names, ["p.zarr/A/1"]) == names[:2]
