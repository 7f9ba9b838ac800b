import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from livedead import normalization as norm
from livedead.errors import FieldError, StoreError

SETTINGS = {
    "low_percentile": 1,
    "high_percentile": 99,
    "min_range": 10,
    "flat_fields": 8,
    "smooth_px": 8,
    "floor": 0.2,
    "seed": 0,
}


@given(
    arrays(np.uint16, st.integers(1, 300), elements=st.integers(0, 65535)),
    st.floats(0, 100, allow_nan=False),
)
def test_percentile_is_numpys_inverted_cdf(values, percent):
    counts = np.bincount(values, minlength=norm.N_BINS)
    assert norm.percentile(counts, percent) == np.percentile(values, percent, method="inverted_cdf")


def light(side=128):
    """Vignetting: a paraboloid that falls to a half in the corners."""
    y, x = np.mgrid[0:side, 0:side] / (side - 1) - 0.5
    return 1 - (y**2 + x**2)


def fields(n, seed=0):
    """Fields of even brightness 8000 under uneven light, each with its own dark squares."""
    rng = np.random.default_rng(seed)
    for _ in range(n):
        field = np.full((128, 128), 8000.0)
        for y, x in rng.integers(0, 112, (6, 2)):
            field[y : y + 16, x : x + 16] = 4000
        yield rng.poisson(field * light()).astype(np.uint16)


def test_flat_field_undoes_the_light():
    sample = np.stack(list(fields(24)))
    corrected = light() * norm.flat_field(sample, smooth_px=4, floor=0.1)
    assert np.ptp(corrected) / corrected.mean() < 0.03


def test_the_wall_of_the_well_is_not_amplified():
    sample = np.full((3, 64, 64), 100, np.uint16)
    sample[:, :, 32:] = 10_000
    gain = norm.flat_field(sample, smooth_px=1, floor=0.2)
    assert gain.max() == pytest.approx(5, rel=0.01)


def test_histograms_add_up_to_exact_percentiles_in_any_order():
    planes = dict(enumerate(fields(12)))
    found = []
    for keys in (range(12), reversed(range(12))):
        ordered = [("A01", k, 1) for k in keys]
        transform, total, rows = norm.fit_channel(
            lambda key: planes[key[1]], sorted(ordered), threads=2, **SETTINGS
        )
        found.append(transform)
        assert total.sum() == 12 * 128 * 128
        assert {row["status"] for row in rows} == {"ok"}
    assert found[0].black == found[1].black
    gain = found[0].gain
    corrected = np.concatenate([np.rint(plane * gain).ravel() for plane in planes.values()])
    assert found[0].black == np.percentile(corrected, 1, method="inverted_cdf")
    assert found[0].white == np.percentile(corrected, 99, method="inverted_cdf")


def test_a_field_that_cannot_be_read_is_reported_and_left_out():
    planes = list(fields(4))

    def read(key):
        if key[1] == 2:
            raise FieldError("truncated", "half of it")
        return planes[key[1]] if key[1] != 3 else planes[3][:64]

    keys = [("A01", k, 1) for k in range(4)]
    _, total, rows = norm.fit_channel(read, keys, **SETTINGS)
    assert [row["code"] for row in rows] == ["", "", "truncated", "wrong_shape"]
    assert total.sum() == 2 * 128 * 128
    with pytest.raises(StoreError, match="not one field"):
        norm.fit_channel(read, keys[2:3], **SETTINGS)


def test_a_plate_without_range_does_not_become_noise():
    noise = np.random.default_rng(0).integers(1000, 1004, (64, 64)).astype(np.uint16)
    settings = {**SETTINGS, "flat_fields": 0, "min_range": 400}
    transform, _, _ = norm.fit_channel(lambda key: noise, [("A01", 1, 1)], **settings)
    normalized = norm.normalize(noise.astype(np.float32), transform.gain, transform.black, transform.scale())
    assert np.ptp(normalized) <= 2 * 4 / 400


def test_numpy_and_torch_normalize_bit_for_bit_alike():
    rng = np.random.default_rng(0)
    field = rng.integers(0, 65536, (50, 60)).astype(np.float32)
    gain = rng.uniform(0.8, 3, (50, 60)).astype(np.float32)
    transform = norm.Transform(gain, 383.0, 31_111.0)
    ours = norm.normalize(field, gain, transform.black, transform.scale())
    theirs = norm.normalize(
        torch.from_numpy(field), torch.from_numpy(gain), transform.black, transform.scale()
    )
    assert ours.dtype == np.float32
    np.testing.assert_array_equal(ours, theirs.numpy())
    assert ours.min() == -1
    assert ours.max() == 1


def test_black_becomes_minus_one_and_white_one():
    transform = norm.Transform(np.ones((1, 3), np.float32), 100.0, 300.0)
    counts = np.array([[100, 200, 300]], np.float32)
    found = norm.normalize(counts, transform.gain, transform.black, transform.scale())
    np.testing.assert_allclose(found, [[-1, 0, 1]], atol=1e-6)


def test_focus_falls_with_blur_and_saturation_is_a_share():
    from scipy.ndimage import gaussian_filter

    sharp = np.random.default_rng(0).integers(1000, 9000, (64, 64)).astype(np.uint16)
    blurred = gaussian_filter(sharp, 2)
    assert norm.quality(sharp, 16)["focus"] > 5 * norm.quality(blurred, 16)["focus"]
    sharp[:16] = 4095
    assert norm.quality(np.minimum(sharp, 4095), 12)["saturated_fraction"] > 0.25
    assert norm.quality(sharp, 16)["saturated_fraction"] == 0
