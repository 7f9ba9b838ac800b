import copy
import itertools
import json
import math
import time
import tracemalloc
from functools import partial

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from safetensors import safe_open
from torch.optim import lr_scheduler

from livedead import stores
from livedead.errors import ConfigError
from livedead.network.classes import Classes
from livedead.network.unet import Architecture, UNet
from livedead.training import evaluate, fit, tiles
from livedead.training.checkpoint import Checkpoint

NUMBERS = Classes(background=(0,), live=(1,), dead=(2,), boundary=(3,))


@given(
    st.lists(st.integers(1, 96).map(lambda k: f"p/{k}"), min_size=2, max_size=300).filter(
        lambda wells: len(set(wells)) > 1
    ),
    st.floats(0.01, 0.99),
    st.integers(0, 99),
)
def test_no_well_is_on_both_sides(wells, fraction, seed):
    training, validation = tiles.split_wells(wells, fraction, seed)
    assert training
    assert validation
    assert not set(training) & set(validation)
    assert set(training) | set(validation) == set(wells)
    assert (training, validation) == tiles.split_wells(reversed(wells), fraction, seed)


@pytest.mark.parametrize(
    ("wells", "fraction", "message"),
    [(["p/A01"] * 9, 0.5, "p/A01; needed: 2 or more, with a .* of 0.5"), ([], 0, "none; needed: 1 or more")],
)
def test_too_few_wells_to_split(wells, fraction, message):
    with pytest.raises(ConfigError, match=message):
        tiles.split_wells(wells, fraction, 0)


def test_input_and_target_turn_together():
    """The input is the target's picture, so after any turn and flip they still match."""
    rng = np.random.default_rng(0)
    target = rng.integers(0, 2, (64, 64), dtype=np.uint8)
    inputs = (target * 1.6 - 0.8).astype(np.float32)[None]
    for _ in range(30):
        x, y = tiles.augment(inputs, target, rng)
        assert x.shape == (1, 64, 64)
        assert x.dtype == np.float32
        inside = np.corrcoef(x.ravel(), y.ravel())[0, 1]
        assert inside > 0.6


def test_undisturbed_tiles_keep_their_grey_values():
    rng = np.random.default_rng(0)
    inputs = rng.uniform(-1, 1, (1, 32, 32)).astype(np.float32)
    for _ in range(10):
        x, _ = tiles.augment(inputs, np.zeros((32, 32), np.uint8), rng, disturbance=0)
        np.testing.assert_array_equal(np.sort(x.ravel()), np.sort(inputs.ravel()))


def test_small_fields_are_reflected_up_to_the_tile():
    x, y = tiles.random_tile(
        np.ones((1, 40, 50), np.float32), np.ones((40, 50), np.uint8), 64, np.random.default_rng(0)
    )
    assert x.shape == (1, 64, 64)
    assert y.shape == (64, 64)


def test_an_epoch_sees_every_field_equally():
    seen = []

    def read(k):
        seen.append(k)
        return np.full((1, 64, 64), k / 100, np.float32), np.full((64, 64), k, np.uint8)

    rng = np.random.default_rng(0)
    cutting = tiles.Cutting(tile_px=32, tiles_per_field=4, batch_size=2)
    epoch = list(tiles.batches(read, [3, 5, 8, 9], rng, cutting, NUMBERS))
    assert sorted(seen) == [3, 5, 8, 9]
    values, counts = np.unique(np.concatenate([y[:, 0, 0] for _, y in epoch]), return_counts=True)
    assert values.tolist() == [3, 5, 8, 9]
    assert counts.tolist() == [4, 4, 4, 4]


def test_folds_are_disjoint_and_hold_every_well():
    wells = [f"p/{k}" for k in range(11)] * 2
    folds = tiles.fold_wells(wells, 3, seed=4)
    assert sorted(well for fold in folds for well in fold) == sorted(set(wells))
    assert sorted(map(len, folds)) == [3, 4, 4]
    assert folds == tiles.fold_wells(reversed(wells), 3, seed=4)
    with pytest.raises(ConfigError, match="2 to the number of wells, 11"):
        tiles.fold_wells(wells, 12, seed=0)


def labelled_fields(tmp_path, wells, exclude=()):
    """Two fields a well; their class maps alone, which is all that these tests look at."""
    rows = [{"plate": "p", "well": well, "field": k, "timepoint": 1} for well in wells for k in (1, 2)]
    maps = {"maps": np.zeros((4, 4), np.uint8)}
    stores.write_segmentations(tmp_path / "labels.h5", ((row, maps) for row in rows))
    return tiles.LabelledFields([(None, tmp_path / "labels.h5")], exclude)


def test_rejected_wells_and_fields_are_not_read(tmp_path):
    wells = ["A01", "A02", "A03"]
    fields = labelled_fields(tmp_path, wells, ["p/A01", "p/A03/2"])
    assert fields.wells == ["p/A02", "p/A02", "p/A03"]
    assert [key for *_, key in fields.places] == [("A02", 1, 1), ("A02", 2, 1), ("A03", 1, 1)]
    assert labelled_fields(tmp_path, wells).wells == [f"p/{well}" for well in wells for _ in range(2)]


@pytest.mark.parametrize("wrong", ["p/A04", "A01", "p/A01/3", "p/A1"])
def test_a_rejected_well_that_is_not_there_is_an_error(tmp_path, wrong):
    with pytest.raises(ConfigError, match=wrong):
        labelled_fields(tmp_path, ["A01", "A02"], ["p/A02", wrong])


def test_memory_does_not_grow_with_the_number_of_fields():
    """Peak memory of an epoch of 8 and of 64 fields of 1 MB, by Python's own account."""

    def read(k):
        return np.full((1, 400, 500), k / 100, np.float32), np.zeros((400, 500), np.uint8)

    cutting = tiles.Cutting(tile_px=64, tiles_per_field=2, batch_size=4)

    def peak(n_fields):
        tracemalloc.start()
        epoch = tiles.batches(read, list(range(n_fields)), np.random.default_rng(0), cutting, NUMBERS)
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

    cutting = tiles.Cutting(tile_px=32, tiles_per_field=3, batch_size=4, on_cells=0.5, pasted=0.5)

    def epoch(n_threads):
        rng = np.random.default_rng(2)
        return list(tiles.batches(read, list(range(24)), rng, cutting, NUMBERS, n_threads))

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
        list(tiles.batches(read, [1, 2, 3], np.random.default_rng(0), tiles.Cutting(), NUMBERS, 2))


def test_turned_tiles_show_the_field_at_any_angle():
    """A disc in the middle of a field stays a disc of its size, give or take the zoom."""
    y, x = np.mgrid[0:200, 0:200]
    target = (np.hypot(y - 99.5, x - 99.5) < 30).astype(np.uint8)
    inputs = target.astype(np.float32)[None]
    rng = np.random.default_rng(0)
    areas = []
    for _ in range(20):
        # Of a field that is the tile, the middle is the only place.
        turned, classes = tiles.turned_tile(inputs, target, 200, rng)
        assert turned.shape == (1, 200, 200)
        assert classes.dtype == np.uint8
        assert np.mean((turned[0] > 0.5) != classes) < 0.002
        areas.append(classes.sum() / target.sum())
    assert min(areas) > 1.1**-2 - 0.02
    assert max(areas) < 1.1**2 + 0.02
    assert np.ptp(areas) > 0.1


@pytest.mark.parametrize("cut", [tiles.random_tile, tiles.turned_tile])
def test_tiles_near_cells_hold_one(cut):
    """One cell near the corner of a large field: tiles anywhere miss it, tiles near it never do."""
    target = np.zeros((600, 600), np.uint8)
    target[20:30, 20:30] = 1
    inputs = np.zeros((1, 600, 600), np.float32)
    rng = np.random.default_rng(0)
    assert all(cut(inputs, target, 64, rng, target == 1)[1].any() for _ in range(30))
    assert sum(cut(inputs, target, 64, rng)[1].any() for _ in range(30)) < 10
    # A field without cells is cut anywhere.
    assert cut(inputs, target, 64, rng, target == 7)[1].shape == (64, 64)


def test_pasted_cells_bring_their_pixels_and_their_classes():
    """Below: one live bar, grey 0.2. Above: dead squares, grey -0.8. Grounds are 0.9 and 0.7."""
    target, above = np.zeros((64, 64), np.uint8), np.zeros((64, 64), np.uint8)
    target[30:34] = 1
    for left in (4, 24, 44):
        above[26:38, left : left + 12] = 2
    inputs = np.where(target == 1, 0.2, 0.9).astype(np.float32)[None]
    other = np.where(above == 2, -0.8, 0.7).astype(np.float32)[None]
    rng = np.random.default_rng(1)
    numbers_pasted = set()
    for _ in range(20):
        pasted, classes = tiles.paste(inputs, target, other, above, NUMBERS, rng)
        n = round((classes == 2).sum() / 144)
        numbers_pasted.add(n)
        assert (classes == 2).sum() == 144 * n
        np.testing.assert_allclose(pasted[0, 28:36][classes[28:36] == 2], -0.8, atol=0.02)
        # Far from what was pasted nothing changed; the bar ends in a line of boundary, 2 x 4 px.
        assert (pasted[0, :20] == np.float32(0.9)).all()
        assert (classes == 3).sum() == 8 * n
        assert (classes == 1).sum() == 4 * 64 - n * (4 * 12 + 8)
    assert numbers_pasted == {0, 1, 2, 3}
    assert (target == 1).sum() == 256


def test_a_batch_may_hold_turned_and_pasted_tiles():
    rng = np.random.default_rng(0)

    def read(k):
        target = np.zeros((80, 80), np.uint8)
        target[30:50, 30:50] = 1 + k % 2
        return np.array([0.9, 0.3, -0.5], np.float32)[target][None], target

    cutting = tiles.Cutting(tile_px=64, tiles_per_field=3, batch_size=2, rotation="any", on_cells=1, pasted=1)
    epoch = list(tiles.batches(read, [0, 1, 2, 3], rng, cutting, NUMBERS))
    assert len(epoch) == 6
    inputs, targets = (np.concatenate(part) for part in zip(*epoch, strict=True))
    assert inputs.dtype == np.float32
    assert targets.dtype == np.uint8
    both = sum({1, 2} <= set(np.unique(target)) for target in targets)
    assert 0 < both < 12
    # Grey values still tell the classes: ground is bright, the live one grey, the dead one dark.
    means = [inputs[:, 0][targets == number].mean() for number in (0, 1, 2)]
    assert means[0] > means[1] + 0.3 > means[2] + 0.6


def test_unknown_ways_of_cutting():
    with pytest.raises(ConfigError, match="quarter_turns, any"):
        tiles.Cutting(rotation="all")


def test_whole_cells_are_judged_by_hand():
    """Two cells of 4 and one of 2 px; log-odds of dead given, all pixels of a cell alike or not."""
    target = np.array([[[1, 1, 0, 2, 2], [1, 1, 0, 2, 2], [0, 0, 0, 0, 0], [1, 1, 0, 0, 0]]], np.uint8)
    odds = torch.tensor([[-1.0, -3, 9, 4, 0], [-1, -3, 9, 0, 0], [9, 9, 9, 9, 9], [2, 2, 9, 9, 9]])
    logits = torch.zeros(1, 4, 4, 5)
    logits[0, 2] = odds
    # Means: -2 (live), 1 (dead), 2 (live, of half the median area).
    cost = [math.log1p(math.exp(-2)), math.log1p(math.exp(-1)), math.log1p(math.exp(2))]
    expected = (cost[0] + cost[1] + 0.5 * cost[2]) / 2.5

    def loss(target, dead_weight=1.0):
        return float(fit.cell_loss(logits, fit.whole_cells(target, NUMBERS), NUMBERS, dead_weight))

    assert loss(target) == pytest.approx(expected, rel=1e-5)
    assert loss(np.zeros_like(target)) == 0
    # Cells of two states that touch are two: here 2 px each, means -1 (live) and -3 (dead).
    touching = np.zeros_like(target)
    touching[0, :2, 0], touching[0, :2, 1] = 1, 2
    expected = (math.log1p(math.exp(-1)) + math.log1p(math.exp(3))) / 2
    assert loss(touching) == pytest.approx(expected, rel=1e-5)
    # Dead cells may weigh more than live ones.
    expected = (math.log1p(math.exp(-1)) + 3 * math.log1p(math.exp(3))) / 2
    assert loss(touching, 3.0) == pytest.approx(expected, rel=1e-5)


def squares(n, seed):
    """Bright squares are class 1, dark ones class 2: learnable in a minute's blink."""
    rng = np.random.default_rng(seed)
    for _ in range(n):
        target = np.zeros((64, 64), np.uint8)
        for number in (1, 2):
            y, x = rng.integers(0, 48, 2)
            target[y : y + 16, x : x + 16] = number
        inputs = np.array([0.0, 0.8, -0.8], np.float32)[target]
        yield (inputs + 0.05 * rng.standard_normal(target.shape, np.float32))[None], target


def run(seed, epochs, checkpoint=None, interrupt_in=None, **changes):
    torch.manual_seed(seed)
    network = UNet(Architecture(n_classes=3, alpha=0.35, decoder_widths=(16, 12, 8, 8)))
    examples = list(squares(8, 1))
    begun = itertools.count(1)

    def epoch(rng):
        number = next(begun)
        for k, part in enumerate(np.array_split(rng.permutation(8), 4)):
            if number == interrupt_in and k == 2:
                raise KeyboardInterrupt
            yield np.stack([examples[k][0] for k in part]), np.stack([examples[k][1] for k in part])

    settings = fit.Settings(
        **{
            "epochs": epochs,
            "frozen_epochs": 1,
            "learning_rate": 5e-3,
            "patience": 99,
            "seed": seed,
            **changes,
        }
    )
    weights = fit.class_weights(np.array([80, 10, 10]))
    history = fit.train(network, epoch, lambda: squares(3, 2), weights, settings, "cpu", checkpoint)
    return network, history


@pytest.mark.parametrize("changes", [{}, {"average_decay": 0.9, "schedule": "plateau", "plateau_epochs": 0}])
def test_an_interrupted_training_goes_on_to_the_same_bits(tmp_path, changes):
    undisturbed, history = run(3, 4, **changes)
    path = tmp_path / "training.safetensors"
    with pytest.raises(KeyboardInterrupt):
        run(3, 4, Checkpoint(path, ["same"]), interrupt_in=3, **changes)
    interrupted = json.loads(safe_open(path, "np").metadata()["training"])["history"]
    assert [row["epoch"] for row in interrupted] == [1, 2]
    resumed, whole = run(3, 4, Checkpoint(path, ["same"]), **changes)
    steady = [column for column in history if column != "seconds"]
    pd.testing.assert_frame_equal(whole[steady], history[steady], check_exact=True)
    for name, tensor in undisturbed.state_dict().items():
        assert torch.equal(resumed.state_dict()[name], tensor), name
    # The first two epochs were not computed again: they lasted as long as before.
    assert list(whole["seconds"][:2]) == [row["seconds"] for row in interrupted]
    Checkpoint(path, ["same"]).remove()
    assert not list(tmp_path.iterdir())


def test_a_checkpoint_of_another_training_or_a_damaged_one_is_not_used(tmp_path, caplog):
    path = tmp_path / "training.safetensors"
    _, first = run(0, 2, Checkpoint(path, {"seed": 0}))
    _, other = run(1, 2, Checkpoint(path, {"seed": 1}))
    _, alone = run(1, 2)
    assert list(other["loss"]) == list(alone["loss"]) != list(first["loss"])
    path.write_bytes(path.read_bytes()[:-1000])
    with caplog.at_level("WARNING"):
        _, again = run(1, 2, Checkpoint(path, {"seed": 1}))
    assert "not a readable checkpoint" in caplog.text
    assert list(again["loss"]) == list(alone["loss"])


def scheduler_rates(make, dice):
    """Factors of the learning rate that a scheduler of PyTorch gives in each epoch."""
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0)
    scheduler = make(optimizer)
    found = []
    for value in dice:
        found.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step(*([value] if make.keywords.get("mode") else []))
    return found


@pytest.mark.parametrize(
    ("settings", "theirs"),
    [
        ({"schedule": "cosine", "epochs": 24}, partial(lr_scheduler.CosineAnnealingLR, T_max=24)),
        (
            {"schedule": "cosine_restarts", "cycle_epochs": 3},
            partial(lr_scheduler.CosineAnnealingWarmRestarts, T_0=3, T_mult=2),
        ),
        (
            {"schedule": "plateau", "plateau_epochs": 2},
            partial(
                lr_scheduler.ReduceLROnPlateau,
                mode="max",
                factor=fit.PLATEAU_FACTOR,
                patience=2,
                threshold=0,
                eps=0,
            ),
        ),
    ],
)
def test_learning_rates_are_those_of_pytorchs_schedulers(settings, theirs):
    rng = np.random.default_rng(1)
    dice = [0.6 - 0.5 / (1 + epoch // 7) + 0.01 * rng.uniform() for epoch in range(24)]
    chosen = fit.Settings(**settings)
    ours = [fit.rate(chosen, dice[:epoch]) for epoch in range(24)]
    np.testing.assert_allclose(ours, scheduler_rates(theirs, dice), rtol=1e-9, atol=1e-12)
    assert min(ours) < 0.1


def test_half_precision_learns_the_same():
    _, exact = run(0, epochs=3)
    network, rounded = run(0, epochs=3, precision="bfloat16")
    assert list(rounded["loss"]) != list(exact["loss"])
    np.testing.assert_allclose(rounded["loss"], exact["loss"], rtol=0.05)
    assert {tensor.dtype for tensor in network.parameters()} == {torch.float32}
    with pytest.raises(ConfigError, match="float32, bfloat16"):
        fit.Settings(precision="float16")


def test_unknown_schedule():
    with pytest.raises(ConfigError, match="cosine, cosine_restarts, plateau"):
        fit.Settings(schedule="linear")


def test_the_mean_of_the_weights_is_kept():
    """Three steps of a decay of 0.5: a quarter of the weights after the first and second, half the last."""
    x, y = next(squares(1, 0))

    def trained(decay):
        torch.manual_seed(0)
        network = UNet(Architecture(n_classes=3, alpha=0.35, decoder_widths=(16, 12, 8, 8)))
        before = []
        network.register_forward_pre_hook(lambda *_: before.append(copy.deepcopy(network.state_dict())))
        settings = fit.Settings(epochs=3, frozen_epochs=0, average_decay=decay)
        fit.train(network, lambda rng: [(x[None], y[None])], lambda: [], np.ones(3), settings, "cpu")
        return network.state_dict(), before

    last, (_, first, second) = trained(0.0)
    kept, _ = trained(0.5)
    for name, tensor in kept.items():
        if tensor.is_floating_point():
            expected = 0.25 * first[name] + 0.25 * second[name] + 0.5 * last[name]
            torch.testing.assert_close(tensor, expected, msg=name)


def test_without_validation_the_last_epoch_is_kept():
    torch.manual_seed(0)
    network = UNet(Architecture(n_classes=3, alpha=0.35, decoder_widths=(16, 12, 8, 8)))
    x, y = next(squares(1, 0))
    seen = []

    def epoch(rng):
        seen.append(copy.deepcopy(network.decoder.head.bias.detach()))
        yield x[None], y[None]

    settings = fit.Settings(epochs=3, frozen_epochs=0, patience=1)
    history = fit.train(network, epoch, lambda: [], np.ones(3), settings, "cpu")
    assert len(history) == 3
    assert history["dice"].isna().all()
    assert all(not torch.equal(network.decoder.head.bias, bias) for bias in seen)


def test_training_learns_and_keeps_its_best_epoch():
    network, history = run(0, epochs=20)
    assert history["dice"].max() > 0.8
    dice = fit.validation_dice(network, squares(3, 2), torch.device("cpu"))
    assert np.nanmean(dice[1:]) == pytest.approx(history["dice"].max(), abs=1e-6)


def test_training_repeats_itself_to_the_bit():
    network, history = run(1, epochs=2)
    again, repeated = run(1, epochs=2)
    assert list(history["loss"]) == list(repeated["loss"])
    for one, two in zip(network.state_dict().values(), again.state_dict().values(), strict=True):
        assert torch.equal(one, two)


class Recorded:
    """Ten wells of two fields each; remembers which were read, and hands out nothing but squares."""

    def __init__(self):
        self.wells = [f"p/A{1 + k // 2:02}" for k in range(20)]
        self.examples = list(squares(20, 3))
        self.read_wells = []

    def in_wells(self, wells):
        return [k for k, well in enumerate(self.wells) if well in wells]

    def read(self, k):
        self.read_wells.append(self.wells[k])
        return self.examples[k]

    def class_map(self, k):
        return self.read(k)[1]


def test_no_well_of_validation_or_of_the_fold_is_learnt_from():
    torch.manual_seed(0)
    network = UNet(Architecture(n_classes=3, alpha=0.35, decoder_widths=(16, 12, 8, 8)))
    fields = Recorded()
    _, split = fit.train_by_well(
        network,
        fields,
        fit.Settings(epochs=2, frozen_epochs=0),
        tiles.Cutting(tile_px=32, tiles_per_field=2, batch_size=4, pasted=1),
        Classes(background=(0,), live=(1,), dead=(2,)),
        validation_fraction=0.25,
        held_out=["p/A03", "p/A07"],
        device="cpu",
    )
    assert {part: len(wells) for part, wells in split.items()} == {
        "training": 6,
        "validation": 2,
        "held_out": 2,
    }
    assert sorted(itertools.chain(*split.values())) == sorted(set(fields.wells))
    # A field is read to weigh the classes and once an epoch to learn, or once an epoch to judge.
    times = {"training": 3, "validation": 2, "held_out": 0}
    for part, wells in split.items():
        assert [fields.read_wells.count(well) for well in wells] == [2 * times[part]] * len(wells), part


@pytest.mark.parametrize(("number", "state"), [(1, "live"), (2, "dead")])
def test_labels_without_a_state_are_not_learnt_from(number, state):
    fields = Recorded()
    fields.class_map = lambda k: np.where(fields.examples[k][1] == number, 0, fields.examples[k][1])
    network = UNet(Architecture(n_classes=3, alpha=0.35, decoder_widths=(16, 12, 8, 8)))
    numbers = Classes(background=(0,), live=(1,), dead=(2,))
    with pytest.raises(ConfigError, match=f"10 training wells hold no {state} cell"):
        fit.train_by_well(network, fields, fit.Settings(), tiles.Cutting(), numbers, validation_fraction=0)
    assert not fields.read_wells


def test_fewer_tiles_than_a_batch():
    network = UNet(Architecture(n_classes=3, alpha=0.35, decoder_widths=(16, 12, 8, 8)))
    with pytest.raises(ConfigError, match="fewer tiles than batch_size"):
        fit.train(network, lambda rng: [], lambda: [], np.ones(3), fit.Settings(), "cpu")


def test_the_encoder_rests_while_frozen():
    torch.manual_seed(0)
    network = UNet(Architecture(n_classes=3, alpha=0.35, decoder_widths=(16, 12, 8, 8)))
    before = copy.deepcopy(network.encoder.state_dict())
    x, y = next(squares(1, 0))
    fit.train(
        network,
        lambda rng: [(x[None], y[None])],
        lambda: squares(1, 1),
        np.ones(3),
        fit.Settings(epochs=1, frozen_epochs=1),
        "cpu",
    )
    for name, tensor in network.encoder.state_dict().items():
        assert torch.equal(tensor, before[name]), name


def test_loss_of_a_perfect_and_of_a_wrong_answer():
    target = torch.tensor([[[0, 1], [2, 1]]])
    right = torch.nn.functional.one_hot(target, 3).movedim(-1, 1).float() * 60 - 30
    weights = torch.ones(3)
    assert fit.segmentation_loss(right, target, weights) < 1e-6
    assert fit.segmentation_loss(-right, target, weights) > 20


def test_class_weights_are_one_on_average_over_pixels():
    counts = np.array([900, 100, 0])
    weights = fit.class_weights(counts)
    assert (weights * counts).sum() / counts.sum() == pytest.approx(1)
    assert weights[1] / weights[0] == pytest.approx(3)
    assert weights[2] == 0


def judge(found, truth, instances=None):
    symbols = {".": 0, "L": 1, "D": 2, "b": 3}
    maps = [np.array([[symbols[mark] for mark in row] for row in text.split()]) for text in (found, truth)]
    if instances is not None:
        instances = np.array([[int(mark) for mark in row] for row in instances.split()])
    rules = evaluate.CountingRules(min_area_um2=2)
    return evaluate.judge_cells(*maps, NUMBERS, rules, 1.0, instances)


def test_cells_are_judged_by_hand():
    found = judge(
        """
        LLLD..DD...LL
        LLLD..D......
        ..........bbb
        LL.....D..bb.
        """,
        """
        LLLL..LL...L.
        LLLL..LL.....
        .........DD..
        ....DD...DD..
        """,
    )
    # A live cell with 2 of 8 px dead; a live one seen dead with 3 of 4 px; one whose speck of truth
    # is too small; a dead one seen as boundary at best; a dead one that is missed. Of the network's
    # own, the live pair below left meets no cell; the dead pixel beside is too small.
    expected = [
        ("live", "live", 0.75),
        ("live", "dead", 0.0),
        ("dead", "missed", None),
        ("dead", "missed", None),
        ("none", "live", 1.0),
    ]
    rows = [
        (row.true, row.found, None if math.isnan(row.live_share) else row.live_share)
        for row in found.itertuples()
    ]
    assert sorted(map(str, rows)) == sorted(map(str, expected))


def test_given_cells_are_judged_each_though_they_touch():
    found = judge("LLLDDD LLLDDD", "LLDDDD LLDDDD", "112223 112223")
    # Of the middle one 2 px are live and 4 dead; of the right one both are dead.
    assert found["true"].tolist() == ["live", "dead", "dead"]
    assert found["found"].tolist() == ["live", "dead", "dead"]
    assert found["live_share"].tolist() == pytest.approx([1, 1 / 3, 0])
    assert found["area_um2"].tolist() == [4, 6, 2]


def test_wells_that_a_network_never_saw():
    wells = ["p/A01", "p/A02", "p/A03"]

    def unseen(**split):
        return evaluate.never_trained_on({"source": {"trained_on": split} if split else {}}, wells)

    assert unseen(training=["p/A01"], validation=["p/A02"], held_out=["p/A03"]) == ["p/A03"]
    assert unseen(training=["p/A01", "p/A03"], validation=["p/A02"]) == ["p/A02"]
    assert unseen(training=wells, validation=[]) == []
    assert unseen() == wells
    assert unseen(training=["q/A01"], validation=[]) == wells


def test_a_network_that_saw_every_well_cannot_be_judged():
    with pytest.raises(ConfigError, match="cross_validation"):
        evaluate.read_unseen(None, [], None, NUMBERS, evaluate.CountingRules(), [1.0])


def test_wells_are_sums_of_fields_beside_their_controls():
    rows = [("A01", 1, 3, 1, 4, 2, 2, 4), ("A01", 2, 1, 3, 5, 2, 2, 4), ("A02", 1, *[0] * 6)]
    counts = ["n_live", "n_dead", "n_total", "true_live", "true_dead", "true_total"]
    fields = pd.DataFrame(rows, columns=["well", "field", *counts]).assign(plate="p", timepoint=1)
    maps = [pd.DataFrame({"plate": "p", "well": ["A01", "A02"], "control": ["negative", ""]})]
    wells = evaluate.sum_wells(fields, maps)
    assert wells["n_total"].tolist() == [9, 0]
    assert wells["viability"].tolist()[0] == 0.5
    assert wells["true_viability"].isna().tolist() == [False, True]
    assert wells["control"].tolist() == ["negative", ""]
    without = evaluate.sum_wells(fields, [pd.DataFrame({"plate": "p", "well": ["A01"]})])
    assert without["control"].tolist() == ["", ""]


def test_comparison_with_a_truth_written_by_hand():
    fields = pd.DataFrame(
        {
            "well": ["A01", "A01", "A02"],
            "field": [1, 2, 1],
            "status": ["ok", "failed", "ok"],
            "n_live": [3, None, 0],
            "n_dead": [1, None, 2],
            "n_total": [4, None, 2],
        }
    )
    truth = pd.DataFrame(
        [("A01", 1, "live")] * 3 + [("A01", 2, "dead")] * 9 + [("A02", 1, "dead"), ("A02", 1, "live")],
        columns=["well", "field", "state"],
    )
    wells, errors = evaluate.compare_counts(fields, truth)
    assert list(wells["true_total"]) == [3, 2]
    assert errors["total_relative_error"] == pytest.approx(6 / 5 - 1)
    assert errors["viability_mean_absolute_error"] == pytest.approx((0.25 + 0.5) / 2)
