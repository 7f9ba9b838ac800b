"""Which files hold the planes of wells and channels."""

import pandas as pd

from livedead.readers.located import locate, paths_of

IMAGES = pd.DataFrame(
    [
        ("A01", "brightfield", "a/1.tif"),
        ("A01", "brightfield", "a/2.tif"),
        ("A01", "dead", "a/1.tif"),
        ("A02", "brightfield", "b/1.tif"),
        ("A02", "brightfield", "b/1.tif"),
    ],
    columns=["well", "channel", "path"],
)
"""Channels as pages of one file in A01, and a stack of two planes in a file of A02."""


def test_files_are_listed_once_for_each_well_and_channel():
    assert locate(IMAGES) == {
        "A01": {"brightfield": ["a/1.tif", "a/2.tif"], "dead": ["a/1.tif"]},
        "A02": {"brightfield": ["b/1.tif"]},
    }


def test_paths_are_those_of_channels_in_wells_each_once():
    located = locate(IMAGES)
    assert paths_of(located, ["brightfield", "dead"], ["A01", "A02"]) == ["a/1.tif", "a/2.tif", "b/1.tif"]
    assert paths_of(located, ["dead"], located) == ["a/1.tif"]
    assert paths_of(located, ["brightfield", "dead"], ["A02"]) == ["b/1.tif"]
    assert paths_of(located, [], ["A01"]) == []
    assert paths_of(located, ["dead"], ["C01"]) == []
