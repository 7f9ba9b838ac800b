import copy

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from livedead.training import evaluate, fit, tiles
from livedead.unet import Architecture, UNet


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


def test_one_well_cannot_be_split():
    with pytest.raises(ValueError, match="two wells"):
        tiles.split_wells(["p/A01"] * 9, 0.5, 0)


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
    epoch = list(tiles.batches(read, [3, 5, 8, 9], rng, tile_px=32, tiles_per_field=4, batch_size=2))
    assert sorted(seen) == [3, 5, 8, 9]
    values, counts = np.unique(np.concatenate([y[:, 0, 0] for _, y in epoch]), return_counts=True)
    assert values.tolist() == [3, 5, 8, 9]
    assert counts.tolist() == [4, 4, 4, 4]


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


def run(seed, epochs):
    torch.manual_seed(seed)
    network = UNet(Architecture(n_classes=3, alpha=0.35, decoder_widths=(16, 12, 8, 8)))
    examples = list(squares(8, 1))

    def epoch(rng):
        for part in np.array_split(rng.permutation(8), 4):
            yield np.stack([examples[k][0] for k in part]), np.stack([examples[k][1] for k in part])

    settings = fit.Settings(epochs=epochs, frozen_epochs=1, learning_rate=5e-3, patience=99, seed=seed)
    weights = fit.class_weights(np.array([80, 10, 10]))
    history = fit.train(network, epoch, lambda: squares(3, 2), weights, settings, "cpu")
    return network, history


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


def test_comparison_with_a_truth_written_by_hand():
    import pandas as pd

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
