import copy

import numpy as np
import pandas as pd
import pytest
import torch
from conftest import randomized
from hypothesis import given, settings
from hypothesis import strategies as st

from livedead import stores
from livedead.errors import ConfigError, FieldError
from livedead.network import inference
from livedead.network.unet import Architecture
from livedead.normalization.transforms import Transform


def stitched(predict, field, core_px, halo_px=inference.HALO_PX):
    """The field put together from tiles of `predict`, which takes and gives arrays."""
    output = np.full((field.shape[0], *field.shape[1:]), np.nan)
    shape = field.shape[1:]
    for core, part in inference.tiles(lambda window: predict(field[:, *window]), shape, core_px, halo_px):
        output[:, *core] = part
    return output


@settings(deadline=None, max_examples=60)
@given(st.integers(1, 9), st.integers(1, 9), st.integers(1, 5), st.integers(0, 4))
def test_tiles_of_a_known_predictor_give_the_field_back(rows, columns, core, halo):
    field = np.random.default_rng(0).normal(size=(2, 32 * rows, 32 * columns))
    tiled = stitched(lambda window: window + 1, field, 32 * core, 32 * halo)
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


def segmenter(network, shape, **plan):
    """A segmenter whose input is the raw counts over 32,767.5, less 1."""
    transform = Transform(np.ones(shape, np.float32), 0.0, 65535.0)
    return inference.Segmenter(copy.deepcopy(network), [transform], inference.Plan(device="cpu", **plan))


def logits(network, raw, **plan):
    """Logits of the whole padded field by some plan."""
    chosen = segmenter(network, raw.shape[1:], **plan)
    name, core_px = inference.choose_pass(network.architecture, raw[0].size, chosen.plan)
    shape = tuple(side + -side % 32 for side in raw.shape[1:])
    output = np.full((5, *shape), np.nan, np.float32)
    with torch.inference_mode():
        for core, part in chosen._parts(chosen._field(raw, None), name, core_px):
            output[:, *core] = part
    return output


def random_raw(*shape, seed=1):
    return np.random.default_rng(seed).integers(0, 65536, (1, *shape), dtype=np.uint16)


@pytest.mark.parametrize(
    ("shape", "plan"),
    [
        ((700, 650), {"tile_px": 160}),
        ((613, 801), {"tile_px": 256}),
        ((613, 801), {"force": "banded"}),
        ((1, 1), {"tile_px": 32}),
        ((33, 17), {"force": "banded"}),
        ((1030, 31), {"tile_px": 96}),
        ((3001, 2777), {"tile_px": 1024}),
    ],
)
def test_every_pass_equals_the_whole_field(small_network, shape, plan):
    equals_the_whole_field(small_network, random_raw(*shape), plan)


@settings(deadline=None, max_examples=15, derandomize=True)
@given(
    st.integers(1, 300),
    st.integers(1, 300),
    st.sampled_from([{"force": "banded"}, *({"tile_px": side} for side in (96, 160, 512))]),
    st.sampled_from([3, 4]),
    st.integers(0, 3),
)
def test_every_pass_equals_the_whole_field_of_any_size_and_weights(height, width, plan, kernel, seed):
    architecture = Architecture(n_classes=5, alpha=0.35, decoder_widths=(16, 12, 8, 8), kernel=kernel)
    network = randomized(architecture, seed).requires_grad_(False)
    equals_the_whole_field(network, random_raw(height, width, seed=seed), plan)


def equals_the_whole_field(network, raw, plan):
    expected, found = logits(network, raw, force="whole"), logits(network, raw, **plan)
    # 1e-5 is for logits of a range near 25 (NETWORK.md); this network's range sets its own.
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-5 * max(1.0, np.ptp(expected) / 25))
    ordered = np.sort(expected, axis=0)
    decided = ordered[-1] - ordered[-2] > inference.UNSTABLE_MARGINS["float32"]
    assert decided.mean() > 0.99 or decided.size < 4096
    np.testing.assert_array_equal(found.argmax(0)[decided], expected.argmax(0)[decided])


def test_the_whole_field_is_the_network_on_the_padded_field(small_network):
    raw = random_raw(70, 45)
    found = segmenter(small_network, (70, 45)).segment(raw)
    inputs = np.pad(raw.astype(np.float32) / 32767.5 - 1, ((0, 0), (0, 26), (0, 19)), mode="reflect")
    with torch.no_grad():
        expected = small_network(torch.from_numpy(inputs[None].astype(np.float32)))[0, :, :70, :45].numpy()
    ordered = np.sort(expected, axis=0)
    decided = ordered[-1] - ordered[-2] > 1e-3
    np.testing.assert_array_equal(found.class_map[decided], expected.argmax(0)[decided])
    assert decided.mean() > 0.9


def test_unstable_pixels_are_those_of_a_small_margin(small_network, monkeypatch):
    raw = random_raw(96, 128)
    values = logits(small_network, raw, force="whole")
    ordered, classes = np.sort(values, axis=0), np.argsort(values, axis=0)
    monkeypatch.setitem(inference.UNSTABLE_MARGINS, "float32", 0.05)
    for plan in ({}, {"tile_px": 32}):
        found = segmenter(small_network, (96, 128), **plan).segment(raw)
        close = np.flatnonzero((ordered[-1] - ordered[-2] < 0.05).ravel())
        assert close.size > 20
        assert np.isin(found.unstable, close).mean() > 0.99
        assert abs(found.unstable.size - close.size) <= 0.01 * close.size
        same = np.isin(found.unstable, close)
        agree = classes[-2].ravel()[found.unstable[same]] == found.runners_up[same]
        assert agree.mean() > 0.99


def test_a_halo_too_small_is_seen_by_the_test_and_by_the_seam_check(small_network, monkeypatch):
    raw = random_raw(640, 640)
    found, fine = segmenter(small_network, (640, 640), tile_px=160).segment_checked(
        raw, np.random.default_rng(0)
    )
    np.testing.assert_array_equal(
        found.class_map, segmenter(small_network, (640, 640), tile_px=160).segment(raw).class_map
    )
    assert fine.largest_difference < 1e-4
    assert fine.n_pixels == 128**2
    expected = logits(small_network, raw, force="whole")
    monkeypatch.setattr(inference.tiles, "__defaults__", (64,))
    found = logits(small_network, raw, tile_px=160)
    assert np.abs(found - expected).max() > 1e-2
    _, seam = segmenter(small_network, (640, 640), tile_px=160).segment_checked(raw, np.random.default_rng(0))
    assert seam.largest_difference > 1e-3


def test_halo_from_the_measured_receptive_field():
    # Measured on a real network (NETWORK.md): 277 px on the low side, 246 on the high side.
    assert inference.HALO_PX == 288


def test_no_pixel_beyond_the_halo_matters(small_network):
    """Independent of the formula: the gradient of one core's output on the input."""
    network = copy.deepcopy(small_network).double()
    x = torch.zeros(1, 1, 32 * 21, 32, dtype=torch.float64, requires_grad=True)
    core = slice(32 * 10, 32 * 11)
    (network(x)[:, :, core] ** 2).sum().backward()
    rows = np.flatnonzero(x.grad.abs().amax(dim=(0, 1, 3)).numpy())
    assert rows.min() >= core.start - inference.HALO_PX
    assert rows.max() < core.stop + inference.HALO_PX
    # A halo of 192 would not do.
    assert rows.min() < core.start - 192


def test_the_plan_chooses_a_pass_by_memory():
    architecture = Architecture(n_classes=5)
    assert inference.bytes_per_pixel(architecture) == pytest.approx(400, rel=0.1)
    assert inference.bytes_per_pixel(architecture, banded=True) == pytest.approx(198, rel=0.1)
    size = 2048**2
    assert inference.choose_pass(architecture, size, inference.Plan(memory_mb=4000))[0] == "whole"
    assert inference.choose_pass(architecture, size, inference.Plan(memory_mb=2500))[0] == "banded"
    name, core = inference.choose_pass(architecture, 20_000**2, inference.Plan(memory_mb=4000))
    assert name == "tiled"
    assert core % 32 == 0
    # Raw counts of 2 bytes and a class map of 1 leave 2.8 GB to the rest, activations of a window.
    assert (core + 2 * inference.HALO_PX) ** 2 * inference.bytes_per_pixel(architecture) <= 2.8e9
    assert inference.choose_pass(architecture, 64, inference.Plan(tile_px=64)) == ("tiled", 64)
    with pytest.raises(ConfigError, match="memory_mb"):
        inference.choose_pass(architecture, 20_000**2, inference.Plan(memory_mb=1800))


def test_windows_of_a_field_on_disk_are_those_in_memory(tmp_path):
    field = np.random.default_rng(0).normal(size=(45, 70)).astype(np.float32)
    path = tmp_path / "normalization.h5"
    stores.write_normalization(path, {"light": {"gain": field, "black": 1.0}}, pd.DataFrame({"field": [1]}))
    (on_disk,) = (channel["gain"] for channel in stores.read_normalization(path, in_memory=3149)[0].values())
    assert not isinstance(on_disk, np.ndarray)
    whole = np.pad(field, ((0, 19), (0, 26)), mode="reflect")
    for window in (
        (slice(0, 64), slice(0, 96)),
        (slice(0, 32), slice(32, 64)),
        (slice(32, 64), slice(64, 96)),
    ):
        np.testing.assert_array_equal(inference.padded_window(on_disk, window), whole[window])
    (in_memory,) = stores.read_normalization(path, in_memory=3150)[0].values()
    np.testing.assert_array_equal(in_memory["gain"], field)


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
    with pytest.raises(ConfigError, match="this job was given GPU 0, but PyTorch"):
        inference.choose_device("auto", given_gpus="0")
    assert inference.choose_device("auto").type == "cpu"
    assert inference.choose_device("cpu", given_gpus="0").type == "cpu"


def test_a_class_map_does_not_depend_on_what_came_before(small_network):
    one, two = random_raw(100, 70, seed=1), random_raw(100, 70, seed=2)
    chosen = segmenter(small_network, (100, 70))
    first = chosen.segment(one)
    chosen.segment(two)
    again = chosen.segment(one)
    np.testing.assert_array_equal(again.class_map, first.class_map)
    np.testing.assert_array_equal(again.unstable, first.unstable)
    assert first.class_map.dtype == np.uint8
    assert first.class_map.shape == (100, 70)


def test_out_of_memory_redoes_the_whole_field(small_network, monkeypatch, caplog):
    raw = random_raw(200, 200)
    expected = segmenter(small_network, (200, 200), force="tiled", tile_px=64).segment(raw)
    chosen = segmenter(small_network, (200, 200))
    logits_of = chosen._logits

    def out_of_memory(field, window, name):
        if window[0].stop - window[0].start == 224 and name == "whole" and not chosen.__dict__.get("tried"):
            chosen.__dict__["tried"] = True
            raise torch.OutOfMemoryError
        if name == "banded":
            raise torch.OutOfMemoryError
        return logits_of(field, window, name)

    monkeypatch.setattr(chosen, "_logits", out_of_memory)
    found = chosen.segment(raw)
    assert "out of GPU memory in the whole pass" in caplog.text
    assert "out of GPU memory in the banded pass" in caplog.text
    assert (found.class_map == expected.class_map).mean() > 0.999


@pytest.mark.parametrize("plan", [{}, {"force": "banded"}, {"tile_px": 64}, {"precision": "bfloat16"}])
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_a_logit_that_is_not_finite_fails_the_field(small_network, plan, value):
    """Of one class alone: minus infinity would never win, and NaN would always be the first class."""
    network = copy.deepcopy(small_network)
    with torch.no_grad():
        network.decoder.head.bias[2] = value
    with pytest.raises(FieldError) as failed:
        segmenter(network, (96, 70), **plan).segment(random_raw(96, 70))
    assert failed.value.code == "not_finite"


@pytest.mark.parametrize("plan", [{}, {"force": "banded"}, {"tile_px": 64}])
def test_one_pixel_that_is_not_finite_is_found_in_every_pass(small_network, plan):
    """The last pixel of a field of which most tiles never see it."""
    gain = np.ones((700, 650), np.float32)
    gain[-1, -1] = np.nan
    raw = random_raw(700, 650)
    transform = Transform(gain, 0.0, 65535.0)
    chosen = inference.Segmenter(copy.deepcopy(small_network), [transform], inference.Plan("cpu", **plan))
    with pytest.raises(FieldError, match="NaN or infinity"):
        chosen.segment(raw)


def test_large_logits_are_no_fault(small_network):
    raw = random_raw(64, 96)
    expected = segmenter(small_network, (64, 96)).segment(raw)
    network = copy.deepcopy(small_network)
    with torch.no_grad():
        # A power of two, so that nothing is rounded otherwise; the sum of all logits would overflow.
        network.decoder.head.weight.mul_(2.0**118)
        network.decoder.head.bias.mul_(2.0**118)
    found = segmenter(network, (64, 96)).segment(raw)
    np.testing.assert_array_equal(found.class_map, expected.class_map)
