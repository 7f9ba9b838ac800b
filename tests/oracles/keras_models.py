"""Small networks in real Keras with random weights, and golden files of their outputs.

Written for Keras 3 and tf_keras alike: `keras` is whichever module is given.
"""

import warnings
from pathlib import Path

import numpy as np

SKIPS = ("block_1_expand_relu", "block_3_expand_relu", "block_6_expand_relu", "block_13_expand_relu")


def randomize(model, seed: int) -> None:
    """Give every tensor random values under which activations keep their size."""
    rng = np.random.default_rng(seed)
    for layer in model.layers:
        if hasattr(layer, "layers"):
            randomize(layer, seed + 1)
            continue
        values = []
        for weight in layer.weights:
            shape, name = tuple(weight.shape), getattr(weight, "path", weight.name)
            if "variance" in name or "gamma" in name:
                values.append(rng.uniform(0.5, 1.5, shape))
            elif len(shape) == 1:
                values.append(rng.normal(0, 0.3, shape))
            else:
                fan_in = np.prod(shape[:2]) if "depthwise" in name else np.prod(shape[:-1])
                if "transpose" in name:
                    fan_in = np.prod(shape[:2]) * shape[3] / 4
                values.append(rng.normal(0, 1.4 / np.sqrt(fan_in), shape))
        if values:
            layer.set_weights(values)


def unet(
    keras, *, kernel: int, nested: bool, bottom: str = "project", channels: int = 3, alpha: float = 0.35
):
    layers = keras.layers
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "This model usually expects 1 or 3 input channels")
        encoder = keras.applications.MobileNetV2(
            input_shape=(64, 64, channels), alpha=alpha, include_top=False, weights=None
        )
    outputs = [encoder.get_layer(name).output for name in (*SKIPS, f"block_16_{bottom}")]
    if nested:
        entry = layers.Input((64, 64, channels))
        *skips, x = keras.Model(encoder.input, outputs)(entry)
    else:
        entry = encoder.input
        *skips, x = outputs

    def step(width: int):
        parts = [
            layers.Conv2DTranspose(width, kernel, strides=2, padding="same", use_bias=False),
            layers.BatchNormalization(),
            layers.ReLU(),
        ]
        if nested:
            return keras.Sequential(parts)

        def chained(x):
            for part in parts:
                x = part(x)
            return x

        return chained

    for width, skip in zip((24, 16, 12, 8), reversed(skips), strict=True):
        x = layers.Concatenate()([step(width)(x), skip])
    return keras.Model(entry, layers.Conv2DTranspose(5, kernel, strides=2, padding="same")(x))


def mobilenet(keras, *, sides=(97, 75), alpha: float = 0.35):
    return keras.applications.MobileNetV2(
        input_shape=(*sides, 3), alpha=alpha, include_top=False, weights=None
    )


def lenet(keras, *, side: int = 32):
    """LeNet-5; a side of 32 flattens 5 x 5 pixels of 16 channels."""
    layers = keras.layers
    return keras.Sequential(
        [
            layers.Input((side, side, 1)),
            layers.Conv2D(6, 5, activation="tanh"),
            layers.AveragePooling2D(2),
            layers.Conv2D(16, 5, activation="tanh"),
            layers.AveragePooling2D(2),
            layers.Flatten(),
            layers.Dense(120, activation="tanh"),
            layers.Dense(84, activation="tanh"),
            layers.Dense(10, activation="softmax"),
        ]
    )


def resnet(keras):
    """Two bottlenecks as in ResNet-50: epsilon 1.001e-5, stride on the first 1 x 1."""
    layers = keras.layers

    def norm(name):
        return layers.BatchNormalization(epsilon=1.001e-5, name=name)

    entry = layers.Input((33, 47, 3))
    x = layers.ZeroPadding2D(3, name="conv1_pad")(entry)
    x = layers.Conv2D(8, 7, strides=2, name="conv1_conv")(x)
    x = layers.ReLU(name="conv1_relu")(norm("conv1_bn")(x))
    x = layers.ZeroPadding2D(1, name="pool1_pad")(x)
    x = layers.MaxPooling2D(3, strides=2, name="pool1_pool")(x)
    for block, stride in ((1, 1), (2, 2)):
        stem = f"conv2_block{block}"
        shortcut = layers.Conv2D(16, 1, strides=stride, name=f"{stem}_0_conv")(x)
        shortcut = norm(f"{stem}_0_bn")(shortcut)
        x = layers.Conv2D(4, 1, strides=stride, name=f"{stem}_1_conv")(x)
        x = layers.ReLU(name=f"{stem}_1_relu")(norm(f"{stem}_1_bn")(x))
        x = layers.Conv2D(4, 3, padding="same", name=f"{stem}_2_conv")(x)
        x = layers.ReLU(name=f"{stem}_2_relu")(norm(f"{stem}_2_bn")(x))
        x = norm(f"{stem}_3_bn")(layers.Conv2D(16, 1, name=f"{stem}_3_conv")(x))
        x = layers.ReLU(name=f"{stem}_out")(layers.Add(name=f"{stem}_add")([shortcut, x]))
    x = layers.GlobalAveragePooling2D(name="avg_pool")(x)
    return keras.Model(entry, layers.Dense(7, activation="softmax", name="predictions")(x))


def edge_cases(keras):
    """What the others leave out: groups, multipliers, odd strides, and BatchNorm after a flatten."""
    layers = keras.layers
    entry = layers.Input((19, 22, 2))
    x = layers.Rescaling(0.5, offset=-0.1)(entry)
    x = layers.Conv2D(8, (3, 5), strides=(2, 3), padding="same", groups=2)(x)
    x = layers.BatchNormalization(scale=False)(x)
    x = layers.DepthwiseConv2D(3, depth_multiplier=2, padding="same", activation="relu6")(x)
    x = layers.BatchNormalization(center=False, epsilon=1e-5)(x)
    a = layers.Conv2D(6, 3, dilation_rate=2, padding="same", activation="relu")(x)
    b = layers.Conv2D(6, 2, padding="same", use_bias=False)(x)
    b = layers.BatchNormalization(scale=False, center=False)(b)
    x = layers.Add()([a, layers.LeakyReLU(0.1)(b)])
    x = layers.MaxPooling2D(3, strides=2, padding="same")(x)
    x = layers.Conv2DTranspose(5, (3, 2), strides=(2, 3), padding="same")(x)
    x = layers.Conv2DTranspose(4, 3, strides=2, padding="valid", activation="elu")(x)
    x = layers.AveragePooling2D(3, strides=2, padding="same")(x)
    x = layers.Dropout(0.5)(layers.UpSampling2D(2)(x))
    x = layers.Cropping2D(((1, 2), (0, 3)))(x)
    x = layers.BatchNormalization()(layers.Flatten()(x))
    x = layers.Concatenate()([layers.Dense(6, activation="sigmoid")(x), layers.Dense(3)(x)])
    return keras.Model(entry, layers.Softmax()(x))


def write_golden(keras, model, path: Path, *, seed: int = 0, n: int = 2, names: dict | None = None) -> None:
    """Run a model on random input and record every layer; nested models by their own outputs."""
    shape = tuple(model.inputs[0].shape[1:])
    x = np.random.default_rng(seed).uniform(-1, 1, (n, *shape)).astype(np.float32)
    layers = [
        layer
        for layer in model.layers
        if not hasattr(layer, "layers") and not isinstance(layer.output, list) and "input" not in layer.name
    ]
    probe = keras.Model(model.inputs[0], [layer.output for layer in layers])
    outputs = probe(x[:1])
    acts = {
        f"act/{(names or {}).get(layer.name, layer.name)}": to_numpy(output)[0]
        for layer, output in zip(
            layers, outputs if isinstance(outputs, list | tuple) else [outputs], strict=True
        )
    }
    np.savez(path, x=x, output=to_numpy(model(x)), **acts)


def to_numpy(tensor) -> np.ndarray:
    return tensor.detach().numpy() if hasattr(tensor, "detach") else np.asarray(tensor)


def write_legacy(model, path: Path, rename=lambda name: name) -> None:
    """The legacy weight file of Keras 2, which Keras 3 still reads but no longer writes."""
    import h5py

    with h5py.File(path, "w") as file:
        file.attrs["layer_names"] = [rename(layer.name).encode() for layer in model.layers]
        file.attrs["backend"], file.attrs["keras_version"] = b"tensorflow", b"2.2.4"
        for layer in model.layers:
            group = file.create_group(rename(layer.name))
            names = []
            for weight in layer.weights:
                owner, leaf = weight.path.split("/")[-2:]
                leaf = "depthwise_kernel" if "Depthwise" in type(layer).__name__ else leaf
                leaf = leaf if "kernel" in weight.path else weight.path.split("/")[-1]
                names.append(f"{rename(owner)}/{leaf}:0")
                group.create_dataset(names[-1], data=to_numpy(weight.value))
            group.attrs["weight_names"] = [name.encode() for name in names]
