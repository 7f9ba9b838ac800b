import hashlib

import numpy as np
import pandas as pd
import pytest

from livedead.errors import FieldError
from livedead.fields.normalized_plate import NormalizedPlate, pixels_sha256
from livedead.fields.plate_images import PlateImages
from livedead.normalization.field_illumination import correct_illumination
from livedead.normalization.transforms import ANY_SIZE, Transform

KEY = ("A01", 1, 1)
SHAPE = (20, 30)
RNG = np.random.default_rng(0)
PLANES = {name: RNG.integers(500, 3000, SHAPE).astype(np.uint16) for name in ("bf", "pi")}


class Pictures(PlateImages):
    """One field, whose planes are in memory."""

    def __init__(self, crop_px=(0, 0)):
        row = {"plate": "p", "well": "A01", "field": 1, "timepoint": 1, "hours": 0.0, "channel": "bf"}
        super().__init__(None, pd.DataFrame([{**row, "crop_y_px": crop_px[0], "crop_x_px": crop_px[1]}]), 16)

    def plane(self, key, channel):
        if channel not in PLANES:
            raise FieldError("missing_channel", channel)
        return PLANES[channel]


def transform(**changes):
    gain = np.linspace(0.8, 1.2, 600, dtype=np.float32).reshape(SHAPE)
    return Transform(**{"gain": gain, "black": 600.0, "white": 2600.0, **changes})


def test_counts_are_those_of_the_channels_in_their_order():
    plate = NormalizedPlate(Pictures(), {"pi": transform(), "bf": transform()})
    counts, digest = plate.read(KEY)
    np.testing.assert_array_equal(counts, np.stack([PLANES["pi"], PLANES["bf"]]))
    np.testing.assert_array_equal(plate.counts(KEY), counts)
    expected = hashlib.sha256(PLANES["pi"].tobytes() + PLANES["bf"].tobytes()).hexdigest()
    assert digest == expected


def test_the_hash_is_of_the_pixels_not_of_how_they_lie_in_memory():
    plane = PLANES["bf"]
    others = [plane.astype(">u2"), np.asfortranarray(plane), np.repeat(plane, 2, axis=1)[:, ::2]]
    assert {pixels_sha256([other]) for other in others} == {pixels_sha256([plane])}
    assert pixels_sha256([plane]) != pixels_sha256([plane + 1])


def test_what_the_network_reads_is_the_formula():
    local = {KEY: (700.0, 1700.0)}
    offset = np.full(SHAPE, 5.0, np.float32)
    for fitted, black, white in (
        (transform(), 600, 2600),
        (transform(local=local, offset=offset), 700, 1700),
    ):
        found = NormalizedPlate(Pictures(), {"bf": fitted}).normalized(KEY)
        corrected = PLANES["bf"] * fitted.gain.astype(float) + (0 if fitted.offset is None else 5)
        expected = np.clip((corrected - black) * 2 / (white - black) - 1, -1, 1)
        np.testing.assert_allclose(found[0], expected, atol=1e-5)
        assert found.dtype == np.float32


def test_illumination_is_corrected_per_field_before_the_plates_own():
    plate = NormalizedPlate(Pictures(), {"bf": transform(illumination_degree=2)})
    counts, digest = plate.read(KEY)
    np.testing.assert_array_equal(counts[0], correct_illumination(PLANES["bf"], 2, 0.2))
    # The hash is of what the camera saw.
    assert digest == pixels_sha256([PLANES["bf"]])


def test_fields_of_any_size_are_read_if_their_channels_agree():
    plate = NormalizedPlate(Pictures(), {"bf": transform(gain=ANY_SIZE), "pi": transform(gain=ANY_SIZE)})
    assert plate.counts(KEY).shape == plate.normalized(KEY).shape == (2, *SHAPE)
    plate.images.plane = lambda key, channel: PLANES[channel][: 20 if channel == "bf" else 19]
    with pytest.raises(FieldError, match=r"channels of one field with \(20, 30\) and \(19, 30\) px") as error:
        plate.read(KEY)
    assert error.value.code == "wrong_shape"


def test_the_largest_of_some_fields_is_known_by_their_headers():
    rows = [("A01", 1, 220, 220), ("A01", 2, 219, 225), ("A01", 3, 0, 0)]
    images = pd.DataFrame(rows, columns=["well", "field", "height", "width"])
    images = images.assign(
        plate="p", timepoint=1, hours=0.0, channel="bf", crop_y_px=0, crop_x_px=0, accept="sizes,uint8"
    )
    pictures = PlateImages(None, images, 8)
    assert pictures.any_size and pictures.largest_px == 219 * 225
    plate = NormalizedPlate(pictures, {"bf": transform(gain=ANY_SIZE)})
    assert plate.largest_shape([("A01", 1, 1), ("A01", 2, 1)]) == (220, 225)
    assert plate.largest_shape([("A01", 3, 1)]) == (0, 0)
    one_size = NormalizedPlate(pictures, {"bf": transform()})
    assert one_size.largest_shape([("A01", 3, 1)]) == SHAPE


def test_what_fields_share_is_cropped_from_counts_and_transforms():
    plate = NormalizedPlate(Pictures(crop_px=(2, 3)), {"bf": transform(offset=np.zeros(SHAPE, np.float32))})
    np.testing.assert_array_equal(plate.counts(KEY)[0], PLANES["bf"][2:18, 3:27])
    seen = plate.seen["bf"]
    np.testing.assert_array_equal(seen.gain, transform().gain[2:18, 3:27])
    assert seen.offset.shape == plate.normalized(KEY)[0].shape == (16, 24)


@pytest.mark.parametrize(
    ("fitted", "code"),
    [
        ({"bf": transform(gain=np.ones((21, 30), np.float32))}, "wrong_shape"),
        ({"bf": transform(gain=np.ones((0, 0), np.float32))}, "not_normalized"),
        ({"hoechst": transform()}, "missing_channel"),
    ],
)
def test_a_field_that_does_not_fit_its_plate_has_a_code(fitted, code):
    with pytest.raises(FieldError) as error:
        NormalizedPlate(Pictures(), fitted).read(KEY)
    assert error.value.code == code
