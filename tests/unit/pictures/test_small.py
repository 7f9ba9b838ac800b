import base64
import io

import numpy as np
import pytest
from PIL import Image

from livedead.network.classes import Classes
from livedead.pictures.figures import ROLE_COLOURS
from livedead.pictures.small import class_map_webp, webp


def opened(address):
    kind, data = address.split(";base64,")
    assert kind == "data:image/webp"
    return Image.open(io.BytesIO(base64.b64decode(data)))


def test_a_large_field_is_reduced_by_averaging():
    colours = np.zeros((60, 120, 3))
    colours[:, 60:] = 1
    colours[::2] /= 2
    picture = opened(webp(colours, side_px=30, quality=90))
    assert picture.size == (30, 15)
    grey = np.asarray(picture.convert("L"), float) / 255
    np.testing.assert_allclose(grey[:, 2:12], 0, atol=0.03)
    np.testing.assert_allclose(grey[:, -12:-2], 0.75, atol=0.03)


def test_a_small_field_keeps_its_size_and_equal_fields_give_equal_texts():
    colours = np.random.default_rng(0).random((20, 31, 3))
    address = webp(colours, side_px=480, quality=60)
    assert opened(address).size == (31, 20)
    assert address == webp(colours.copy(), side_px=480, quality=60)
    assert len(webp(colours, side_px=480, quality=10)) < len(address)


@pytest.mark.parametrize("side_px", [480, 9])
def test_classes_keep_their_colours_and_the_background_is_transparent(side_px):
    classes = Classes(background=(0,), live=(1,), dead=(7,), context=(2,))
    class_map = np.repeat(np.repeat(np.array([[0, 1], [7, 2]], np.uint8), 9, axis=0), 9, axis=1)
    picture = np.asarray(opened(class_map_webp(class_map, classes, side_px)).convert("RGBA"))
    side = min(side_px, 18)
    assert picture.shape == (side, side, 4)
    corners = {"live": picture[0, -1], "dead": picture[-1, 0], "context": picture[-1, -1]}
    for role, pixel in corners.items():
        assert "#{:02X}{:02X}{:02X}".format(*pixel[:3]) == ROLE_COLOURS[role]
        assert pixel[3] == 255
    assert picture[0, 0, 3] == 0
