import copy
import itertools

import numpy as np
import pytest
import torch

from livedead.errors import ConfigError
from livedead.training.fit import Trainer, dice_by_class, train_by_well
from livedead.training.settings import TrainingSettings
from livedead.training.tiles import Cutting


def test_half_precision_learns_the_same(trained):
    _, exact = trained(0, epochs=3)
    network, rounded = trained(0, epochs=3, precision="bfloat16")
    assert list(rounded["loss"]) != list(exact["loss"])
    np.testing.assert_allclose(rounded["loss"], exact["loss"], rtol=0.05)
    assert {tensor.dtype for tensor in network.parameters()} == {torch.float32}


def test_the_mean_of_the_weights_is_kept(tiny_network, squares, classes):
    """Three steps of a decay of 0.5: a quarter of the weights after the first and second, half the last."""
    x, y = next(squares(1, 0))

    def trained(decay):
        network, before = tiny_network(), []
        network.register_forward_pre_hook(lambda *_: before.append(copy.deepcopy(network.state_dict())))
        settings = TrainingSettings(epochs=3, frozen_epochs=0, average_decay=decay)
        trainer = Trainer(network, np.ones(3), settings, classes, "cpu")
        trainer.train(lambda rng: [(x[None], y[None])], lambda: [])
        return network.state_dict(), before

    last, (_, first, second) = trained(0.0)
    kept, _ = trained(0.5)
    for name, tensor in kept.items():
        if tensor.is_floating_point():
            expected = 0.25 * first[name] + 0.25 * second[name] + 0.5 * last[name]
            torch.testing.assert_close(tensor, expected, msg=name)


@pytest.mark.parametrize("decay", [0.0, 0.5])
def test_measured_statistics_are_those_of_the_kept_weights(tiny_network, squares, classes, decay):
    """The first convolution of the encoder: mean and variance of its output over all batches."""
    examples = list(squares(4, 0))
    batches = [(x[None], y[None]) for x, y in examples]
    network = tiny_network()
    settings = TrainingSettings(epochs=2, frozen_epochs=0, average_decay=decay, statistics="measured")
    Trainer(network, np.ones(3), settings, classes, "cpu").train(lambda rng: batches, lambda: [])
    outputs = []
    network.encoder.Conv1.register_forward_hook(lambda module, given, output: outputs.append(output))
    with torch.inference_mode():
        for x, _ in batches:
            network(torch.from_numpy(x))
    found = torch.stack([output[0] for output in outputs])
    norm = network.encoder.bn_Conv1
    torch.testing.assert_close(norm.running_mean, found.mean(dim=(0, 2, 3)), atol=1e-5, rtol=1e-4)
    each = torch.stack([output[0].flatten(1).var(dim=1) for output in outputs])
    torch.testing.assert_close(norm.running_var, each.mean(dim=0), atol=1e-5, rtol=1e-4)


def test_without_validation_the_last_epoch_is_kept(tiny_network, squares, classes):
    network = tiny_network()
    x, y = next(squares(1, 0))
    seen = []

    def epoch(rng):
        seen.append(copy.deepcopy(network.decoder.head.bias.detach()))
        yield x[None], y[None]

    settings = TrainingSettings(epochs=3, frozen_epochs=0, patience=1)
    history = Trainer(network, np.ones(3), settings, classes, "cpu").train(epoch, lambda: [])
    assert len(history) == 3
    assert history["dice"].isna().all()
    assert all(not torch.equal(network.decoder.head.bias, bias) for bias in seen)


def test_training_learns_and_keeps_its_best_epoch(trained, squares):
    network, history = trained(0, epochs=20)
    assert history["dice"].max() > 0.8
    dice = dice_by_class(network, squares(3, 2), torch.device("cpu"))
    assert np.nanmean(dice[1:]) == pytest.approx(history["dice"].max(), abs=1e-6)


def test_training_repeats_itself_to_the_bit(trained):
    network, history = trained(1, epochs=2)
    again, repeated = trained(1, epochs=2)
    assert list(history["loss"]) == list(repeated["loss"])
    for one, two in zip(network.state_dict().values(), again.state_dict().values(), strict=True):
        assert torch.equal(one, two)


class Recorded:
    """Ten wells of two fields each; remembers which were read, and hands out nothing but squares."""

    def __init__(self, squares):
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


def test_no_well_of_validation_or_of_the_fold_is_learnt_from(tiny_network, squares, classes):
    fields = Recorded(squares)
    _, split = train_by_well(
        tiny_network(),
        fields,
        TrainingSettings(epochs=2, frozen_epochs=0),
        Cutting(tile_px=32, tiles_per_field=2, batch_size=4, pasted=1),
        classes,
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
def test_labels_without_a_state_are_not_learnt_from(tiny_network, squares, classes, number, state):
    fields = Recorded(squares)
    fields.class_map = lambda k: np.where(fields.examples[k][1] == number, 0, fields.examples[k][1])
    settings = TrainingSettings()
    with pytest.raises(ConfigError, match=f"10 training wells hold no {state} cell"):
        train_by_well(tiny_network(), fields, settings, Cutting(), classes, validation_fraction=0)
    assert not fields.read_wells


def test_fewer_tiles_than_a_batch(tiny_network, classes):
    trainer = Trainer(tiny_network(), np.ones(3), TrainingSettings(), classes, "cpu")
    with pytest.raises(ConfigError, match="fewer tiles than batch_size"):
        trainer.train(lambda rng: [], lambda: [])


def test_a_frozen_encoder_does_not_change(tiny_network, squares, classes):
    network = tiny_network()
    before = copy.deepcopy(network.encoder.state_dict())
    x, y = next(squares(1, 0))
    trainer = Trainer(network, np.ones(3), TrainingSettings(epochs=1, frozen_epochs=1), classes, "cpu")
    trainer.train(lambda rng: [(x[None], y[None])], lambda: squares(1, 1))
    for name, tensor in network.encoder.state_dict().items():
        assert torch.equal(tensor, before[name]), name
