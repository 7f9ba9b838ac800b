import pytest

from livedead.plates.masks import mask_files


@pytest.mark.parametrize(
    ("masks", "found"),
    [
        ("{well}.png", ["A01.png"]),
        ("{well}_{field:02d}.png", ["A01_01.png", "A01_10.png", "B02_01.png"]),
        ("[old] {well}_{field:02d}_{timepoint}.png", ["[old] A01_01_7.png"]),
        ("{well[0]}/{well}_{field:>2}.png", ["A/A01_ 1.png"]),
        ("{well}*.png", []),
        ("old", ["old/A01_f1.tif", "old/A01_f12_t3.tif", "old/B02_f2_t1.tif"]),
        ("", []),
    ],
)
def test_masks_that_are_there(tmp_path, masks, found):
    """Of the dyed wells A01 and B02, for any field and timepoint."""
    for folder in ("A", "old"):
        (tmp_path / folder).mkdir()
    others = ["C03_01.png", "B02_01.tif", "o A01_01_7.png", "A01_01"]
    for name in [*others, "A01.png", "A01_01.png", "A01_10.png", "B02_01.png", "[old] A01_01_7.png"]:
        (tmp_path / name).touch()
    for name in ("A01_f1.tif", "A01_f12_t3.tif", "B02_f2_t1.tif", "B03_f1.tif", "A01_1.tif", "states.csv"):
        (tmp_path / "old" / name).touch()
    (tmp_path / "A/A01_ 1.png").touch()
    template = f"{tmp_path}/{masks}" if masks else ""
    assert mask_files(template, ["A01", "B02"]) == [f"{tmp_path}/{name}" for name in found]
