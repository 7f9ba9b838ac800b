from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import tifffile

from livedead.errors import FieldError
from livedead.fields.normalized_plate import NormalizedPlate
from livedead.fields.plate_images import PlateImages
from livedead.fields.stored_transforms import read_transforms, store_transform
from livedead.images.gate import read_plane
from livedead.normalization.fitting import fit_channel, unreadable_plate
from livedead.normalization.transforms import UNFITTED, Transform, check_shape, normalize


def test_histograms_add_up_to_exact_percentiles_in_any_order(settings, fields):
    planes = dict(enumerate(fields(12)))
    found = []
    for keys in (range(12), reversed(range(12))):
        ordered = [("A01", k, 1) for k in keys]
        transform, total, rows = fit_channel(lambda key: planes[key[1]], sorted(ordered), settings, threads=2)
        found.append(transform)
        assert total.sum() == 12 * 128 * 128
        assert {row["status"] for row in rows} == {"ok"}
    assert found[0].black == found[1].black
    gain = found[0].gain
    corrected = np.concatenate([np.rint(plane * gain).ravel() for plane in planes.values()])
    assert found[0].black == np.percentile(corrected, 1, method="inverted_cdf")
    assert found[0].white == np.percentile(corrected, 99, method="inverted_cdf")


def test_a_field_that_cannot_be_read_is_reported_and_left_out(settings, fields):
    planes = list(fields(4))

    def read(key):
        if key[1] == 2:
            raise FieldError("truncated", "half of it")
        return planes[key[1]] if key[1] != 3 else planes[3][:64]

    keys = [("A01", k, 1) for k in range(4)]
    _, total, rows = fit_channel(read, keys, settings)
    assert [row["code"] for row in rows] == ["", "", "truncated", "wrong_shape"]
    assert total.sum() == 2 * 128 * 128


@pytest.mark.parametrize("flat_fields", [0, 8])
def test_a_plate_without_a_readable_field_says_why_and_what_to_do(tmp_path, flat_fields, settings):
    """8-bit images, the commonest reason, named with the key that takes them."""
    keys = [("A01", k, 1) for k in (1, 2, 3)]
    for well, field, _ in keys:
        plane = np.random.default_rng(field).integers(0, 255, (64, 64)).astype(np.uint8)
        tifffile.imwrite(tmp_path / f"{well}_{field}.tif", plane, photometric="minisblack")
    (tmp_path / "A01_1.tif").write_bytes(b"")

    def read(key):
        return read_plane(tmp_path / f"{key[0]}_{key[1]}.tif")

    transform, _, rows = fit_channel(read, keys, replace(settings, flat_fields=flat_fields))
    assert transform is UNFITTED
    failed = {key: (row["code"], row["message"]) for key, row in zip(keys, rows, strict=True)}
    assert unreadable_plate(failed) == (
        "not one field of the plate can be read; of 3 are 2 wrong_dtype, 1 unreadable. For example well A01 "
        f"field 2 timepoint 1: {tmp_path}/A01_2.tif: pixels are uint8, expected uint16; export raw 16-bit "
        "grey images, or declare it in config.yaml: gate: {accept: [uint8]}"
    )


@pytest.mark.parametrize("flat_fields", [0, 4])
def test_a_plate_without_a_readable_field_has_rows_and_no_transform(flat_fields, settings, fields):
    def read(key):
        raise FieldError("truncated", f"half of {key[1]}")

    keys = [("A01", k, 1) for k in range(3)]
    transform, total, rows = fit_channel(read, keys, replace(settings, flat_fields=flat_fields))
    assert [(row["code"], row["message"]) for row in rows] == [
        ("truncated", f"half of {k}") for k in range(3)
    ]
    assert not total.any()
    stored = read_transforms({"bf": store_transform(transform)}, ["bf"])["bf"]
    # No field fits it, nor does one of another plate that takes it over.
    for plane in (np.ones((1, 1), np.uint16), np.ones((64, 64), np.uint16)):
        with pytest.raises(FieldError, match="control_plate") as error:
            check_shape(plane, stored.gain.shape)
        assert error.value.code == "not_normalized"
    planes = list(fields(3))
    _, _, rows = fit_channel(lambda key: planes[key[1]], keys, settings, given=stored)
    assert [row["code"] for row in rows] == ["not_normalized"] * 3
    # Nor is there anything to crop of it, where fields are cropped.
    place = {
        "plate": "p",
        "well": "A01",
        "field": 1,
        "timepoint": 1,
        "channel": "bf",
        "hours": np.nan,
        "crop_y_px": 3,
        "crop_x_px": 0,
    }
    cropped = NormalizedPlate(PlateImages(Path(), pd.DataFrame([place]), 16), {"bf": stored}).seen["bf"]
    assert cropped.gain.shape == (0, 0)


def test_a_plate_without_range_does_not_become_noise(settings, flagged):
    noise = np.random.default_rng(0).integers(1000, 1004, (64, 64)).astype(np.uint16)
    own = replace(settings, flat_fields=0, min_range=400)
    transform, _, rows = fit_channel(lambda key: noise, [("A01", 1, 1)], own)
    black, scale = transform.levels(("A01", 1, 1))
    normalized = normalize(noise.astype(np.float32), transform.gain, black, scale)
    assert flagged(rows, min_range=400) == ["low_range"]
    assert np.ptp(normalized) <= 2 * 4 / 400


def test_the_light_and_its_correction_are_no_signal(settings, vignetting, fields, flagged):
    """A stuck camera on a plate with vignetting: one value everywhere, and one hot pixel."""
    empty = [np.rint(8000 * vignetting).astype(np.uint16) + k for k in range(4)]
    constant = np.full((128, 128), 3000, np.uint16)
    constant[5, 7] = 65535
    planes = [*fields(8), *empty, constant]
    keys = [("A01", k, 1) for k in range(len(planes))]
    _, _, rows = fit_channel(lambda key: planes[key[1]], keys, replace(settings, flat_fields=13))
    assert [flagged(rows[: k + 1], min_range=400) for k in range(13)] == [[]] * 8 + [["low_range"]] * 5
    assert rows[-1]["range_counts"] == 0


@pytest.mark.parametrize("scope", ["field", "well"])
def test_percentiles_of_a_field_or_a_well(scope, settings):
    rng = np.random.default_rng(0)
    planes = {
        (w, f, 1): rng.integers(k * 500, 9000, (40, 40)).astype(np.uint16)
        for k, (w, f) in enumerate([("A01", 1), ("A01", 2), ("A02", 1)])
    }
    own = replace(settings, flat_fields=0, scope=scope)
    transform, _, _ = fit_channel(planes.__getitem__, list(planes), own, threads=2)
    for key in planes:
        mine = [p for other, p in planes.items() if other == key or (scope == "well" and other[0] == key[0])]
        expected = np.percentile(np.concatenate([p.ravel() for p in mine]), [1, 99], method="inverted_cdf")
        black, scale = transform.levels(key)
        assert black == expected[0]
        assert scale == pytest.approx(2 / (expected[1] - expected[0]))
        stored = read_transforms({"bf": store_transform(transform)}, ["bf"])["bf"]
        assert stored.levels(key) == (black, scale)


def test_contrast_keeps_a_cell_as_dark_as_it_is_relative_to_the_medium(settings):
    """Under a lamp of half the light, and beside a bright wall, medium and cell come out the same."""
    medium = np.full((40, 40), 8000, np.uint16)
    medium[4:8, 4:8] = 6000
    walled = medium // 2
    walled[:, -5:] = 60000
    planes = {("A01", 1, 1): medium, ("A01", 2, 1): walled}
    own = replace(settings, flat_fields=0, scope="field", contrast=0.5)
    transform, _, _ = fit_channel(planes.__getitem__, list(planes), own)
    for key, plane in planes.items():
        x = normalize(plane.astype(np.float32), transform.gain, *transform.levels(key))
        # A quarter less light, of a half that is black.
        assert x[20, 20] == pytest.approx(0)
        assert x[5, 5] == pytest.approx(-0.5)


def test_contrast_leaves_fluorescence_as_it_is(settings, fields):
    planes = list(fields(2))
    keys = [("A01", k, 1) for k in range(2)]
    own, other = (
        fit_channel(lambda key: planes[key[1]], keys, replace(settings, contrast=contrast), fluorescence=True)
        for contrast in (None, 0.5)
    )
    assert own[0].levels(None) == other[0].levels(None)


def test_a_control_plates_transform_is_taken_as_it_is(settings, fields):
    planes = list(fields(4))
    keys = [("A01", k, 1) for k in range(4)]
    given = Transform(np.full((128, 128), 2, np.float32), 7.0, 9.0)
    transform, total, rows = fit_channel(lambda key: planes[key[1]], keys, settings, given=given)
    assert transform is given
    assert total.sum() == 4 * 128 * 128
    assert rows[0]["median_counts"] == pytest.approx(2 * np.median(planes[0]), abs=2)


def test_fields_of_several_sizes_have_one_gain_and_levels_of_all_their_pixels(settings):
    rng = np.random.default_rng(3)
    planes = [rng.integers(10, 250, shape).astype(np.uint16) for shape in ((220, 220), (219, 225), (40, 300))]
    keys = [("A01", k, 1) for k in range(3)]
    none = replace(settings, flat_fields=0)
    transform, total, rows = fit_channel(lambda key: planes[key[1]], keys, none, any_size=True)
    assert [row["status"] for row in rows] == ["ok"] * 3
    assert not any(np.isnan([row["focus"], row["illumination_residual"]]).any() for row in rows)
    pixels = np.concatenate([plane.ravel() for plane in planes])
    np.testing.assert_array_equal(total, np.bincount(pixels, minlength=65536))
    assert transform.black == np.percentile(pixels, 1, method="inverted_cdf")
    # Where that is not declared, the rarer size fails as ever; measured by itself, a field has equal quality.
    _, _, one_size = fit_channel(lambda key: planes[key[1]], keys, none)
    assert sum(row["code"] == "wrong_shape" for row in one_size) == 2
    assert "gate: {accept: [sizes]}" in next(row["message"] for row in one_size if row["code"])
    [alone] = [row for row in one_size if not row["code"]]
    assert alone in rows
    stored = read_transforms({"bf": store_transform(transform)}, ["bf"])["bf"]
    for plane in planes:
        check_shape(plane, stored.gain.shape)
