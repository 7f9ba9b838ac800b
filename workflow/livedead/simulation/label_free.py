"""Fields of label-free, macrophage-like cells with known truth, and the dyes that a network learns from.

Brightfield is rendered as transmitted light: each cell multiplies the light by its own stamp (a
darker body, a bright halo, a nucleus), then come defocus, vignetting and the camera. The dyes
stain nuclei only, and cleanly: `livedead.simulation.stained` has the difficult ones.
"""

from typing import Any

import numpy as np
import pandas as pd
from scipy.ndimage import gaussian_filter

from livedead.simulation.camera import USUAL_CAMERA, Camera
from livedead.simulation.placement import place_cells
from livedead.simulation.shapes import STAMP_PX, outline, overlap, smooth_noise, soft, stamp, turned

PIXEL_SIZE_UM = 0.65
"""A 10x objective on a camera with 6.5 um pixels."""


def simulate_field(
    rng: np.random.Generator,
    viability: float,
    *,
    side_px: int = 512,
    mean_cells: float = 55.0,
    defocus_px: float = 0.8,
    clumping: float = 0.8,
    size: float = 1.0,
    n_debris: float = 8.0,
    camera: Camera = USUAL_CAMERA,
) -> tuple[dict[str, np.ndarray], pd.DataFrame]:
    """Render one field, and return its truth.

    Parameters
    ----------
    rng : Generator
        The field's random stream.
    viability : float
        Probability that a cell is alive, 0 to 1.
    side_px : int
        Side of the square field.
    mean_cells : float
        Expected number of cells.
    defocus_px : float
        Standard deviation of the blur, px.
    clumping : float
        Standard deviation of the logarithm of the local density; 0 is uniform.
    size : float
        Scale of all cells; 1 is usual.
    n_debris : float
        Expected number of specks.
    camera : Camera

    Returns
    -------
    images : dict of str -> ndarray, (side_px, side_px), uint16
        ``brightfield``, ``hoechst``, ``draq7``.
    cells : DataFrame
        ``y_px, x_px, state, nucleus_radius_px`` of every cell centred in the field.
    """
    cells = place_cells(rng, side_px, mean_cells, viability, clumping, size)
    light = np.ones((side_px, side_px), np.float32)
    stain = np.zeros((2, side_px, side_px), np.float32)
    for cell in cells.itertuples():
        transmitted, nucleus = _draw_cell(rng, cell)
        inside, on_stamp = overlap(cell.y_px, cell.x_px, side_px)
        light[inside] *= transmitted[on_stamp]
        alive = cell.state == "live"
        stain[0][inside] += nucleus[on_stamp] * (3000 if alive else 4200) * rng.uniform(0.75, 1.25)
        stain[1][inside] += nucleus[on_stamp] * (60 if alive else 4500) * rng.uniform(0.75, 1.25)
    _add_debris(rng, light, n_debris)
    light *= 1 + 0.02 * smooth_noise(rng, side_px, 60)
    light = gaussian_filter(light, defocus_px) * 20_000 * rng.uniform(0.97, 1.03)
    images = {"brightfield": camera.expose(rng, light)}
    centred = cells["y_px"].between(0, side_px) & cells["x_px"].between(0, side_px)
    for name, emitted in zip(("hoechst", "draq7"), stain, strict=True):
        images[name] = camera.expose(rng, gaussian_filter(emitted, 0.6 + 0.5 * defocus_px) + 150)
    return images, cells[centred]


def _draw_cell(rng: np.random.Generator, cell: Any) -> tuple[np.ndarray, np.ndarray]:
    """Transmitted light (1 = unchanged) and nucleus (0 to 1) of one cell, each on its stamp."""
    y, x = stamp(cell.y_px, cell.x_px)
    angle = np.arctan2(y, x)
    alive = cell.state == "live"
    edge = np.hypot(y, x) - cell.body_radius_px * outline(rng, angle, 0.10 if alive else 0.05)
    body = soft(edge, 0.8)
    granules = smooth_noise(rng, 2 * STAMP_PX + 1, 1.0)
    shift = rng.uniform(-1.5, 1.5, 2)
    radius = np.hypot(y - shift[0], x - shift[1])
    nucleus_edge = radius - cell.nucleus_radius_px * outline(rng, angle, 0.05 if alive else 0.09)
    nucleus = soft(nucleus_edge, 0.5)
    if alive:
        light = 1 - body * (0.08 + 0.035 * granules * (1 - nucleus))
        light += 0.12 * np.exp(-(((edge - 1.5) / 1.6) ** 2)) - 0.14 * np.exp(-(((edge + 1) / 1.2) ** 2))
        light += 0.09 * nucleus - 0.10 * np.exp(-((nucleus_edge / 0.9) ** 2))
        spot = rng.uniform(-2, 2, 2)
        light -= 0.16 * np.exp(-(((y - spot[0]) ** 2 + (x - spot[1]) ** 2) / 2.5))
    else:
        light = 1 - body * (0.10 + 0.07 * granules)
        light += 0.06 * np.exp(-(((edge - 1.5) / 1.6) ** 2)) - 0.10 * np.exp(-(((edge + 1) / 1.2) ** 2))
        light -= nucleus * (0.20 + 0.03 * granules)
    return np.clip(light, 0.2, 1.6).astype(np.float32), nucleus.astype(np.float32)


def _add_debris(rng: np.random.Generator, light: np.ndarray, n_debris: float) -> None:
    """Specks and fragments: dark or bright, smaller than any nucleus, without a body."""
    side_px = light.shape[0]
    y, x = stamp()
    for _ in range(rng.poisson(n_debris)):
        centre = rng.uniform(0, side_px, 2)
        inside, on_stamp = overlap(centre[0], centre[1], side_px)
        width, stretch, turn = rng.uniform(0.8, 1.8), rng.uniform(1, 3), rng.uniform(0, np.pi)
        along, across = turned(y, x, turn)
        speck = np.exp(-((along / stretch) ** 2 + across**2) / width**2)
        light[inside] *= 1 + (rng.choice([-0.35, 0.25]) * speck)[on_stamp]
