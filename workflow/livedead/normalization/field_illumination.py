"""Illumination that differs from well to well: a profile fitted to each brightfield field by itself."""

import numpy as np
from numpy.polynomial.chebyshev import chebvander
from scipy.ndimage import binary_erosion, binary_fill_holes

from livedead.normalization.flat_field import resized
from livedead.normalization.histograms import N_BINS


def correct_illumination(plane: np.ndarray, degree: int, floor: float) -> np.ndarray:
    """Correct a brightfield field by its own illumination profile, as a meniscus or a wall shapes it.

    A polynomial is fitted to the logarithm of the counts inside the well, again and again without
    what lies off it (worms, cells, dirt), and divided out; its median stays. Outside, at the wall,
    nothing changes.

    Parameters
    ----------
    plane : ndarray, (H, W), uint16
    degree : int
        Of the polynomial in both directions together; 0 leaves the field as it is.
    floor : float
        What is under this fraction of the brightest is the wall of the well.

    Returns
    -------
    ndarray, (H, W), uint16
    """
    if not degree:
        return plane
    step = max(1, min(plane.shape) // 130)
    coarse = plane[step // 2 :: step, step // 2 :: step].astype(np.float32)
    lit = binary_fill_holes(coarse > floor * np.percentile(coarse, 95))
    inner = binary_erosion(lit, iterations=2) & (coarse > 0)
    powers = np.array([(i, j) for i in range(degree + 1) for j in range(degree + 1 - i)]).T
    if inner.sum() < 4 * powers.shape[1]:
        return plane
    y, x = (chebvander(np.linspace(-1, 1, side), 2 * degree) for side in coarse.shape)
    logs = np.log(np.maximum(coarse, 1))
    kept = inner
    for _ in range(8):
        profile = fit_polynomial(logs, kept, y, x, powers)
        off = logs - profile
        spread = 1.48 * np.median(np.abs(off[kept]))
        # Objects are darker than their background, rarely brighter.
        kept = inner & (off > -1.5 * spread) & (off < 3 * spread)
    gain = np.exp(np.where(lit, np.median(profile[inner]) - profile, 0)).astype(np.float32)
    corrected = np.rint(plane * resized(gain, plane.shape))
    return np.minimum(corrected, N_BINS - 1).astype(np.uint16)


def fit_polynomial(
    values: np.ndarray, kept: np.ndarray, y: np.ndarray, x: np.ndarray, powers: np.ndarray
) -> np.ndarray:
    """Least-squares polynomial of the `kept` values, (H, W), in products of Chebyshev polynomials.

    The normal equations need only moments, since T_i T_k = (T_{i+k} + T_{|i-k|}) / 2. einsum and not
    BLAS, whose sums depend on the number of its threads.

    Parameters
    ----------
    values, kept : ndarray, (H, W)
    y, x : ndarray, (H, 2 d + 1), (W, 2 d + 1)
        Chebyshev polynomials up to twice the degree d.
    powers : ndarray, (2, n_terms)
        Degrees in y and in x of each term.
    """

    def moments(weights: np.ndarray) -> np.ndarray:
        return np.einsum("ya,yb->ab", y, np.einsum("yx,xb->yb", weights, x))

    of_mask = moments(kept.astype(float))
    rows, columns = ((np.add.outer(p, p), np.abs(np.subtract.outer(p, p))) for p in powers)
    products = sum(of_mask[row, column] for row in rows for column in columns) / 4
    factors = np.zeros((len(of_mask), len(of_mask)))
    factors[tuple(powers)] = np.linalg.lstsq(products, moments(kept * values)[tuple(powers)], rcond=None)[0]
    return np.einsum("ya,ax->yx", y, np.einsum("ab,xb->ax", factors, x))
