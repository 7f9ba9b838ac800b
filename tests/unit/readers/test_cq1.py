"""CQ1: an OME-XML document lists the images.

What it looks like comes from public readers of it (the loaders of gecs and cytomancer, CQ1_Toolkit): OME
2013-06, a first image without files, titles such as ``W1(R1C1),A1,F1``, paths below the document,
``MeasurementResultMIP.ome.xml`` for projections. Names: ``W0001F0001T0001Z001C1.tif`` (cellimgs),
``W0262F0001T0001Z000C2.tif`` and ``W1F001T0001Z01C1.tif`` (spacr).
"""

import pytest
from small_exports import code, exported, write_image

from livedead.errors import ExportError
from livedead.fields.plate_images import PlateImages
from livedead.readers import cq1
from livedead.readers.folder import RawFolder, list_files


def document(raw, images, wells=(), name="MeasurementResult.ome.xml", n_z=1):
    """An OME-XML document; `images` are (title, files), `wells` (row, column, number of an image)."""
    raw.mkdir(parents=True, exist_ok=True)
    listed = ""
    for k, (title, files) in enumerate([("", []), *images]):
        planes = "".join(
            f'<TiffData FirstZ="{z}" IFD="0" PlaneCount="1"><UUID FileName="{file}">u:{k}</UUID></TiffData>'
            for z, file in enumerate(files)
            if file
        )
        listed += (
            f'<Image ID="Image:{k}" Name="{title}"><Pixels ID="Pixels:{k}" DimensionOrder="XYZCT" SizeC="1" '
            f'SizeZ="{n_z}" SizeT="1" SizeX="20" SizeY="20" Type="uint16" PhysicalSizeX="0.5">'
            f'<Channel ID="Channel:{k}" Name="CH1"/>{planes}<Plane TheC="0" TheZ="0" TheT="0" '
            f'PositionX="{k}" PositionXUnit="µm" PositionY="0" PositionYUnit="µm"/></Pixels></Image>'
        )
    plate = "".join(
        f'<Well ID="Well:{k}" Row="{row}" Column="{column}"><WellSample ID="WellSample:{k}" Index="0">'
        f'<ImageRef ID="Image:{image}"/></WellSample></Well>'
        for k, (row, column, image) in enumerate(wells)
    )
    (raw / name).write_text(
        '<?xml version="1.0" encoding="utf-8"?><OME xmlns="http://www.openmicroscopy.org/Schemas/OME/2013-06">'
        f'<Plate ID="Plate:0" Rows="8" Columns="12">{plate}</Plate>{listed}</OME>',
        encoding="utf-8",
    )


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("Image/W0001F0001T0001Z001C1.tif", ("0001", 1, "C1", 1, 1)),
        ("W0262F0012T0003Z000C2.tif", ("0262", 12, "C2", 3, 0)),
        ("Well001/W1F002T0001Z01C1.tif", ("1", 2, "C1", 1, 1)),
    ],
)
def test_names_of_cq1(path, expected):
    (plane,) = cq1.scan(RawFolder(None, [path, "W0001A0002F0001T0001Z001C1.tif", "x.tif"])).planes
    assert (plane.well, plane.field, plane.channel, plane.timepoint, plane.z) == expected


def test_names_that_two_folders_have_are_refused():
    """Without the document nothing says that the second holds projections."""
    name = "W0001F0001T0001Z001C1.tif"
    with pytest.raises(ExportError, match=r"such as 'Image/\*\*' and 'Projection/\*\*'"):
        cq1.scan(RawFolder(None, [f"Image/{name}", f"Projection/{name}"]))


def test_wells_are_those_of_the_plate_of_the_document(tmp_path):
    file = "Image/W0015F000{}T0001Z001C1.tif"
    images = [(f"W15(R2C3),A{k},F{k}", [file.format(k)]) for k in (1, 2, 3)]
    document(tmp_path, [*images, ("W15(R2C3),A4,F4", [""])], [(1, 2, k) for k in (1, 2, 3, 4)])
    for k in (1, 2):
        write_image(tmp_path / file.format(k), k)
    table, export = exported(tmp_path, channels={"bf": "CH1"})
    assert export["format"] == "cq1"
    assert export["expected"]["pixel_size_um"] == 0.5
    assert list(zip(table["well"], table["field"], table["x_um"], strict=True)) == [
        ("B03", k, float(k)) for k in (1, 2, 3, 4)
    ]
    plate = PlateImages(tmp_path, table, 16)
    assert plate.plane(("B03", 2, 1), "bf").shape == (20, 20)
    assert code(plate, ("B03", 3, 1)) == "missing_file"
    assert code(plate, ("B03", 4, 1)) == "acquisition_failed"


def test_without_a_plate_the_well_is_a_number(tmp_path):
    document(tmp_path, [("W15(R2C3),A1,F7", ["W0015F0007T0001Z001C1.tif"])])
    (plane,) = cq1.scan(RawFolder(tmp_path, list_files(tmp_path))).planes
    assert (plane.well, plane.field, plane.channel) == ("15", 7, "C1")


def test_projections_are_those_that_the_microscope_acquired(tmp_path):
    stack = [f"Image/W0001F0001T0001Z00{z}C1.tif" for z in (1, 2)]
    projection = "Projection/W0001F0001T0001Z000C1.tif"
    document(tmp_path, [("W1(R1C1),A1,F1", stack)], [(0, 0, 1)], n_z=2)
    document(tmp_path, [("W1(R1C1),A1,F1", [projection])], [(0, 0, 1)], "MeasurementResultMIP.ome.xml")
    (tmp_path / "MeasurementResultSUM.ome.xml").write_text("<OME/>")
    for k, path in enumerate([*stack, projection]):
        write_image(tmp_path / path, k)
    with pytest.raises(ExportError, match=r"several focal planes \(1, 2, acquired\)"):
        exported(tmp_path, channels={"bf": "C1"})
    table, export = exported(tmp_path, channels={"bf": "C1"}, focal_plane="acquired")
    assert list(table["path"]) == [projection]
    assert export["passed_over"]["MeasurementResultSUM.ome.xml"] == "lists sums of focal planes"


def test_two_measurements_of_the_same_wells_are_two_plates(tmp_path):
    for day in ("20260305T090000_p", "20260306T090000_p"):
        document(tmp_path / day, [("W1(R1C1),A1,F1", ["W0001F0001T0001Z001C1.tif"])], [(0, 0, 1)])
        write_image(tmp_path / day / "W0001F0001T0001Z001C1.tif")
    with pytest.raises(ExportError, match=r"such as '20260305T090000_p/\*\*' and '20260306T090000_p/\*\*'"):
        exported(tmp_path, channels={"bf": "C1"})


@pytest.mark.parametrize("file", ["x.tif", "../W0001F0001T0001Z001C1.tif"])
def test_files_that_are_no_images_of_a_cq1_are_refused(tmp_path, file):
    document(tmp_path, [("W1(R1C1),A1,F1", [file])], [(0, 0, 1)])
    with pytest.raises(ExportError, match=r"not named as a CQ1 does|outside its folder"):
        exported(tmp_path, channels={"bf": "C1"}, export_format="cq1")
