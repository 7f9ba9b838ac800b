"""Formats whose metadata list the images: Harmony, CellVoyager, HDF5, OME."""

import h5py
import numpy as np
import pytest
import tifffile

from livedead.errors import ExportError, FieldError
from livedead.fields import PlateImages
from livedead.readers import index_plate, inventory


def exported(raw, **changes):
    settings = {"export_format": "auto", "channels": {"bf": "1"}, "n_wells": 96, "pixel_size_um": 1.0}
    return index_plate(raw, plate="p", **{**settings, **changes})


def image(k=0, side=20):
    return np.random.default_rng(k).integers(1, 4000, (side, side), dtype=np.uint16)


def code(plate, key, channel="bf"):
    with pytest.raises(FieldError) as error:
        plate.plane(key, channel)
    return error.value.code


def harmony(raw, images, version="HarmonyV5", extra="", name="Index.idx.xml", channels=("Brightfield",)):
    """An export as Harmony writes it; `images` are (row, column, field, channel, state, url, x)."""
    entries = "".join(
        f"<Entry ChannelID='{k}'><ChannelName>{channel}</ChannelName>"
        "<ImageResolutionX Unit='m'>1E-06</ImageResolutionX></Entry>"
        for k, channel in enumerate(channels, start=1)
    )
    raw.mkdir(parents=True, exist_ok=True)
    listed = "".join(
        f"<Image Version='1'><id>i</id><State>{state}</State>"
        + (f"<URL>{url}</URL>" if isinstance(url, str) else "".join(url))
        + f"<Row>{row}</Row><Col>{column}</Col>"
        f"<FieldID>{field}</FieldID><PlaneID>1</PlaneID><TimepointID>0</TimepointID>"
        f"<ChannelID>{channel}</ChannelID>"
        f"<PositionX Unit='m'>{x}</PositionX><PositionY Unit='m'>0</PositionY></Image>"
        for row, column, field, channel, state, url, x in images
    )
    (raw / name).write_text(
        f"\ufeff<?xml version='1.0' encoding='utf-8'?>{extra}<EvaluationInputData xmlns='http://x/{version}'><Plates>"
        "<Plate><PlateRows>8</PlateRows><PlateColumns>12</PlateColumns></Plate></Plates><Wells><Well><Row>1</Row>"
        f"<Col>2</Col></Well></Wells><Maps><Map>{entries}</Map></Maps><Images>{listed}</Images>"
        "</EvaluationInputData>",
        encoding="utf-8",
    )


def test_harmony_index_stands_over_names(tmp_path):
    raw = tmp_path / "Images"
    url = "r01c02f0{}p01-ch1sk1fk1fl1.tiff"
    planes = [(1, 2, k, 1, "Ok", url.format(k), (k - 1) * 15e-6) for k in (1, 2)]
    planes += [(1, 2, 3, 1, "Failed", url.format(3), 0.1), (1, 2, 4, 1, "Ok", url.format(4), 0.2)]
    harmony(raw, planes, "43B2A954-E3C3-47E1-B392-6635266B0DD3/HarmonyV7", name="Index.xml")
    for k in (1, 2, 3, 9):
        tifffile.imwrite(raw / url.format(k), image(k))
    table, export = exported(tmp_path, channels={"bf": "Brightfield"})
    assert export["format"] == "operetta"
    assert list(zip(table["well"], table["field"], table["timepoint"], strict=True)) == [
        ("A02", k, 1) for k in (1, 2, 3, 4)
    ]
    plate = PlateImages(tmp_path, table, 16)
    np.testing.assert_array_equal(plate.plane(("A02", 2, 1), "bf"), image(2))
    assert code(plate, ("A02", 3, 1)) == "acquisition_failed"
    assert code(plate, ("A02", 4, 1)) == "missing_file"
    assert "not listed in" in export["passed_over"][f"Images/{url.format(9)}"]


def test_overlap_is_said_and_cropped_to_half(tmp_path):
    planes = [(1, 2, k, 1, "Ok", f"{k}.tiff", (k - 1) * 15e-6) for k in (1, 2)]
    harmony(tmp_path, planes)
    for k in (1, 2):
        tifffile.imwrite(tmp_path / f"{k}.tiff", image(k))
    table, export = exported(tmp_path)
    text = inventory.take_inventory(
        table, export, [], plate="p", n_wells=96, pixel_size_um=1, input_channels=["bf"], fields_per_well=None
    )
    # Fields of 20 px that lie 15 px apart share 5 columns.
    assert "1 pairs, up to 5 columns and 0 rows: COUNTED TWICE" in text
    plate = PlateImages(tmp_path, exported(tmp_path, overlap="crop")[0], 16)
    assert plate.cropped(image()).shape == (20, 14)
    np.testing.assert_array_equal(plate.cropped(image()), image()[:, 3:17])


@pytest.mark.parametrize("url", ["../secret.tiff", "/etc/secret.tiff", "C:\\secret.tiff", "a/../../b.tiff"])
def test_paths_that_lead_out_are_refused(tmp_path, url):
    harmony(tmp_path, [(1, 2, 1, 1, "Ok", url, 0)])
    with pytest.raises(ExportError, match="leads out of its folder"):
        exported(tmp_path, export_format="operetta")


def test_entities_and_broken_xml_are_refused(tmp_path):
    harmony(tmp_path, [(1, 2, 1, 1, "Ok", "a.tiff", 0)], extra="<!DOCTYPE a [<!ENTITY b 'c'>]>")
    with pytest.raises(ExportError, match="DOCTYPE") as error:
        exported(tmp_path)
    assert "write the right one" not in str(error.value)  # no other format would help
    path = tmp_path / "Index.idx.xml"
    path.write_text(path.read_text()[:200].replace("<!DOCTYPE a [<!ENTITY b 'c'>]>", ""))
    with pytest.raises(ExportError, match="not readable XML"):
        exported(tmp_path, export_format="operetta")


def test_failed_acquisitions_without_a_file(tmp_path):
    """Harmony lists a failed image with an empty URL, or none; it is one field, not the plate."""
    harmony(
        tmp_path,
        [(1, 2, 1, 1, "Ok", "1.tiff", 0), (1, 2, 2, 1, "Failed", "", 0), (1, 2, 3, 1, "Failed", [], 0)],
    )
    tifffile.imwrite(tmp_path / "1.tiff", image())
    plate = PlateImages(tmp_path, exported(tmp_path)[0], 16)
    assert plate.plane(("A02", 1, 1), "bf").shape == (20, 20)
    assert code(plate, ("A02", 2, 1)) == code(plate, ("A02", 3, 1)) == "acquisition_failed"
    harmony(tmp_path, [(1, 2, 1, 1, "Ok", [], 0)])
    with pytest.raises(ExportError, match="'URL'"):
        exported(tmp_path)


def test_two_measurements_whose_channels_differ_are_not_mixed(tmp_path):
    for row, channels in ((1, ("Brightfield", "PI")), (2, ("PI", "Brightfield"))):
        raw = tmp_path / f"measurement {row}"
        harmony(raw, [(row, 2, 1, c, "Ok", f"{c}.tiff", 0) for c in (1, 2)], channels=channels)
        for c in (1, 2):
            tifffile.imwrite(raw / f"{c}.tiff", image(c))
    with pytest.raises(ExportError, match=r"channel 1 is 'PI', in another index .* 'Brightfield'"):
        exported(tmp_path, channels={"bf": "Brightfield"})


def test_planes_of_a_flex_file_are_read_by_their_number(tmp_path):
    planes = [(1, 2, 1, c, "Ok", [f"<URL BufferNo='{c - 1}'>1.flex</URL>"], 0) for c in (1, 2)]
    harmony(tmp_path, planes, name="ImageIndex.ColumbusIDX.xml", channels=("PI", "Brightfield"))
    tifffile.imwrite(tmp_path / "1.flex", np.stack([image(1), image(2)]), photometric="minisblack")
    table, _ = exported(tmp_path, channels={"bf": "Brightfield"}, accept=["pages"])
    np.testing.assert_array_equal(PlateImages(tmp_path, table, 16).plane(("A02", 1, 1), "bf"), image(2))


def test_real_harmony_export(shared):
    table, export = exported(
        shared / "operetta", channels={"bf": "Fluorescein (FITC)"}, n_wells=384, pixel_size_um=1.196
    )
    assert list(zip(table["well"], table["field"], strict=True)) == [("C03", 1), ("C03", 2)]
    assert export["expected"]["pixel_size_um"] == pytest.approx(1.1959521619)
    plane = PlateImages(shared / "operetta", table, 16).plane(("C03", 2, 1), "bf")
    np.testing.assert_array_equal(
        plane, tifffile.imread(shared / "operetta/Images" / "r03c03f02p01-ch1sk1fk1fl1.tiff")
    )


def yokogawa(raw, records):
    listed = "".join(
        "<bts:MeasurementRecord "
        + " ".join(f'bts:{key}="{value}"' for key, value in record.items())
        + f">{text}</bts:MeasurementRecord>"
        for record, text in records
    )
    (raw / "MeasurementData.mlf").write_text(
        f'<?xml version="1.0"?><bts:MeasurementData xmlns:bts="http://www.yokogawa.co.jp">{listed}</bts:MeasurementData>'
    )


def record(kind, field, channel=1, **more):
    values = {
        "Type": kind,
        "Row": 2,
        "Column": 3,
        "TimePoint": 1,
        "FieldIndex": field,
        "ZIndex": 1,
        "Ch": channel,
    }
    return {**values, **more}


def test_errors_of_cellvoyager_are_failed_acquisitions(tmp_path):
    name = "C01_x_B03_T0001F00{}L01A01Z01C01.tif"
    yokogawa(
        tmp_path,
        [
            (record("IMG", 1), name.format(1)),
            (record("IMG", 2), name.format(2)),
            (record("ERR", 2), "autofocus"),
            (record("ERR", 3), "autofocus"),
            ({"Type": "ERR", "Row": 8, "Column": 12}, "lamp"),
            ({"Type": "ERR"}, "door"),
        ],
    )
    for k in (1, 2):
        tifffile.imwrite(tmp_path / name.format(k), image(k))
    table, export = exported(tmp_path, channels={"bf": "C01"})
    assert export["format"] == "cellvoyager"
    problems = {(row.well, row.field): row.problem for row in table.itertuples()}
    failed = "acquisition_failed"
    assert problems == {
        ("B03", 1): "",
        ("B03", 2): failed,
        ("B03", 3): failed,
        ("H12", 1): failed,
        ("H12", 2): failed,
    }
    assert code(PlateImages(tmp_path, table, 16), ("B03", 3, 1)) == failed


def test_an_image_of_two_channels_is_neither(tmp_path):
    yokogawa(tmp_path, [(record("IMG", 1, channel=k), "x.tif") for k in (1, 2)])
    tifffile.imwrite(tmp_path / "x.tif", image())
    plate = PlateImages(tmp_path, exported(tmp_path, channels={"bf": "C02"})[0], 16)
    assert code(plate, ("B03", 1, 1)) == "doubled"


@pytest.mark.parametrize("size", ["0,325", "<"])
def test_what_a_measurement_expected_is_no_need(tmp_path, size):
    yokogawa(tmp_path, [(record("IMG", 1), "x.tif")])
    tifffile.imwrite(tmp_path / "x.tif", image())
    (tmp_path / "MeasurementDetail.mrf").write_text(
        f'<Detail FieldCount="1"><MeasurementChannel HorizontalPixelDimension="{size}"/></Detail>'
    )
    table, _ = exported(tmp_path, channels={"bf": "C01"})
    assert list(table["problem"]) == [""]


def test_real_cellvoyager_export(shared):
    raw = shared / "cellvoyager"
    with pytest.raises(ExportError, match=r"several focal planes \(1, 2, 3, 4\)"):
        exported(raw, channels={"bf": "C01"})
    table, export = exported(raw, channels={"bf": "C01", "pi": "C02"}, focal_plane={"bf": 2, "pi": "max"})
    counts = table.groupby(["well", "channel"]).size().to_dict()
    assert counts == {(well, c): n for well in ("D08", "E03", "F08") for c, n in (("bf", 4), ("pi", 16))}
    assert export["expected"]["pixel_size_um"] == 0.325
    assert table["x_um"].min() == -567.1
    assert code(PlateImages(raw, table, 16), ("D08", 1, 1), "pi") == "blank"


def stack(path, tiles, names=("BF", "DRAQ7"), dtype=np.uint16):
    with h5py.File(path, "w") as file:
        for k, name in enumerate(names):
            data = np.stack([image(10 * k + tile) for tile in range(tiles)], axis=-1).astype(dtype)
            file.create_dataset(name, data=data, compression="gzip")
        file["notes"] = "text"


def test_hdf5_stacks(tmp_path):
    for name in ("A01_t1.h5", "A01_t2.h5", "B11_t1.h5"):
        stack(tmp_path / name, 3)
    (tmp_path / "B12_t1.h5").write_bytes(b"\x89HDF torn")
    table, export = exported(tmp_path, channels={"bf": "BF", "dead": "DRAQ7"})
    assert export["format"] == "hdf5"
    assert len(table) == 4 * 2 * 3
    plate = PlateImages(tmp_path, table, 16)
    np.testing.assert_array_equal(plate.plane(("A01", 3, 2), "dead"), image(12))
    assert code(plate, ("B12", 1, 1)) == "unreadable"
    path = tmp_path / "B11_t1.h5"
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    assert code(plate, ("B11", 1, 1)) == "changed_since_index"


def test_hdf5_of_another_order_and_links_out(tmp_path):
    with h5py.File(tmp_path / "A01.h5", "w") as file:
        file["BF"] = np.ones((2, 20, 30), np.uint16)
    with pytest.raises(ExportError, match=r"shape \(2, 20, 30\); expected \(H, W, tiles\)"):
        exported(tmp_path, channels={"bf": "BF"})
    with h5py.File(tmp_path / "A01.h5", "w") as file:
        layout = h5py.VirtualLayout((20, 20), np.uint16)
        layout[:] = h5py.VirtualSource("secret.h5", "x", (20, 20))
        file.create_virtual_dataset("BF", layout)
    with pytest.raises(ExportError, match="lies in another file"):
        exported(tmp_path, channels={"bf": "BF"})


def test_other_arrays_beside_the_images_stop_no_plate(tmp_path):
    with h5py.File(tmp_path / "A01.h5", "w") as file:
        file["BF"] = image()
        file["psf"] = np.ones((11, 64, 64), np.float32)
    table, _ = exported(tmp_path, channels={"bf": "BF"})
    np.testing.assert_array_equal(PlateImages(tmp_path, table, 16).plane(("A01", 1, 1), "bf"), image())


def test_chunks_that_were_never_written_are_lost_data(tmp_path):
    with h5py.File(tmp_path / "A01.h5", "w") as file:
        data = file.create_dataset("BF", (20, 20), np.uint16, chunks=(10, 5))
        data[:, :15] = image()[:, :15]
    plate = PlateImages(tmp_path, exported(tmp_path, channels={"bf": "BF"})[0], 16)
    assert code(plate, ("A01", 1, 1)) == "blank"


def test_hdf5_of_eight_bits_is_declared_or_refused(tmp_path):
    stack(tmp_path / "A01.h5", 1, ["BF"], np.uint8)
    plate = PlateImages(tmp_path, exported(tmp_path, channels={"bf": "BF"})[0], 16)
    assert code(plate, ("A01", 1, 1)) == "wrong_dtype"
    table = exported(tmp_path, channels={"bf": "BF"}, accept=["uint8"])[0]
    found = PlateImages(tmp_path, table, 16).plane(("A01", 1, 1), "bf")
    np.testing.assert_array_equal(found, image(0).astype(np.uint8))


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
        np.testing.assert_array_equal(plate.plane(("C04", 1, t + 1), "pi"), data[t, 1])
    table = exported(
        tmp_path, channels={"bf": "BF"}, file_pattern=r".*_(?P<well>C\d+)_f(?P<field>\d+)\.ome\.tif"
    )[0]
    assert set(table["field"]) == {7}


def test_ome_wells_and_absent_planes(tmp_path):
    tifffile.imwrite(tmp_path / "a.ome.tif", image(1), photometric="minisblack", description=ome("a.ome.tif"))
    table, _ = exported(tmp_path, channels={"bf": "BF", "pi": "PI"})
    plate = PlateImages(tmp_path, table, 16)
    assert set(table["well"]) == {"H12"}
    assert code(plate, ("H12", 1, 1), "pi") == "missing_plane"


def write_two(path, k=0, **options):
    """A TIFF of two pages, `image(k)` and `image(k + 1)`."""
    pages = np.stack([image(k), image(k + 1)])
    tifffile.imwrite(path, pages, photometric="minisblack", metadata=None, **options)


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
