"""Whether tensors can give numbers at all: what would turn logits into NaN, infinity or a constant."""

import copy

import numpy as np
import torch

from livedead.network.folding import folded
from livedead.network.unet import STRIDE, UNet


def not_finite(array: np.ndarray) -> list[str]:
    """What to say of values that float32 cannot hold; empty for a good tensor."""
    with np.errstate(over="ignore"):
        n_bad = array.size - int(np.isfinite(array.astype(np.float32, copy=False)).sum())
    return [f"{n_bad} of {array.size} values are NaN or infinite, or beyond float32 (3.4e38)"] * bool(n_bad)


def negative(variances: np.ndarray) -> list[str]:
    """What to say of negative variances, whose square root the network would divide by."""
    n_bad = int((variances < 0).sum())
    said = f"{n_bad} of {variances.size} variances are negative, down to {variances.min(initial=0):.3g}"
    return [f"{said}; allowed: 0 and more"] * bool(n_bad)


def unet_defects(network: UNet) -> list[str]:
    """What keeps a U-Net from telling one pixel from another; empty for a good one.

    Its tensors one by one; then as they are used, with each BatchNorm folded into its convolution;
    then its logits of noise, which must be finite and not the same everywhere.
    """
    state = {name: tensor.numpy() for name, tensor in network.state_dict().items()}
    found = [
        f"tensor {name}: {defect}"
        for name, array in state.items()
        if array.dtype.kind == "f"
        for defect in not_finite(array) + (negative(array) if name.endswith("running_var") else [])
    ]
    if found:
        return found
    fast = folded(copy.deepcopy(network))
    found = [
        f"tensor {name}: finite, but beyond float32 (3.4e38) once its BatchNorm is folded in"
        for name, tensor in fast.state_dict().items()
        if not tensor.isfinite().all()
    ]
    if found:
        return found
    shape = (1, network.architecture.input_channels, 2 * STRIDE, 2 * STRIDE)
    noise = torch.rand(shape, generator=torch.Generator().manual_seed(0)) * 2 - 1
    with torch.inference_mode():
        low, high = torch.aminmax(fast(noise)[0].flatten(1), dim=1)
    if not (low.isfinite() & high.isfinite()).all():
        return ["its logits of noise are NaN or infinite: the values of its layers overflow"]
    if (low == high).all():
        return ["its logits of noise are the same at every pixel: nothing of its input reaches its output"]
    return []
