"""Shapes, names and sizes; that the numbers are Keras's is the oracles' claim."""

import json

import numpy as np
import pytest
import torch
from conftest import randomized
from hypothesis import given
from hypothesis import strategies as st
from torch.nn.functional import conv2d, pad

from livedead.network.unet import (
    NARROW,
    SKIPS,
    Architecture,
    KerasConvTranspose,
    StrideConv,
    UNet,
    encoder_blocks,
    grey_filters,
    make_divisible,
)

TABLE_2 = [
    (1, 16, 1, 1),
    (6, 24, 2, 2),
    (6, 32, 3, 2),
    (6, 64, 4, 2),
    (6, 96, 3, 1),
    (6, 160, 3, 2),
    (6, 320, 1, 1),
]
"""Expansion, channels, repeats and first stride, as the paper on MobileNetV2 prints them."""

KERAS_PARAMETERS = {0.35: 410_208, 0.5: 706_224, 0.75: 1_382_064, 1.0: 2_257_984, 1.4: 4_363_712}
"""What Keras says of ``MobileNetV2(include_top=False, alpha=...)``."""


def n_parameters(module):
    """As Keras counts: the statistics of BatchNorm are parameters, too."""
    counted = (t for name, t in module.state_dict().items() if not name.endswith("num_batches_tracked"))
    return sum(tensor.numel() for tensor in counted)


@pytest.mark.parametrize("alpha", KERAS_PARAMETERS)
def test_the_encoder_has_as_many_parameters_as_in_keras(alpha):
    found = UNet(Architecture(n_classes=2, alpha=alpha, input_channels=3, bottom="project_BN")).encoder
    # Keras goes on to a convolution with BatchNorm, of 1280 channels or, above alpha 1, of more.
    bottom, last = encoder_blocks(alpha)[-1].out_channels, make_divisible(1280 * max(alpha, 1))
    assert n_parameters(found) + bottom * last + 4 * last == KERAS_PARAMETERS[alpha]


@pytest.mark.parametrize("kernel", [3, 4])
def test_parameters_of_the_decoder_by_hand(kernel):
    """At alpha 1 the skips have 6 times 96, 32, 24 and 16 channels; bottom, widths and classes are given."""
    architecture = Architecture(n_classes=5, decoder_widths=(512, 256, 128, 64), kernel=kernel)
    steps = [(320, 512), (512 + 576, 256), (256 + 192, 128), (128 + 144, 64)]
    blocks = sum(kernel**2 * n_in * n_out + 4 * n_out for n_in, n_out in steps)
    head = kernel**2 * (64 + 96) * 5 + 5
    assert n_parameters(UNet(architecture).decoder) == blocks + head


def test_blocks_are_those_of_the_paper():
    blocks, channels, number = encoder_blocks(1.0), 32, 0
    assert len(blocks) == 17
    for expansion, width, repeats, first_stride in TABLE_2:
        for repeat in range(repeats):
            block = blocks[number]
            assert block.name == (f"block_{number}" if number else "expanded_conv")
            assert (block.in_channels, block.hidden, block.out_channels) == (
                channels,
                expansion * channels,
                width,
            )
            assert block.stride == (1 if repeat else first_stride)
            assert block.is_residual == (repeat > 0)
            assert block.expands == (expansion > 1)
            channels, number = width, number + 1


@given(st.floats(1, 3000))
def test_channels_are_multiples_of_eight_and_not_much_fewer(channels):
    found = make_divisible(channels)
    assert found % 8 == 0
    assert 0.9 * channels <= found <= max(channels + 8, 8)


def test_modules_have_the_names_of_keras_layers():
    names = {"Conv1", "bn_Conv1", "expanded_conv_depthwise", "expanded_conv_project"}
    names |= {f"block_{k}_{part}" for k in range(1, 17) for part in ("expand", "depthwise", "project")}
    norms = {f"{name}_BN" for name in names if "Conv1" not in name}
    with_last = UNet(Architecture(n_classes=5, alpha=0.35, bottom="project_BN"))
    assert {name for name, _ in with_last.encoder.named_children()} == names | norms
    # The tutorial's bottom is the convolution of block 16, whose BatchNorm is never used.
    tutorial = UNet(Architecture(n_classes=5, alpha=0.35))
    assert {name for name, _ in tutorial.encoder.named_children()} == (names | norms) - {
        "block_16_project_BN"
    }
    assert {key.split(".")[1] for key in tutorial.state_dict() if key.startswith("decoder")} == {
        "up_0", "up_1", "up_2", "up_3", "head",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("architecture", "n_images"),
    [
        (Architecture(n_classes=5, alpha=0.35, decoder_widths=(16, 12, 8, 8)), 2),
        (Architecture(n_classes=1, alpha=0.5, kernel=3, decoder_widths=(8, 8, 8, 8)), 1),
        (Architecture(n_classes=3, alpha=1.4, input_channels=2, bottom="project_BN"), 1),
    ],
)
def test_logits_have_the_fields_shape(architecture, n_images):
    with torch.no_grad():
        logits = UNet(architecture).eval()(torch.zeros(n_images, architecture.input_channels, 64, 96))
    assert logits.shape == (n_images, architecture.n_classes, 64, 96)


def test_skips_have_a_half_to_a_sixteenth_of_the_size(small_network):
    with torch.no_grad():
        bottom, skips = small_network.encoder(torch.zeros(1, 1, 64, 96))
        _, narrow = small_network.encoder(torch.zeros(1, 1, 64, 96), narrow=SKIPS[:1])
    assert [skips[name].shape[2:] for name in SKIPS] == [(32, 48), (16, 24), (8, 12), (4, 6)]
    assert bottom.shape[2:] == (2, 3)
    assert skips[SKIPS[0]].shape[1] == 6 * narrow[SKIPS[0]].shape[1]
    assert torch.equal(small_network.encoder.expand(SKIPS[0], narrow[SKIPS[0]]), skips[SKIPS[0]])


@pytest.mark.parametrize("band_px", [8, 24, 64, 512])
def test_bands_give_the_same_logits(band_px):
    network = randomized(Architecture(n_classes=5, alpha=0.35, decoder_widths=(16, 12, 8, 8))).double()
    x = torch.from_numpy(np.random.default_rng(0).uniform(-1, 1, (1, 1, 160, 64)))
    with torch.no_grad():
        banded = network.decode_banded(*network.encoder(x, narrow=NARROW), band_px)
        torch.testing.assert_close(banded, network(x), rtol=0, atol=1e-9)


@pytest.mark.parametrize("shape", [(6, 8), (7, 9), (6, 9)])
def test_strided_convolutions_pad_as_tensorflow_defines_same(shape):
    """Padding is max(3 - (2 if the side is even else 1), 0), its smaller half first."""
    x = torch.from_numpy(np.random.default_rng(0).normal(size=(1, 4, *shape)).astype(np.float32))
    layer = StrideConv(4, 4, groups=1, stride_padding="correct")
    (top, bottom), (left, right) = ((0, 1) if side % 2 == 0 else (1, 1) for side in shape)
    expected = conv2d(pad(x, (left, right, top, bottom)), layer.weight, stride=2)
    torch.testing.assert_close(layer(x), expected)
    assert layer(x).shape[2:] == tuple(-(-side // 2) for side in shape)
    always = StrideConv(4, 4, groups=1, stride_padding="even")
    expected = conv2d(pad(x, (0, 1, 0, 1)), always.weight, stride=2)
    torch.testing.assert_close(always(x), expected)


@pytest.mark.parametrize(("kernel", "first_row"), [(3, 4), (4, 3)])
def test_transposed_convolutions_lay_the_kernel_where_keras_does(kernel, first_row):
    """One pixel in row and column 2 of 4 becomes the kernel, from row 2 * 2 on, or one before that."""
    layer = KerasConvTranspose(1, 1, kernel, bias=False)
    x = torch.zeros(1, 1, 4, 4)
    x[..., 2, 2] = 1
    expected = torch.zeros(1, 1, 8, 8)
    part = slice(first_row, first_row + kernel)
    expected[..., part, part] = layer.weight
    torch.testing.assert_close(layer(x), expected)


def test_what_kernel_three_has_too_much_is_cut_at_the_end():
    layer = KerasConvTranspose(1, 1, 3, bias=False)
    x = torch.zeros(1, 1, 2, 2)
    x[..., 1, 1] = 1
    expected = torch.zeros(1, 1, 4, 4)
    expected[..., 2:, 2:] = layer.weight[..., :2, :2]
    torch.testing.assert_close(layer(x), expected)


@pytest.mark.parametrize("n_channels", [1, 3])
def test_grey_filters_see_in_equal_channels_what_rgb_filters_do(n_channels):
    rng = np.random.default_rng(0)
    rgb = torch.from_numpy(rng.normal(size=(8, 3, 3, 3)))
    grey = torch.from_numpy(rng.normal(size=(1, 1, 9, 9)))
    filters = grey_filters(rgb, n_channels)
    assert filters.shape == (8, n_channels, 3, 3)
    found = conv2d(grey.expand(1, n_channels, 9, 9), filters)
    torch.testing.assert_close(found, conv2d(grey.expand(1, 3, 9, 9), rgb))


def test_an_architecture_is_the_same_after_json():
    architecture = Architecture(n_classes=3, alpha=0.75, decoder_widths=(64, 32, 16, 8), kernel=3)
    assert Architecture.from_dict(json.loads(json.dumps(architecture.as_dict()))) == architecture


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"kernel": 5}, "kernel must be 3 or 4, got 5"),
        ({"bottom": "out_relu"}, "bottom must be"),
        ({"stride_padding": "same"}, "stride_padding must be"),
    ],
)
def test_what_an_architecture_refuses(values, message):
    with pytest.raises(ValueError, match=message):
        Architecture(n_classes=5, **values)
