"""Dyed fields with known truth, as difficult as real ones.

Fluorescence is rendered as emitted light, in counts: each cell lays its stained parts over the field, the
stain differs from cell to cell, over the field and from well to well, one dye shines into the channel of
another, debris and background are added, then come defocus and the camera.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from scipy.ndimage import gaussian_filter

from livedead.simulation.camera import USUAL_CAMERA, Camera
from livedead.simulation.placement import place_cells
from livedead.simulation.shapes import STAMP_PX, outline, overlap, smooth_noise, soft, stamp, turned


class Dye(NamedTuple):
    """What a dye stains.

    Attributes
    ----------
    marks : {'total', 'live', 'dead'}
        The cells that it is meant to stain.
    part : {'nucleus', 'body'}
        What of a cell it stains.
    in_live, in_dead : float
        Brightest signal of a usual live and dead cell, counts over the background.
    """

    marks: str
    part: str
    in_live: float
    in_dead: float

    @property
    def brightest(self) -> float:
        """Signal of a usual cell that it is meant to stain."""
        return max(self.in_live, self.in_dead)


DYES = {
    "hoechst": Dye("total", "nucleus", 3000, 4200),
    "draq7": Dye("dead", "nucleus", 60, 4500),
    "calcein": Dye("live", "body", 5000, 80),
    "ethd": Dye("dead", "nucleus", 40, 4000),
}


_GLOW, _GLOW_PX = 0.1, 7.0
"""Share of the light that a widefield microscope spreads around a cell, and how far."""


class WellStain(NamedTuple):
    """How one channel is stained in one well: strength (1 is usual), and background in counts."""

    strength: float
    background: float


@dataclass(frozen=True)
class Staining:
    """How a plate is stained; the keys of ``simulation.<plate>.staining`` in config.yaml.

    Attributes
    ----------
    channels : tuple of str
        Of `DYES`.
    cell_spread, well_spread : float
        Standard deviation of the logarithm of the stain, from cell to cell and from well to well.
    gradient : float
        Change of the stain from one side of a field to the other, as a share.
    background, background_spread : float
        Median fluorescence of the medium, counts, and standard deviation of its logarithm over wells.
    total_into_dead, live_into_dead : float
        Bleed-through: shares of these dyes' signal that are seen in the channels of the dead dyes.
    touching : float
        See `livedead.simulation.placement.place_cells`.
    mitotic : float
        Share of the live cells whose chromosomes are condensed: a small, bright plate.
    dying : float
        Share of the dead cells that still hold live dye, and take up less of the dead dye.
    fragmented : float
        Share of the dead cells that have fragments of a nucleus beside them.
    haze, precipitates, specks : float
        Expected numbers per 512 x 512 px of out-of-focus glow, of dye precipitate, and of dust.
    """

    channels: tuple[str, ...] = ("hoechst", "draq7")
    cell_spread: float = 0.3
    well_spread: float = 0.2
    gradient: float = 0.25
    background: float = 150.0
    background_spread: float = 0.4
    total_into_dead: float = 0.05
    live_into_dead: float = 0.04
    touching: float = 0.12
    mitotic: float = 0.02
    dying: float = 0.05
    fragmented: float = 0.04
    haze: float = 2.0
    precipitates: float = 1.5
    specks: float = 8.0

    @classmethod
    def from_config(cls, staining: Mapping[str, Any]) -> "Staining":
        """Staining from ``simulation.<plate>.staining`` of the configuration."""
        return cls(**{**staining, "channels": tuple(staining["channels"])})

    def of_well(self, rng: np.random.Generator) -> dict[str, WellStain]:
        """Draw how each channel is stained in a well."""
        return {
            channel: WellStain(
                rng.lognormal(0, self.well_spread),
                self.background * rng.lognormal(0, self.background_spread),
            )
            for channel in self.channels
        }


def simulate_stained_field(
    rng: np.random.Generator,
    viability: float,
    staining: Staining,
    well: Mapping[str, WellStain],
    *,
    side_px: int = 512,
    mean_cells: float = 55.0,
    defocus_px: float = 0.8,
    camera: Camera = USUAL_CAMERA,
) -> tuple[dict[str, np.ndarray], pd.DataFrame]:
    """Render one dyed field, and return its truth.

    Parameters
    ----------
    rng, viability, side_px, mean_cells, defocus_px, camera
        See `livedead.simulation.label_free.simulate_field`.
    staining : Staining
    well : mapping of str -> WellStain
        From `Staining.of_well`.

    Returns
    -------
    images : dict of str -> ndarray, (side_px, side_px), uint16
        An image a channel.
    cells : DataFrame
        ``y_px, x_px, state, body_radius_px, nucleus_radius_px`` of every cell centred in the field.
    """
    cells = place_cells(rng, side_px, mean_cells, viability, clumping=0.8, touching=staining.touching)
    light = {channel: np.zeros((side_px, side_px), np.float32) for channel in staining.channels}
    for cell in cells.itertuples():
        inside, on_stamp = overlap(cell.y_px, cell.x_px, side_px)
        for channel, drawn in _draw_cell(rng, cell, staining):
            # Cells press against each other: where two meet, the light of both does not add up.
            seen = light[channel][inside]
            np.maximum(seen, drawn[on_stamp], out=seen)
    for channel, emitted in light.items():
        emitted *= well[channel].strength * _gradient(rng, side_px, staining.gradient)
    _bleed(light, staining)
    _add_precipitates(rng, light, staining)
    _add_specks(rng, light, staining)
    images = {}
    for channel, emitted in light.items():
        sharp = gaussian_filter(emitted, 0.6 + 0.5 * defocus_px)
        medium = well[channel].background * (1 + 0.1 * smooth_noise(rng, side_px, 100))
        images[channel] = (1 - _GLOW) * sharp + _GLOW * gaussian_filter(emitted, _GLOW_PX) + medium
    _add_haze(rng, images, staining)
    centred = cells["y_px"].between(0, side_px) & cells["x_px"].between(0, side_px)
    return {name: camera.expose(rng, image) for name, image in images.items()}, cells[centred]


def _draw_cell(rng: np.random.Generator, cell: Any, staining: Staining) -> Iterator[tuple[str, np.ndarray]]:
    """Each channel, and the light that the cell emits in it, counts, on a stamp."""
    alive = cell.state == "live"
    is_mitotic = alive and rng.uniform() < staining.mitotic
    is_dying = not alive and rng.uniform() < staining.dying
    parts = {"nucleus": _nucleus(rng, cell, is_mitotic), "body": _body(rng, cell)}
    if not alive and rng.uniform() < staining.fragmented:
        np.maximum(parts["nucleus"], _fragments(rng, cell), out=parts["nucleus"])
    for channel in staining.channels:
        dye = DYES[channel]
        signal = dye.in_live if alive else dye.in_dead
        if is_mitotic and dye.marks == "total":
            signal *= 2.5
        if is_dying and dye.marks == "live":
            signal = dye.in_live * rng.uniform(0.3, 0.8)
        if is_dying and dye.marks == "dead":
            signal *= rng.uniform(0.4, 1)
        yield channel, parts[dye.part] * signal * rng.lognormal(0, staining.cell_spread)


def _nucleus(rng: np.random.Generator, cell: Any, is_mitotic: bool) -> np.ndarray:
    """A nucleus (0 to 1): thickest in the middle, with chromatin; or the plate of a dividing cell."""
    along, across = turned(*stamp(cell.y_px, cell.x_px), rng.uniform(0, np.pi))
    stretch = rng.uniform(1, 1.2)
    along, across = along / stretch, across * stretch
    if is_mitotic:
        across = across / rng.uniform(0.4, 0.9)  # a disc, seen at any angle
    radius = np.hypot(along, across) / outline(rng, np.arctan2(along, across), 0.05)
    dome = np.sqrt(np.clip(1 - (radius / (1.2 * cell.nucleus_radius_px)) ** 2, 0, 1))
    chromatin = smooth_noise(rng, 2 * STAMP_PX + 1, 1.5) * (0.12 if cell.state == "live" else 0.06)
    return soft(radius - cell.nucleus_radius_px, 0.5) * (0.55 + 0.45 * dome) * (1 + chromatin)


def _body(rng: np.random.Generator, cell: Any) -> np.ndarray:
    """The body of a cell (0 to 1): thickest over the nucleus, with uneven cytoplasm and dark vacuoles."""
    y, x = stamp(cell.y_px, cell.x_px)
    along, across = turned(y, x, rng.uniform(0, np.pi))
    stretch = rng.uniform(1, 1.25)
    along, across = along / stretch, across * stretch
    radius = np.hypot(along, across) / outline(rng, np.arctan2(along, across), 0.06)
    thickness = np.exp(-((radius / (0.8 * cell.body_radius_px)) ** 2))
    cytoplasm = 1 + 0.12 * smooth_noise(rng, 2 * STAMP_PX + 1, 2.5)
    for _ in range(rng.poisson(3)):
        at = rng.uniform(-0.6, 0.6, 2) * cell.body_radius_px
        cytoplasm *= 1 - 0.3 * np.exp(-((y - at[0]) ** 2 + (x - at[1]) ** 2) / 3)
    return soft(radius - cell.body_radius_px, 0.8) * (0.4 + 0.6 * thickness) * np.clip(cytoplasm, 0, None)


def _fragments(rng: np.random.Generator, cell: Any) -> np.ndarray:
    """Small pieces of a nucleus (0 to 1) around it."""
    y, x = stamp(cell.y_px, cell.x_px)
    pieces = np.zeros_like(y)
    for _ in range(rng.integers(2, 5)):
        angle, distance = rng.uniform(0, 2 * np.pi), cell.nucleus_radius_px + rng.uniform(2, 6)
        from_piece = np.hypot(y - distance * np.sin(angle), x - distance * np.cos(angle))
        np.maximum(pieces, soft(from_piece - rng.uniform(0.8, 1.8), 0.4), out=pieces)
    return pieces


def _gradient(rng: np.random.Generator, side_px: int, gradient: float) -> np.ndarray:
    """Strength of the stain over a field, 1 in its middle, changing along a direction of its own."""
    y, x = np.mgrid[0:side_px, 0:side_px].astype(np.float32) / side_px - np.float32(0.5)
    return 1 + gradient * turned(y, x, rng.uniform(0, 2 * np.pi))[0]


def _bleed(light: dict[str, np.ndarray], staining: Staining) -> None:
    """Add to the channels of the dead dyes their shares of the other dyes' light, in place."""
    shares = {"total": staining.total_into_dead, "live": staining.live_into_dead, "dead": 0.0}
    strayed = sum(shares[DYES[channel].marks] * emitted for channel, emitted in light.items())
    for channel in light:
        if DYES[channel].marks == "dead":
            light[channel] += strayed


def _places(rng: np.random.Generator, side_px: int, per_512_px: float) -> Iterator[tuple[float, float]]:
    """Random points of a field, so many per 512 x 512 px on average."""
    for _ in range(rng.poisson(per_512_px * (side_px / 512) ** 2)):
        y, x = rng.uniform(0, side_px, 2)
        yield y, x


def _add_precipitates(rng: np.random.Generator, light: dict[str, np.ndarray], staining: Staining) -> None:
    """Add ragged crystals of dead dye, most far brighter than a nucleus; some bind the total dye, too."""
    side_px = next(iter(light.values())).shape[0]
    for place in _places(rng, side_px, staining.precipitates):
        inside, on_stamp = overlap(*place, side_px)
        along, across = turned(*stamp(*place), rng.uniform(0, np.pi))
        along = along / rng.uniform(1, 2.5)
        size_px = np.clip(rng.lognormal(np.log(3.5), 0.6), 1, 9)
        rough = outline(rng, np.arctan2(along, across), 0.35)
        ragged = np.hypot(along, across) - size_px * rough + 1.2 * smooth_noise(rng, 2 * STAMP_PX + 1, 1.5)
        crystal = soft(ragged, 0.4) * rng.lognormal(np.log(3), 0.7)
        binds_total = rng.uniform() < 0.3
        for channel, emitted in light.items():
            dye = DYES[channel]
            if dye.marks == "dead" or (dye.marks == "total" and binds_total):
                emitted[inside] += crystal[on_stamp] * dye.brightest


def _add_specks(rng: np.random.Generator, light: dict[str, np.ndarray], staining: Staining) -> None:
    """Add dust, smaller than any nucleus, each speck in one channel."""
    side_px = next(iter(light.values())).shape[0]
    for place in _places(rng, side_px, staining.specks):
        channel = staining.channels[rng.integers(len(staining.channels))]
        inside, on_stamp = overlap(*place, side_px)
        speck = soft(np.hypot(*stamp(*place)) - rng.uniform(0.3, 1.2), 0.3)
        light[channel][inside] += speck[on_stamp] * rng.uniform(0.1, 1.5) * DYES[channel].brightest


def _add_haze(rng: np.random.Generator, light: dict[str, np.ndarray], staining: Staining) -> None:
    """Add the large, dim discs of cells and debris that float far above the focus, in every channel."""
    side_px = next(iter(light.values())).shape[0]
    rows, columns = np.mgrid[0:side_px, 0:side_px].astype(np.float32)
    for y, x in _places(rng, side_px, staining.haze):
        radius_px, stretch = rng.uniform(12, 45), rng.uniform(1, 1.6)
        along, across = turned(rows - np.float32(y), columns - np.float32(x), rng.uniform(0, np.pi))
        disc = soft(np.hypot(along / stretch, across) - radius_px, radius_px / rng.uniform(3, 8))
        for channel, emitted in light.items():
            emitted += disc * (rng.uniform(0.02, 0.15) * DYES[channel].brightest)
