"""What a network is trained on, and what its certificate says of it."""

import pytest

from livedead.errors import ConfigError
from livedead.training.sources import open_labelled, read_plate_maps, source_record

# SHA-256 of "abc" and of nothing, FIPS 180-2, appendix B, and NIST's short test vectors.
ABC = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
NOTHING = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


def test_plate_maps_are_those_of_the_plates_that_have_one(write):
    first = write("first.tsv", "well\tcontrol\nA01\tnegative\n")
    third = write("third.tsv", "well\tcontrol\nP24\tpositive\n")
    plates = [
        {"plate": "p1", "platemap": "first.tsv", "wells": 96},
        {"plate": "p2", "platemap": "", "wells": 96},
        {"plate": "p3", "platemap": "third.tsv", "wells": 384},
    ]
    found = read_plate_maps(plates, [first, third])
    assert [table[["plate", "well", "control"]].to_numpy().tolist() for table in found] == [
        [["p1", "A01", "negative"]],
        [["p3", "P24", "positive"]],
    ]
    with pytest.raises(ValueError, match="shorter"):
        read_plate_maps(plates, [first])


def test_the_record_names_files_settings_and_code(write):
    full, empty = write("images.tsv", "abc"), write("labels.h5", "")
    record = source_record([full, empty], [full], [empty], None, {"folds": 3}, "c")
    assert record == {
        "images_sha256": [ABC, NOTHING],
        "normalization_sha256": [ABC],
        "labels_sha256": [NOTHING],
        "encoder_sha256": None,
        "training": {"folds": 3},
        "code_sha256": "c",
    }
    assert source_record([], [], [], full, {}, "c")["encoder_sha256"] == ABC


def test_without_a_labelled_field_an_exclusion_names_nothing():
    assert open_labelled([], [], [], [], [], ["brightfield"], []).wells == []
    with pytest.raises(ConfigError, match=r"training\.exclude: p/A01: no such labelled well"):
        open_labelled([], [], [], [], [], ["brightfield"], ["p/A01"])
