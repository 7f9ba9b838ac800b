"""Formats whose metadata list the images: Harmony, CellVoyager, HDF5, OME."""

import h5py
import numpy as np
import pytest
import tifffile

from livedead import stores
from livedead.errors import ExportError, FieldError
from livedead.fields.plate_images import PlateImages
from livedead.images.ome_xml import read_ome
from livedead.readers import inventory
from livedead.readers.index import index_plate
from livedead.tables import IMAGES


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


def write_hdf5(path, **datasets):
    with h5py.File(path, "w") as file:
        for name, data in datasets.items():
            file[name] = data


@pytest.mark.parametrize(
    ("shape", "readings"),
    [
        (
            (100, 96, 96),
            "96 tiles of 100 x 96 px (hdf5_axes: yxn) or 100 tiles of 96 x 96 px (hdf5_axes: nyx)",
        ),
        ((96, 96, 96), "96 tiles of 96 x 96 px (hdf5_axes: yxn) or 96 tiles of 96 x 96 px (hdf5_axes: nyx)"),
        (
            (96, 96, 100),
            "100 tiles of 96 x 96 px (hdf5_axes: yxn) or 96 tiles of 96 x 100 px (hdf5_axes: nyx)",
        ),
        ((2, 20, 30), "2 tiles of 20 x 30 px (hdf5_axes: nyx)"),
    ],
)
def test_axes_that_the_shape_leaves_open_are_the_users_to_say(tmp_path, shape, readings):
    write_hdf5(tmp_path / "A01.h5", BF=np.zeros(shape, np.uint16))
    with pytest.raises(ExportError) as error:
        exported(tmp_path, channels={"bf": "BF"})
    assert f"dataset 'BF' of shape {shape} may be {readings}; say which in config.yaml" in str(error.value)
    for axes, n in (("nyx", shape[0]), ("yxn", shape[2])):
        table, _ = exported(tmp_path, channels={"bf": "BF"}, hdf5_axes=axes)
        assert list(table["field"]) == list(range(1, n + 1))


@pytest.mark.parametrize("axes", ["yxn", "nyx"])
def test_the_gate_cuts_the_tile_that_the_axes_say(tmp_path, axes):
    tiles = [image(k) for k in range(25)]
    write_hdf5(tmp_path / "A01.h5", BF=np.stack(tiles, axis=axes.index("n")))
    table, _ = exported(tmp_path, channels={"bf": "BF"}, hdf5_axes=axes)
    stores.write_table(tmp_path / "images.tsv", table, IMAGES)
    plate = PlateImages(tmp_path, stores.read_table(tmp_path / "images.tsv", IMAGES), 16)
    for k, tile in enumerate(tiles):
        np.testing.assert_array_equal(plate.plane(("A01", k + 1, 1), "bf"), tile)


def test_hdf5_that_is_no_stack_of_images_says_what_it_holds(tmp_path):
    write_hdf5(tmp_path / "A01.h5", BF=np.zeros((2, 3, 20, 20), np.uint16), notes=np.zeros(4))
    with pytest.raises(ExportError) as error:
        exported(tmp_path, channels={"bf": "other"})
    assert "such as A01.h5: no dataset (H, W) or (H, W, tiles) of numbers; " in str(error.value)
    assert "the file holds 'BF' uint16 (2, 3, 20, 20), 'notes' float64 (4,)" in str(error.value)
    write_hdf5(tmp_path / "A02.h5", mask=image(), BF=np.zeros((2, 3, 20, 20), np.uint16))
    with pytest.raises(ExportError, match=r"A01.h5: dataset 'BF' is uint16 \(2, 3, 20, 20\); an image is"):
        exported(tmp_path, channels={"bf": "BF"})
    (tmp_path / "A02.h5").unlink()
    tifffile.imwrite(tmp_path / "p_A01_s1_w1.tif", image())
    table, _ = exported(tmp_path, channels={"bf": "w1"})  # a table beside images is no second format
    assert list(table["path"]) == ["p_A01_s1_w1.tif"]


def test_links_out_of_an_hdf5_file_are_refused(tmp_path):
    with h5py.File(tmp_path / "A01.h5", "w") as file:
        layout = h5py.VirtualLayout((20, 20), np.uint16)
        layout[:] = h5py.VirtualSource("secret.h5", "x", (20, 20))
        file.create_virtual_dataset("BF", layout)
    with pytest.raises(ExportError, match="lies in another file"):
        exported(tmp_path, channels={"bf": "BF"})


def test_a_file_per_field_takes_its_number_from_the_name(tmp_path):
    for k in (1, 2):
        write_hdf5(tmp_path / f"A01_f{k}.h5", BF=image(k))
    (tmp_path / "A01_f3.h5").write_bytes(b"torn")
    table, _ = exported(tmp_path, channels={"bf": "BF"})
    plate = PlateImages(tmp_path, table, 16)
    assert plate.keys() == [("A01", 1, 1), ("A01", 2, 1), ("A01", 3, 1)]
    np.testing.assert_array_equal(plate.plane(("A01", 2, 1), "bf"), image(2))
    assert code(plate, ("A01", 3, 1)) == "unreadable"


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


def write_ome(path, k, **metadata):
    tifffile.imwrite(path, image(k), ome=True, photometric="minisblack", metadata={"axes": "YX", **metadata})


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


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('<TiffData IFD="1" FirstC="1">', '<TiffData IFD="1" FirstC="0">'),  # one plane on two pages
        (
            "</Plate>",
            "<Well Row='0' Column='0'><WellSample><ImageRef ID='Image:0'/></WellSample></Well></Plate>",
        ),
        ("</OME>", "<Image ID='Image:0'/></OME>"),
    ],
)
def test_documents_that_contradict_themselves_are_refused(old, new):
    text = ome("x.ome.tif")
    assert len(read_ome(text, "x").planes) == 2
    with pytest.raises(ExportError, match="x: OME-XML with an unreadable or missing value"):
        read_ome(text.replace(old, new), "x")


def described(table, export, pixel_size_um=1.0):
    return inventory.take_inventory(
        table,
        export,
        [],
        plate="p",
        n_wells=96,
        pixel_size_um=pixel_size_um,
        input_channels=["bf"],
        fields_per_well=None,
    )


@pytest.mark.parametrize("below", ["Images/", "a/b/"])
def test_images_below_their_index_are_read_there_and_it_is_said(tmp_path, below):
    planes = [(1, 2, k, 1, "Ok", f"{k}.tiff", 0) for k in (1, 2)]
    harmony(tmp_path, planes, name="Index.xml")
    (tmp_path / below).mkdir(parents=True)
    for k in (1, 2):
        tifffile.imwrite(tmp_path / below / f"{k}.tiff", image(k))
    table, export = exported(tmp_path)
    np.testing.assert_array_equal(PlateImages(tmp_path, table, 16).plane(("A02", 2, 1), "bf"), image(2))
    assert f"NOTE: 2 file(s) that Index.xml lists lie not beside it but below, in {below}" in described(
        table, export
    )


def test_images_of_one_name_in_two_folders_below_their_index_are_not_chosen(tmp_path):
    harmony(tmp_path, [(1, 2, 1, 1, "Ok", "1.tiff", 0)], name="Index.xml")
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        tifffile.imwrite(tmp_path / folder / "1.tiff", image(1))
    table, export = exported(tmp_path)
    assert code(PlateImages(tmp_path, table, 16), ("A02", 1, 1)) == "missing_file"
    assert "several of their name lie below it, such as a/1.tiff and b/1.tiff" in described(table, export)


def test_images_below_their_list_of_cellvoyager(tmp_path):
    yokogawa(tmp_path, [(record("IMG", 1), "x.tif")])
    (tmp_path / "Image").mkdir()
    tifffile.imwrite(tmp_path / "Image/x.tif", image(1))
    table, _ = exported(tmp_path, channels={"bf": "C01"})
    assert list(table["path"]) == ["Image/x.tif"]


def test_an_index_that_contradicts_itself_is_refused(tmp_path):
    harmony(tmp_path, [(1, 2, 1, 1, "Ok", "1.tiff", 0)])
    path = tmp_path / "Index.idx.xml"
    text = path.read_text(encoding="utf-8")
    path.write_text(
        text.replace("<Row>1</Row><Col>2</Col><FieldID>", "<Row>1</Row><Row>7</Row><Col>2</Col><FieldID>")
    )
    with pytest.raises(ExportError, match="Row is there twice, '1' and '7'"):
        exported(tmp_path)
    entry = "<Entry ChannelID='1'><ChannelName>PI</ChannelName></Entry></Map>"
    path.write_text(text.replace("</Map>", entry))
    with pytest.raises(ExportError, match="channel 1 is both 'Brightfield' and 'PI'"):
        exported(tmp_path)


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
    assert (f"PIXEL SIZE: {told}" in described(table, export, sheet)) == bool(told)


def test_images_of_several_pixel_sizes_are_told(tmp_path):
    for k, size in ((1, 0.65), (2, 1.3)):
        write_ome(tmp_path / f"A01_f{k}.ome.tif", k, PhysicalSizeX=size)
    table, export = exported(tmp_path, channels={"bf": "0"})
    assert export["expected"] == {"pixel_sizes_um": [0.65, 1.3]}
    assert "PIXEL SIZE: the export says 0.65 and 1.3 um, plates.tsv 0.65 um" in described(table, export, 0.65)


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
