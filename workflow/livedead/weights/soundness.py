"""Whether a U-Net can give numbers at all, and not only NaN, infinity or a constant."""

import copy

import torch

from livedead.network.folding import folded
from livedead.network.unet import STRIDE, UNet
from livedead.weights.sources import negative, not_finite


def unet_defects(unet: UNet) -> list[str]:
    """What keeps a U-Net from telling one pixel from another; empty for a good one.

    Its tensors one by one; then as they are used, with each BatchNorm folded into its convolution;
    then its logits of noise, which must be finite and not the same everywhere.
    """
    found = []
    for name, tensor in unet.state_dict().items():
        if tensor.is_floating_point():
            array = tensor.numpy()
            defects = not_finite(array) + (negative(array) if name.endswith("running_var") else [])
            found += [f"tensor {name}: {defect}" for defect in defects]
    if found:
        return found
    fast = folded(copy.deepcopy(unet))
    found = [
        f"tensor {name}: finite, but beyond float32 (3.4e38) once its BatchNorm is folded in"
        for name, tensor in fast.state_dict().items()
        if not tensor.isfinite().all()
    ]
    if found:
        return found
    shape = (1, unet.architecture.input_channels, 2 * STRIDE, 2 * STRIDE)
    noise = torch.rand(shape, generator=torch.Generator().manual_seed(0)) * 2 - 1
    with torch.inference_mode():
        low, high = torch.aminmax(fast(noise)[0].flatten(1), dim=1)
    if not (low.isfinite() & high.isfinite()).all():
        return ["its logits of noise are NaN or infinite: the values of its layers overflow"]
    if (low == high).all():
        return ["its logits of noise are the same at every pixel: nothing of its input reaches its output"]
    return []
