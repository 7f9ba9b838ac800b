import time
import tracemalloc

import numpy as np
import pytest

from livedead.network.classes import Classes
from livedead.training.batches import batches, repeat_small_wells
from livedead.training.tiles import Cutting

NUMBERS = Classes(background=(0,), live=(1,), dead=(2,), boundary=(3,))


def test_an_epoch_sees_every_field_equally():
    seen = []

    def read(k):
        seen.append(k)
        return np.full((1, 64, 64), k / 100, np.float32), np.full((64, 64), k, np.uint8)

    rng = np.random.default_rng(0)
    cutting = Cutting(tile_px=32, tiles_per_field=4, batch_size=2)
    epoch = list(batches(read, [3, 5, 8, 9], rng, cutting, NUMBERS))
    assert sorted(seen) == [3, 5, 8, 9]
    values, counts = np.unique(np.concatenate([y[:, 0, 0] for _, y in epoch]), return_counts=True)
    assert values.tolist() == [3, 5, 8, 9]
    assert counts.tolist() == [4, 4, 4, 4]


def test_memory_does_not_grow_with_the_number_of_fields():
    """Peak memory of an epoch of 8 and of 64 fields of 1 MB, by Python's own account."""

    def read(k):
        return np.full((1, 400, 500), k / 100, np.float32), np.zeros((400, 500), np.uint8)

    cutting = Cutting(tile_px=64, tiles_per_field=2, batch_size=4)

    def peak(n_fields):
        tracemalloc.start()
        epoch = batches(read, list(range(n_fields)), np.random.default_rng(0), cutting, NUMBERS)
        n = sum(len(inputs) for inputs, _ in epoch)
        top = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return n, top

    (few, low), (many, high) = peak(8), peak(64)
    assert (few, many) == (16, 128)
    assert high < 1.2 * low
    assert high < 16e6


def test_batches_are_the_same_for_any_number_of_threads():
    def read(k):
        time.sleep(0.002 * (k % 3))
        return np.full((1, 64, 64), k / 100, np.float32), np.full((64, 64), 1 + k % 2, np.uint8)

    cutting = Cutting(tile_px=32, tiles_per_field=3, batch_size=4, on_cells=0.5, pasted=0.5)

    def epoch(n_threads):
        rng = np.random.default_rng(2)
        return list(batches(read, list(range(24)), rng, cutting, NUMBERS, n_threads))

    one, four = epoch(1), epoch(4)
    assert len(one) == len(four) == 24 * 3 // 4
    for (x, y), (other_x, other_y) in zip(one, four, strict=True):
        np.testing.assert_array_equal(x, other_x)
        np.testing.assert_array_equal(y, other_y)
    assert not np.array_equal(one[0][0], one[1][0])


def test_a_field_that_cannot_be_read_ends_the_epoch():
    def read(k):
        raise FileNotFoundError("gone")

    with pytest.raises(FileNotFoundError, match="gone"):
        list(batches(read, [1, 2, 3], np.random.default_rng(0), Cutting(), NUMBERS, 2))


def test_a_batch_may_hold_turned_and_pasted_tiles():
    rng = np.random.default_rng(0)

    def read(k):
        target = np.zeros((80, 80), np.uint8)
        target[30:50, 30:50] = 1 + k % 2
        return np.array([0.9, 0.3, -0.5], np.float32)[target][None], target

    cutting = Cutting(tile_px=64, tiles_per_field=3, batch_size=2, rotation="any", on_cells=1, pasted=1)
    epoch = list(batches(read, [0, 1, 2, 3], rng, cutting, NUMBERS))
    assert len(epoch) == 6
    inputs, targets = (np.concatenate(part) for part in zip(*epoch, strict=True))
    assert inputs.dtype == np.float32
    assert targets.dtype == np.uint8
    both = sum({1, 2} <= set(np.unique(target)) for target in targets)
    assert 0 < both < 12
    # Grey values still tell the classes: ground is bright, the live one grey, the dead one dark.
    means = [inputs[:, 0][targets == number].mean() for number in (0, 1, 2)]
    assert means[0] > means[1] + 0.3 > means[2] + 0.6


def test_small_wells_are_shown_more_often_but_not_as_often_as_they_are_small():
    """100, 25 and 4 fields: shown 100, 2 x 25 and 5 x 4 times."""
    wells = ["A01"] * 100 + ["A02"] * 25 + ["A03"] * 4
    shown = np.bincount(repeat_small_wells(list(range(129)), wells))
    assert shown.tolist() == [1] * 100 + [2] * 25 + [5] * 4
