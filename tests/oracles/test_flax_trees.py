"""Trees that real Flax wrote, and trees that real Flax must read."""

from pathlib import Path

import numpy as np
import pytest
import torch
from conftest import randomized

from livedead.network.unet import Architecture
from livedead.weights import __main__ as command_line
from livedead.weights import formats
from livedead.weights.network import as_unet, from_unet

flax = pytest.importorskip("flax", reason="needs flax; 'make oracles' installs it")
import jax  # noqa: E402
from flax import linen as nn  # noqa: E402
from flax import serialization  # noqa: E402

ARCHITECTURES = Path(__file__).parents[2] / "config" / "examples" / "architectures"


class Dense(nn.Module):
    @nn.compact
    def __call__(self, x):
        return nn.Dense(4)(x)


class Conv(nn.Module):
    @nn.compact
    def __call__(self, x):
        return nn.Conv(4, (2, 2), padding="VALID")(x)


class ConvDense(nn.Module):
    @nn.compact
    def __call__(self, x):
        x = nn.Conv(4, (2, 2), padding="VALID")(x)
        return nn.Dense(2)(x.reshape(x.shape[0], -1))


class BatchNorm(nn.Module):
    @nn.compact
    def __call__(self, x):
        return nn.BatchNorm(use_running_average=True)(x)


class AveragePool(nn.Module):
    counted: bool

    def __call__(self, x):
        return nn.avg_pool(x, (2, 2), (1, 1), ((1, 1), (1, 1)), count_include_pad=self.counted)


class ConvTranspose(nn.Module):
    @nn.compact
    def __call__(self, x):
        return nn.ConvTranspose(4, (2, 2), padding=((1, 1), (1, 1)), transpose_kernel=True)(x)


class ConvTransposeDefault(nn.Module):
    @nn.compact
    def __call__(self, x):
        return nn.ConvTranspose(4, (3, 3), (2, 2))(x)


MODELS = {
    "flax_dense": (Dense(), (3,)),
    "flax_conv": (Conv(), (6, 6, 3)),
    "flax_conv_dense": (ConvDense(), (6, 6, 3)),
    "flax_batch_norm": (BatchNorm(), (6, 6, 3)),
    "flax_conv_transpose": (ConvTranspose(), (6, 6, 3)),
    "flax_conv_transpose_default": (ConvTransposeDefault(), (6, 6, 3)),
}
POOLS = {"flax_avg_pool": AveragePool(False), "flax_avg_pool_counted": AveragePool(True)}


def run(*arguments) -> int:
    return command_line.main([str(argument) for argument in arguments])


def random_variables(model, x):
    rng = np.random.default_rng(0)
    variables = model.init(jax.random.key(0), x)
    return jax.tree.map(lambda leaf: rng.uniform(0.2, 1.2, leaf.shape).astype(np.float32), variables)


def write_golden(path, model, variables, shape):
    x = np.random.default_rng(1).normal(size=(2, *shape)).astype(np.float32)
    np.savez(path, x=x, output=np.asarray(model.apply(variables, x)))


@pytest.mark.parametrize("name", MODELS)
def test_both_ways(tmp_path, name):
    model, shape = MODELS[name]
    variables = random_variables(model, np.zeros((1, *shape), np.float32))
    golden, architecture = tmp_path / "golden.npz", ARCHITECTURES / f"{name}.yaml"
    write_golden(golden, model, variables, shape)
    source = tmp_path / "source.msgpack"
    source.write_bytes(serialization.to_bytes(variables))
    assert run("verify", source, golden, "--architecture", architecture) == 0
    middle = tmp_path / "middle.safetensors"
    assert run("convert", source, middle, "--architecture", architecture, "--golden", golden) == 0
    assert run("convert", middle, tmp_path / "back.msgpack") == 0
    restored = serialization.from_bytes(variables, (tmp_path / "back.msgpack").read_bytes())
    jax.tree.map(np.testing.assert_array_equal, restored, variables)
    assert run("convert", middle, tmp_path / "back.flax.safetensors") == 0
    again = tmp_path / "back.flax.safetensors"
    assert run("verify", again, golden, "--architecture", architecture) == 0
    assert run("convert", middle, tmp_path / "keras.h5") == 0
    assert run("verify", tmp_path / "keras.h5", golden, "--architecture", architecture) == 0


@pytest.mark.parametrize("name", POOLS)
def test_average_pools(tmp_path, name):
    write_golden(tmp_path / "golden.npz", POOLS[name], {}, (6, 6, 3))
    empty = tmp_path / "empty.msgpack"
    empty.write_bytes(serialization.to_bytes({"params": {}}))
    architecture = ARCHITECTURES / f"{name}.yaml"
    assert run("verify", empty, tmp_path / "golden.npz", "--architecture", architecture) == 0


@pytest.mark.parametrize("model", [nn.Dense(4), nn.Conv(4, (2, 2), padding="VALID")])
def test_a_single_layer_has_no_name(tmp_path, model):
    name = "flax_dense" if isinstance(model, nn.Dense) else "flax_conv"
    shape = MODELS[name][1]
    variables = random_variables(model, np.zeros((1, *shape), np.float32))
    (tmp_path / "bare.msgpack").write_bytes(serialization.to_bytes(variables["params"]))
    write_golden(tmp_path / "golden.npz", model, variables, shape)
    architecture = ARCHITECTURES / f"{name}.yaml"
    assert (
        run("verify", tmp_path / "bare.msgpack", tmp_path / "golden.npz", "--architecture", architecture) == 0
    )


class FlaxUNet(nn.Module):
    """The U-Net from its description in docs/weights.md, with its layers' names in Keras."""

    architecture: Architecture

    @nn.compact
    def __call__(self, x):
        from livedead.network.unet import SKIPS, encoder_blocks

        def norm(name, eps=1e-3):
            return nn.BatchNorm(use_running_average=True, epsilon=eps, name=name)

        def relu6(x):
            return nn.relu6(x)

        def conv(features, kernel, name, stride=1, groups=1):
            return nn.Conv(
                features, (kernel, kernel), (stride, stride), "SAME", feature_group_count=groups,
                use_bias=False, name=name,
            )  # fmt: skip

        blocks, skips = encoder_blocks(self.architecture.alpha), {}
        x = relu6(norm("bn_Conv1")(conv(blocks[0].in_channels, 3, "Conv1", 2)(x)))
        for block in blocks:
            entry, name = x, block.name
            if block.expands:
                x = relu6(norm(f"{name}_expand_BN")(conv(block.hidden, 1, f"{name}_expand")(x)))
                skips[f"{name}_expand"] = x
            x = conv(block.hidden, 3, f"{name}_depthwise", block.stride, block.hidden)(x)
            x = conv(block.out_channels, 1, f"{name}_project")(relu6(norm(f"{name}_depthwise_BN")(x)))
            if block is not blocks[-1]:
                x = norm(f"{name}_project_BN")(x)
            x = x + entry if block.is_residual else x

        def up(features, name, bias):
            kernel = (self.architecture.kernel,) * 2
            return nn.ConvTranspose(
                features, kernel, (2, 2), "SAME", transpose_kernel=True, use_bias=bias, name=name
            )

        for k, (width, skip) in enumerate(
            zip(self.architecture.decoder_widths, reversed(SKIPS), strict=True)
        ):
            number = f"_{k}" if k else ""
            x = nn.relu(
                norm(f"batch_normalization{number}")(up(width, f"conv2d_transpose{number}", False)(x))
            )
            x = jax.numpy.concatenate([x, skips[skip]], axis=-1)
        return up(self.architecture.n_classes, "conv2d_transpose_4", True)(x)


@pytest.mark.parametrize("kernel", [3, 4])
@pytest.mark.parametrize("suffix", [".msgpack", ".flax.safetensors"])
def test_the_unet_runs_in_flax_and_comes_back(tmp_path, kernel, suffix):
    architecture = Architecture(n_classes=3, alpha=0.35, decoder_widths=(16, 12, 8, 8), kernel=kernel)
    network = randomized(architecture)
    path = tmp_path / f"unet{suffix}"
    formats.write(path, from_unet(network))
    model = FlaxUNet(architecture)
    x = np.random.default_rng(0).uniform(-1, 1, (1, 64, 96, 1)).astype(np.float32)
    if suffix == ".msgpack":
        variables = serialization.from_bytes(model.init(jax.random.key(0), x), path.read_bytes())
        found = np.asarray(model.apply(variables, x))
        with torch.no_grad():
            expected = network(torch.from_numpy(x.transpose(0, 3, 1, 2))).permute(0, 2, 3, 1).numpy()
        np.testing.assert_allclose(found, expected, rtol=0, atol=1e-4 * np.ptp(expected))
        np.savez(tmp_path / "golden.npz", x=x, output=found)
        assert run("verify", path, tmp_path / "golden.npz") == 0
    back = as_unet(formats.read(path))
    for key, tensor in network.state_dict().items():
        assert torch.equal(tensor, back.state_dict()[key]), key
