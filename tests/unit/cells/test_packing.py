import numpy as np
import pytest
from drawn_fields import discs, random_blobs
from scipy import ndimage
from skimage.measure import label

from livedead.cells.packing import Pixels, on_shelves, slid_left


def nested():
    """A disc inside a ring, and a C that reaches around another disc."""
    field = discs((20, 20), (50, 52), radius=6) > 0
    y, x = np.mgrid[0:80, 0:80]
    for centre in (20, 50):
        field |= np.abs(np.hypot(y - centre, x - centre) - 14) <= 2
    field[46:54, 60:70] = False
    return field


FIELDS = {
    "small": random_blobs(1, side=91, sigma=1.5) > 0,
    "large": random_blobs(2, side=120, sigma=4.0) > 0,
    "noise": np.random.default_rng(3).random((64, 51)) < 0.3,
    "nested": nested(),
    "full": np.ones((5, 8), bool),
    "pixel": np.ones((1, 1), bool),
}


@pytest.fixture(params=FIELDS)
def pixels(request):
    return Pixels.of_labels(label(FIELDS[request.param], connectivity=2).astype(np.int32))


@pytest.mark.parametrize("move", [on_shelves, slid_left])
def test_components_are_moved_as_a_whole_and_never_touch(pixels, move):
    moved = move(pixels)
    n = pixels.owner.max()
    assert len(np.unique(moved.at)) == len(pixels.at)
    before, after = (np.stack(np.divmod(p.at, p.shape[1])) for p in (pixels, moved))
    for k in range(1, n + 1):
        step = (after - before)[:, pixels.owner == k]
        assert (step == step[:, :1]).all()
    components, found = label(moved.image(np.ones(len(moved.at), bool)), connectivity=2, return_num=True)
    assert found == n
    assert len(np.unique(np.stack([moved.values(components), pixels.owner]), axis=1).T) == n


@pytest.mark.parametrize("move", [on_shelves, slid_left])
def test_the_distance_from_the_edge_stays(pixels, move):
    here, there = (
        p.values(ndimage.distance_transform_edt(np.pad(p.image(np.ones(len(p.at), bool)), 1))[1:-1, 1:-1])
        for p in (pixels, move(pixels))
    )
    np.testing.assert_array_equal(here, there)


def test_slid_pixels_stay_in_their_rows_and_in_raster_order(pixels):
    slid = slid_left(pixels)
    assert (np.diff(slid.at) > 0).all()
    np.testing.assert_array_equal(slid.at // slid.shape[1], pixels.at // pixels.shape[1])
    image = slid.image(slid.owner)
    assert not image[:, 0].any()
    assert not image[:, -1].any()
    assert not image[-1].any()


def test_shelves_have_background_all_around(pixels):
    shelved = on_shelves(pixels)
    image = shelved.image(shelved.owner)
    assert not np.concatenate([image[0], image[-1], image[:, 0], image[:, -1]]).any()


def test_background_goes():
    """Nine discs of 21 px far apart: a bounding box of 22² each, and a frame."""
    centres = [(y, x) for y in (100, 300, 500) for x in (100, 300, 500)]
    pixels = Pixels.of_labels(label(discs(*centres, side=600)).astype(np.int32))
    assert on_shelves(pixels).shape == (67, 67)
    assert slid_left(pixels).shape == (601, 67)


def test_some_pixels_of_an_image():
    labels = np.array([[0, 3, 3], [7, 0, 3]], np.int32)
    pixels = Pixels.of_labels(labels)
    np.testing.assert_array_equal(pixels.image(pixels.values(labels)), labels)
    seven = pixels[pixels.owner == 7]
    np.testing.assert_array_equal(seven.image(np.array([2.5])), [[0, 0, 0], [2.5, 0, 0]])
    # Numbers that no component has take no room.
    assert on_shelves(seven).shape == (3, 3)
