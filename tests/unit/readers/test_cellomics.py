"""Cellomics TIFF: names from public sources.

``MFGTMP_140206180002_A01f00d0.TIF``: microscopium's docstrings; ``AS_09125_050116030001_D03f00d0.tif``:
CellProfiler's ExampleHuman; ``WHICA-VTI1_090915160001_A01f00o1`` and names without a field: Bio-Formats'
CellomicsReader; ``..._p00_z00_0_A01f00d0.tif``: EVOS M7000, in EdRey05/Resources_for_Mulligan_Lab.
"""

import pytest
from small_exports import exported, write_image

from livedead.errors import ExportError
from livedead.readers import cellomics
from livedead.readers.folder import RawFolder


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("MFGTMP_140206180002_A01f00d0.TIF", ("A01", 0, "d0")),
        ("day 1/AS_09125_050116030001_D03f00d1.tif", ("D03", 0, "d1")),
        ("MFGTMP-PC_170319090001_P24f112d10.tiff", ("P24", 112, "d10")),
        ("WHICA-VTI1_090915160001_A01d1.tif", ("A01", 1, "d1")),
    ],
)
def test_names_of_cellomics(path, expected):
    (plane,) = cellomics.scan(RawFolder(None, [path, "notes.txt", "A01f00d0.tif"])).planes
    assert (plane.well, plane.field, plane.channel) == expected
    assert (plane.timepoint, plane.z) == (1, 1)


def test_names_of_an_evos_are_not_taken_for_those_of_a_cellomics():
    path = "ExperimentName_Bottom Slide_R_p00_z00_0_A01f00d0.tif"
    assert cellomics.scan(RawFolder(None, [path])).planes == []


def test_overlays_are_left_aside_and_the_folder_is_recognised(tmp_path):
    for k, ending in enumerate(("A01f00d0", "A01f01d0", "A01f00d1", "A01f00o1")):
        write_image(tmp_path / f"MFGTMP_140206180002_{ending}.TIF", k)
    table, export = exported(tmp_path, channels={"bf": "d0"})
    assert export["format"] == "cellomics"
    assert list(zip(table["well"], table["field"], strict=True)) == [("A01", 0), ("A01", 1)]
    assert export["passed_over"]["MFGTMP_140206180002_A01f00o1.TIF"].startswith("an overlay")


def test_two_scans_in_one_folder_are_two_plates(tmp_path):
    for number in (140206180001, 140206180002):
        write_image(tmp_path / f"MFGTMP_{number}_A01f00d0.TIF", number)
    with pytest.raises(ExportError, match=r"a row of plates.tsv .* 'MFGTMP_140206180001_\*' and"):
        exported(tmp_path, channels={"bf": "d0"})
