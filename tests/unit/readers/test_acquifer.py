"""Names of the Acquifer IM as public repositories show them: Acquifer's own macros and parsers (IM03, IM04,
OME-TIFF), heart-rate and crop pipelines of zebrafish laboratories."""

import numpy as np
import pytest
import tifffile
from small_exports import described, exported

from livedead.errors import ExportError
from livedead.readers import acquifer
from livedead.readers.folder import RawFolder


def name(well="A001", field=1, loop=1, channel=6, x=14580, ms=1374030543, **other):
    """A name of the IM04; pixels of 3.25 µm unless `px` says other tenths of nanometres."""
    return (
        f"-{well}--PO{field:02d}--LO{loop:03d}--CO{channel}--SL{other.get('z', 1):03d}"
        f"--PX{other.get('px', 32500):05d}--PW0080--IN0020--TM244--X{x:06d}--Y011265--Z209501--T{ms:010d}.tif"
    )


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        (
            "-A001--PO01--LO001--CO6--SL001--PX32500--PW0080--IN0020--TM244--X014580--Y011265--Z209501"
            "--T1374030543.tif",
            ("A001", 1, 1, "CO6", 1, 14580, 11265, 1374030543),
        ),
        (
            "d/-B012--PO02--LO003--CO5--SL009--PX16250--PW0100--IN0100--TM286--X015530--Y010642--Z204727"
            "--T0028985883--WE00001.tif",
            ("B012", 2, 3, "CO5", 9, 15530, 10642, 28985883),
        ),
        (
            "WE00020---B005--PO01--LO001--CO6--SL010--PX16250--PW0040--IN0020--TM246--X050299--Y019906"
            "--Z212275--T1375574652.tif",
            ("B005", 1, 1, "CO6", 10, 50299, 19906, 1375574652),
        ),
    ],
)
def test_names_of_the_im(tmp_path, path, expected):
    (plane,) = acquifer.scan(RawFolder(tmp_path, [path, "x.tif", path.replace(".tif", ".ome.tif")])).planes
    said = (plane.well, plane.field, plane.timepoint, plane.channel, plane.z, plane.x_um, plane.y_um)
    assert said == expected[:-1]
    assert plane.clock == expected[-1] / 3_600_000


def write(path, side=20, k=0):
    image = np.random.default_rng(k).integers(1, 4000, (64, side), dtype=np.uint16)
    path.parent.mkdir(parents=True, exist_ok=True)
    tifffile.imwrite(path, image, photometric="minisblack")


def test_hours_count_from_the_first_image_and_stage_and_sensor_say_the_overlap(tmp_path):
    # Two fields of 2048 pixels of 3.25 µm, 6500 µm apart, share 48 columns.
    for k, (loop, field, x) in enumerate([(1, 1, 10000), (1, 2, 16500), (2, 1, 10000), (2, 2, 16500)]):
        ms = 5_000_000 + 1_800_000 * (loop - 1) + 9000 * (field - 1)
        write(tmp_path / "20240117_152537_default" / name("B012", field, loop, x=x, ms=ms), 2048, k)
    images, export = exported(tmp_path, channels={"bf": "CO6"}, pixel_size_um=3.25, overlap="crop")
    assert export["format"] == "acquifer"
    assert export["expected"]["pixel_size_um"] == pytest.approx(3.25)
    assert set(images["well"]) == {"B12"}
    assert images["timepoint"].tolist() == [1, 2, 1, 2]
    np.testing.assert_allclose(images["hours"], [0, 0.5, 0.0025, 0.5025], atol=1e-9)
    assert set(images["crop_x_px"]) == {24}


def test_the_size_of_binned_pixels_is_not_known(tmp_path):
    write(tmp_path / name(), 1024)
    images, export = exported(tmp_path, channels={"bf": "CO6"})
    assert "pixel_size_um" not in export["expected"]
    assert "is 1024 px wide, binned or cropped" in described(images, export)


def test_doubles_and_other_files_of_an_acquisition(tmp_path):
    for k, ms in enumerate((1000, 2000)):
        write(tmp_path / name("A001", ms=ms), k=k)
    write(tmp_path / name("A002"))
    write(tmp_path / "Log" / "overview.tif")
    (tmp_path / "2024-11-28_standard.exf").write_text("x")
    images, export = exported(tmp_path, channels={"bf": "CO6"})
    assert list(images["problem"]) == ["doubled", "doubled", ""]
    assert export["passed_over"] == {
        "2024-11-28_standard.exf": "no image",
        "Log/overview.tif": "not named as acquifer does",
    }


def test_several_acquisitions_are_refused_with_the_rows_to_write():
    paths = [f"{folder}/{name(ms=ms)}" for ms, folder in enumerate(("20240117_152537", "20240118_101010"))]
    with pytest.raises(ExportError, match=r"such as '20240117_152537/\*\*' and '20240118_101010/\*\*'"):
        acquifer.scan(RawFolder(None, paths))
