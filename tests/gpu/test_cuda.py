"""On a GPU: the numbers of the CPU but for rounding, the same twice, and a way out where memory ends.

``make gpu`` runs these on a machine that has one. With ``GPU_DEVICE=cpu`` in the environment the same
comparisons run on a CPU, which proves them, not a GPU. The reference is the network in float64, as it
was before it was folded, on fields whose every cell is known.
"""

import copy
import os
from dataclasses import replace
from itertools import product

import numpy as np
import pytest
import torch
import yaml
from conftest import REPOSITORY, randomized

from livedead.cells.counting import count_states
from livedead.cells.measures import measure_cells
from livedead.cells.rules import CountingRules
from livedead.errors import LivedeadError
from livedead.fields.ahead import work_ahead
from livedead.network.classes import Classes
from livedead.network.plan import Plan
from livedead.network.segmenter import UNSTABLE_MARGINS, Segmentation, Segmenter
from livedead.network.unet import Architecture
from livedead.network.windows import Rectangle, padded_shape, windows
from livedead.normalization.fitting import fit_channel
from livedead.normalization.settings import NormalizationSettings
from livedead.normalization.transforms import normalize
from livedead.simulation import label_free
from livedead.training.fit import Trainer
from livedead.training.settings import TrainingSettings
from livedead.weights import unet_io

DEVICE = os.environ.get("GPU_DEVICE", "cuda")
pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(
        DEVICE == "cuda" and not torch.cuda.is_available(),
        reason="needs an NVIDIA GPU and a CUDA build of PyTorch; `make gpu` runs it where they are",
    ),
]
on_cuda = pytest.mark.skipif(DEVICE != "cuda", reason="of a GPU alone")

DEMO = yaml.safe_load((REPOSITORY / "config/demo/config.yaml").read_text())
NUMBERS, RULES = Classes.from_config(DEMO["classes"]), CountingRules(**DEMO["counting"])
SIDE_PX, N_FIELDS = 1000, 6
"""Some 1,200 cells; the side is no multiple of 32, so that padding takes part."""

LARGEST_ERROR = 2e-5
"""Of a logit, as a share of the logits' range. Float32 on the CPU is at 3e-6; an algorithm of cuDNN adds
up in another order, or by minimal filtering, whose rounding is a few times as large; TF32 keeps 10 bits
of a product, and is at 1e-3."""
CHANGED_PIXELS, CHANGED_COUNTS = 1e-5, 1.0
"""A share, and per 1,000 cells: what a user may see of another processor in float32."""
CHANGED_PIXELS_BFLOAT16, CHANGED_COUNTS_BFLOAT16 = 5e-3, 5.0
"""Four and seven times what docs/inference.md tells of the CPU."""


@pytest.fixture(scope="module")
def demo():
    """The demo's network as it was trained."""
    return unet_io.convert(
        REPOSITORY / DEMO["weights"], input_channels=DEMO["input_channels"], classes=DEMO["classes"]
    )[0]


@pytest.fixture(scope="module")
def fields():
    """Brightfield counts, (1, H, W) uint16 each."""
    cells = 55 * (SIDE_PX / 512) ** 2
    return [
        label_free.simulate_field(np.random.default_rng([20, k]), 0.6, side_px=SIDE_PX, mean_cells=cells)[0][
            "brightfield"
        ][np.newaxis]
        for k in range(N_FIELDS)
    ]


@pytest.fixture(scope="module")
def transform(fields):
    """Fitted on the fields, as on a plate."""
    settings = NormalizationSettings(
        low_percentile=0.1,
        high_percentile=99.9,
        min_range=200,
        flat_fields=6,
        smooth_px=24,
        floor=0.2,
        seed=0,
    )
    plate = {("A01", k, 1): field[0] for k, field in enumerate(fields, start=1)}
    return fit_channel(plate.__getitem__, list(plate), settings)[0]


@pytest.fixture(scope="module")
def exact(demo, fields, transform):
    """Logits of each field in float64 on the CPU, (K, H, W)."""
    network, (black, scale) = copy.deepcopy(demo).double(), transform.levels(None)
    padding = ((0, 0), (0, -SIDE_PX % 32), (0, -SIDE_PX % 32))
    found = []
    for field in fields:
        inputs = normalize(field.astype(np.float32), transform.gain, black, scale)
        batch = torch.from_numpy(np.pad(inputs, padding, mode="reflect")).double()[None]
        with torch.inference_mode():
            found.append(network(batch)[0, :, :SIDE_PX, :SIDE_PX].numpy())
    return found


@pytest.fixture
def segmenter(demo, transform):
    """Plan -> a segmenter of the demo's network on the device."""

    def made(**plan) -> Segmenter:
        return Segmenter(copy.deepcopy(demo), [transform], Plan(DEVICE, **plan))

    return made


def logits(chosen: Segmenter, raw: np.ndarray) -> np.ndarray:
    """Logits of a field, (K, H, W) float32."""
    output = np.full((chosen.network.architecture.n_classes, *padded_shape(raw.shape)), np.nan, np.float32)

    def watch(core: Rectangle, part: torch.Tensor) -> None:
        output[:, *core] = part.cpu().numpy()

    chosen.segment(raw, watch=watch)
    return output[:, : raw.shape[1], : raw.shape[2]]


def counts(class_map: np.ndarray) -> np.ndarray:
    cells = measure_cells(class_map, NUMBERS, RULES, label_free.PIXEL_SIZE_UM)
    return np.array([count_states(cells)[state] for state in ("n_live", "n_dead", "n_total")])


def margins(values: np.ndarray) -> np.ndarray:
    """How far the best logit of each pixel is ahead of the next."""
    ordered = np.sort(values, axis=0)
    return ordered[-1] - ordered[-2]


def same(one: Segmentation, other: Segmentation) -> bool:
    return all(np.array_equal(a, b) for a, b in zip(one, other, strict=True))


def largest_error(chosen, fields, exact) -> float:
    """Of any logit, as a share of the logits' range."""
    pairs = zip(fields, exact, strict=True)
    errors = [np.abs(logits(chosen, field) - reference).max() for field, reference in pairs]
    return float(max(errors) / np.ptp(exact))


def test_logits_are_those_of_float64_but_for_rounding(segmenter, fields, exact, record_property):
    error = largest_error(segmenter(), fields, exact)
    record_property("largest_error", error)
    assert error < LARGEST_ERROR


@on_cuda
def test_tf32_would_be_seen(segmenter, fields, exact, record_property, monkeypatch):
    """The limit above tells TF32 from float32."""
    if torch.cuda.get_device_capability() < (8, 0):
        pytest.skip("this GPU has no TF32")
    chosen = segmenter()
    monkeypatch.setattr(torch.backends.cudnn, "allow_tf32", True)
    error = largest_error(chosen, fields[:1], exact[:1])
    record_property("largest_error_tf32", error)
    assert error > LARGEST_ERROR


def test_what_makes_numbers_depend_on_the_driver_is_off(segmenter):
    torch.backends.cudnn.allow_tf32 = torch.backends.cuda.matmul.allow_tf32 = True
    torch.backends.cudnn.benchmark, torch.backends.cudnn.deterministic = True, False
    segmenter()
    assert not torch.backends.cudnn.allow_tf32
    assert not torch.backends.cuda.matmul.allow_tf32
    assert not torch.backends.cudnn.benchmark
    assert torch.backends.cudnn.deterministic


@pytest.mark.parametrize(
    ("precision", "most_pixels", "most_counts"),
    [
        ("float32", CHANGED_PIXELS, CHANGED_COUNTS),
        ("bfloat16", CHANGED_PIXELS_BFLOAT16, CHANGED_COUNTS_BFLOAT16),
    ],
)
def test_pixels_and_counts_that_change(
    segmenter, fields, exact, precision, most_pixels, most_counts, record_property
):
    chosen = segmenter(precision=precision)
    n_pixels = n_noted = n_counts = n_cells = 0
    for field, reference in zip(fields, exact, strict=True):
        found, expected = chosen.segment(field), reference.argmax(axis=0).astype(np.uint8)
        differs = np.flatnonzero(found.class_map != expected)
        n_pixels += differs.size
        n_noted += np.isin(differs, found.unstable).sum()
        n_counts += np.abs(counts(found.class_map) - counts(expected))[:2].sum()
        n_cells += counts(expected)[2]
    share, per_1000 = n_pixels / (N_FIELDS * SIDE_PX**2), 1000 * n_counts / n_cells
    record_property(f"changed_pixels_{precision}", share)
    record_property(f"changed_counts_per_1000_{precision}", per_1000)
    record_property(f"changed_pixels_noted_{precision}", float(n_noted / n_pixels) if n_pixels else 1.0)
    assert n_cells > 1000
    assert share <= most_pixels
    assert per_1000 <= most_counts
    assert n_noted >= 0.999 * n_pixels if precision == "bfloat16" else n_noted >= n_pixels - 10


@pytest.mark.parametrize("plan", [{"force": "banded"}, {"tile_px": 256}, {"tile_px": 416}])
@pytest.mark.parametrize("kind", ["the demo's", "random, kernel 4", "random, kernel 3"])
def test_every_pass_equals_the_whole_field(demo, transform, fields, kind, plan, record_property):
    network = copy.deepcopy(demo)
    if kind != "the demo's":
        widths, kernel = (64, 32, 16, 16), int(kind[-1])
        network = randomized(Architecture(n_classes=5, alpha=0.35, decoder_widths=widths, kernel=kernel))
    expected, found = (
        logits(Segmenter(copy.deepcopy(network), [transform], Plan(DEVICE, **passed)), fields[0])
        for passed in ({}, plan)
    )
    largest = float(np.abs(found - expected).max() * 25 / np.ptp(expected))
    record_property("largest_difference_at_range_25", largest)
    decided = margins(expected) > UNSTABLE_MARGINS["float32"]
    np.testing.assert_array_equal(found.argmax(0)[decided], expected.argmax(0)[decided])
    assert decided.mean() > 0.99
    assert largest < 1e-5


def test_the_same_twice(segmenter, fields):
    first, second = segmenter(), segmenter()
    np.testing.assert_array_equal(logits(first, fields[0]), logits(second, fields[0]))
    for precision in ("float32", "bfloat16"):
        one, other = segmenter(precision=precision), segmenter(precision=precision)
        assert all(same(one.segment(field), other.segment(field)) for field in fields)


def test_fields_in_flight_do_not_disturb_each_other(segmenter, fields):
    """Threads share the device, its memory, and the transform that lies there."""
    chosen = segmenter()
    alone = [chosen.segment(field) for field in fields]
    for n_in_flight in (2, 4):
        together = work_ahead(chosen.segment, 4 * fields, n_in_flight, n_in_flight)
        assert all(same(*pair) for pair in zip(together, 4 * alone, strict=True))


def test_a_window_on_its_own_agrees_with_the_field(segmenter, fields, record_property):
    for plan in ({}, {"tile_px": 256}):
        found, seam = segmenter(**plan).segment_checked(fields[0], np.random.default_rng(0))
        record_property(f"seam_{'tiled' if plan else 'whole'}", seam.largest_difference)
        assert seam.largest_difference < 1e-4
        assert same(found, segmenter(**plan).segment(fields[0]))


@pytest.fixture
def memory_cap():
    """Sets how many bytes of the GPU PyTorch may take from now on."""
    torch.cuda.empty_cache()
    total = torch.cuda.get_device_properties(0).total_memory

    def cap(n_bytes: float) -> None:
        torch.cuda.empty_cache()
        torch.cuda.set_per_process_memory_fraction(min(n_bytes / total, 1.0))

    yield cap
    torch.cuda.set_per_process_memory_fraction(1.0)
    torch.cuda.empty_cache()


def bytes_of(work) -> int:
    """The most that PyTorch takes of the GPU for it, its cache of freed memory included."""
    torch.cuda.empty_cache()
    torch.cuda.reset_peak_memory_stats()
    work()
    return torch.cuda.max_memory_reserved()


@pytest.mark.parametrize("scale", [0.5, 1.4])
def test_a_resampled_field_is_that_of_the_processor_in_every_pass(demo, transform, fields, scale):
    def found(device, **plan):
        chosen = Segmenter(copy.deepcopy(demo), [transform], Plan(device, **plan), scale=scale)
        return logits(chosen, fields[0])

    expected = found("cpu")
    for plan in ({}, {"force": "banded"}, {"tile_px": 256}):
        error = np.abs(found(DEVICE, **plan) - expected).max() / np.ptp(expected)
        assert error < 4e-5, plan


@on_cuda
def test_where_memory_ends_a_pass_in_less_memory_follows(
    demo, transform, fields, memory_cap, caplog, record_property
):
    """In a field of four, since tiles of a small one take no less than its bands.

    Short of memory, cuDNN first takes algorithms that need less; so only the least memory surely ends a pass.
    """
    raw = np.tile(fields[0], (1, 2, 2))
    larger = replace(transform, gain=np.tile(transform.gain, (2, 2)))

    def segmented(**plan) -> np.ndarray:
        return Segmenter(copy.deepcopy(demo), [larger], Plan(DEVICE, **plan)).segment(raw).class_map

    expected = segmented()
    plans = {"whole": {}, "banded": {"force": "banded"}, "tiled": {"tile_px": 32}}
    needs = {name: bytes_of(lambda plan=plan: segmented(**plan)) for name, plan in plans.items()}
    for name, need in needs.items():
        record_property(f"mb_{name}", need / 1e6)
    for need in sorted(needs.values(), reverse=True):
        memory_cap(1.05 * need)
        caplog.clear()
        assert (segmented() != expected).mean() <= CHANGED_PIXELS
    for name in ("whole", "banded"):
        assert f"out of GPU memory in the {name} pass" in caplog.text
    memory_cap(np.inf)
    caplog.clear()
    np.testing.assert_array_equal(segmented(), expected)
    assert not caplog.text


@on_cuda
def test_where_not_even_a_tile_fits_it_is_said(segmenter, fields, memory_cap):
    chosen = segmenter()
    torch.cuda.empty_cache()
    memory_cap(torch.cuda.memory_reserved() + 1e6)
    with pytest.raises(LivedeadError, match="GPU has too little memory left even for a tile"):
        chosen.segment(fields[0])


@on_cuda
def test_two_in_flight_come_through_where_memory_serves_one(segmenter, fields, memory_cap):
    chosen = segmenter()
    alone = [chosen.segment(field) for field in fields]
    memory_cap(1.7 * bytes_of(lambda: chosen.segment(fields[0])))
    for found, expected in zip(work_ahead(chosen.segment, fields, 2, 2), alone, strict=True):
        assert (found.class_map != expected.class_map).mean() <= CHANGED_PIXELS


def test_a_halo_too_small_is_seen(segmenter, fields, monkeypatch):
    """The comparison of the passes above would tell."""
    expected = logits(segmenter(), fields[0])
    monkeypatch.setattr(windows, "__defaults__", (64,))
    assert np.abs(logits(segmenter(tile_px=256), fields[0]) - expected).max() > 1e-3


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_a_network_learns_as_on_the_cpu(precision, record_property):
    """Two epochs of three batches: losses of both devices, each from the same start."""
    rng = np.random.default_rng(0)
    batches = []
    for _ in range(3):
        targets = np.zeros((4, 64, 64), np.uint8)
        for image, top, left in product(range(4), (4, 36), (6, 40)):
            targets[image, top : top + 16, left : left + 16] = rng.integers(1, 3)
        noise = rng.normal(0, 0.1, targets.shape)
        batches.append(((targets[:, None] - 1 + noise[:, None]).clip(-1, 1).astype(np.float32), targets))
    settings = TrainingSettings(
        epochs=2, frozen_epochs=1, average_decay=0.9, cell_weight=1.0, precision=precision
    )
    numbers = Classes(background=(0,), live=(1,), dead=(2,))

    def losses(device: str) -> np.ndarray:
        network = randomized(Architecture(n_classes=3, alpha=0.35, decoder_widths=(16, 12, 8, 8)))
        history = Trainer(network, np.ones(3), settings, numbers, device).train(
            lambda rng: batches, lambda: []
        )
        assert not next(network.parameters()).is_cuda
        return history["loss"].to_numpy()

    expected, found = losses("cpu"), losses(DEVICE)
    record_property(f"training_loss_difference_{precision}", float(np.abs(found / expected - 1).max()))
    np.testing.assert_allclose(found, expected, rtol=1e-2 if precision == "float32" else 5e-2)
