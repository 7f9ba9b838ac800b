"""Fields of label-free, macrophage-like cells with known truth, and the dyes that a network learns from.

Brightfield is rendered as transmitted light: each cell multiplies the light by its own stamp (a
darker body, a bright halo, a nucleus), then come defocus, vignetting and the camera. The dyes
stain nuclei only, and cleanly: `livedead.simulation.stained` has the difficult ones.

A camera with other pixels sees the same kind of specimen through the same optics: cells are drawn at points
at most `PIXEL_SIZE_UM` apart and blurred there, and each pixel takes the light of its points.
"""

import math
from typing import Any

import numpy as np
import pandas as pd
from scipy.ndimage import gaussian_filter

from livedead.simulation.camera import USUAL_CAMERA, Camera, integrated
from livedead.simulation.placement import place_cells
from livedead.simulation.shapes import in_pixels, outline, overlap, smooth_noise, soft, stamp, turned

PIXEL_SIZE_UM = 0.65
"""A 10x objective on a camera with 6.5 um pixels; the unit, px, in which cells and blur are described."""


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
    pixel_size_um: float = PIXEL_SIZE_UM,
) -> tuple[dict[str, np.ndarray], pd.DataFrame]:
    """Render one field, and return its truth.

    Parameters
    ----------
    rng : Generator
        The field's random stream.
    viability : float
        Probability that a cell is alive, 0 to 1.
    side_px : int
        Side of the square field, in pixels of the camera.
    mean_cells : float
        Expected number of cells.
    defocus_px : float
        Standard deviation of the blur, px of `PIXEL_SIZE_UM`.
    clumping : float
        Standard deviation of the logarithm of the local density; 0 is uniform.
    size : float
        Scale of all cells; 1 is usual.
    n_debris : float
        Expected number of specks.
    camera : Camera
    pixel_size_um : float
        Of the camera, in the plane of the cells.

    Returns
    -------
    images : dict of str -> ndarray, (side_px, side_px), uint16
        ``brightfield``, ``hoechst``, ``draq7``.
    cells : DataFrame
        ``y_px, x_px, state, nucleus_radius_px`` of every cell centred in the field, in pixels of the camera.
    """
    pixel = pixel_size_um / PIXEL_SIZE_UM
    points = math.ceil(round(pixel, 6))
    side, step = side_px * points, pixel / points
    placed_px = math.ceil(side_px * pixel)
    mean_placed = mean_cells * (placed_px / (side_px * pixel)) ** 2
    cells = place_cells(rng, placed_px, mean_placed, viability, clumping, size)
    light = np.ones((side, side), np.float32)
    stain = np.zeros((2, side, side), np.float32)
    for cell in cells.itertuples():
        transmitted, nucleus = _draw_cell(rng, cell, step)
        inside, on_stamp = overlap(cell.y_px, cell.x_px, side, step)
        light[inside] *= transmitted[on_stamp]
        alive = cell.state == "live"
        stain[0][inside] += nucleus[on_stamp] * (3000 if alive else 4200) * rng.uniform(0.75, 1.25)
        stain[1][inside] += nucleus[on_stamp] * (60 if alive else 4500) * rng.uniform(0.75, 1.25)
    _add_debris(rng, light, n_debris, step)
    light *= 1 + 0.02 * smooth_noise(rng, side, 60 / step)
    light = gaussian_filter(light, defocus_px / step) * 20_000 * rng.uniform(0.97, 1.03)
    images = {"brightfield": camera.expose(rng, integrated(light, points))}
    for name, emitted in zip(("hoechst", "draq7"), stain, strict=True):
        blurred = gaussian_filter(emitted, (0.6 + 0.5 * defocus_px) / step) + 150
        images[name] = camera.expose(rng, integrated(blurred, points))
    return images, _seen(cells, pixel, side_px)


def _seen(cells: pd.DataFrame, pixel: float, side_px: int) -> pd.DataFrame:
    """The cells that are centred in the field, in pixels of the camera, which are `pixel` px wide."""
    seen = cells.assign(
        **{name: in_pixels(cells[name], pixel) for name in ("y_px", "x_px")},
        **{name: cells[name] / pixel for name in ("body_radius_px", "nucleus_radius_px")},
    )
    return seen[seen["y_px"].between(0, side_px) & seen["x_px"].between(0, side_px)]


def _draw_cell(rng: np.random.Generator, cell: Any, step: float) -> tuple[np.ndarray, np.ndarray]:
    """Transmitted light (1 = unchanged) and nucleus (0 to 1) of one cell, each on its stamp."""
    y, x = stamp(cell.y_px, cell.x_px, step)
    angle = np.arctan2(y, x)
    alive = cell.state == "live"
    edge = np.hypot(y, x) - cell.body_radius_px * outline(rng, angle, 0.10 if alive else 0.05)
    body = soft(edge, 0.8)
    granules = smooth_noise(rng, len(y), 1 / step)
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


def _add_debris(rng: np.random.Generator, light: np.ndarray, n_debris: float, step: float) -> None:
    """Specks and fragments: dark or bright, smaller than any nucleus, without a body."""
    side = light.shape[0]
    y, x = stamp(step=step)
    for _ in range(rng.poisson(n_debris)):
        centre = rng.uniform(0, side * step, 2)
        inside, on_stamp = overlap(centre[0], centre[1], side, step)
        width, stretch, turn = rng.uniform(0.8, 1.8), rng.uniform(1, 3), rng.uniform(0, np.pi)
        along, across = turned(y, x, turn)
        speck = np.exp(-((along / stretch) ** 2 + across**2) / width**2)
        light[inside] *= 1 + (rng.choice([-0.35, 0.25]) * speck)[on_stamp]
