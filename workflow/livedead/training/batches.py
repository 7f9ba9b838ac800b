"""One epoch of batches: fields read as they are needed, cut into tiles, mixed, augmented."""

import math
from collections import Counter
from collections.abc import Callable, Iterator, Sequence

import numpy as np

from livedead.fields.ahead import work_ahead
from livedead.network.classes import Classes
from livedead.training.augmentation import augment, paste
from livedead.training.labelled_fields import Example
from livedead.training.tiles import Cutting, cut_tile

PASTING_FIELDS = 8
"""Fields in memory at once where cells of one are pasted into another."""


def batches(
    read: Callable[[int], Example],
    fields: list[int],
    rng: np.random.Generator,
    cutting: Cutting,
    classes: Classes,
    n_threads: int = 1,
) -> Iterator[Example]:
    """One epoch: every field once, in random order, each giving ``tiles_per_field`` tiles.

    Parameters
    ----------
    read : callable
        Field number -> its input and class map; called as tiles are needed.
    fields : list of int
        Numbers of the fields to use; one that is named twice is used twice.
    rng : Generator
        The epoch's random stream.
    cutting : Cutting
    classes : Classes
    n_threads : int
        Threads that read and cut ahead of the network; the batches are the same for any number.

    Yields
    ------
    inputs : ndarray, (batch_size, C, tile_px, tile_px), float32
    targets : ndarray, (batch_size, tile_px, tile_px), uint8
    """

    def tiles_of(work: tuple[list[int], np.random.Generator]) -> list[Example]:
        group, stream = work
        return _mixed_tiles([read(k) for k in group], cutting, classes, stream)

    order = rng.permutation(fields).tolist()
    # Tiles of a few fields are mixed, so that a batch does not come from one well.
    size = max(1, cutting.batch_size // cutting.tiles_per_field) * 2
    if cutting.pasted:
        size = max(size, PASTING_FIELDS)
    groups = [order[start : start + size] for start in range(0, len(order), size)]
    # A random stream per group: which thread comes first changes no draw.
    work = zip(groups, rng.spawn(len(groups)), strict=True)
    waiting: list[Example] = []
    for tiles in work_ahead(tiles_of, work, n_threads, n_threads):
        waiting += tiles
        while len(waiting) >= cutting.batch_size:
            now, waiting = waiting[: cutting.batch_size], waiting[cutting.batch_size :]
            inputs, targets = zip(*now, strict=True)
            yield np.stack(inputs), np.stack(targets)


def repeat_small_wells(fields: list[int], wells: Sequence[str]) -> list[int]:
    """The fields, those of small wells several times, so that an epoch is not of the largest wells alone.

    A field is repeated by the square root of the largest number of fields of a well over that of its own,
    rounded: halfway between all fields alike and all wells alike, as a few fields teach little more when
    they are seen often.

    Parameters
    ----------
    fields : list of int
        Numbers of the fields.
    wells : sequence of str
        The well of each.

    Examples
    --------
    >>> repeat_small_wells([3, 4, 5, 6, 7], ["A", "A", "A", "A", "B"])
    [3, 4, 5, 6, 7, 7]
    """
    n_fields = Counter(wells)
    largest = max(n_fields.values())
    return [
        k
        for k, well in zip(fields, wells, strict=True)
        for _ in range(round(math.sqrt(largest / n_fields[well])))
    ]


def _mixed_tiles(
    fields: list[Example], cutting: Cutting, classes: Classes, rng: np.random.Generator
) -> list[Example]:
    """All tiles of a few fields, augmented, in random order."""
    tiles = []
    for field in fields:
        for _ in range(cutting.tiles_per_field):
            tile = cut_tile(field, cutting, classes, rng)
            if cutting.pasted and rng.uniform() < cutting.pasted:
                other = cut_tile(fields[rng.integers(len(fields))], cutting, classes, rng)
                tile = paste(*tile, *other, classes, rng)
            tiles.append(augment(*tile, rng, cutting.disturbance))
    return [tiles[k] for k in rng.permutation(len(tiles))]
