import h5py
import numpy as np
import pytest
import tifffile
from small_exports import code, exported, image

from livedead import stores
from livedead.errors import ExportError
from livedead.fields.plate_images import PlateImages
from livedead.tables import IMAGES


def stack(path, tiles, names=("BF", "DRAQ7"), dtype=np.uint16):
    with h5py.File(path, "w") as file:
        for k, name in enumerate(names):
            data = np.stack([image(10 * k + tile) for tile in range(tiles)], axis=-1).astype(dtype)
            file.create_dataset(name, data=data, compression="gzip")
        file["notes"] = "text"


def write_hdf5(path, **datasets):
    with h5py.File(path, "w") as file:
        for name, data in datasets.items():
            file[name] = data


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
