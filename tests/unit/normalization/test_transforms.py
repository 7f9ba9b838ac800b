from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import tifffile
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.polynomial.chebyshev import chebvander
from scipy.ndimage import gaussian_filter

from livedead.errors import FieldError
from livedead.fields.normalized_plate import NormalizedPlate
from livedead.fields.plate_images import PlateImages
from livedead.fields.stored_transforms import read_transforms, store_transform
from livedead.images.gate import read_plane
from livedead.normalization import transforms as norm
from livedead.wells.flags import exclude_flagged, flag_fields

SETTINGS = norm.Settings(
    low_percentile=1, high_percentile=99, min_range=10, flat_fields=8, smooth_px=8, floor=0.2, seed=0
)


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
    smooth = norm.light(np.stack(list(fields(24))), (128, 128), 4)
    corrected = light() * norm.flat_field(smooth, floor=0.1)
    assert np.ptp(corrected) / corrected.mean() < 0.03


def test_a_few_pixels_show_the_light_as_well_as_all():
    rng = np.random.default_rng(0)
    field = 8000 * np.kron(light(), np.ones((8, 8)))
    whole = np.stack([rng.poisson(field).astype(np.uint16) for _ in range(4)])
    thinned = np.stack([norm.sampled(plane, 24) for plane in whole])
    assert thinned.shape == (4, 341, 341)
    expected = norm.light(whole, field.shape, 24)
    np.testing.assert_allclose(norm.light(thinned, field.shape, 24), expected, rtol=0.02)


@given(arrays(np.uint16, (5, 7), elements=st.integers(0, 65535)), st.floats(0.125, 100, width=32))
def test_histograms_round_as_numpy_does(field, gain):
    gains = np.full(field.shape, gain, np.float32)
    expected = np.minimum(np.rint(field * gains), 65535).astype(int)
    np.testing.assert_array_equal(
        norm.histogram(field, gains), np.bincount(expected.ravel(), minlength=65536)
    )


def test_the_gain_is_the_inverse_of_the_light_to_less_than_a_count():
    smooth = np.linspace(1000, 60_000, 4096, dtype=np.float32).reshape(64, 64)
    gain = norm.flat_field(smooth, floor=0.01).astype(float)
    flat = gain * smooth
    assert np.ptp(flat) / flat.mean() < 2 / 65_536


def test_the_wall_of_the_well_is_not_amplified():
    sample = np.full((3, 64, 64), 100, np.uint16)
    sample[:, :, 32:] = 10_000
    gain = norm.flat_field(norm.light(sample, (64, 64), 1), floor=0.2)
    assert gain.max() == pytest.approx(5, rel=0.01)


def test_histograms_add_up_to_exact_percentiles_in_any_order():
    planes = dict(enumerate(fields(12)))
    found = []
    for keys in (range(12), reversed(range(12))):
        ordered = [("A01", k, 1) for k in keys]
        transform, total, rows = norm.fit_channel(
            lambda key: planes[key[1]], sorted(ordered), SETTINGS, threads=2
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
    _, total, rows = norm.fit_channel(read, keys, SETTINGS)
    assert [row["code"] for row in rows] == ["", "", "truncated", "wrong_shape"]
    assert total.sum() == 2 * 128 * 128


@pytest.mark.parametrize("flat_fields", [0, 8])
def test_a_plate_without_a_readable_field_says_why_and_what_to_do(tmp_path, flat_fields):
    """8-bit images, the commonest reason, named with the key that takes them."""
    keys = [("A01", k, 1) for k in (1, 2, 3)]
    for well, field, _ in keys:
        plane = np.random.default_rng(field).integers(0, 255, (64, 64)).astype(np.uint8)
        tifffile.imwrite(tmp_path / f"{well}_{field}.tif", plane, photometric="minisblack")
    (tmp_path / "A01_1.tif").write_bytes(b"")

    def read(key):
        return read_plane(tmp_path / f"{key[0]}_{key[1]}.tif")

    transform, _, rows = norm.fit_channel(read, keys, replace(SETTINGS, flat_fields=flat_fields))
    assert transform is norm.UNFITTED
    failed = {key: (row["code"], row["message"]) for key, row in zip(keys, rows, strict=True)}
    assert norm.unreadable_plate(failed) == (
        "not one field of the plate can be read; of 3 are 2 wrong_dtype, 1 unreadable. For example well A01 "
        f"field 2 timepoint 1: {tmp_path}/A01_2.tif: pixels are uint8, expected uint16; export raw 16-bit "
        "grey images, or declare it in config.yaml: gate: {accept: [uint8]}"
    )


@pytest.mark.parametrize("flat_fields", [0, 4])
def test_a_plate_without_a_readable_field_has_rows_and_no_transform(flat_fields):
    def read(key):
        raise FieldError("truncated", f"half of {key[1]}")

    keys = [("A01", k, 1) for k in range(3)]
    transform, total, rows = norm.fit_channel(read, keys, replace(SETTINGS, flat_fields=flat_fields))
    assert [(row["code"], row["message"]) for row in rows] == [
        ("truncated", f"half of {k}") for k in range(3)
    ]
    assert not total.any()
    stored = read_transforms({"bf": store_transform(transform)}, ["bf"])["bf"]
    # No field fits it, nor does one of another plate that takes it over.
    for plane in (np.ones((1, 1), np.uint16), np.ones((64, 64), np.uint16)):
        with pytest.raises(FieldError, match="control_plate") as error:
            norm.check_shape(plane, stored.gain.shape)
        assert error.value.code == "not_normalized"
    planes = list(fields(3))
    _, _, rows = norm.fit_channel(lambda key: planes[key[1]], keys, SETTINGS, given=stored)
    assert [row["code"] for row in rows] == ["not_normalized"] * 3
    # Nor is there anything to crop of it, where fields are cropped.
    place = {"plate": "p", "well": "A01", "field": 1, "timepoint": 1, "channel": "bf"}
    images = PlateImages(Path(), pd.DataFrame([{**place, "crop_y_px": 3, "crop_x_px": 0}]), 16)
    cropped = NormalizedPlate(images, {"bf": stored}).seen["bf"]
    assert cropped.gain.shape == (0, 0)


def test_a_plate_without_range_does_not_become_noise():
    noise = np.random.default_rng(0).integers(1000, 1004, (64, 64)).astype(np.uint16)
    settings = replace(SETTINGS, flat_fields=0, min_range=400)
    transform, _, rows = norm.fit_channel(lambda key: noise, [("A01", 1, 1)], settings)
    black, scale = transform.levels(("A01", 1, 1))
    normalized = norm.normalize(noise.astype(np.float32), transform.gain, black, scale)
    assert flagged(rows, min_range=400) == ["low_range"]
    assert np.ptp(normalized) <= 2 * 4 / 400


def test_the_light_and_its_correction_are_no_signal():
    """A stuck camera on a plate with vignetting: one value everywhere, and one hot pixel."""
    vignetting = [np.rint(8000 * light()).astype(np.uint16) + k for k in range(4)]
    constant = np.full((128, 128), 3000, np.uint16)
    constant[5, 7] = 65535
    planes = [*fields(8), *vignetting, constant]
    keys = [("A01", k, 1) for k in range(len(planes))]
    _, _, rows = norm.fit_channel(lambda key: planes[key[1]], keys, replace(SETTINGS, flat_fields=13))
    assert [flagged(rows[: k + 1], min_range=400) for k in range(13)] == [[]] * 8 + [["low_range"]] * 5
    assert rows[-1]["range_counts"] == 0


def test_numpy_and_torch_normalize_bit_for_bit_alike():
    rng = np.random.default_rng(0)
    field = rng.integers(0, 65536, (50, 60)).astype(np.float32)
    gain = rng.uniform(0.8, 3, (50, 60)).astype(np.float32)
    transform = norm.Transform(gain, 383.0, 31_111.0)
    offset = rng.uniform(-300, 300, (50, 60)).astype(np.float32)
    black, scale = transform.levels(None)
    ours = norm.normalize(field, gain, black, scale, offset)
    theirs = norm.normalize(*map(torch.from_numpy, (field, gain)), black, scale, torch.from_numpy(offset))
    assert ours.dtype == np.float32
    np.testing.assert_array_equal(ours, theirs.numpy())
    assert ours.min() == -1
    assert ours.max() == 1


def test_black_becomes_minus_one_and_white_one():
    transform = norm.Transform(np.ones((1, 3), np.float32), 100.0, 300.0)
    counts = np.array([[100, 200, 300]], np.float32)
    found = norm.normalize(counts, transform.gain, *transform.levels(None))
    np.testing.assert_allclose(found, [[-1, 0, 1]], atol=1e-6)


def measured(plane, bit_depth=16):
    flat = norm.Transform(np.ones(plane.shape, np.float32), 0, 1)
    return norm.quality(plane, norm.histogram(plane, flat.gain), flat, bit_depth, SETTINGS)


def flagged(rows, **thresholds):
    """Flags of the last field."""
    none = dict.fromkeys(
        ["min_focus", "max_saturated_fraction", "max_dark_fraction", "max_illumination_residual", "max_drift"]
    )
    table = pd.DataFrame(
        [{"well": "A01", "field": k, "timepoint": 1, "channel": "bf", **row} for k, row in enumerate(rows)]
    )
    return list(
        filter(
            None,
            flag_fields(table, {**none, "min_range": None, **thresholds})["qc_flags"].iloc[-1].split(";"),
        )
    )


def test_quality_measures_what_its_name_says():
    rng = np.random.default_rng(0)
    sharp = rng.integers(1000, 9000, (256, 256)).astype(np.uint16)
    blurred = gaussian_filter(sharp, 2)
    assert measured(sharp)["focus"] > 5 * measured(blurred)["focus"]
    half = sharp.copy()
    half[:64] = 4095
    assert measured(np.minimum(half, 4095), 12)["saturated_fraction"] > 0.25
    assert measured(half)["saturated_fraction"] == 0
    dark = np.full((256, 256), 1000, np.uint16)
    dark[:64] = 499
    assert measured(dark)["dark_fraction"] == 0.25
    ramp = np.tile(np.linspace(1000, 2000, 256), (256, 1)).astype(np.uint16)
    # Medians of 8 even steps of a ramp of 1000 to 2000: 1062.5 to 1937.5 about 1500.
    assert measured(ramp)["illumination_residual"] == pytest.approx((1937.5 - 1062.5) / 1500, abs=0.01)
    assert measured(ramp)["median_counts"] == pytest.approx(1500, abs=4)


def test_flags_compare_a_field_with_its_plate():
    rng = np.random.default_rng(0)
    usual = [measured(rng.integers(1000, 9000, (64, 64)).astype(np.uint16)) for _ in range(4)]
    limits = {"min_focus": 0.2, "max_saturated_fraction": 0.05, "max_dark_fraction": 0.3, "max_drift": 0.5}
    blurred = gaussian_filter(rng.integers(1000, 9000, (64, 64)).astype(np.uint16), 2)
    assert flagged(usual, **limits) == []
    assert flagged([*usual, measured(blurred)], **limits) == ["out_of_focus"]
    bright = measured(rng.integers(20_000, 65_535, (64, 64)).astype(np.uint16))
    assert flagged([*usual, bright], **limits) == ["drift"]
    failed = dict.fromkeys(norm.QUALITY, np.nan)
    assert flagged([*usual, failed], **limits, min_range=10) == []


def test_fluorescence_loses_its_background_and_the_uneven_light():
    rng = np.random.default_rng(0)
    spots = [np.zeros((128, 128)) for _ in range(24)]
    for spot in spots:
        for y, x in rng.integers(0, 112, (6, 2)):
            spot[y : y + 16, x : x + 16] = 3000
    # Camera 100, medium 400, nuclei 3000 more, all but the camera under uneven light.
    planes = [rng.poisson(100 + light() * (400 + spot)).astype(np.uint16) for spot in spots]
    settings = replace(SETTINGS, flat_fields=24, camera_counts=100)
    keys = [("A01", k, 1) for k in range(24)]
    transform, _, _ = norm.fit_channel(lambda key: planes[key[1]], keys, settings, fluorescence=True)
    corrected = np.stack([plane * transform.gain + transform.offset for plane in planes])
    stained = np.stack(spots) > 0
    background = np.nanmedian(np.where(stained, np.nan, corrected), axis=0)
    assert np.ptp(gaussian_filter(background, 4)) < 0.05 * background.mean()
    centre = (light() > 0.9)[None] & stained
    corner = (light() < 0.7)[None] & stained
    level = float(np.median(background))
    assert np.median(corrected[corner]) - level == pytest.approx(
        np.median(corrected[centre]) - level, rel=0.05
    )


@pytest.mark.parametrize("scope", ["field", "well"])
def test_percentiles_of_a_field_or_a_well(scope):
    rng = np.random.default_rng(0)
    planes = {
        (w, f, 1): rng.integers(k * 500, 9000, (40, 40)).astype(np.uint16)
        for k, (w, f) in enumerate([("A01", 1), ("A01", 2), ("A02", 1)])
    }
    settings = replace(SETTINGS, flat_fields=0, scope=scope)
    transform, _, _ = norm.fit_channel(planes.__getitem__, list(planes), settings, threads=2)
    for key in planes:
        mine = [p for other, p in planes.items() if other == key or (scope == "well" and other[0] == key[0])]
        expected = np.percentile(np.concatenate([p.ravel() for p in mine]), [1, 99], method="inverted_cdf")
        black, scale = transform.levels(key)
        assert black == expected[0]
        assert scale == pytest.approx(2 / (expected[1] - expected[0]))
        stored = read_transforms({"bf": store_transform(transform)}, ["bf"])["bf"]
        assert stored.levels(key) == (black, scale)


def test_a_control_plates_transform_is_taken_as_it_is():
    planes = list(fields(4))
    keys = [("A01", k, 1) for k in range(4)]
    given = norm.Transform(np.full((128, 128), 2, np.float32), 7.0, 9.0)
    transform, total, rows = norm.fit_channel(lambda key: planes[key[1]], keys, SETTINGS, given=given)
    assert transform is given
    assert total.sum() == 4 * 128 * 128
    assert rows[0]["median_counts"] == pytest.approx(2 * np.median(planes[0]), abs=2)


def test_only_excluded_flags_remove_a_field():
    table = pd.DataFrame(
        {
            "well": "A01",
            "field": [1, 2, 3],
            "timepoint": 1,
            "status": ["ok", "ok", "failed"],
            "code": ["", "", "blank"],
            "message": "",
            "n_live": pd.array([5, 6, None], "Int64"),
            "qc_flags": ["drift", "dark;drift", "dark"],
        }
    )
    cells = pd.DataFrame({"well": "A01", "field": [1, 2, 2], "timepoint": 1, "cell": [1, 1, 2]})
    same, all_cells = exclude_flagged(table, cells, [], ["n_live"])
    pd.testing.assert_frame_equal(same, table)
    assert len(all_cells) == 3
    left, counted = exclude_flagged(table, cells, ["dark"], ["n_live"])
    assert list(left["code"]) == ["", "excluded_qc", "blank"]
    assert list(left["status"]) == ["ok", "failed", "failed"]
    assert left["n_live"].isna().tolist() == [False, True, True]
    assert list(counted["field"]) == [1]


def test_the_light_is_the_polynomial_of_least_squares():
    rng = np.random.default_rng(0)
    values, kept, degree = rng.normal(8, 1, (40, 50)), rng.uniform(size=(40, 50)) < 0.7, 5
    y, x = (chebvander(np.linspace(-1, 1, side), 2 * degree) for side in values.shape)
    powers = np.array([(i, j) for i in range(degree + 1) for j in range(degree + 1 - i)]).T
    terms = np.stack([np.outer(y[:, i], x[:, j]) for i, j in powers.T], axis=-1)
    factors = np.linalg.lstsq(terms[kept], values[kept], rcond=None)[0]
    np.testing.assert_allclose(norm._fitted(values, kept, y, x, powers), terms @ factors, rtol=1e-9)


def test_own_light_flattens_a_well_and_leaves_its_wall():
    rng = np.random.default_rng(0)
    y, x = np.mgrid[0:256, 0:256] / 255 - 0.5
    lit = y**2 + x**2 < 0.2
    falling = np.exp(-4 * ((y - 0.1) ** 2 + x**2))
    field = np.where(lit, 8000 * falling, 100.0)
    worms = np.zeros(lit.shape, bool)
    for top, left in rng.integers(60, 190, (8, 2)):
        worms[top : top + 6, left : left + 30] = True
    worms &= lit
    plane = rng.poisson(np.where(worms, 0.5, 1) * field).astype(np.uint16)
    even = norm.without_own_light(plane, 6, 0.2)
    background = lit & ~worms & (y**2 + x**2 < 0.18)
    assert np.ptp(np.percentile(plane[background], [5, 95])) > 0.4 * np.median(plane[background])
    assert np.ptp(np.percentile(even[background], [5, 95])) < 0.05 * np.median(even[background])
    assert np.median(even[worms]) == pytest.approx(0.5 * np.median(even[background]), rel=0.03)
    outside = y**2 + x**2 > 0.22
    np.testing.assert_array_equal(even[outside], plane[outside])
    settings = replace(SETTINGS, own_light=6, flat_fields=0)
    transform, total, _ = norm.fit_channel(lambda key: plane, [("A01", 1, 1)], settings)
    np.testing.assert_array_equal(total, np.bincount(even.ravel(), minlength=65536))
    assert read_transforms({"bf": store_transform(transform)}, ["bf"])["bf"].own_light == 6
