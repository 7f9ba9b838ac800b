"""IN Cell Analyzer: names and ``.xdce`` indices as public sources show them.

Names with ``wix``: the README of Stitch-batch-BF-PC (IN Cell 2200, brightfield), and a recipe that renames
cycles (``B - 02(fld 01 wv Cy5 - Cy5 wix 4).tif``). Index: Bio-Formats' InCellReader (the protocol, indices
from 0, ``fusion_wave``), a reader for the IN Cell 6000 (``PlatePosition_um``, ``timestamp_sec``), Novartis'
xdceSlurper (the filters of each image). Traps: https://github.com/ome/bioformats/issues/4271 (equal
channels); pull request 4270 there and bioformats-to-incarta (a wavelength of one plane beside stacks).
"""

import numpy as np
import pytest
from small_exports import code, exported, image, write_image

from livedead.errors import ExportError
from livedead.fields.plate_images import PlateImages
from livedead.readers import incell
from livedead.readers.folder import RawFolder

PROTOCOL = (
    '<ObjectiveCalibration magnification="10.0" pixel_width="0.65" pixel_height="0.65"/><Camera>'
    '<Size height="20" width="20"/></Camera><Plate columns="12" rows="8" name="96 well plate"/><PlateMap>'
    '<TimeSchedule enabled="false"><Times><TimePoint index="0"/></Times></TimeSchedule></PlateMap>'
)


def xdce(raw, images, protocol=PROTOCOL, name="TL and PC_1.xdce"):
    """An index; `images` are (file, row, column, field, z, wavelength), counted as the index does."""
    raw.mkdir(parents=True, exist_ok=True)
    listed = "".join(
        f'<Image filename="{file}" timestamp_sec="{1.7e9 + 3600 * k}"><Well label="x"><Row number="{row}"/>'
        f'<Column number="{column}"/></Well><FocusPosition unit="um" z="1"/><PlatePosition_um '
        f'x="{15 * field}" y="0"/><EmissionFilter name="dsRed"/><ExcitationFilter name="Green"/>'
        f'<Identifier field_index="{field}" time_index="0" wave_index="{wave}" z_index="{z}"/></Image>'
        for k, (file, row, column, field, z, wave) in enumerate(images)
    )
    (raw / name).write_text(
        '<?xml version="1.0" encoding="ISO-8859-1" standalone="no"?><ImageStack><Application name="IN Cell '
        f'Analyzer 2000" software_version="7.2"/><AutoLeadAcquisitionProtocol>{protocol}'
        f'</AutoLeadAcquisitionProtocol><Images image_format="TIFF">{listed}</Images></ImageStack>'
    )


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("A - 01(fld 1 wv DAPI - DAPI).tif", ("A01", 1, "DAPI - DAPI", 1, 1)),
        ("x/P - 24(fld 012 wv Green - dsRed z 3 time 2 - 120 ms).tif", ("P24", 12, "Green - dsRed", 2, 3)),
        ("AF - 48(fld 3).tif", ("AF48", 3, "1", 1, 1)),
        ("Plate1_B - 01(fld 01 wv 390 - Blue).tif", ("B01", 1, "390 - Blue", 1, 1)),
        ("F - 001(fld 01 wv TL-Brightfield - DAPI).tif", ("F001", 1, "TL-Brightfield - DAPI", 1, 1)),
        ("B - 02(fld 01 wv Blue - FITC - time 01 - 0 ms).tif", ("B02", 1, "Blue - FITC", 1, 1)),
        ("B - 02(fld 01 wv Cy5 - Cy5 wix 4).tif", ("B02", 1, "Cy5 - Cy5 wix 4", 1, 1)),
    ],
)
def test_names_of_in_cell_analyzer(path, expected):
    (plane,) = incell.scan(RawFolder(None, [path, "notes.txt", "A - 01.tif"])).planes
    assert (plane.well, plane.field, plane.channel, plane.timepoint, plane.z) == expected


def test_times_in_names_are_those_since_the_start():
    """Milliseconds: 90 minutes are 5,400,000 of them."""
    path = "B - 02(fld 01 wv Blue - FITC - time 02 - 5400000 ms).tif"
    (plane,) = incell.scan(RawFolder(None, [path])).planes
    assert (plane.timepoint, plane.hours) == (2, 1.5)


def test_an_unknown_order_of_words_is_no_channel():
    assert incell.scan(RawFolder(None, ["B - 02(fld 1 wv Cy5 - Cy5 z 2 wix 4).tif"])).planes == []


def test_cycles_of_one_plate_in_folders_are_refused_without_an_index():
    paths = [f"Cycle{k}/A - 03(fld 01 wv Blue - FITC).tif" for k in (1, 2)]
    with pytest.raises(ExportError, match=r"such as 'Cycle1/\*\*' and 'Cycle2/\*\*'"):
        incell.scan(RawFolder(None, paths))


def test_the_index_stands_over_names(tmp_path):
    files = [f"B - 03(fld {k} wv TL-Brightfield - Cy3 wix 2).tif" for k in (1, 2, 3)]
    xdce(tmp_path, [(file, 2, 3, k, 0, 1) for k, file in enumerate(files)])
    for k in (0, 1):
        write_image(tmp_path / files[k], k)
    write_image(tmp_path / "B - 04(fld 1 wv TL-Brightfield - Cy3 wix 2).tif", 9)
    table, export = exported(tmp_path, channels={"bf": "TL-Brightfield - Cy3"})
    assert export["format"] == "incell"
    assert export["expected"] == {"n_wells": 96, "pixel_size_um": 0.65}
    assert list(zip(table["well"], table["field"], table["x_um"], table["hours"], strict=True)) == [
        ("B03", k + 1, 15.0 * k, pytest.approx(k)) for k in range(3)
    ]
    plate = PlateImages(tmp_path, table, 16)
    np.testing.assert_array_equal(plate.plane(("B03", 2, 1), "bf"), image(1))
    assert code(plate, ("B03", 3, 1)) == "missing_file"
    unlisted = export["passed_over"]["B - 04(fld 1 wv TL-Brightfield - Cy3 wix 2).tif"]
    assert unlisted == "not listed in TL and PC_1.xdce"


def test_wavelengths_of_equal_filters_are_told_apart_by_their_number(tmp_path):
    files = [f"B - 02(fld 01 wv Cy5 - Cy5 wix {wix}).tif" for wix in (4, 8)]
    xdce(tmp_path, [(file, 2, 2, 0, 0, 0) for file in files])
    for k, file in enumerate(files):
        write_image(tmp_path / file, k)
    for indexed in (True, False):
        with pytest.raises(
            ExportError, match=r"matches several of the export: Cy5 - Cy5 wix 4, Cy5 - Cy5 wix 8"
        ):
            exported(tmp_path, channels={"bf": "Cy5 - Cy5"})
        table, export = exported(tmp_path, channels={"bf": "Cy5 - Cy5 wix 8"})
        assert list(table["path"]) == [files[1]]
        assert export["evidence"].endswith(".xdce") == indexed
        if indexed:
            (tmp_path / "TL and PC_1.xdce").unlink()


def test_a_wavelength_of_one_focal_plane_beside_a_stack(tmp_path):
    """The index lists its file for every focal plane of the other (bioformats-to-incarta, B3)."""
    stack = [(f"A - 01(fld 1 wv Cy3 - Cy3 z {z + 1}).tif", 1, 1, 0, z, 0) for z in range(3)]
    one = [("A - 01(fld 1 wv TL - TL).tif", 1, 1, 0, z, 1) for z in (2, 0, 1)]
    xdce(tmp_path, stack + one)
    for file in {listed[0] for listed in stack + one}:
        write_image(tmp_path / file, len(file))
    table, _ = exported(tmp_path, channels={"pi": "Cy3 - Cy3", "bf": "TL - TL"}, focal_plane={"pi": 2})
    assert table.set_index("channel")[["path", "z", "problem"]].to_dict("index") == {
        "bf": {"path": one[0][0], "z": 1, "problem": ""},
        "pi": {"path": stack[1][0], "z": 2, "problem": ""},
    }


def test_other_names_and_overlays(tmp_path):
    waves = '<Wavelengths><Wavelength index="0"/><Wavelength index="1" fusion_wave="true"/></Wavelengths>'
    xdce(tmp_path, [("a.tif", 1, 1, 0, 0, 0), ("fused.tif", 1, 1, 0, 0, 1)], PROTOCOL + waves)
    for name in ("a.tif", "fused.tif"):
        write_image(tmp_path / name)
    table, export = exported(tmp_path, channels={"bf": "Green - dsRed"})
    assert list(table["path"]) == ["a.tif"]
    assert export["passed_over"]["fused.tif"] == "an overlay of several wavelengths"
    assert export["expected"]["channels"] == 1


def test_an_index_that_metaxpress_writes_for_in_carta(tmp_path):
    """Its images are named as MetaXpress names its own: which reader is meant is the user's to say."""
    name = "t1_E03_s1_w2_z1.tif"
    xdce(tmp_path, [(name, 5, 3, 0, 0, 1)])
    write_image(tmp_path / name)
    with pytest.raises(ExportError, match=r"may be: imagexpress .*; incell .*write the right one"):
        exported(tmp_path)
    table, _ = exported(tmp_path, channels={"bf": "Green - dsRed"}, export_format="incell")
    assert list(table["well"]) == ["E03"]


def test_two_indices_of_the_same_wells_are_two_plates(tmp_path):
    for plate in ("p1", "p2"):
        xdce(tmp_path / plate, [("a.tif", 1, 1, 0, 0, 0)])
        write_image(tmp_path / plate / "a.tif")
    with pytest.raises(ExportError, match=r"such as 'p1/\*\*' and 'p2/\*\*'"):
        exported(tmp_path, channels={"bf": "Green - dsRed"})


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("<ImageStack>", "<!DOCTYPE a><ImageStack>"), "DOCTYPE"),
        (('field_index="0"', ""), "image 'a.tif': unreadable or missing value: KeyError"),
        (('filename="a.tif"', 'filename="../a.tif"'), "outside its folder"),
        (('pixel_width="0.65"', 'pixel_width="0,65"'), "pixel_width of ObjectiveCalibration"),
    ],
)
def test_an_index_that_cannot_be_trusted_is_refused(tmp_path, change, said):
    xdce(tmp_path, [("a.tif", 1, 1, 0, 0, 0)])
    path = tmp_path / "TL and PC_1.xdce"
    path.write_text(path.read_text().replace(*change))
    with pytest.raises(ExportError, match=said):
        exported(tmp_path, channels={"bf": "Green - dsRed"})


def test_a_linker_script_is_no_index(tmp_path):
    (tmp_path / "elf_x86_64.xdce").write_text("/* Default linker script, for normal executables */")
    write_image(tmp_path / "A - 01(fld 1).tif")
    assert exported(tmp_path, channels={"bf": "1"})[1]["evidence"].startswith("names such as")
