from dataclasses import replace

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from livedead.normalization.fitting import fit_channel
from livedead.normalization.flat_field import flat_field_gain, illumination_profile, sampled


def test_flat_field_undoes_the_light(vignetting, fields):
    smooth = illumination_profile(np.stack(list(fields(24))), (128, 128), 4)
    corrected = vignetting * flat_field_gain(smooth, floor=0.1)
    assert np.ptp(corrected) / corrected.mean() < 0.03


def test_a_few_pixels_show_the_light_as_well_as_all(vignetting):
    rng = np.random.default_rng(0)
    field = 8000 * np.kron(vignetting, np.ones((8, 8)))
    whole = np.stack([rng.poisson(field).astype(np.uint16) for _ in range(4)])
    thinned = np.stack([sampled(plane, 24) for plane in whole])
    assert thinned.shape == (4, 341, 341)
    expected = illumination_profile(whole, field.shape, 24)
    np.testing.assert_allclose(illumination_profile(thinned, field.shape, 24), expected, rtol=0.02)


def test_the_gain_is_the_inverse_of_the_light_to_less_than_a_count():
    smooth = np.linspace(1000, 60_000, 4096, dtype=np.float32).reshape(64, 64)
    gain = flat_field_gain(smooth, floor=0.01).astype(float)
    flat = gain * smooth
    assert np.ptp(flat) / flat.mean() < 2 / 65_536


def test_the_wall_of_the_well_is_not_amplified():
    sample = np.full((3, 64, 64), 100, np.uint16)
    sample[:, :, 32:] = 10_000
    gain = flat_field_gain(illumination_profile(sample, (64, 64), 1), floor=0.2)
    assert gain.max() == pytest.approx(5, rel=0.01)


def test_fluorescence_loses_its_background_and_the_uneven_light(settings, vignetting):
    rng = np.random.default_rng(0)
    spots = [np.zeros((128, 128)) for _ in range(24)]
    for spot in spots:
        for y, x in rng.integers(0, 112, (6, 2)):
            spot[y : y + 16, x : x + 16] = 3000
    # Camera 100, medium 400, nuclei 3000 more, all but the camera under uneven light.
    planes = [rng.poisson(100 + vignetting * (400 + spot)).astype(np.uint16) for spot in spots]
    own = replace(settings, flat_fields=24, camera_counts=100)
    keys = [("A01", k, 1) for k in range(24)]
    transform, _, _ = fit_channel(lambda key: planes[key[1]], keys, own, fluorescence=True)
    corrected = np.stack([plane * transform.gain + transform.offset for plane in planes])
    stained = np.stack(spots) > 0
    background = np.nanmedian(np.where(stained, np.nan, corrected), axis=0)
    assert np.ptp(gaussian_filter(background, 4)) < 0.05 * background.mean()
    centre = (vignetting > 0.9)[None] & stained
    corner = (vignetting < 0.7)[None] & stained
    level = float(np.median(background))
    assert np.median(corrected[corner]) - level == pytest.approx(
        np.median(corrected[centre]) - level, rel=0.05
    )
