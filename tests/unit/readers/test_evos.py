"""Names of the EVOS as public repositories show them: macros of Ostrop et al. 2020 (which say what the parts
are), EdRey05/Resources_for_Mulligan_Lab (M7000), organoid and live/dead pipelines."""

import pytest
from small_exports import described, exported, write_image

from livedead.errors import ExportError
from livedead.readers import evos
from livedead.readers.folder import RawFolder


@pytest.mark.parametrize(
    ("path", "well", "field", "channel", "timepoint", "z"),
    [
        ("scan_Plate_R_p00_0_A01f00d4.TIF", "A01", 0, "d4", 0, 1),
        ("A02.2020-08-27-20-07-49/A02_Bottom Slide_R_p01_0_A01f11d0.TIF", "A01", 11, "d0", 1, 1),
        ("x_Macrophage_plate1_9_12_2021_Plate_R_p00_0_H12f25d4.tif", "H12", 25, "d4", 0, 1),
        ("date_1_2_Plate_R_p02_z03_0_C01f01d0.TIF", "C01", 1, "d0", 2, 3),
    ],
)
def test_names_of_the_evos(path, well, field, channel, timepoint, z):
    (plane,) = evos.scan(RawFolder(None, [path, "MFGTMP_140206180002_A01f00d0.TIF"])).planes
    said = plane.well, plane.field, plane.channel, plane.timepoint, plane.z
    assert said == (well, field, channel, timepoint, z)


def test_images_made_of_others_and_what_is_missing(tmp_path):
    for k, name in enumerate(
        ("R_p00_0_A01f00d0", "R_p00_0_A01f01d0", "R_p00_0_B01f00d0", "M_p00_0_A01f00d0")
    ):
        write_image(tmp_path / f"LiveDead2_Plate_{name}.TIF", k)
    write_image(tmp_path / "LiveDead2_Top Slide_TR2_p00_0_A01f00d0.tif")
    images, export = exported(tmp_path, channels={"bf": "d0"})
    assert export["format"] == "evos"
    assert images[["well", "field"]].to_numpy().tolist() == [["A01", 0], ["A01", 1], ["B01", 0]]
    assert set(export["passed_over"].values()) == {"merged, tiled or as displayed: made of raw images"}
    assert "wells with fewer than 2 fields: B01 (1)" in described(images, export)


@pytest.mark.parametrize(
    ("paths", "said"),
    [
        (
            ["a_Plate_R_p00_0_A01f00d0.TIF", "b_Plate_R_p00_0_A01f00d0.TIF"],
            r"several scans.*such as 'a_Plate_R_\*' and 'b_Plate_R_\*'",
        ),
        (
            ["a.2020-08-27/a_Plate_R_p00_0_A01f00d0.TIF", "a.2020-08-28/a_Plate_R_p00_0_A01f00d0.TIF"],
            r"folders with the same images.*such as 'a.2020-08-27/\*\*'",
        ),
        (
            ["a_Plate_R_p00_0_A01f00d0.TIF", "a_Plate_R_p00_1_A01f01d0.TIF"],
            r"A01f00d0.TIF and .*A01f01d0.TIF differ in the number before the well; say what it counts",
        ),
    ],
)
def test_several_scans_and_numbers_that_are_not_known_are_refused(paths, said):
    with pytest.raises(ExportError, match=said):
        evos.scan(RawFolder(None, paths))
