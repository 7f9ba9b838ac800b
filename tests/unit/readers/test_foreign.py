"""What lies in a raw folder besides images is told, by what it is."""

import pytest
from small_exports import described, exported, write_image

from livedead.errors import ExportError
from livedead.readers.folder import list_files

LFS = b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 123456\n"


FOREIGN = [
    ("plate.lif", b"\x70\0\0\0", "Leica LIF", "LAS X"),
    ("plate_A01f00d0.C01", b"x", "Cellomics C01", "HCS Studio"),
    ("A01_f1.jpg", b"\xff\xd8\xff\xe0", "JPEG", "lost information"),
    ("A01_f1.tif", LFS, "a Git LFS pointer", "git lfs pull"),
    ("p_A01_s1_w1.tif", LFS, "a Git LFS pointer", "git lfs pull"),
    ("p_A01_s1_w1.tif", b"GIF89a", "GIF", "16-bit grey TIFF"),
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
        ("A01.sld", b"x", "", "none is TIFF, PNG or HDF5: export 16-bit grey TIFF"),
    ],
)
def test_formats_with_tiff_or_hdf5_inside_and_unknown_ones_are_no_dead_end(
    tmp_path, name, content, kind, remedy
):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ExportError, match=rf"{name}.*{kind}.*{remedy}"):
        exported(tmp_path)


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
    named = r"B is part of a Zarr, or one without '\.zarr' .*: name its whole folder so"
    with pytest.raises(ExportError, match=named if mark else r"plate\.zarr: no Zarr group"):
        exported(tmp_path)
    if mark:
        with pytest.raises(ExportError, match=r"\. is part of a Zarr"):
            exported(folder)
