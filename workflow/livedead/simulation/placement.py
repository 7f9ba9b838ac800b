"""Where the cells of a simulated field are, how large, and whether alive."""

import numpy as np
import pandas as pd

from livedead.simulation.shapes import smooth_noise

_MARGIN = 14
"""Cells are placed up to so far beyond the field's edge, px."""


def place_cells(
    rng: np.random.Generator,
    side_px: int,
    mean_cells: float,
    viability: float,
    clumping: float,
    size: float = 1.0,
    touching: float = 0.0,
) -> pd.DataFrame:
    """Place cells one by one, more where the local density is high; bodies may touch, nuclei may not.

    Parameters
    ----------
    rng, side_px, mean_cells, viability, clumping, size
        See `livedead.simulation.label_free.simulate_field`.
    touching : float
        Probability that a cell is moved until its nucleus touches that of another.

    Returns
    -------
    DataFrame
        A cell, also those centred beyond the edge: ``y_px, x_px, state, body_radius_px, nucleus_radius_px``.
    """
    density = np.exp(clumping * smooth_noise(rng, side_px, 70))
    density /= density.max()
    # Cells centred beyond the edge extend into the field, as they do in a real well.
    low, high = -_MARGIN, side_px + _MARGIN
    n_cells = rng.poisson(mean_cells * ((high - low) / side_px) ** 2)
    cells: list[tuple[float, float, str, float, float]] = []
    for _ in range(60 * n_cells):
        if len(cells) == n_cells:
            break
        y, x = rng.uniform(low, high, 2)
        within = np.clip((y, x), 0, side_px - 1).astype(int)
        if rng.uniform() > density[tuple(within)]:
            continue
        alive = rng.uniform() < viability
        body = rng.normal(13.5, 1.4) if alive else rng.normal(10.5, 1.0)
        nucleus = (
            np.clip(rng.normal(6.0, 0.6), 4.6, 7.4) if alive else np.clip(rng.normal(4.8, 0.5), 3.7, 6.0)
        )
        body, nucleus = size * body, size * nucleus
        is_moved = touching > 0 and len(cells) > 0 and rng.uniform() < touching
        if is_moved:
            other = cells[rng.integers(len(cells))]
            y, x = _beside(rng, other, nucleus)
            is_free = all(np.hypot(y - c[0], x - c[1]) > 0.9 * (nucleus + c[4]) for c in cells)
            is_free &= low <= min(y, x) and max(y, x) <= high
        else:
            is_free = all(np.hypot(y - c[0], x - c[1]) > 0.8 * (body + c[3]) for c in cells)
        if is_free:
            cells.append((y, x, "live" if alive else "dead", body, nucleus))
    return pd.DataFrame(cells, columns=["y_px", "x_px", "state", "body_radius_px", "nucleus_radius_px"])


def _beside(
    rng: np.random.Generator, other: tuple[float, float, str, float, float], nucleus: float
) -> tuple[float, float]:
    """A place at which a nucleus touches another, or all but touches it."""
    distance, angle = rng.uniform(0.9, 1.2) * (nucleus + other[4]), rng.uniform(0, 2 * np.pi)
    return other[0] + distance * np.sin(angle), other[1] + distance * np.cos(angle)
