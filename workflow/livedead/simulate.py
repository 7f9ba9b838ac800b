"""A simulated plate of macrophage-like cells with known truth.

Brightfield is rendered as transmitted light: each cell multiplies the light by its own stamp (a
darker body, a bright halo, a nucleus), then come defocus, vignetting and the camera. The dyes
stain nuclei only. Every field has its own random stream, seeded with (seed, row, column, field),
so a plate is the same in whatever order its wells are made.

From here on: the design of the plate, the plate, a well, a field, then what a field is made of.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import tifffile
from scipy.ndimage import gaussian_filter

from livedead.plates import geometry

PIXEL_SIZE_UM = 0.65
"""A 10x objective on a camera with 6.5 um pixels."""

CHANNELS = {"brightfield": "w1", "hoechst": "w2", "draq7": "w3"}

AGENTS = (("staurosporine", 0.3, 1.2), ("digitonin", 8.0, 2.0))
"""Name, IC50 in uM, Hill slope; each has half of the plate's rows."""

TOP, BOTTOM = 0.95, 0.05
"""Expected viability of untreated and of killed wells."""

TRUTH_COLUMNS = ["well", "field", "y_px", "x_px", "state", "nucleus_radius_px"]

_STAMP = 24
"""Half the side of the square on which a cell is drawn, px."""

_MARGIN = 14
"""Cells are placed up to so far beyond the field's edge, px."""


@dataclass(frozen=True)
class Camera:
    """What the optics and the camera do to the light.

    Attributes
    ----------
    offset, read_noise : float
        Dark level and its standard deviation, counts.
    electrons_per_count : float
        Gain; sets the shot noise.
    vignetting : float
        Fraction of the light that is lost in the corners.
    """

    offset: float = 200.0
    read_noise: float = 15.0
    electrons_per_count: float = 0.5
    vignetting: float = 0.35


def plate_design() -> pd.DataFrame:
    """The demo's plate map: two agents, ten doses, four replicates, and controls.

    Returns
    -------
    DataFrame
        ``well, treatment, dose_um, control, replicate`` and ``viability``, the expected
        fraction alive, from a log-logistic curve between `TOP` and `BOTTOM`.
    """
    rows = []
    for well in geometry.all_wells(96):
        row, column = geometry.well_position(well)
        agent, ic50, slope = AGENTS[row // 4]
        if column == 0:
            entry = ("untreated", 0.0, "negative", row + 1, TOP)
        elif column == 11:
            entry = ("ethanol", 0.0, "positive", row + 1, BOTTOM)
        else:
            dose = round(100 / 10 ** ((10 - column) / 2), 4)
            alive = BOTTOM + (TOP - BOTTOM) / (1 + (dose / ic50) ** slope)
            entry = (agent, dose, "", row % 4 + 1, alive)
        rows.append((well, *entry))
    return pd.DataFrame(rows, columns=["well", "treatment", "dose_um", "control", "replicate", "viability"])


def simulate_plate(
    folder: Path,
    seed: int,
    *,
    dyed_wells: list[str],
    wells: list[str] | None = None,
    n_fields: int = 2,
    side_px: int = 512,
    missing_well: str | None = None,
    truncated: tuple[str, int] | None = None,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Write a plate as a MetaXpress-like export, and return its truth.

    Parameters
    ----------
    folder : Path
        Receives ``TimePoint_1/demo_A01_s1_w1.TIF`` and so on.
    seed : int
        Plates of one seed are identical to the byte.
    dyed_wells : list of str
        Wells that also have the two dye channels.
    wells : list of str, optional
        Wells to make; all 96 if not given.
    n_fields : int
        Fields per well.
    side_px : int
        Side of the square fields.
    missing_well : str, optional
        A well that was not imaged.
    truncated : (well, field), optional
        Field whose brightfield file lost its second half, as in a broken copy.

    Returns
    -------
    cells : DataFrame
        A cell: ``well, field, y_px, x_px, state, nucleus_radius_px``.
    truth : DataFrame
        A well: ``well, expected_viability, n_live, n_dead``.
    """
    folder = folder / "TimePoint_1"
    folder.mkdir(parents=True, exist_ok=True)
    design = plate_design()
    design = design[design["well"].isin(geometry.all_wells(96) if wells is None else wells)]
    tables = []
    for row in design.itertuples():
        for field, images, cells in _well_fields(seed, row.well, row.viability, n_fields, side_px):
            tables.append(cells.assign(well=row.well, field=field))
            for channel, image in images.items():
                if row.well != missing_well and (channel == "brightfield" or row.well in dyed_wells):
                    path = folder / _file_name(row.well, field, channel)
                    tifffile.imwrite(path, image, photometric="minisblack")
    if truncated is not None:
        path = folder / _file_name(*truncated, "brightfield")
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    truth_cells = pd.concat(tables, ignore_index=True)[TRUTH_COLUMNS]
    states = pd.crosstab(truth_cells["well"], truth_cells["state"])
    states = states.reindex(index=design["well"], columns=["live", "dead"], fill_value=0).add_prefix("n_")
    truth_wells = design.set_index("well")[["viability"]].join(states).reset_index()
    return truth_cells, truth_wells.rename(columns={"viability": "expected_viability"})


def _file_name(well: str, field: int, channel: str) -> str:
    return f"demo_{well}_s{field}_{CHANNELS[channel]}.TIF"


def _well_fields(
    seed: int, well: str, viability: float, n_fields: int, side_px: int
) -> Iterator[tuple[int, dict[str, np.ndarray], pd.DataFrame]]:
    """Number, images and cells of each field; wells differ in density, and focus drifts over the plate."""
    row, column = geometry.well_position(well)
    crowding = np.random.default_rng([seed, row, column]).uniform(0.55, 1.45)
    # The stage is level only to a few micrometres, so focus drifts from corner to corner.
    drift = 0.6 + 0.9 * (row / 7 + column / 11) / 2
    for field in range(1, n_fields + 1):
        rng = np.random.default_rng([seed, row, column, field])
        images, cells = simulate_field(
            rng,
            viability,
            side_px=side_px,
            mean_cells=55 * crowding * (side_px / 512) ** 2,
            defocus_px=drift + rng.uniform(-0.15, 0.35),
        )
        yield field, images, cells


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
    camera: Camera = Camera(),
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
    cells = _place_cells(rng, side_px, mean_cells, viability, clumping, size)
    light = np.ones((side_px, side_px), np.float32)
    stain = np.zeros((2, side_px, side_px), np.float32)
    for cell in cells.itertuples():
        transmitted, nucleus = _draw_cell(rng, cell)
        inside, on_stamp = _overlap(cell.y_px, cell.x_px, side_px)
        light[inside] *= transmitted[on_stamp]
        alive = cell.state == "live"
        stain[0][inside] += nucleus[on_stamp] * (3000 if alive else 4200) * rng.uniform(0.75, 1.25)
        stain[1][inside] += nucleus[on_stamp] * (60 if alive else 4500) * rng.uniform(0.75, 1.25)
    _add_debris(rng, light, n_debris)
    light *= 1 + 0.02 * _smooth_noise(rng, side_px, 60)
    light = gaussian_filter(light, defocus_px) * 20_000 * rng.uniform(0.97, 1.03)
    images = {"brightfield": _expose(rng, light, camera)}
    centred = cells["y_px"].between(0, side_px) & cells["x_px"].between(0, side_px)
    for name, emitted in zip(("hoechst", "draq7"), stain, strict=True):
        images[name] = _expose(rng, gaussian_filter(emitted, 0.6 + 0.5 * defocus_px) + 150, camera)
    return images, cells[centred]


def _place_cells(
    rng: np.random.Generator,
    side_px: int,
    mean_cells: float,
    viability: float,
    clumping: float,
    size: float,
) -> pd.DataFrame:
    """Place cells one by one, more where the local density is high; bodies may touch, nuclei may not."""
    density = np.exp(clumping * _smooth_noise(rng, side_px, 70))
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
        if all(np.hypot(y - c[0], x - c[1]) > 0.8 * (body + c[3]) for c in cells):
            cells.append((y, x, "live" if alive else "dead", body, nucleus))
    return pd.DataFrame(cells, columns=["y_px", "x_px", "state", "body_radius_px", "nucleus_radius_px"])


def _draw_cell(rng: np.random.Generator, cell: Any) -> tuple[np.ndarray, np.ndarray]:
    """Transmitted light (1 = unchanged) and nucleus (0 to 1) of one cell, each on its stamp."""
    y, x = np.mgrid[-_STAMP : _STAMP + 1, -_STAMP : _STAMP + 1].astype(np.float32)
    y, x = y - np.float32(cell.y_px % 1), x - np.float32(cell.x_px % 1)
    angle = np.arctan2(y, x)
    alive = cell.state == "live"
    edge = np.hypot(y, x) - cell.body_radius_px * _outline(rng, angle, 0.10 if alive else 0.05)
    body = _soft(edge, 0.8)
    granules = _smooth_noise(rng, 2 * _STAMP + 1, 1.0)
    shift = rng.uniform(-1.5, 1.5, 2)
    radius = np.hypot(y - shift[0], x - shift[1])
    nucleus_edge = radius - cell.nucleus_radius_px * _outline(rng, angle, 0.05 if alive else 0.09)
    nucleus = _soft(nucleus_edge, 0.5)
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


def _outline(rng: np.random.Generator, angle: np.ndarray, roughness: float) -> np.ndarray:
    """Relative radius of a closed, slightly irregular outline at each angle."""
    radius = np.ones_like(angle)
    for lobes in (2, 3, 5):
        radius += roughness * rng.normal(0, 1) / lobes * 2 * np.cos(lobes * angle + rng.uniform(0, 6.3))
    return np.clip(radius, 0.7, 1.4)


def _soft(distance: np.ndarray, width: float) -> np.ndarray:
    """1 inside (negative distance), 0 outside, with an edge `width` px wide."""
    return 1 / (1 + np.exp(np.clip(distance / width, -30, 30)))


def _overlap(y: float, x: float, side_px: int) -> tuple[tuple[slice, slice], tuple[slice, slice]]:
    """The part of the field under a stamp centred at (y, x), and the part of the stamp."""
    field, stamp = [], []
    for centre in (int(np.floor(y)), int(np.floor(x))):
        low, high = centre - _STAMP, centre + _STAMP + 1
        field.append(slice(max(low, 0), min(high, side_px)))
        stamp.append(slice(max(-low, 0), 2 * _STAMP + 1 - max(high - side_px, 0)))
    return (field[0], field[1]), (stamp[0], stamp[1])


def _add_debris(rng: np.random.Generator, light: np.ndarray, n_debris: float) -> None:
    """Specks and fragments: dark or bright, smaller than any nucleus, without a body."""
    side_px = light.shape[0]
    y, x = np.mgrid[-_STAMP : _STAMP + 1, -_STAMP : _STAMP + 1].astype(np.float32)
    for _ in range(rng.poisson(n_debris)):
        centre = rng.uniform(0, side_px, 2)
        inside, on_stamp = _overlap(centre[0], centre[1], side_px)
        width, stretch, turn = rng.uniform(0.8, 1.8), rng.uniform(1, 3), rng.uniform(0, np.pi)
        along, across = y * np.sin(turn) + x * np.cos(turn), y * np.cos(turn) - x * np.sin(turn)
        speck = np.exp(-((along / stretch) ** 2 + across**2) / width**2)
        light[inside] *= 1 + (rng.choice([-0.35, 0.25]) * speck)[on_stamp]


def _smooth_noise(rng: np.random.Generator, side_px: int, scale_px: float) -> np.ndarray:
    """Gaussian noise of unit variance, correlated over `scale_px`."""
    step = max(1, int(scale_px / 4))
    n = side_px // step + 2
    coarse = gaussian_filter(rng.normal(size=(n, n)).astype(np.float32), scale_px / step, mode="wrap")
    fine = np.kron(coarse, np.ones((step, step), np.float32))[:side_px, :side_px]
    if step > 1:
        fine = gaussian_filter(fine, step)
    return (fine - fine.mean()) / fine.std()


def _expose(rng: np.random.Generator, light: np.ndarray, camera: Camera) -> np.ndarray:
    """Counts that the camera reads, uint16."""
    side_px = light.shape[0]
    y, x = np.mgrid[0:side_px, 0:side_px].astype(np.float32) / side_px - np.float32(0.5)
    counts = light * (1 - camera.vignetting * 2 * ((y - 0.06) ** 2 + (x + 0.04) ** 2))
    counts = np.maximum(counts, 0)
    shot = np.sqrt(counts / camera.electrons_per_count)
    noise = rng.standard_normal(counts.shape, np.float32)
    counts += camera.offset + noise * np.sqrt(shot**2 + camera.read_noise**2)
    return np.clip(np.rint(counts), 0, 65535).astype(np.uint16)
