import numpy as np
import pytest
import tifffile
from small_exports import code, described, exported, image

from livedead.errors import ExportError, FieldError
from livedead.fields.plate_images import PlateImages


def ome(name):
    """A document of a well H12 whose second plane lies on a page that the file has not."""
    uuid = f'<UUID FileName="{name}">urn:uuid:1</UUID>'
    return f"""<?xml version="1.0"?>
    <OME xmlns="http://www.openmicroscopy.org/Schemas/OME/2016-06">
    <Plate ID="Plate:0"><Well ID="Well:0" Row="7" Column="11">
    <WellSample ID="WellSample:0" Index="0"><ImageRef ID="Image:0"/></WellSample></Well></Plate>
    <Image ID="Image:0" Name="x"><Pixels ID="Pixels:0" DimensionOrder="XYCZT" SizeC="2" SizeZ="1" SizeT="1"
    SizeX="20" SizeY="20" Type="uint16">
    <Channel ID="Channel:0:0" Name="BF"/><Channel ID="Channel:0:1" Name="PI"/>
    <TiffData IFD="0" FirstC="0">{uuid}</TiffData><TiffData IFD="1" FirstC="1">{uuid}</TiffData>
    </Pixels></Image></OME>"""


def write_two(path, k=0, **options):
    """A TIFF of two pages, `image(k)` and `image(k + 1)`."""
    pages = np.stack([image(k), image(k + 1)])
    tifffile.imwrite(path, pages, photometric="minisblack", metadata=None, **options)


def write_ome(path, k, **metadata):
    tifffile.imwrite(path, image(k), ome=True, photometric="minisblack", metadata={"axes": "YX", **metadata})


def test_ome_tiff_with_channels_and_times(tmp_path):
    data = np.stack([np.stack([image(10 * t + c) for c in (0, 1)]) for t in range(3)])
    metadata = {"axes": "TCYX", "Channel": {"Name": ["BF", "PI"]}, "PhysicalSizeX": 0.5}
    tifffile.imwrite(
        tmp_path / "x_C04_f7.ome.tif", data, ome=True, photometric="minisblack", metadata=metadata
    )
    table, export = exported(tmp_path, channels={"bf": "BF", "pi": "PI"})
    assert export["format"] == "ome"
    assert export["expected"] == {"pixel_size_um": 0.5}
    plate = PlateImages(tmp_path, table, 16)
    for t in range(3):
        np.testing.assert_array_equal(plate.plane(("C04", 7, t + 1), "pi"), data[t, 1])
    table = exported(tmp_path, channels={"bf": "BF"}, file_pattern=r"_(?P<well>C\d+)_f\d+\.ome")[0]
    assert set(table["field"]) == {1}
    assert list(table["timepoint"]) == [1, 2, 3]


def test_ome_wells_and_absent_planes(tmp_path):
    tifffile.imwrite(tmp_path / "a.ome.tif", image(1), photometric="minisblack", description=ome("a.ome.tif"))
    table, _ = exported(tmp_path, channels={"bf": "BF", "pi": "PI"})
    plate = PlateImages(tmp_path, table, 16)
    assert set(table["well"]) == {"H12"}
    assert code(plate, ("H12", 1, 1), "pi") == "missing_plane"


def test_a_companion_lists_files_of_any_name_and_pages(tmp_path):
    (tmp_path / "x.companion.ome").write_text(ome("img.tif"))
    write_two(tmp_path / "img.tif")
    table, _ = exported(tmp_path, channels={"bf": "BF", "pi": "PI"})
    np.testing.assert_array_equal(PlateImages(tmp_path, table, 16).plane(("H12", 1, 1), "pi"), image(1))
    (tmp_path / "img.tif").write_bytes(b"II*\0")
    plate = PlateImages(tmp_path, exported(tmp_path, channels={"bf": "BF", "pi": "PI"})[0], 16)
    assert code(plate, ("H12", 1, 1), "pi") == "unreadable"


def test_a_renamed_file_knows_itself(tmp_path):
    own = ome("before.ome.tif").replace("<OME ", '<OME UUID="urn:uuid:1" ')
    write_two(tmp_path / "after.ome.tif", description=own)
    table, _ = exported(tmp_path, channels={"pi": "PI"})
    np.testing.assert_array_equal(PlateImages(tmp_path, table, 16).plane(("H12", 1, 1), "pi"), image(1))
    assert set(table["path"]) == {"after.ome.tif"}


@pytest.mark.parametrize(
    "damage",
    [
        lambda text: text[:-30],
        lambda text: text.replace("<Pixels", "<Pixel").replace("</Pixels", "</Pixel"),
        lambda text: text.replace('SizeZ="1" SizeT="1"', 'SizeZ="90000" SizeT="90000"'),
        lambda text: "",
    ],
)
def test_one_damaged_ome_file_fails_its_fields_alone(tmp_path, damage):
    for k, well in enumerate(("B03", "B04")):
        text = ome(f"{well}.ome.tif").replace('Row="7" Column="11"', f'Row="1" Column="{k + 2}"')
        write_two(tmp_path / f"{well}.ome.tif", description=text if k == 0 else damage(text))
    if not damage("x"):
        (tmp_path / "B04.ome.tif").write_bytes(b"")
    plate = PlateImages(tmp_path, exported(tmp_path, channels={"bf": "BF"})[0], 16)
    assert plate.plane(("B03", 1, 1), "bf").shape == (20, 20)
    assert code(plate, ("B04", 1, 1)) == "unreadable"


def test_an_empty_file_of_a_set_is_listed_once(tmp_path):
    """Each file of a set holds the whole document; the empty one fails by what the others say."""
    document = (
        """<?xml version="1.0"?><OME xmlns="http://www.openmicroscopy.org/Schemas/OME/2016-06">"""
        + "".join(
            f'<Image ID="Image:{k}" Name="{well}"><Pixels ID="Pixels:{k}" DimensionOrder="XYCZT" SizeC="1" '
            f'SizeZ="1" SizeT="1" SizeX="20" SizeY="20" Type="uint16"><Channel ID="Channel:{k}:0" Name="BF"/>'
            f'<TiffData><UUID FileName="{well}.ome.tif">urn:uuid:{k}</UUID></TiffData></Pixels></Image>'
            for k, well in enumerate(("B03", "B04"))
        )
        + "</OME>"
    )
    tifffile.imwrite(tmp_path / "B03.ome.tif", image(), photometric="minisblack", description=document)
    (tmp_path / "B04.ome.tif").write_bytes(b"")
    table, _ = exported(tmp_path, channels={"bf": "BF"})
    assert list(zip(table["well"], table["problem"], strict=True)) == [("B03", ""), ("B04", "")]
    assert code(PlateImages(tmp_path, table, 16), ("B04", 1, 1)) == "unreadable"


@pytest.mark.parametrize(
    ("name", "numbers"),
    [
        ("plate_{}_f{}.ome.tif", (1, 2)),
        ("exp_MMStack_{}-Site_{}.ome.tif", (0, 1)),
        ("{}-Pos{:03}.ome.tif", (0, 3)),
    ],
)
def test_documents_of_one_field_each_take_its_number_from_the_name(tmp_path, name, numbers):
    for well in ("A1", "B2"):
        for k in numbers:
            write_ome(tmp_path / name.format(well, k), k)
    table, _ = exported(tmp_path, channels={"bf": "0"})
    plate = PlateImages(tmp_path, table, 16)
    assert plate.keys() == [(well, k, 1) for well in ("A01", "B02") for k in numbers]
    np.testing.assert_array_equal(plate.plane(("B02", numbers[1], 1), "bf"), image(numbers[1]))


def test_a_plate_of_one_field_a_document_takes_its_number_from_the_name_too(tmp_path):
    for k in (1, 2):
        write_two(tmp_path / f"x_s{k}.ome.tif", k, description=ome(f"x_s{k}.ome.tif"))
    plate = PlateImages(tmp_path, exported(tmp_path, channels={"pi": "PI"})[0], 16)
    assert plate.keys() == [("H12", 1, 1), ("H12", 2, 1)]
    np.testing.assert_array_equal(plate.plane(("H12", 2, 1), "pi"), image(3))


def test_fields_that_nothing_tells_apart_are_doubled_and_the_key_is_named(tmp_path):
    for name in ("first", "second"):
        write_ome(tmp_path / f"A1 {name}.ome.tif", 1)
    table, export = exported(tmp_path, channels={"bf": "0"})
    with pytest.raises(FieldError, match="'file_pattern'") as error:
        PlateImages(tmp_path, table, 16).plane(("A01", 1, 1), "bf")
    assert error.value.code == "doubled"
    assert "'file_pattern' in config.yaml tells apart what is no copy: A01 field 1" in described(
        table, export
    )


def test_a_well_word_in_an_ome_name_is_not_guessed(tmp_path):
    for day in (1, 2, 3):
        write_ome(tmp_path / f"HepG2_B05_D{day}.ome.tif", day)
    with pytest.raises(ExportError, match=r"HepG2_B05_D1.ome.tif: the well may be B05 or D01"):
        exported(tmp_path, channels={"bf": "0"})
    table, _ = exported(tmp_path, channels={"bf": "0"}, file_pattern="_{well}_D{timepoint}")
    plate = PlateImages(tmp_path, table, 16)
    assert plate.keys() == [("B05", 1, day) for day in (1, 2, 3)]
    np.testing.assert_array_equal(plate.plane(("B05", 1, 3), "bf"), image(3))


def test_image_and_file_that_name_different_wells_are_refused(tmp_path):
    write_ome(tmp_path / "B05.ome.tif", 1, Name="D1")
    with pytest.raises(ExportError, match=r"the well may be B05 or D01"):
        exported(tmp_path, channels={"bf": "0"})


def test_times_of_a_set_are_told_once(tmp_path):
    """A document that spans files with a timepoint each in their names: not the sum of both."""
    pixels = "".join(
        f'<TiffData IFD="0" FirstT="{t}"><UUID FileName="A01_t{t + 1}.ome.tif">urn:uuid:{t}</UUID></TiffData>'
        for t in range(3)
    )
    document = (
        '<?xml version="1.0"?><OME xmlns="http://www.openmicroscopy.org/Schemas/OME/2016-06">'
        '<Image ID="Image:0">'
        '<Pixels ID="Pixels:0" DimensionOrder="XYCZT" SizeC="1" SizeZ="1" SizeT="3" SizeX="20" SizeY="20" '
        f'Type="uint16"><Channel ID="Channel:0:0" Name="BF"/>{pixels}</Pixels></Image></OME>'
    )
    for t in range(3):
        tifffile.imwrite(
            tmp_path / f"A01_t{t + 1}.ome.tif",
            image(t),
            photometric="minisblack",
            description=document,
            metadata=None,
        )
    plate = PlateImages(tmp_path, exported(tmp_path, channels={"bf": "BF"})[0], 16)
    assert plate.keys() == [("A01", 1, t) for t in (1, 2, 3)]
    np.testing.assert_array_equal(plate.plane(("A01", 1, 3), "bf"), image(2))


def test_images_of_several_pixel_sizes_are_told(tmp_path):
    for k, size in ((1, 0.65), (2, 1.3)):
        write_ome(tmp_path / f"A01_f{k}.ome.tif", k, PhysicalSizeX=size)
    table, export = exported(tmp_path, channels={"bf": "0"})
    assert export["expected"] == {"pixel_sizes_um": [0.65, 1.3]}
    assert "PIXEL SIZE: the export says 0.65 and 1.3 um, plates.tsv 0.65 um" in described(
        table, export, pixel_size_um=0.65
    )


def timed(path, *planes, begun=""):
    """A file of one well, a page for each timepoint, whose planes have these attributes."""
    n = len(planes)
    date = f"<AcquisitionDate>{begun}</AcquisitionDate>" if begun else ""
    listed = "".join(f'<Plane TheC="0" TheZ="0" TheT="{t}" {told}/>' for t, told in enumerate(planes))
    document = (
        '<?xml version="1.0"?><OME xmlns="http://www.openmicroscopy.org/Schemas/OME/2016-06">'
        f'<Image ID="Image:0">{date}<Pixels ID="Pixels:0" DimensionOrder="XYCZT" SizeC="1" SizeZ="1" '
        f'SizeT="{n}" SizeX="20" SizeY="20" Type="uint16"><Channel ID="Channel:0:0" Name="BF"/><TiffData/>'
        f"{listed}</Pixels></Image></OME>"
    )
    pages = np.stack([image(t) for t in range(n)])
    tifffile.imwrite(path, pages, photometric="minisblack", description=document, metadata=None)


def hours(folder, **told):
    """Hours of each timepoint of a folder."""
    table = exported(folder, channels={"bf": "BF"}, **told)[0]
    return table.set_index(["well", "timepoint"])["hours"].to_dict()


def test_hours_are_seconds_from_when_each_image_was_begun(tmp_path):
    timed(tmp_path / "A01.ome.tif", 'DeltaT="0"', 'DeltaT="5400"', begun="2024-03-05T12:00:00")
    timed(tmp_path / "A02.ome.tif", 'DeltaT="0"', 'DeltaT="90" DeltaTUnit="min"', begun="2024-03-05T12:30:00")
    assert hours(tmp_path) == pytest.approx({("A01", 1): 0, ("A01", 2): 1.5, ("A02", 1): 0.5, ("A02", 2): 2})


def test_without_a_date_hours_count_from_the_start_of_the_experiment(tmp_path):
    timed(tmp_path / "A01.ome.tif", 'DeltaT="60"', 'DeltaT="3660"')
    assert hours(tmp_path) == pytest.approx({("A01", 1): 1 / 60, ("A01", 2): 61 / 60})


def test_a_date_alone_tells_the_time_of_a_single_timepoint(tmp_path):
    timed(tmp_path / "A01_t1.ome.tif", "", begun="2024-03-05T12:00:00Z")
    timed(tmp_path / "A01_t2.ome.tif", "", begun="2024-03-05T14:00:00Z")
    timed(tmp_path / "A02_t1.ome.tif", "", "", begun="2024-03-05T12:00:00Z")
    found = hours(tmp_path)
    assert (found["A01", 1], found["A01", 2]) == pytest.approx((0, 2))
    assert np.isnan(found["A02", 1])
    assert np.isnan(found["A02", 2])


def test_files_that_each_count_from_their_own_start_have_no_hours(tmp_path):
    for k in (1, 2):
        timed(tmp_path / f"A01_t{k}.ome.tif", 'DeltaT="0"')
    assert np.isnan([*hours(tmp_path).values()]).all()


def test_a_pattern_may_take_the_time_from_the_name(tmp_path):
    for k, told in enumerate(("00d00h00m", "00d04h30m")):
        timed(tmp_path / f"A01_{told}.ome.tif", f'DeltaT="{k}"')
    assert hours(tmp_path, file_pattern="{well}_{timepoint}.ome") == {("A01", 1): 0, ("A01", 2): 4.5}
    timed(tmp_path / "A01_00d09h00m.ome.tif", 'DeltaT="0"', 'DeltaT="1"')
    with pytest.raises(
        ExportError, match=r"09h00m\.ome\.tif: timepoint '00d09h00m' is one time, but the file"
    ):
        hours(tmp_path, file_pattern="{well}_{timepoint}.ome")
