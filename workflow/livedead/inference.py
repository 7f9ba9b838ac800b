"""From a normalized field to its class map: whole where it fits, in exact tiles where not.

The result is defined by one pass over the field, padded at the bottom and right to a multiple
of 32 by reflection. A tile gives the same logits if its origin lies on that grid and its halo
covers the receptive field; windows end where the padded field ends, so that the network's own
zero padding falls in the same place. Nothing is blended, so there is no seam to hide.
"""

import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from livedead.errors import ConfigError
from livedead.unet import SKIPS, STRIDE, Architecture, UNet, encoder_blocks

HALO_PX = 288
"""Context that decides a pixel: 277 px on the low side and 246 on the high side, on the grid."""

DEVICES = ("auto", "cpu", "cuda")
PRECISIONS = ("float32", "bfloat16")

Predict = Callable[[np.ndarray], np.ndarray]
Slices = tuple[slice, slice]
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Plan:
    """How fields are computed; part of the configuration, so that every job uses the same.

    Attributes
    ----------
    device : {'auto', 'cpu', 'cuda'}
    precision : {'float32', 'bfloat16'}
    memory_mb : int
        Memory that activations may take; beyond it a field is computed in tiles.
    tile_px : int, optional
        Side of the tiles' cores, a multiple of 32; forces tiles.
    """

    device: str = "auto"
    precision: str = "float32"
    memory_mb: int = 4000
    tile_px: int | None = None

    def __post_init__(self) -> None:
        if self.device not in DEVICES:
            raise ConfigError(f"device {self.device!r}; allowed: {', '.join(DEVICES)}")
        if self.precision not in PRECISIONS:
            raise ConfigError(f"precision {self.precision!r}; allowed: {', '.join(PRECISIONS)}")
        if self.tile_px is not None and (self.tile_px < STRIDE or self.tile_px % STRIDE):
            raise ConfigError(f"tile_px {self.tile_px}; allowed: positive multiples of {STRIDE}")


def choose_device(device: str) -> torch.device:
    """The device that `device` names; ``auto`` is a GPU where one is visible.

    Raises
    ------
    ConfigError
        If ``cuda`` is asked for and this PyTorch cannot reach a GPU.
    """
    if device == "cuda" and not torch.cuda.is_available():
        built = "has CUDA, but sees no GPU" if torch.version.cuda else "is a CPU build"
        raise ConfigError(
            f"device: cuda, but PyTorch {torch.__version__} {built}; "
            "install a CUDA build, ask the scheduler for a GPU, or set device: cpu"
        )
    if device == "auto":
        device = "cuda" if torch.cuda.is_available() else "cpu"
    return torch.device(device)


def padded(field: np.ndarray) -> np.ndarray:
    """A (C, H, W) field padded at the bottom and right, by reflection, to multiples of 32."""
    height, width = field.shape[-2:]
    if height == 0 or width == 0:
        raise ValueError(f"empty field of shape {field.shape}")
    return np.pad(field, ((0, 0), (0, -height % STRIDE), (0, -width % STRIDE)), mode="reflect")


def windows(shape: tuple[int, int], core_px: int, halo_px: int) -> Iterator[tuple[Slices, Slices, Slices]]:
    """Cut a padded field into cores with halos.

    Yields
    ------
    window, inner, core : pairs of slices
        `window` cuts the input from the field; `inner` cuts the core from the window's
        output; `core` is where it belongs in the field. Cores tile the field exactly.
    """
    height, width = shape
    for top in range(0, height, core_px):
        for left in range(0, width, core_px):
            window, inner, core = [], [], []
            for start, side in ((top, height), (left, width)):
                stop = min(start + core_px, side)
                low = max(start - halo_px, 0)
                window.append(slice(low, min(stop + halo_px, side)))
                inner.append(slice(start - low, stop - low))
                core.append(slice(start, stop))
            yield (window[0], window[1]), (inner[0], inner[1]), (core[0], core[1])


def predict_tiled(predict: Predict, field: np.ndarray, core_px: int, halo_px: int = HALO_PX) -> np.ndarray:
    """Apply `predict` to a padded field window by window.

    Parameters
    ----------
    predict : callable
        (C, h, w) -> (K, h, w), for h and w multiples of 32.
    field : ndarray, (C, H, W)
        H and W multiples of 32.

    Returns
    -------
    ndarray, (K, H, W)
    """
    output: np.ndarray | None = None
    for window, inner, core in windows((field.shape[1], field.shape[2]), core_px, halo_px):
        part = predict(field[:, *window])
        if output is None:
            output = np.empty((part.shape[0], *field.shape[-2:]), part.dtype)
        output[:, *core] = part[:, *inner]
    assert output is not None
    return output


def bytes_per_pixel(architecture: Architecture) -> float:
    """Estimate of the memory that one pixel's float32 activations take at the peak.

    The peak is the last join of decoder and skip, where the two parts and the joined tensor
    live at once, beside what waits from the join before. Measured at alpha 1.0: 524 bytes.
    """
    hidden = {f"{block.name}_expand": block.hidden for block in encoder_blocks(architecture.alpha)}
    *_, coarse_width, fine_width = architecture.decoder_widths
    fine = 2 * (fine_width + hidden[SKIPS[0]]) / 4
    coarse = 2 * (coarse_width + hidden[SKIPS[1]]) / 16
    return 1.2 * 4 * (fine + coarse + architecture.n_classes)


def choose_core_px(architecture: Architecture, n_pixels: int, plan: Plan) -> int | None:
    """Side of the tiles' cores, or None where the whole field fits the plan's memory."""
    if plan.tile_px is not None:
        return plan.tile_px
    pixels = plan.memory_mb * 1e6 / bytes_per_pixel(architecture)
    if n_pixels <= pixels:
        return None
    core = int(pixels**0.5 - 2 * HALO_PX) // STRIDE * STRIDE
    if core < STRIDE:
        raise ConfigError(
            f"memory_mb: {plan.memory_mb} is too little for any tile of this network; "
            f"at least {bytes_per_pixel(architecture) * (2 * HALO_PX + STRIDE) ** 2 / 1e6:.0f} is needed"
        )
    return core


def fold_batch_norm(network: UNet) -> UNet:
    """Fold every BatchNorm into the convolution before it, in place; evaluation mode only."""
    for part in (network.encoder, network.decoder):
        norms = {name: norm for name, norm in part.named_modules() if isinstance(norm, nn.BatchNorm2d)}
        for name, norm in norms.items():
            path = _convolution_before(name)
            convolution = part.get_submodule(path)
            assert isinstance(convolution, nn.Conv2d | nn.ConvTranspose2d)
            transposed = isinstance(convolution, nn.ConvTranspose2d)
            part.set_submodule(path, fuse_conv_bn_eval(convolution, norm, transpose=transposed))
            part.set_submodule(name, nn.Identity())
    return network


def _convolution_before(norm: str) -> str:
    """Path of the convolution that a BatchNorm follows, by the naming of `livedead.unet`."""
    if norm == "bn_Conv1":
        return "Conv1"
    return norm.removesuffix("_BN") if norm.endswith("_BN") else norm.removesuffix("bn") + "conv"


class Segmenter:
    """A network made ready to turn fields into class maps.

    Parameters
    ----------
    network : UNet
        Is taken over: its BatchNorms are folded and it moves to the plan's device.
    plan : Plan
    """

    def __init__(self, network: UNet, plan: Plan):
        self.plan = plan
        self.device = choose_device(plan.device)
        # A number must not depend on which kernels a driver prefers today.
        torch.backends.cudnn.allow_tf32 = False
        torch.backends.cuda.matmul.allow_tf32 = False
        torch.backends.cudnn.benchmark = False
        folded = fold_batch_norm(network.eval().requires_grad_(False))
        self.network = folded.to(self.device).to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    def logits(self, field: np.ndarray) -> np.ndarray:
        """Decision values of every class.

        Parameters
        ----------
        field : ndarray, (C, H, W), float32, in [-1, 1]

        Returns
        -------
        ndarray, (n_classes, H, W), float32
        """
        height, width = field.shape[-2:]
        whole = padded(field)
        core_px = choose_core_px(self.network.architecture, whole[0].size, self.plan)
        if core_px is None:
            output = self._predict(whole)
        else:
            log.info("field of %d x %d px in tiles of %d px", height, width, core_px)
            output = predict_tiled(self._predict, whole, core_px)
        return output[:, :height, :width]

    def class_map(self, field: np.ndarray) -> np.ndarray:
        """The most likely class of every pixel, (H, W) uint8; ties go to the lower number."""
        return self.logits(field).argmax(axis=0).astype(np.uint8)

    def _predict(self, window: np.ndarray) -> np.ndarray:
        low = self.plan.precision == "bfloat16"
        with torch.inference_mode(), torch.autocast(self.device.type, torch.bfloat16, enabled=low):
            batch = torch.from_numpy(np.ascontiguousarray(window))[None].to(self.device)
            output = self.network(batch.contiguous(memory_format=torch.channels_last))
        return output[0].float().cpu().numpy()
