import numpy as np
import pytest
import tifffile
from PIL import Image
from small_exports import exported, image

from livedead.errors import FieldError
from livedead.fields.plate_images import PlateImages


def test_pages_of_a_stack_are_said_not_guessed(tmp_path):
    stack = np.random.default_rng(0).integers(1, 999, (4, 8, 8), dtype=np.uint16)
    tifffile.imwrite(tmp_path / "p_A01_s1_w1.tif", stack, photometric="minisblack")
    with pytest.raises(FieldError, match=r"4 page\(s\), expected 1"):
        PlateImages(tmp_path, exported(tmp_path)[0], 16).plane(("A01", 1, 1), "bf")
    table = exported(tmp_path, pages="timepoint")[0]
    assert list(table["timepoint"]) == [1, 2, 3, 4]
    found = PlateImages(tmp_path, table, 16).plane(("A01", 1, 3), "bf")
    np.testing.assert_array_equal(found, stack[2])


def test_a_stack_that_cannot_be_read_fails_in_all_its_pages(tmp_path):
    for k, well in enumerate(("A01", "A02")):
        stack = np.random.default_rng(k).integers(1, 999, (3, 8, 8), dtype=np.uint16)
        tifffile.imwrite(tmp_path / f"p_{well}_s1_w1.tif", stack, photometric="minisblack", metadata=None)
    (tmp_path / "p_A02_s1_w1.tif").write_bytes(b"")
    table = exported(tmp_path, pages="timepoint")[0]
    found = list(zip(table["well"], table["timepoint"], table["problem"], strict=True))
    assert found == [("A01", k, "") for k in (1, 2, 3)] + [("A02", k, "unreadable") for k in (1, 2, 3)]


def test_a_stack_of_fewer_channels_is_not_read_by_their_places(tmp_path):
    """Of brightfield, GFP, PI and of brightfield, PI, page 2 is not the same channel."""
    for k, (well, n) in enumerate((("A01", 3), ("A02", 2))):
        stack = np.random.default_rng(k).integers(1, 999, (n, 8, 8), dtype=np.uint16)
        tifffile.imwrite(tmp_path / f"p_{well}_s1.tif", stack, photometric="minisblack", metadata=None)
    table = exported(tmp_path, pages="channel", channels={"bf": "2"})[0]
    assert list(zip(table["well"], table["problem"], strict=True)) == [("A01", ""), ("A02", "missing_plane")]


def test_a_png_tells_its_size_and_type_as_well(tmp_path):
    Image.fromarray(image(3)).save(tmp_path / "B03_f2_BF.png")
    table, _ = exported(
        tmp_path, export_format="pattern", file_pattern="{well}_f{field}_{channel}", channels={"bf": "BF"}
    )
    row = table.iloc[0]
    assert (row["well"], row["field"], row["height"], row["dtype"]) == ("B03", 2, image(3).shape[0], "uint16")
    np.testing.assert_array_equal(PlateImages(tmp_path, table, 16).plane(("B03", 2, 1), "bf"), image(3))
