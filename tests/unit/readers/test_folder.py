"""What lies in a raw folder besides images is told, by what it is."""

import os
import socket
from pathlib import Path

import h5py
import numpy as np
import pytest
import tifffile

from livedead.errors import ExportError, FieldError
from livedead.fields.plate_images import PlateImages
from livedead.readers import inventory
from livedead.readers.folder import list_files
from livedead.readers.index import index_plate

LFS = b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 123456\n"


def write_image(path, k=0):
    path.parent.mkdir(parents=True, exist_ok=True)
    image = np.random.default_rng(k).integers(1, 4000, (20, 20), dtype=np.uint16)
    tifffile.imwrite(path, image, photometric="minisblack")


def exported(raw, **changes):
    settings = {"export_format": "auto", "channels": {"bf": "w1"}, "n_wells": 96, "pixel_size_um": 1.0}
    return index_plate(raw, plate="p", **{**settings, **changes})


def described(table, export):
    return inventory.take_inventory(
        table,
        export,
        [],
        plate="p",
        n_wells=96,
        pixel_size_um=1.0,
        input_channels=["bf"],
        fields_per_well=None,
    )


def make_socket(path):
    """A Unix socket; its path may be 107 bytes long, so it is bound where it is short."""
    here = Path.cwd()
    os.chdir(path.parent)
    try:
        with socket.socket(socket.AF_UNIX) as one:
            one.bind(path.name)
    finally:
        os.chdir(here)


@pytest.mark.parametrize(
    ("make", "kind"),
    [
        (os.mkfifo, "a FIFO, no file"),
        (make_socket, "a socket, no file"),
        (lambda path: path.mkdir(), "a folder, no file"),
    ],
)
@pytest.mark.parametrize(
    ("name", "channel"), [("p_A01_s2_w1.tif", "w1"), ("A01_f2.ome.tif", "0"), ("A01_f2.h5", "BF")]
)
def test_what_is_named_like_an_image_and_is_no_file_fails_its_field(tmp_path, make, kind, name, channel):
    if channel == "w1":
        write_image(tmp_path / "p_A01_s1_w1.tif")
    elif channel == "0":
        tifffile.imwrite(tmp_path / "A01_f1.ome.tif", np.eye(20, dtype=np.uint16), ome=True)
    else:
        with h5py.File(tmp_path / "A01_f1.h5", "w") as file:
            file["BF"] = np.eye(20, dtype=np.uint16)
    make(tmp_path / name)
    table, export = exported(tmp_path, channels={"bf": channel})
    plate = PlateImages(tmp_path, table, 16)
    assert plate.keys() == [("A01", 1, 1), ("A01", 2, 1)]
    with pytest.raises(FieldError) as error:
        plate.plane(("A01", 2, 1), "bf")
    assert error.value.code == "unreadable"
    assert f"files that cannot be read: A01 field 2 timepoint 1 bf: {name} ({kind}" in described(
        table, export
    )


def test_a_folder_named_like_the_image_in_it_is_a_folder(tmp_path):
    """As some programs unpack archives."""
    write_image(tmp_path / "p_A01_s1_w1.tif/p_A01_s1_w1.tif")
    assert list_files(tmp_path) == ["p_A01_s1_w1.tif/p_A01_s1_w1.tif"]
    assert list(exported(tmp_path)[0]["problem"]) == [""]


FOREIGN = [
    ("plate.nd2", b"\xda\xce\xbe\n", "Nikon ND2", "NIS-Elements"),
    ("plate.czi", b"ZISRAWFILE", "Zeiss CZI", "ZEN"),
    ("plate.lif", b"\x70\0\0\0", "Leica LIF", "LAS X"),
    ("plate_A01f00d0.C01", b"x", "Cellomics C01", "HCS Studio"),
    ("A01_f1.png", b"\x89PNG\r\n", "PNG", "16-bit grey TIFF"),
    ("A01_f1.jpg", b"\xff\xd8\xff\xe0", "JPEG", "lost what was measured"),
    ("A01_f1.tif", LFS, "a Git LFS pointer", "git lfs pull"),
    ("p_A01_s1_w1.tif", LFS, "a Git LFS pointer", "git lfs pull"),
    ("p_A01_s1_w1.tif", b"\x89PNG\r\n", "PNG", "16-bit grey TIFF"),
    ("p_A01_s1_w1.tif", b"<!DOCTYPE html>", "a web page", "download"),
    ("A01_f1.h5", LFS, "a Git LFS pointer", "git lfs pull"),
    ("images.zip", b"PK\x03\x04", "a ZIP archive", "unpack it"),
]


@pytest.mark.parametrize(("name", "content", "kind", "remedy"), FOREIGN)
def test_a_folder_of_other_formats_names_them_and_what_to_do(tmp_path, name, content, kind, remedy):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ExportError, match=rf"{name} is {kind}.*{remedy}"):
        exported(tmp_path)
    with pytest.raises(ExportError, match=rf"{name} is {kind}.*{remedy}"):
        exported(tmp_path, export_format="pattern", file_pattern=r"(?P<well>[A-H]\d\d).*\.\w+$")


@pytest.mark.parametrize(
    ("name", "content", "kind", "remedy"),
    [
        ("A01.lsm", b"II*\0", "Zeiss LSM", "ZEN"),
        ("001001000.flex", b"II*\0", "PerkinElmer FLEX", "ImageIndex.ColumbusIDX.xml"),
        ("A01.ims", b"\x89HDF\r\n", "Imaris IMS", "Imaris"),
        ("A01.oir", b"OLYMPUSRAWFORMAT", "Olympus OIR", "cellSens"),
        ("A01.sld", b"x", "", "none is TIFF or HDF5: export 16-bit grey TIFF"),
    ],
)
def test_formats_with_tiff_or_hdf5_inside_and_unknown_ones_are_no_dead_end(
    tmp_path, name, content, kind, remedy
):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ExportError, match=rf"{name}.*{kind}.*{remedy}"):
        exported(tmp_path)


def test_a_pattern_that_fits_names_the_format_it_needs(tmp_path):
    for name in ("x_A01_f1_BF.tif", "x_A02_f1_BF.tif"):
        write_image(tmp_path / name)
    for export_format in ("auto", "incell"):
        with pytest.raises(ExportError) as error:
            exported(tmp_path, export_format=export_format, file_pattern="{well}_f{field}_{channel}")
        assert str(error.value).endswith(
            "file_pattern fits 2 file(s), such as x_A01_f1_BF.tif; if these are the images, write 'pattern' "
            "into the column 'format' of plates.tsv"
        )


@pytest.mark.parametrize(("name", "content", "kind", "remedy"), FOREIGN)
def test_other_formats_among_images_are_named_by_the_inventory(tmp_path, name, content, kind, remedy):
    (tmp_path / name).write_bytes(content)
    write_image(tmp_path / "p_B02_s1_w1.tif")
    text = described(*exported(tmp_path, export_format="imagexpress"))
    lines = [line for line in text.splitlines() if name in line and kind in line and remedy in line]
    listed = name.startswith("p_")
    assert [line.strip().partition(":")[0].partition(",")[0] for line in lines] == [
        "without a readable header" if listed else "unlisted files"
    ]


@pytest.mark.parametrize("mark", [".zgroup", ".zattrs", "zarr.json", None])
def test_zarr_is_one_thing_and_named(tmp_path, mark):
    folder = tmp_path / ("plate.zarr" if mark is None else "B")
    (folder / "0/0").mkdir(parents=True)
    (folder / "0/0/0").write_bytes(b"x")
    if mark:
        (folder / mark).write_text("{}")
    assert list_files(tmp_path) == [folder.name]
    with pytest.raises(ExportError, match=f"{folder.name} is Zarr: export its images as OME-TIFF"):
        exported(tmp_path)
    if mark:
        with pytest.raises(ExportError, match=r"\. is Zarr"):
            exported(folder)


def test_a_folder_of_no_known_format_says_why_each_reader_left_its_files(tmp_path):
    (tmp_path / "plate.h5").write_bytes(b"x")
    write_image(tmp_path / "x.tif")
    with pytest.raises(ExportError) as error:
        exported(tmp_path)
    assert "1 file(s) for hdf5, such as plate.h5: no well in its name; give 'file_pattern'" in str(
        error.value
    )
    assert "'file_pattern' in config.yaml, such as '{well}_f{field}_{channel}'" in str(error.value)


def test_a_photograph_beside_images_of_unknown_names_is_not_all_that_is_said(tmp_path):
    (tmp_path / "plate.jpg").write_bytes(b"\xff\xd8\xff\xe0")
    write_image(tmp_path / "x.tif")
    with pytest.raises(ExportError, match=r"plate\.jpg is JPEG: .*; x\.tif; use format 'pattern'"):
        exported(tmp_path)
