import copy

import numpy as np
import pytest
import torch
from conftest import randomized
from hypothesis import given, settings
from hypothesis import strategies as st

from livedead import inference
from livedead.errors import ConfigError
from livedead.unet import Architecture


@settings(deadline=None, max_examples=60)
@given(st.integers(1, 9), st.integers(1, 9), st.integers(1, 5), st.integers(0, 4))
def test_tiles_of_a_known_predictor_give_the_field_back(rows, columns, core, halo):
    field = np.random.default_rng(0).normal(size=(2, 32 * rows, 32 * columns))
    tiled = inference.predict_tiled(lambda window: window + 1, field, 32 * core, 32 * halo)
    np.testing.assert_array_equal(tiled, field + 1)


@given(st.integers(1, 400), st.integers(1, 400), st.integers(1, 5))
def test_cores_cover_every_pixel_once(height, width, core):
    shape = (-(-height // 32) * 32, -(-width // 32) * 32)
    seen = np.zeros(shape, int)
    for window, inner, place in inference.windows(shape, 32 * core, 288):
        seen[place] += 1
        for cut, own, whole in zip(window, inner, place, strict=True):
            assert cut.start % 32 == 0
            assert cut.start + own.start == whole.start
            assert own.stop - own.start == whole.stop - whole.start
    assert (seen == 1).all()


@pytest.mark.parametrize("shape", [(1, 1), (1, 50), (31, 33), (64, 64)])
def test_padding_reflects_as_numpy_does(shape):
    field = np.random.default_rng(0).normal(size=(1, *shape))
    padded = inference.padded(field)
    assert padded.shape[1] % 32 == padded.shape[2] % 32 == 0
    assert padded.shape[1] - shape[0] < 32
    np.testing.assert_array_equal(padded[:, : shape[0], : shape[1]], field)
    if shape[0] == 31:
        np.testing.assert_array_equal(padded[:, 31, :33], field[:, 29])


@pytest.mark.parametrize("shape", [(700, 650), (613, 801)])
def test_exact_tiles_equal_the_whole_field(small_network, shape):
    field = np.random.default_rng(1).uniform(-1, 1, (1, *shape)).astype(np.float32)
    whole = inference.Segmenter(copy.deepcopy(small_network), inference.Plan(device="cpu"))
    tiled = inference.Segmenter(copy.deepcopy(small_network), inference.Plan(device="cpu", tile_px=64))
    expected, found = whole.logits(field), tiled.logits(field)
    assert expected.shape == (5, *shape)
    # 1e-5 is for logits of a range near 25 (NETWORK.md); this network's range sets its own.
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-5 * max(1.0, np.ptp(expected) / 25))
    ordered = np.sort(expected, axis=0)
    decided = ordered[-1] - ordered[-2] > 1e-4
    assert decided.mean() > 0.99
    np.testing.assert_array_equal(found.argmax(0)[decided], expected.argmax(0)[decided])


def test_a_halo_too_small_is_seen_by_this_very_test(small_network):
    field = np.random.default_rng(1).uniform(-1, 1, (1, 640, 640)).astype(np.float32)
    segmenter = inference.Segmenter(copy.deepcopy(small_network), inference.Plan(device="cpu"))
    expected = segmenter._predict(field)
    found = inference.predict_tiled(segmenter._predict, field, 64, 64)
    assert np.abs(found - expected).max() > 1e-2


@pytest.mark.parametrize("kernel", [3, 4])
def test_folding_batch_norm_changes_rounding_only(kernel):
    network = randomized(
        Architecture(n_classes=3, alpha=0.35, decoder_widths=(16, 12, 8, 8), kernel=kernel)
    ).double()
    x = torch.from_numpy(np.random.default_rng(0).uniform(-1, 1, (1, 1, 96, 64)))
    with torch.no_grad():
        expected = network(x)
        folded = inference.fold_batch_norm(copy.deepcopy(network))(x)
    torch.testing.assert_close(folded, expected, rtol=0, atol=1e-9)
    assert not any(isinstance(m, torch.nn.BatchNorm2d) for m in inference.fold_batch_norm(network).modules())


def test_the_plan_chooses_tiles_by_memory(small_architecture):
    architecture = Architecture(n_classes=5)
    assert inference.bytes_per_pixel(architecture) == pytest.approx(524, rel=0.2)
    assert inference.choose_core_px(architecture, 2048**2, inference.Plan(memory_mb=4000)) is None
    core = inference.choose_core_px(architecture, 20_000**2, inference.Plan(memory_mb=4000))
    assert core % 32 == 0
    assert (core + 2 * inference.HALO_PX) ** 2 * inference.bytes_per_pixel(architecture) <= 4e9
    with pytest.raises(ConfigError, match="memory_mb"):
        inference.choose_core_px(architecture, 20_000**2, inference.Plan(memory_mb=50))


def test_what_a_plan_refuses():
    with pytest.raises(ConfigError, match="multiples of 32"):
        inference.Plan(tile_px=100)
    with pytest.raises(ConfigError, match="device"):
        inference.Plan(device="tpu")
    with pytest.raises(ConfigError, match="precision"):
        inference.Plan(precision="fp16")


@pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has a GPU")
def test_a_gpu_that_is_not_there_is_said():
    with pytest.raises(ConfigError, match="device: cuda, but PyTorch"):
        inference.choose_device("cuda")
    assert inference.choose_device("auto").type == "cpu"


def test_a_class_map_does_not_depend_on_what_came_before(small_network):
    segmenter = inference.Segmenter(copy.deepcopy(small_network), inference.Plan(device="cpu"))
    rng = np.random.default_rng(2)
    one, two = (rng.uniform(-1, 1, (1, 100, 70)).astype(np.float32) for _ in range(2))
    first = segmenter.class_map(one)
    segmenter.class_map(two)
    np.testing.assert_array_equal(segmenter.class_map(one), first)
    assert first.dtype == np.uint8
    assert first.shape == (100, 70)
