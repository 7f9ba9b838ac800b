import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from livedead.simulation import label_free
from livedead.simulation.camera import Camera

NOISELESS = Camera(offset=0, read_noise=0, electrons_per_count=1e12, vignetting=0)


def test_dyes_mark_what_they_mark():
    images, cells = label_free.simulate_field(np.random.default_rng(0), 0.5, side_px=400)
    check_dyes(images, cells, 400)


@pytest.mark.parametrize(("pixel_size_um", "side_px"), [(0.325, 800), (0.455, 572), (0.91, 286), (1.3, 200)])
def test_a_camera_with_other_pixels_sees_the_same_cells(pixel_size_um, side_px):
    def simulated(**camera):
        return label_free.simulate_field(np.random.default_rng(0), 0.5, **camera)

    _, expected = simulated(side_px=400)
    images, cells = simulated(side_px=side_px, pixel_size_um=pixel_size_um)
    assert images["brightfield"].shape == (side_px, side_px)
    check_dyes(images, cells, side_px)
    if side_px * pixel_size_um == 260:
        assert cells["state"].tolist() == expected["state"].tolist()
        for name in ("y_px", "x_px"):
            # From the field's edge: the middle of the first pixel is half a pixel away from it.
            at, same = (cells[name] + 0.5) * pixel_size_um, (expected[name] + 0.5) * 0.65
            np.testing.assert_allclose(at, same)
        radii = cells["nucleus_radius_px"] * pixel_size_um, expected["nucleus_radius_px"] * 0.65
        np.testing.assert_allclose(*radii)


def check_dyes(images, cells, side_px):
    y, x = (cells[name].round().astype(int).clip(0, side_px - 1) for name in ("y_px", "x_px"))
    dead = (cells["state"] == "dead").to_numpy()
    hoechst, draq7 = images["hoechst"][y, x], images["draq7"][y, x]
    assert hoechst.min() > 800
    assert draq7[dead].min() > 5 * draq7[~dead].max() / 2


def test_a_larger_pixel_takes_the_light_of_its_whole_square():
    """At twice the size it sees what four of the usual pixels see together; the specimen is drawn alike."""
    same = {"n_debris": 5, "camera": NOISELESS}
    fine, _ = label_free.simulate_field(np.random.default_rng(4), 0.5, side_px=300, **same)
    coarse, _ = label_free.simulate_field(
        np.random.default_rng(4), 0.5, side_px=150, pixel_size_um=1.3, **same
    )
    # Without noise the random streams stay together up to the camera, so brightfield is the same.
    together = fine["brightfield"].reshape(150, 2, 150, 2).mean(axis=(1, 3))
    np.testing.assert_allclose(coarse["brightfield"], together, atol=1)


def test_the_optics_blur_as_much_on_smaller_pixels():
    """The spectrum of a blurred image falls off at the same spatial frequency, whatever the pixels."""
    spread = []
    for pixel_size_um, side_px in ((0.65, 256), (0.325, 512)):
        images, _ = label_free.simulate_field(
            np.random.default_rng(1),
            0.5,
            side_px=side_px,
            mean_cells=40,
            defocus_px=1.5,
            camera=NOISELESS,
            pixel_size_um=pixel_size_um,
        )
        light = images["brightfield"].astype(float)
        detail = light - gaussian_filter(light, 6 * 0.65 / pixel_size_um)
        power = np.abs(np.fft.rfft2(detail)) ** 2
        y, x = (
            np.fft.fftfreq(side_px, pixel_size_um)[:, None],
            np.fft.rfftfreq(side_px, pixel_size_um),
        )
        spread.append(np.sqrt((power * (y**2 + x**2)).sum() / power.sum()))
    # A blur of as many pixels would give twice the frequency.
    assert spread[1] == pytest.approx(spread[0], rel=0.1)
