"""The converted network against Keras itself, layer by layer."""

import os

import numpy as np
import pytest
import torch

from livedead.weights import formats, unet_io
from livedead.weights.network import from_unet

os.environ.setdefault("KERAS_BACKEND", "torch")
import keras

N_CLASSES = 5
WIDTHS = (24, 16, 12, 8)
SKIPS = ("block_1_expand_relu", "block_3_expand_relu", "block_6_expand_relu", "block_13_expand_relu")
CLASSES = [
    {"name": str(number), "role": role}
    for number, role in enumerate(("background", "context", "boundary", "live", "dead"))
]
TOLERANCE = 1e-4


def keras_unet(kernel: int, bottom: str, seed: int):
    """The TensorFlow tutorial's U-Net, every weight and statistic random."""
    keras.utils.set_random_seed(seed)
    encoder = keras.applications.MobileNetV2(
        input_shape=(96, 96, 3), alpha=0.35, include_top=False, weights=None
    )
    skips = [encoder.get_layer(name).output for name in SKIPS]
    x = encoder.get_layer(bottom).output
    for width, skip in zip(WIDTHS, reversed(skips), strict=True):
        x = keras.layers.Conv2DTranspose(width, kernel, strides=2, padding="same", use_bias=False)(x)
        x = keras.layers.ReLU()(keras.layers.BatchNormalization()(x))
        x = keras.layers.Concatenate()([x, skip])
    head = keras.layers.Conv2DTranspose(N_CLASSES, kernel, strides=2, padding="same")
    model = keras.Model(encoder.input, head(x))
    rng = np.random.default_rng(seed)
    for layer in model.layers:
        values = [
            0.5 * rng.normal(size=w.shape) / np.sqrt(np.prod(w.shape[:-1])) for w in layer.get_weights()
        ]
        if isinstance(layer, keras.layers.BatchNormalization):
            n = values[0].shape
            values = [
                rng.uniform(0.5, 2, n),
                rng.normal(0, 0.5, n),
                rng.normal(0, 0.3, n),
                rng.uniform(0.2, 2, n),
            ]
        elif len(values) == 1:
            values = [2.5 * values[0]]
        layer.set_weights(values)
    return model


def activations(network, x: np.ndarray) -> dict[str, np.ndarray]:
    """Output of every convolution and BatchNorm, (H, W, C), by canonical name."""
    found = {}

    def keep(name):
        def hook(module, inputs, output):
            # A copy: the activation that follows works in place.
            found[name] = output[0].permute(1, 2, 0).numpy().copy()

        return hook

    for part in ("encoder", "decoder"):
        for name, module in network.get_submodule(part).named_modules():
            if isinstance(module, torch.nn.Conv2d | torch.nn.ConvTranspose2d | torch.nn.BatchNorm2d):
                module.register_forward_hook(keep(name.replace(".", "_")))
    with torch.no_grad():
        network(torch.from_numpy(x.transpose(0, 3, 1, 2)))
    return found


@pytest.mark.parametrize("kernel", [3, 4])
@pytest.mark.parametrize("bottom", ["project", "project_BN"])
def test_every_layer_is_keras_to_rounding(tmp_path, kernel, bottom):
    model = keras_unet(kernel, f"block_16_{bottom}", seed=kernel)
    path = tmp_path / "unet.h5"
    model.save(path)
    network, certificate = unet_io.convert(
        path,
        input_channels=["red", "green", "blue"],
        classes=CLASSES,
        bottom=bottom,
        stride_padding="correct",
    )
    assert network.architecture.kernel == kernel
    assert network.architecture.alpha == 0.35
    assert network.architecture.decoder_widths == WIDTHS
    assert certificate["source"]["container"] == "Keras 3 full model (.h5)"
    counters = {"Conv2DTranspose": ["up_0_conv", "up_1_conv", "up_2_conv", "up_3_conv", "head"]}
    x = np.random.default_rng(1).uniform(-1, 1, (1, 96, 96, 3)).astype(np.float32)
    ours = activations(network, x)
    names, outputs, ups, norms = [], [], 0, 0
    for layer in model.layers:
        kind = type(layer).__name__
        if layer.name in ours:
            names.append(layer.name)
        elif kind == "Conv2DTranspose":
            names.append(counters[kind][ups])
            ups += 1
        elif kind == "BatchNormalization":
            names.append(f"up_{norms}_bn")
            norms += 1
        else:
            continue
        outputs.append(layer.output)
    assert sorted(names) == sorted(ours)
    theirs = keras.Model(model.input, outputs)(x)
    for name, tensor in zip(names, theirs, strict=True):
        expected = tensor[0].detach().numpy()
        scale = float(np.ptp(expected))
        assert scale > 0.1, name
        np.testing.assert_allclose(ours[name], expected, rtol=0, atol=TOLERANCE * scale, err_msg=name)


def test_grey_input_equals_the_channel_three_times(tmp_path):
    model = keras_unet(4, "block_16_project", seed=9)
    model.save(tmp_path / "unet.h5")
    network, _ = unet_io.convert(tmp_path / "unet.h5", input_channels=["brightfield"], classes=CLASSES)
    grey = np.random.default_rng(2).uniform(-1, 1, (1, 96, 96, 1)).astype(np.float32)
    expected = model(np.repeat(grey, 3, axis=-1))[0].detach().numpy()
    with torch.no_grad():
        found = network(torch.from_numpy(grey.transpose(0, 3, 1, 2)))[0].permute(1, 2, 0).numpy()
    np.testing.assert_allclose(found, expected, rtol=0, atol=TOLERANCE * np.ptp(expected))


def test_exported_weights_load_in_keras(tmp_path):
    model = keras_unet(4, "block_16_project", seed=5)
    model.save(tmp_path / "unet.h5")
    network, _ = unet_io.convert(
        tmp_path / "unet.h5", input_channels=["red", "green", "blue"], classes=CLASSES
    )
    formats.write(tmp_path / "back.h5", from_unet(network))
    fresh = keras_unet(4, "block_16_project", seed=6)
    fresh.load_weights(tmp_path / "back.h5")
    for mine, its in zip(model.get_weights(), fresh.get_weights(), strict=True):
        np.testing.assert_array_equal(mine, its)
