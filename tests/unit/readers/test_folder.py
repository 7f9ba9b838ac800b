import os
import socket
from pathlib import Path

import h5py
import numpy as np
import pytest
import tifffile
from small_exports import described, exported, write_image

from livedead.errors import FieldError
from livedead.fields.plate_images import PlateImages
from livedead.readers.folder import list_files


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
