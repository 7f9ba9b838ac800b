from dataclasses import replace

import numpy as np
import pytest
from numpy.polynomial.chebyshev import chebvander

from livedead.fields.stored_transforms import read_transforms, store_transform
from livedead.normalization.field_illumination import correct_illumination, fit_polynomial
from livedead.normalization.fitting import fit_channel


def test_the_profile_is_the_polynomial_of_least_squares():
    rng = np.random.default_rng(0)
    values, kept, degree = rng.normal(8, 1, (40, 50)), rng.uniform(size=(40, 50)) < 0.7, 5
    y, x = (chebvander(np.linspace(-1, 1, side), 2 * degree) for side in values.shape)
    powers = np.array([(i, j) for i in range(degree + 1) for j in range(degree + 1 - i)]).T
    terms = np.stack([np.outer(y[:, i], x[:, j]) for i, j in powers.T], axis=-1)
    factors = np.linalg.lstsq(terms[kept], values[kept], rcond=None)[0]
    np.testing.assert_allclose(fit_polynomial(values, kept, y, x, powers), terms @ factors, rtol=1e-9)


def test_per_field_correction_flattens_a_well_and_leaves_its_wall(settings):
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
    even = correct_illumination(plane, 6, 0.2)
    background = lit & ~worms & (y**2 + x**2 < 0.18)
    assert np.ptp(np.percentile(plane[background], [5, 95])) > 0.4 * np.median(plane[background])
    assert np.ptp(np.percentile(even[background], [5, 95])) < 0.05 * np.median(even[background])
    assert np.median(even[worms]) == pytest.approx(0.5 * np.median(even[background]), rel=0.03)
    outside = y**2 + x**2 > 0.22
    np.testing.assert_array_equal(even[outside], plane[outside])
    own = replace(settings, own_light=6, flat_fields=0)
    transform, total, _ = fit_channel(lambda key: plane, [("A01", 1, 1)], own)
    np.testing.assert_array_equal(total, np.bincount(even.ravel(), minlength=65536))
    assert read_transforms({"bf": store_transform(transform)}, ["bf"])["bf"].illumination_degree == 6
