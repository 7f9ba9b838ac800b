"""Small exports of microscopes: how they are indexed, what is read of them, what is said of them."""

import numpy as np
import pytest
import tifffile

from livedead.errors import FieldError
from livedead.readers.index import index_plate
from livedead.readers.inventory import take_inventory


def image(k=0, side=20):
    """A plane like no other of another `k`."""
    return np.random.default_rng(k).integers(1, 4000, (side, side), dtype=np.uint16)


def write_image(path, k=0):
    """A TIFF file of an `image`, in a folder that is made for it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    tifffile.imwrite(path, image(k), photometric="minisblack")


def exported(raw, **changes):
    """Index, and what the export says of itself, of the folder of a 96-well plate of 1 µm pixels."""
    settings = {"export_format": "auto", "channels": {"bf": "w1"}, "n_wells": 96, "pixel_size_um": 1.0}
    return index_plate(raw, plate="p", **{**settings, **changes})


def code(plate, key, channel="bf"):
    """The code with which a plane fails."""
    with pytest.raises(FieldError) as error:
        plate.plane(key, channel)
    return error.value.code


def described(images, export, mapped=(), pixel_size_um=1.0, fields_per_well=None):
    """The inventory of an index, as text."""
    return take_inventory(
        images,
        export,
        list(mapped),
        plate="p",
        n_wells=96,
        pixel_size_um=pixel_size_um,
        input_channels=["bf"],
        fields_per_well=fields_per_well,
    )
