import os
import shutil

import numpy as np
import pytest
import tifffile
from exports import nd2
from small_exports import described, exported, image

from livedead.readers import inventory


def test_inventory_names_what_is_amiss(export):
    (export / "p_B10_s10_w1.tif").unlink()
    path = export / "p_A02_s2_w1.tif"
    path.write_bytes(path.read_bytes()[:40])
    shutil.copy(export / "p_A01_s1_w1.tif", export / "holiday.tif")
    tifffile.imwrite(export / "p_A01_s2_w1.tif", np.ones((8, 9), np.uint8))
    text = described(*exported(export), ["A01", "A02", "C01"], fields_per_well=3)
    assert "3 of 96 wells" in text
    assert "mapped, not imaged: C01" in text
    assert "imaged, not mapped: B10" in text
    assert "fewer than 3 fields: B10" in text
    assert "p_A02_s2_w1.tif (40 bytes)" in text
    assert "unlisted files, not named as imagexpress does: holiday.tif" in text
    assert "of another shape: p_A01_s2_w1.tif (8 x 9)" in text
    assert "of a depth other than uint16: p_A01_s2_w1.tif (uint8)" in text
    assert "format: imagexpress" in text


def test_the_planes_of_a_container_are_counted_and_compared_one_by_one(tmp_path):
    """A container holds another image a plane; a checksum that comes back is one image in two places."""
    first = np.random.default_rng(0).integers(1, 999, (1000, 1000, 1), dtype=np.uint16)
    frames = [first, first + 1, first, first + 2, first + 3]
    nd2.write_file(tmp_path / "p.nd2", frames, [(f"A{k}", 0.0, 0.0) for k in range(1, 6)], names=["w1"])
    text = described(*exported(tmp_path))
    assert "files: 1, 0.01 GB; planes: 5" in text
    assert (
        "THE SAME IMAGE in several places: A01 field 1 timepoint 1 bf = A03 field 1 timepoint 1 bf\n" in text
    )


def test_inventory_names_images_that_lie_there_twice(export):
    assert "THE SAME IMAGE" not in described(*exported(export))
    shutil.copy(export / "p_A01_s1_w1.tif", export / "p_A02_s2_w1.tif")
    os.link(export / "p_A01_s2_w1.tif", export / "p_C03_s1_w1.tif")
    text = described(*exported(export))
    assert "THE SAME IMAGE in several places: A01 field 1 timepoint 1 bf = A02 field 2 timepoint 1 bf" in text
    assert "A01 field 2 timepoint 1 bf = C03 field 1 timepoint 1 bf" in text


@pytest.mark.parametrize(
    ("said", "unit", "sheet", "told"),
    [
        (0.65, "micron", 0.65, ""),
        (0.65, r"\u00B5m", 0.68, ""),  # 4.4 %
        (0.65, "um", 0.69, "the export says 0.65 um, plates.tsv 0.69 um"),  # 5.8 %
        (650, "nm", 1.3, "the export says 0.65 um, plates.tsv 1.3 um"),
        (0.00065, "mm", 0.65, ""),
        (1, "pixel", 0.65, ""),
    ],
)
def test_the_resolution_of_imagej_is_compared_as_that_of_ome(tmp_path, said, unit, sheet, told):
    tifffile.imwrite(
        tmp_path / "p_A01_s1_w1.tif",
        image(),
        imagej=True,
        resolution=(1 / said, 1 / said),
        metadata={"unit": unit},
    )
    table, export = exported(tmp_path, channels={"bf": "w1"}, pixel_size_um=sheet)
    assert inventory.differing_pixel_size(export["expected"], sheet) == told
    assert (f"PIXEL SIZE: {told}" in described(table, export, pixel_size_um=sheet)) == bool(told)
