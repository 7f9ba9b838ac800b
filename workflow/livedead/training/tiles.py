"""Training tiles: squares cut at random from a field, anywhere or near cells, upright or turned."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.ndimage import affine_transform

from livedead.cells.labels import label_cells
from livedead.errors import ConfigError
from livedead.network.classes import Classes
from livedead.training.labelled_fields import Example

ROTATIONS = ("quarter_turns", "any")
BALANCES = ("fields", "wells")
EDGES = ("reflected", "cut")

MIN_SEEN = 0.5
"""Where tiles have cut edges, a cell is one if at least this share of it lies in the tile."""


@dataclass(frozen=True)
class Cutting:
    """How tiles are cut from fields; the keys of ``training.tiles`` in config.yaml.

    Attributes
    ----------
    tile_px : int
        Side of a tile.
    tiles_per_field : int
        Tiles cut from each field in an epoch.
    balance : {'fields', 'wells'}
        ``wells``: fields of small wells are used several times in an epoch, see
        `livedead.training.batches.repeat_small_wells`.
    batch_size : int
    rotation : {'quarter_turns', 'any'}
        ``any``: tiles are cut at any angle, and enlarged or shrunk by a factor of up to `zoom`.
    zoom : float
        1 or more; see `rotation`. The logarithm of the factor is uniform: as many cells are shown large as
        small.
    edges : {'reflected', 'cut'}
        What turned tiles show beyond the field: its reflection, or what the network itself pads fields
        with. Where edges are cut, cells of which less than `MIN_SEEN` lies in the tile are background, as
        people who draw boxes leave out what they cannot judge.
    on_cells : float
        Share of the tiles that are centred near a cell instead of anywhere: an empty background
        teaches little (Isensee et al. 2021, Nature Methods 18:203,
        https://doi.org/10.1038/s41592-020-01008-z).
    pasted : float
        Share of the tiles into which cells of another field are pasted. The network then sees
        overlapping cells, and cannot guess a cell's state from its neighbours (Ghiasi et al. 2021,
        https://arxiv.org/abs/2012.07177).
    disturbance : float
        How strongly light, sharpness and noise are varied, 0 to 3; see
        `livedead.training.augmentation.augment`.
    """

    tile_px: int = 256
    tiles_per_field: int = 4
    balance: str = "fields"
    batch_size: int = 8
    rotation: str = "quarter_turns"
    zoom: float = 1.1
    edges: str = "reflected"
    on_cells: float = 0.0
    pasted: float = 0.0
    disturbance: float = 1.0

    def __post_init__(self) -> None:
        for name, allowed in (("rotation", ROTATIONS), ("balance", BALANCES), ("edges", EDGES)):
            if getattr(self, name) not in allowed:
                raise ConfigError(f"{name} {getattr(self, name)!r}; allowed: {', '.join(allowed)}")

    @classmethod
    def from_config(cls, tiles: dict[str, Any]) -> "Cutting":
        """Cutting from the section ``training.tiles`` of the configuration."""
        return cls(**{name: value for name, value in tiles.items() if name != "validation_fraction"})


def cut_tile(field: Example, cutting: Cutting, classes: Classes, rng: np.random.Generator) -> Example:
    """One tile of a field, as `cutting` says."""
    inputs, target = field
    near = None
    if cutting.on_cells and rng.uniform() < cutting.on_cells:
        near = np.isin(target, classes.nuclei)
    if cutting.rotation == "quarter_turns":
        return upright_tile(inputs, target, cutting.tile_px, rng, near)
    return turned_tile(inputs, target, cutting, classes, rng, near)


def upright_tile(
    inputs: np.ndarray,
    target: np.ndarray,
    tile_px: int,
    rng: np.random.Generator,
    near: np.ndarray | None = None,
) -> Example:
    """A square of the field at a random position; small fields are reflected up to its size.

    Parameters
    ----------
    inputs : ndarray, (C, H, W), float32
    target : ndarray, (H, W), uint8
    tile_px : int
    rng : Generator
    near : ndarray, (H, W), bool, optional
        The middle of the tile lies within a quarter of its side of one of these pixels, if there
        are any, as far as the field's edge allows.
    """
    missing = [max(0, tile_px - side) for side in target.shape]
    centre = _centre_near(near, tile_px, rng)
    if any(missing):
        widths = tuple((0, pad) for pad in missing)
        inputs = np.pad(inputs, ((0, 0), *widths), mode="reflect")
        target = np.pad(target, widths, mode="reflect")
    last = [side - tile_px for side in target.shape]
    if centre is None:
        top, left = (int(rng.integers(0, end + 1)) for end in last)
    else:
        top, left = (int(np.clip(c - tile_px / 2, 0, end)) for c, end in zip(centre, last, strict=True))
    window = slice(top, top + tile_px), slice(left, left + tile_px)
    return inputs[:, *window], target[window]


def turned_tile(
    inputs: np.ndarray,
    target: np.ndarray,
    cutting: Cutting,
    classes: Classes,
    rng: np.random.Generator,
    near: np.ndarray | None = None,
) -> Example:
    """A square of the field at a random position, angle and size, as `cutting` says.

    Parameters as in `cut_tile` and `upright_tile`.
    """
    side_px, is_cut = cutting.tile_px, cutting.edges == "cut"
    angle = rng.uniform(0, 2 * np.pi)
    pixel = np.exp(rng.uniform(-1, 1) * np.log(cutting.zoom))
    turn = pixel * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    middle = (side_px - 1) / 2
    centre = _centre_near(near, side_px, rng)
    if centre is None:
        centre = np.array(
            [rng.uniform(min(middle, side / 2), max(side - 1 - middle, side / 2)) for side in target.shape]
        )
    offset = centre - turn @ [middle, middle]

    def sampled(plane: np.ndarray, order: int, beyond: int = 0) -> np.ndarray:
        mode = "constant" if is_cut else "mirror"
        return affine_transform(plane, turn, offset, (side_px, side_px), order=order, mode=mode, cval=beyond)

    tile, background = np.stack([sampled(plane, 1) for plane in inputs]), classes.background[0]
    tile_target = sampled(target, 0, background)
    if is_cut:
        cells = label_cells(target, classes)
        seen, area_px = sampled(cells, 0), np.bincount(cells.ravel())
        seen_px = np.bincount(seen.ravel(), minlength=len(area_px)) * pixel**2
        tile_target[(seen_px < MIN_SEEN * area_px)[seen] & (seen > 0)] = background
    return tile, tile_target


def _centre_near(near: np.ndarray | None, tile_px: int, rng: np.random.Generator) -> np.ndarray | None:
    """A random position within a quarter of a tile of a random one of the pixels; None without any."""
    if near is None or not near.any():
        return None
    positions = np.flatnonzero(near)
    position = np.divmod(positions[rng.integers(len(positions))], near.shape[1])
    return np.array(position) + rng.uniform(-tile_px / 4, tile_px / 4, 2)
