import math

import pytest

from livedead.errors import ExportError
from livedead.images.ome_xml import absent_planes, is_ome, read_ome

SCHEMA = "http://www.openmicroscopy.org/Schemas/OME/2016-06"


def document(pixels, attributes="", more=""):
    """OME-XML of one image; `pixels` are the children of its Pixels, `attributes` those of Pixels."""
    return (
        f'<?xml version="1.0"?><OME xmlns="{SCHEMA}">{more}<Image ID="Image:0" Name="first">'
        f'<Pixels ID="Pixels:0" SizeX="20" SizeY="20" {attributes}>{pixels}</Pixels></Image></OME>'
    )


SIZES = 'DimensionOrder="XYZCT" SizeC="2" SizeZ="3" SizeT="2"'


def test_planes_follow_the_dimension_order():
    """XYZCT: z counts fastest, then the channel, then the timepoint."""
    planes = read_ome(document("", SIZES), "x").planes
    assert [(p.z, p.channel, p.timepoint) for p in planes] == [
        (z, channel, t) for t in (0, 1) for channel in ("0", "1") for z in (0, 1, 2)
    ]
    assert [p.page for p in planes] == list(range(12))
    assert {p.file for p in planes} == {""}
    assert math.isnan(planes[0].pixel_size_um)
    assert math.isnan(planes[0].x_um)


def test_tiff_data_place_planes_from_their_first_on():
    blocks = (
        '<TiffData IFD="5" FirstZ="1" FirstC="1" PlaneCount="2"/>'
        '<TiffData FirstT="1"><UUID FileName="b.ome.tif">urn:uuid:2</UUID></TiffData>'
    )
    planes = read_ome(document(blocks, SIZES), "x").planes
    # Of channel 1 the planes z = 1, 2 of the first timepoint; of the second timepoint the first plane.
    placed = {(p.z, p.channel, p.timepoint): (p.file, p.page) for p in planes if p.page >= 0}
    assert placed == {(1, "1", 0): ("", 5), (2, "1", 0): ("", 6), (0, "0", 1): ("b.ome.tif", 0)}
    assert absent_planes(read_ome(document(blocks, SIZES), "x"), "a.ome.tif", 6) == 9 + 1


def test_a_file_knows_its_own_identifier():
    text = document('<TiffData><UUID FileName="old.ome.tif">urn:uuid:1</UUID></TiffData>', SIZES)
    assert read_ome(text, "x").planes[0].file == "old.ome.tif"
    assert read_ome(text.replace("<OME ", '<OME UUID="urn:uuid:1" '), "x").planes[0].file == ""


@pytest.mark.parametrize(
    ("channels", "size_c", "names"),
    [
        ('<Channel Name="BF"/><Channel Name="PI"/>', 2, ["BF", "PI"]),
        ('<Channel Name="BF"/><Channel/>', 2, ["BF", "1"]),
        ('<Channel Name="BF"/>', 2, ["BF", "1"]),
        ('<Channel Name="BF"/><Channel Name="BF"/>', 2, ["0", "1"]),  # names that tell nothing apart
        ('<Channel Name="RGB" SamplesPerPixel="3"/>', 3, ["RGB"]),  # one page holds the three samples
        ("", 2, ["0", "1"]),
    ],
)
def test_names_of_channels(channels, size_c, names):
    sizes = f'DimensionOrder="XYCZT" SizeC="{size_c}" SizeZ="1" SizeT="1"'
    assert [plane.channel for plane in read_ome(document(channels, sizes), "x").planes] == names


def test_positions_and_pixel_sizes_are_micrometres_where_the_unit_is_a_length():
    planes = (
        '<Plane TheC="0" TheZ="0" TheT="0" PositionX="2" PositionXUnit="mm" PositionY="3"/>'
        '<Plane TheC="0" TheZ="0" TheT="1" PositionX="4" PositionXUnit="µm"/>'
    )
    sizes = 'SizeC="1" SizeZ="1" SizeT="2" PhysicalSizeX="650" PhysicalSizeXUnit="nm"'
    first, second = read_ome(document(planes, sizes), "x").planes
    assert (first.x_um, second.x_um) == (2000, 4)
    assert math.isnan(first.y_um)  # the unit of a stage position is by default no length
    assert first.pixel_size_um == pytest.approx(0.65)


def test_wells_of_a_plate_number_their_fields():
    plate = (
        '<Plate><Well Row="7" Column="11"><WellSample/><WellSample><ImageRef ID="Image:0"/></WellSample>'
        '<WellSample><ImageRef ID="Image:9"/></WellSample></Well></Plate>'
    )
    found = read_ome(document("", SIZES, plate), "x")
    assert found.wells == {0: (7, 11, 2)}
    assert found.image_names == ["first"]


TWICE = '<TiffData IFD="{}" FirstC="0"/><TiffData IFD="{}" FirstC="0"/>'


@pytest.mark.parametrize(
    "text",
    [
        document(TWICE.format(0, 1), SIZES),  # one plane on two pages
        document("", SIZES, "".join(f'<Well Row="{k}" Column="0"><WellSample><ImageRef ID="Image:0"/>'
                                    "</WellSample></Well>" for k in (0, 1))),
        document("", SIZES).replace("</OME>", '<Image ID="Image:0"><Pixels/></Image></OME>'),
        document("", SIZES).replace("Pixels", "Pixel"),
        document("", 'SizeC="1" SizeZ="1"'),
        document("", 'SizeC="0" SizeZ="1" SizeT="1"'),
        document("", 'SizeC="1" SizeZ="90000" SizeT="90000"'),
        document("", 'SizeC="one" SizeZ="1" SizeT="1"'),
        document("", 'DimensionOrder="XYCZ" SizeC="1" SizeZ="1" SizeT="1"'),
        document('<Plane TheC="0"/>', SIZES),
    ],
)  # fmt: skip
def test_documents_that_contradict_themselves_are_refused(text):
    assert len(read_ome(document(TWICE.format(1, 1), SIZES), "x").planes) == 12
    with pytest.raises(ExportError, match="x: OME-XML with an unreadable or missing value"):
        read_ome(text, "x")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (document("", SIZES), True),
        ("<!-- written by x --><ome:OME >", True),
        ("<OMERO/>", False),
        ("ImageJ=1.53", False),
        ("", False),
    ],
)
def test_descriptions_that_are_ome(text, expected):
    assert is_ome(text) is expected
