from livedead import results


def test_plates_that_the_sheet_does_not_name(tmp_path):
    for name in ("p1", "p2", "p10"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "images.tsv").touch()
    # No plates: the rooms of other rules, a file, and a plate of which nothing is left but a picture.
    for name in ("weights", "training", "accuracy", "simulated/p3", "emptied/report"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "wells.csv").touch()
    assert results.plates_not_in_sheet(tmp_path, ["p1"]) == ["p10", "p2"]
    assert results.plates_not_in_sheet(tmp_path, ["p1", "p2", "p10", "new"]) == []
    assert results.plates_not_in_sheet(tmp_path / "nowhere", ["p1"]) == []
