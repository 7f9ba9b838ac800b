import copy

import numpy as np
import pytest
import torch
from conftest import randomized
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn.functional import interpolate

from livedead.errors import FieldError, LivedeadError
from livedead.network.plan import Plan
from livedead.network.segmenter import UNSTABLE_MARGINS, Segmenter, passes_from
from livedead.network.unet import Architecture
from livedead.network.windows import padded_shape, windows
from livedead.normalization.transforms import ANY_SIZE, Transform


def segmenter(network, shape, scale=1.0, **plan):
    """A segmenter whose input is the raw counts over 32,767.5, less 1."""
    transform = Transform(np.ones(shape, np.float32), 0.0, 65535.0)
    return Segmenter(copy.deepcopy(network), [transform], Plan(device="cpu", **plan), scale=scale)


def logits(network, raw, scale=1.0, **plan):
    """Logits of the whole field by some plan; padded, unless it is resampled."""
    shape = padded_shape(raw.shape) if scale == 1 else raw.shape[1:]
    output = np.full((5, *shape), np.nan, np.float32)

    def watch(core, part):
        output[:, *core] = part

    segmenter(network, raw.shape[1:], scale, **plan).segment(raw, watch=watch)
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


@settings(deadline=None, max_examples=15, derandomize=True)
@given(
    st.integers(1, 300),
    st.integers(1, 300),
    st.sampled_from([0.5, 0.7, 1 / 1.3, 1.4, 2.0]),
    st.sampled_from([{"force": "banded"}, *({"tile_px": side} for side in (32, 96, 160))]),
)
def test_every_pass_equals_the_whole_field_that_is_resampled(small_network, height, width, scale, plan):
    equals_the_whole_field(small_network, random_raw(height, width, seed=height), {**plan, "scale": scale})


@pytest.mark.parametrize(("shape", "scale"), [((1202, 970), 0.625), ((450, 330), 2.0)])
def test_a_large_resampled_field_is_the_same_in_tiles(small_network, shape, scale):
    equals_the_whole_field(small_network, random_raw(*shape), {"tile_px": 96, "scale": scale})


def equals_the_whole_field(network, raw, plan):
    whole = {"force": "whole", "scale": plan.get("scale", 1.0)}
    expected, found = logits(network, raw, **whole), logits(network, raw, **plan)
    # 1e-5 is for logits of a range near 25 (NETWORK.md); this network's range sets its own.
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-5 * max(1.0, np.ptp(expected) / 25))
    ordered = np.sort(expected, axis=0)
    decided = ordered[-1] - ordered[-2] > UNSTABLE_MARGINS["float32"]
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


@pytest.mark.parametrize(("shape", "scale"), [((140, 90), 0.5), ((72, 44), 1.25), ((50, 41), 2.0)])
def test_a_field_is_resampled_for_the_network_and_its_logits_are_brought_back(small_network, shape, scale):
    """As PyTorch resamples, whose way there is antialiased, and the way back bilinear."""
    raw = random_raw(*shape)
    found = segmenter(small_network, shape, scale).segment(raw)
    size = [round(side * scale) for side in shape]
    inputs = torch.from_numpy(raw.astype(np.float32) / 32767.5 - 1)[None]
    resampled = interpolate(inputs, size, mode="bicubic", antialias=True)[0].numpy()
    pads = [(0, -side % 32) for side in size]
    padded = torch.from_numpy(np.pad(resampled, ((0, 0), *pads), mode="reflect"))
    with torch.no_grad():
        network_logits = small_network(padded[None])[..., : size[0], : size[1]]
    expected = interpolate(network_logits, shape, mode="bilinear", align_corners=False)[0].numpy()
    ordered = np.sort(expected, axis=0)
    decided = ordered[-1] - ordered[-2] > 1e-2
    assert decided.mean() > 0.9
    assert found.class_map.shape == shape
    np.testing.assert_array_equal(found.class_map[decided], expected.argmax(0)[decided])


def test_unstable_pixels_are_those_of_a_small_margin(small_network, monkeypatch):
    raw = random_raw(96, 128)
    values = logits(small_network, raw, force="whole")
    ordered, classes = np.sort(values, axis=0), np.argsort(values, axis=0)
    monkeypatch.setitem(UNSTABLE_MARGINS, "float32", 0.05)
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
    monkeypatch.setattr(windows, "__defaults__", (64,))
    found = logits(small_network, raw, tile_px=160)
    assert np.abs(found - expected).max() > 1e-2
    _, seam = segmenter(small_network, (640, 640), tile_px=160).segment_checked(raw, np.random.default_rng(0))
    assert seam.largest_difference > 1e-3


@pytest.mark.parametrize("scale", [0.5, 1.4])
def test_the_seam_of_a_resampled_field_is_checked(small_network, scale, monkeypatch):
    raw = random_raw(round(640 / scale), round(640 / scale))
    of_tiles = {"scale": scale, "tile_px": 160}
    found, fine = segmenter(small_network, raw.shape[1:], **of_tiles).segment_checked(
        raw, np.random.default_rng(0)
    )
    np.testing.assert_array_equal(
        found.class_map, segmenter(small_network, raw.shape[1:], **of_tiles).segment(raw).class_map
    )
    assert fine.largest_difference < 1e-4
    # A window of 128 px of the network.
    assert fine.n_pixels == pytest.approx((128 / scale) ** 2, rel=0.03)
    monkeypatch.setattr(windows, "__defaults__", (64,))
    _, seam = segmenter(small_network, raw.shape[1:], **of_tiles).segment_checked(
        raw, np.random.default_rng(0)
    )
    assert seam.largest_difference > 1e-3


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

    def out_of_memory(*_):
        raise torch.OutOfMemoryError

    attempts = iter([out_of_memory])
    decode = chosen.network.decode
    monkeypatch.setattr(chosen.network, "decode", lambda *encoded: next(attempts, decode)(*encoded))
    monkeypatch.setattr(chosen.network, "decode_banded", out_of_memory)
    found = chosen.segment(raw)
    assert "out of GPU memory in the whole pass" in caplog.text
    assert "out of GPU memory in the banded pass" in caplog.text
    assert (found.class_map == expected.class_map).mean() > 0.999


def test_after_out_of_memory_each_pass_takes_less():
    smaller = [("tiled", side) for side in (1024, 512, 256, 128, 64, 32)]
    assert list(passes_from("whole", 0)) == [("whole", 0), ("banded", 0), *smaller]
    assert list(passes_from("tiled", 416)) == [("tiled", side) for side in (416, 192, 96, 32)]


@pytest.mark.parametrize(
    "error",
    [
        torch.OutOfMemoryError(),
        RuntimeError("GET was unable to find an engine to execute this computation"),
    ],
)
def test_a_gpu_without_memory_for_any_tile_is_said(small_network, monkeypatch, caplog, error):
    chosen = fails_with(error, small_network, monkeypatch)
    with pytest.raises(LivedeadError, match="the GPU has too little memory left even for a tile of 32 px"):
        chosen.segment(random_raw(200, 200))
    assert caplog.text.count("out of GPU memory in the tiled pass") == 6


def test_another_error_of_a_gpu_is_not_taken_for_out_of_memory(small_network, monkeypatch):
    error = RuntimeError("CUDA error: an illegal memory access was encountered")
    with pytest.raises(RuntimeError, match="illegal memory access"):
        fails_with(error, small_network, monkeypatch).segment(random_raw(200, 200))


def fails_with(error, network, monkeypatch):
    """A segmenter whose network raises that error in every pass."""

    def failing(*_):
        raise error

    chosen = segmenter(network, (200, 200))
    monkeypatch.setattr(chosen.network, "decode", failing)
    monkeypatch.setattr(chosen.network, "decode_banded", failing)
    return chosen


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


@pytest.mark.parametrize("plan", [{}, {"force": "banded"}, {"tile_px": 192}])
def test_one_pixel_that_is_not_finite_is_found_in_every_pass(small_network, plan):
    """The last pixel of a field of which most tiles never see it."""
    gain = np.ones((700, 650), np.float32)
    gain[-1, -1] = np.nan
    raw = random_raw(700, 650)
    transform = Transform(gain, 0.0, 65535.0)
    chosen = Segmenter(copy.deepcopy(small_network), [transform], Plan("cpu", **plan))
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


@pytest.mark.parametrize("scale", [1.0, 0.7])
@pytest.mark.parametrize("plan", [{}, {"force": "banded"}, {"tile_px": 32}])
def test_fields_of_any_size_are_read_as_if_their_plate_had_that_size(small_network, scale, plan):
    any_size = segmenter(small_network, ANY_SIZE.shape, scale, **plan)
    for shape in [(70, 45), (33, 200), (20, 20), (70, 45)]:
        raw = random_raw(*shape)
        found, check = any_size.segment_checked(raw, np.random.default_rng(0))
        expected = segmenter(small_network, shape, scale, **plan).segment(raw)
        np.testing.assert_array_equal(found.class_map, expected.class_map)
        assert check.largest_difference < 1e-5
