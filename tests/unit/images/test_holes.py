import numpy as np
import pytest
import tifffile
from scipy.ndimage import gaussian_filter
from scipy.stats import geom

from livedead.images.holes import find_hole, in_file_order
from livedead.simulation.label_free import simulate_field

SHORTEST = 255


@pytest.fixture(scope="module")
def field():
    return simulate_field(np.random.default_rng(3), 0.5, side_px=1024, mean_cells=220)[0]


def with_hole(plane, size, at, fill):
    """The plane as it is read where `size` bytes from `at` on were lost in its file."""
    content = bytearray(plane.astype("<u2").tobytes())
    content[at : at + size] = bytes([fill]) * size
    return np.frombuffer(bytes(content), "<u2").reshape(plane.shape).copy()


@pytest.mark.parametrize("size", [512, 4096, 65_536, 2**20])
@pytest.mark.parametrize("fill", [0, 0xFF])
def test_lost_blocks_are_found_at_any_place(field, size, fill):
    rng = np.random.default_rng(size + fill)
    # A block of the disk, any byte, the beginning and the end of the pixels.
    places = [31 * 512 - 8, *rng.integers(0, 2**21 - size, 6).tolist(), 0, 2**21 - size]
    for at in places:
        first, last = find_hole(with_hole(field["brightfield"], size, at, fill), 257 * fill, SHORTEST)
        assert (first, last) == (-(-at // 2), (at + size) // 2)


def test_one_other_zero_does_not_hide_a_hole(field):
    plane = with_hole(field["brightfield"], 2**20, 300_001, 0)
    plane[1000, 1000] = 0
    plane[10, 500:540] = 0
    assert find_hole(plane, 0, SHORTEST) == (150_001, (300_001 + 2**20) // 2)


def test_a_hole_in_a_clipped_background_is_longer_than_its_runs(field):
    clipped = np.maximum(field["hoechst"].astype(int) - 330, 0).astype(np.uint16)
    assert 0.4 < (clipped == 0).mean() < 0.5
    assert find_hole(clipped, 0, SHORTEST) is None
    found = [
        find_hole(with_hole(clipped, 4096, at, 0), 0, SHORTEST) for at in range(7, 2**21 - 4096, 200_001)
    ]
    assert None not in found


@pytest.mark.parametrize("size", [4096, 65_536, 2**18])
def test_a_hole_between_dark_corners_is_found(field, size):
    y, x = np.mgrid[0:1024, 0:1024] / 1024 - 0.5
    light = field["brightfield"].astype(float)
    shaded = np.maximum(light * (1 - 5 * (x**2 + y**2)), 0).astype(np.uint16)
    masked = np.where(np.hypot(y, x) < 0.35, light, 0).astype(np.uint16)
    for plane in (shaded, masked):
        assert find_hole(plane, 0, SHORTEST) is None
        taken = 0
        for at in range(2**11 + 7, 2**21 - size, 2**21 // 37):
            if (plane.reshape(-1)[at // 2 : (at + size) // 2] > 0).mean() > 0.5:  # more light than corner
                taken += 1
                first, last = find_hole(with_hole(plane, size, at, 0), 0, SHORTEST)
                assert first < (at + size) // 2
                assert last > at // 2
        assert taken > 5


def test_the_bound_holds_for_independent_pixels():
    """exp(-n / L) is never less than what the geometric distribution gives, L from the same chance p."""
    for p in np.linspace(0.01, 0.999, 200):
        usual = 1 + p * (1 + p) / (1 - p)  # length of the run that a pixel lies in, by its length
        n = np.arange(255, 5000, 50)
        assert (np.exp(-n / usual) >= geom(1 - p).sf(n)).all()


def pictures(field):
    """Black and white parts that are of the picture."""
    light, dye = field["brightfield"], field["hoechst"].astype(float)
    y, x = np.mgrid[0:1024, 0:1024] / 1024 - 0.5
    rng = np.random.default_rng(0)
    for counts in (250, 330, 350, 380, 450):
        yield f"clipped {counts}", np.maximum(dye - counts, 0)
    for radius in (0.45, 0.62):
        yield f"a well of radius {radius}", np.where(np.hypot(y, x) < radius, light, 0)
        yield f"a noisy wall, {radius}", np.where(np.hypot(y, x) < radius, light, rng.poisson(0.7, y.shape))
    for slope in (0.2, 0.02, 0.001):
        yield f"stitched, turned by {slope}", np.where(y - slope * x > -0.4, light, 0)
    yield "saturated nuclei", dye * 40
    yield "saturated clumps", gaussian_filter(dye, 20) * 150
    yield "overexposed", light * 3.4
    yield "a fibre two pixels thick", np.where(abs(y - 0.001 * x) < 1 / 1024, 1e5, light)


def test_black_and_white_parts_of_a_picture_are_no_holes(field):
    n_with_runs = 0
    for name, counts in pictures(field):
        plane = np.clip(counts, 0, 65535).astype(np.uint16)
        for value in (0, 65535):
            assert find_hole(plane, value, SHORTEST) is None, name
            rows = (plane == value).reshape(-1, 128)
            n_with_runs += bool((rows[:-1].all(axis=1) & rows[1:].all(axis=1)).any())
    assert n_with_runs >= 8, "pictures without long runs prove nothing"


def test_tiles_follow_each_other_as_in_the_file():
    plane = np.arange(5 * 7, dtype=np.uint16).reshape(5, 7)
    found = in_file_order(plane, (2, 4))
    assert found.shape == (3 * 2 * 2, 4)
    np.testing.assert_array_equal(found[:2], plane[:2, :4])
    np.testing.assert_array_equal(found[2:4, :3], plane[:2, 4:])
    np.testing.assert_array_equal(found[2:4, 3], plane[:2, 6])
    assert in_file_order(plane, None) is plane
    assert in_file_order(plane, (2, 16)) is plane


def test_a_lost_block_in_tiles_is_found_in_their_order(field):
    # In rows of the image, 512 bytes of a tile of 128 px are 2 rows of 128 px.
    tiles = in_file_order(field["brightfield"], (128, 128))
    lost = with_hole(tiles, 512, 128 * 128 * 2 * 9 + 5000, 0)
    plane = lost.reshape(8, 8, 128, 128).swapaxes(1, 2).reshape(1024, 1024)
    assert find_hole(plane, 0, SHORTEST) is None
    assert find_hole(in_file_order(plane, (128, 128)), 0, SHORTEST) == (
        128 * 128 * 9 + 2500,
        128 * 128 * 9 + 2756,
    )


def test_real_images_have_no_holes(shared):

    n_images = 0
    for path in (
        sorted((shared / "bbbc010/raw").glob("*.tif")) + sorted((shared / "ldc/raw").glob("*.tif"))[::10]
    ):
        plane = tifffile.imread(path)
        largest = np.iinfo(plane.dtype).max
        n_images += 1
        for value in (0, largest):
            assert find_hole(plane, int(value), 512 // plane.itemsize - 1) is None, path
    assert n_images > 200
