"""Fields for other tools: 16-bit images, black where there is nothing to show."""

import numpy as np
import pandas as pd
import pytest

from livedead.errors import FieldError
from livedead.fields.exported import ExportedPlate
from livedead.fields.normalized_plate import NormalizedPlate
from livedead.fields.plate_images import PlateImages
from livedead.normalization.transforms import ANY_SIZE, Transform

COUNTS = np.arange(600, 2700, 100, dtype=np.uint16).reshape(3, 7)
"""From black, 600, in 20 equal steps to white, 2600."""


class Pictures(PlateImages):
    """Two fields of B02, one of which was not imaged the second time; one of A01 that cannot be read."""

    def __init__(self):
        keys = [("B02", 1, 3), ("B02", 1, 7), ("B02", 2, 3), ("A01", 1, 3)]
        table = pd.DataFrame(keys, columns=["well", "field", "timepoint"]).assign(
            plate="p", channel="bf", hours=0.0, crop_y_px=0, crop_x_px=0, height=[3, 3, 5, 4], width=7
        )
        super().__init__(None, table, 16)

    def plane(self, key, channel):
        if (*key, channel) not in self._rows or key[0] == "A01":
            raise FieldError("missing_channel", "not there")
        return COUNTS


def exported(gain):
    transform = Transform(gain=gain, black=600.0, white=2600.0)
    return ExportedPlate(NormalizedPlate(Pictures(), {"bf": transform}))


@pytest.fixture
def plate():
    return exported(np.ones((3, 7), np.float32))


def test_black_is_0_and_white_65535(plate):
    found = plate.field(("B02", 1, 3), (3, 7))
    assert found.dtype == np.uint16
    np.testing.assert_allclose(found[0].ravel(), np.linspace(0, 65535, 21), atol=0.51)


def test_a_field_lies_at_the_upper_left_of_a_larger_image(plate):
    found = plate.field(("B02", 1, 3), (4, 9))[0]
    assert found[2, 6] == 65535
    assert not found[3].any()
    assert not found[:, 7:].any()


@pytest.mark.parametrize("key", [("A01", 1, 3), ("B02", 2, 7)])
def test_what_cannot_be_read_is_black(plate, key):
    assert not plate.field(key, (3, 7)).any()


def test_every_field_has_the_timepoints_of_the_plate(plate):
    assert plate.timepoints == [3, 7]
    assert plate.channels == ["bf"]
    assert plate.shapes("B02") == {1: (3, 7), 2: (3, 7)}


def test_a_field_of_a_plate_of_several_sizes_has_its_own():
    assert exported(ANY_SIZE).shapes("B02") == {1: (3, 7), 2: (5, 7)}
