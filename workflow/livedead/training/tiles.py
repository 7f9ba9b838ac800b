"""Training tiles, cut at random from fields that are read as they are needed.

Wells, never tiles, are split into training and validation: two tiles of one well overlap or
share cells, and a network judged on them is judged on what it has seen.
"""

from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from scipy.ndimage import affine_transform, binary_dilation, gaussian_filter

from livedead import stores
from livedead.cells.labels import label_cells
from livedead.errors import ConfigError
from livedead.fields.ahead import work_ahead
from livedead.fields.normalized_plate import NormalizedPlate
from livedead.network.classes import Classes
from livedead.normalization.transforms import Key

Example = tuple[np.ndarray, np.ndarray]
"""Input (C, H, W) float32 in [-1, 1], class map (H, W) uint8."""

ROTATIONS = ("quarter_turns", "any")
MAX_ZOOM = 0.1
PASTING_FIELDS = 8
"""Fields in memory at once where cells of one are laid over another."""


class LabelledFields:
    """The labelled fields of one or several plates, read one at a time.

    Parameters
    ----------
    plates : list of (NormalizedPlate, path)
        Input channels, and the file of class maps, of each plate.
    exclude : collection of str
        Wells (``plate/well``) and fields (``plate/well/field``) that are left out, such as those a
        person rejected.

    Attributes
    ----------
    wells : list of str
        ``plate/well`` of each field: the unit by which fields may be split.
    places : list of (int, int, Key)
        Of each field the number of its plate, of its class map in the plate's file, and its key.
    """

    def __init__(self, plates: list[tuple[NormalizedPlate, Path]], exclude: Collection[str] = ()):
        self.plates = plates
        self.wells: list[str] = []
        self.places: list[tuple[int, int, Key]] = []
        unknown = set(exclude)
        for plate, (_, path) in enumerate(plates):
            for number, row in enumerate(stores.list_class_maps(path).itertuples()):
                well = f"{row.plate}/{row.well}"
                rejected = {well, f"{well}/{row.field}"} & set(exclude)
                unknown -= rejected
                if not rejected:
                    self.wells.append(well)
                    self.places.append((plate, number, (row.well, int(row.field), int(row.timepoint))))
        if unknown:
            raise ConfigError(
                f"training.exclude: {', '.join(sorted(unknown))}: no such labelled well or field; "
                "allowed: plate/well and plate/well/field"
            )

    def read(self, k: int) -> Example:
        """Input (C, H, W) float32 and class map (H, W) uint8 of field k."""
        plate, _, key = self.places[k]
        return self.plates[plate][0].normalized(key), self.class_map(k)

    def key(self, k: int) -> dict[str, Any]:
        """``plate, well, field, timepoint`` of field k."""
        names = ("plate", "well", "field", "timepoint")
        return dict(zip(names, (self.wells[k].split("/")[0], *self.places[k][2]), strict=True))

    def class_map(self, k: int) -> np.ndarray:
        """Class map of field k alone, (H, W) uint8."""
        plate, number, _ = self.places[k]
        return stores.read_class_map(self.plates[plate][1], number)

    def instances(self, k: int) -> np.ndarray | None:
        """The objects that the labels of field k were made of, (H, W), if they were given."""
        plate, number, _ = self.places[k]
        return stores.read_segmentation(self.plates[plate][1], number).get("instances")

    def in_wells(self, wells: Iterable[str]) -> list[int]:
        """Numbers of the fields in `wells`."""
        chosen = set(wells)
        return [k for k, well in enumerate(self.wells) if well in chosen]


def split_wells(wells: Iterable[str], fraction: float, seed: int) -> tuple[list[str], list[str]]:
    """Disjoint wells for training and validation.

    Parameters
    ----------
    fraction : float
        Share of wells for validation; at least one, and at least one is left for training. 0
        leaves all of them for training.

    Returns
    -------
    training, validation : list of str

    Raises
    ------
    ConfigError
        If there are too few wells for both.
    """
    unique = sorted(set(wells))
    needed = 1 if fraction == 0 else 2
    if len(unique) < needed:
        raise ConfigError(
            f"labelled wells to train on: {', '.join(unique) or 'none'}; needed: {needed} or more, with a "
            f"training.tiles.validation_fraction of {fraction:g}; name more dyed_wells in plates.tsv"
        )
    if fraction == 0:
        return unique, []
    order = np.random.default_rng(seed).permutation(len(unique))
    n_validation = min(max(1, round(fraction * len(unique))), len(unique) - 1)
    chosen = {unique[k] for k in order[:n_validation]}
    return [well for well in unique if well not in chosen], sorted(chosen)


def fold_wells(wells: Iterable[str], n_folds: int, seed: int) -> list[list[str]]:
    """Deal the wells into `n_folds` disjoint parts of nearly equal size, for cross-validation."""
    unique = sorted(set(wells))
    if not 2 <= n_folds <= len(unique):
        raise ConfigError(f"training.folds: {n_folds}; allowed: 2 to the number of wells, {len(unique)}")
    order = np.random.default_rng(seed).permutation(len(unique))
    return [sorted(unique[k] for k in order[first::n_folds]) for first in range(n_folds)]


@dataclass(frozen=True)
class Cutting:
    """How tiles are cut from fields; the keys of ``training.tiles`` in config.yaml.

    Attributes
    ----------
    tile_px : int
        Side of a tile.
    tiles_per_field : int
        Tiles that each field gives in an epoch.
    batch_size : int
    rotation : {'quarter_turns', 'any'}
        ``any``: tiles are cut at any angle, and enlarged or shrunk by up to `MAX_ZOOM`.
    on_cells : float
        Share of the tiles that are centred near a cell instead of anywhere; where most of a field
        is empty, little is learnt from the rest (Isensee et al. 2021, Nature Methods 18:203,
        https://doi.org/10.1038/s41592-020-01008-z).
    pasted : float
        Share of the tiles into which cells of another field are laid, so that cells are seen over
        each other, and no cell's state can be told from those around it (Ghiasi et al. 2021,
        https://arxiv.org/abs/2012.07177).
    disturbance : float
        How strongly light, sharpness and noise are varied, 0 to 1; see `augment`.
    """

    tile_px: int = 256
    tiles_per_field: int = 4
    batch_size: int = 8
    rotation: str = "quarter_turns"
    on_cells: float = 0.0
    pasted: float = 0.0
    disturbance: float = 1.0

    def __post_init__(self) -> None:
        if self.rotation not in ROTATIONS:
            raise ConfigError(f"rotation {self.rotation!r}; allowed: {', '.join(ROTATIONS)}")


def batches(
    read: Callable[[int], Example],
    fields: list[int],
    rng: np.random.Generator,
    cutting: Cutting,
    classes: Classes,
    n_threads: int = 1,
) -> Iterator[Example]:
    """One epoch: every field once, in random order, each giving so many tiles.

    Parameters
    ----------
    read : callable
        Field number -> its input and class map; called as tiles are needed.
    fields : list of int
        Numbers of the fields to use.
    cutting : Cutting
    classes : Classes
    n_threads : int
        Threads that read and cut ahead of the network; the batches are the same for any number.

    Yields
    ------
    inputs : ndarray, (batch_size, C, tile_px, tile_px), float32
    targets : ndarray, (batch_size, tile_px, tile_px), uint8
    """

    def cut(field: Example, stream: np.random.Generator) -> Example:
        near = None
        if cutting.on_cells and stream.uniform() < cutting.on_cells:
            near = np.isin(field[1], classes.nuclei)
        tile = random_tile if cutting.rotation == "quarter_turns" else turned_tile
        return tile(*field, cutting.tile_px, stream, near)

    def tiles_of(work: tuple[list[int], np.random.Generator]) -> list[Example]:
        group, stream = work
        mixed = list(map(read, group))
        tiles = []
        for field in mixed:
            for _ in range(cutting.tiles_per_field):
                tile = cut(field, stream)
                if cutting.pasted and stream.uniform() < cutting.pasted:
                    tile = paste(*tile, *cut(mixed[stream.integers(len(mixed))], stream), classes, stream)
                tiles.append(augment(*tile, stream, cutting.disturbance))
        return [tiles[k] for k in stream.permutation(len(tiles))]

    order = rng.permutation(fields).tolist()
    # Tiles of a few fields are mixed, so that a batch does not come from one well.
    size = max(1, cutting.batch_size // cutting.tiles_per_field) * 2
    if cutting.pasted:
        size = max(size, PASTING_FIELDS)
    groups = [order[start : start + size] for start in range(0, len(order), size)]
    # A random stream a group: what is drawn does not hang on which thread comes first.
    work = zip(groups, rng.spawn(len(groups)), strict=True)
    waiting: list[Example] = []
    for tiles in work_ahead(tiles_of, work, n_threads, n_threads):
        waiting += tiles
        while len(waiting) >= cutting.batch_size:
            now, waiting = waiting[: cutting.batch_size], waiting[cutting.batch_size :]
            yield np.stack([x for x, _ in now]), np.stack([y for _, y in now])


def random_tile(
    inputs: np.ndarray,
    target: np.ndarray,
    tile_px: int,
    rng: np.random.Generator,
    near: np.ndarray | None = None,
) -> Example:
    """A square of the field at a random place; small fields are reflected up to its size.

    Parameters
    ----------
    near : ndarray, (H, W), bool, optional
        The middle of the tile lies within a quarter of its side of one of these pixels, if there
        are any and the field's edge is not in the way.
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


def _centre_near(near: np.ndarray | None, tile_px: int, rng: np.random.Generator) -> np.ndarray | None:
    """A random place within a quarter of a tile of a random one of the pixels; None without any."""
    if near is None or not near.any():
        return None
    places = np.flatnonzero(near)
    place = np.divmod(places[rng.integers(len(places))], near.shape[1])
    return np.array(place) + rng.uniform(-tile_px / 4, tile_px / 4, 2)


def turned_tile(
    inputs: np.ndarray,
    target: np.ndarray,
    tile_px: int,
    rng: np.random.Generator,
    near: np.ndarray | None = None,
) -> Example:
    """A square of the field at a random place, angle and size; what lies outside is reflected.

    `near` as in `random_tile`.
    """
    angle = rng.uniform(0, 2 * np.pi)
    zoom = np.exp(rng.uniform(-1, 1) * np.log(1 + MAX_ZOOM))
    turn = zoom * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    middle = (tile_px - 1) / 2
    centre = _centre_near(near, tile_px, rng)
    if centre is None:
        centre = np.array(
            [rng.uniform(min(middle, side / 2), max(side - 1 - middle, side / 2)) for side in target.shape]
        )
    offset = centre - turn @ [middle, middle]

    def sampled(plane: np.ndarray, order: int) -> np.ndarray:
        return affine_transform(plane, turn, offset, (tile_px, tile_px), order=order, mode="mirror")

    return np.stack([sampled(plane, 1) for plane in inputs]), sampled(target, 0)


def paste(
    inputs: np.ndarray,
    target: np.ndarray,
    other: np.ndarray,
    other_target: np.ndarray,
    classes: Classes,
    rng: np.random.Generator,
) -> Example:
    """Lay about half of the cells of another tile over this one, with a soft rim of their own.

    Where the assay has a boundary class, cells below end in a line of it.

    Parameters
    ----------
    inputs, other : ndarray, (C, H, W), float32
    target, other_target : ndarray, (H, W), uint8
    classes : Classes
    """
    labels = label_cells(other_target, classes)
    taken = np.append(False, rng.uniform(size=int(labels.max())) < 0.5)[labels]
    if not taken.any():
        return inputs, target
    target = np.where(taken, other_target, target)
    if classes.boundary:
        rim = binary_dilation(taken, np.ones((3, 3))) & ~taken
        target[rim & np.isin(target, classes.nuclei)] = classes.boundary[0]
    soft = gaussian_filter(binary_dilation(taken, iterations=2).astype(np.float32), 0.7)
    return inputs + soft * (other - inputs), target


def augment(
    inputs: np.ndarray, target: np.ndarray, rng: np.random.Generator, disturbance: float = 1.0
) -> Example:
    """What may differ between plates without changing a cell's state.

    Flips and quarter turns; and gain and offset of the light, blur of up to 1 px, and noise, all the
    weaker or rarer the smaller `disturbance` is, 0 to 1.
    """
    turns, flip = int(rng.integers(4)), bool(rng.integers(2))
    inputs, target = np.rot90(inputs, turns, (1, 2)), np.rot90(target, turns)
    if flip:
        inputs, target = inputs[:, :, ::-1], target[:, ::-1]
    gain, offset = 0.15 * disturbance, 0.1 * disturbance
    inputs = inputs * np.float32(rng.uniform(1 - gain, 1 + gain)) + np.float32(rng.uniform(-offset, offset))
    if rng.uniform() < 0.3 * disturbance:
        sigma = rng.uniform(0.3, 1.0)
        inputs = gaussian_filter(inputs, (0, sigma, sigma))
    if rng.uniform() < 0.5 * disturbance:
        noise = rng.standard_normal(inputs.shape, np.float32)
        inputs = inputs + np.float32(rng.uniform(0, 0.03)) * noise
    return np.ascontiguousarray(inputs.clip(-1, 1), np.float32), np.ascontiguousarray(target)
