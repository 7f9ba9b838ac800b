"""The network rewritten for inference: the same logits up to rounding, in less time and memory."""

from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils.fusion import fuse_conv_bn_eval

from livedead.network.unet import Head, StrideConv, UNet


def folded(network: UNet) -> UNet:
    """The network, rewritten in place: for evaluation only, and for fields of even sides."""
    network.eval().requires_grad_(False)
    fold_batch_norm(network)
    pad_evenly(network)
    head = PhasedHead(network.decoder.head, network.architecture.decoder_widths[-1])
    network.set_submodule("decoder.head", head)
    return network


def fold_batch_norm(network: UNet) -> None:
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


def _convolution_before(norm: str) -> str:
    """Path of the convolution that a BatchNorm follows, by the naming of `livedead.network.unet`."""
    if norm == "bn_Conv1":
        return "Conv1"
    return norm.removesuffix("_BN") if norm.endswith("_BN") else norm.removesuffix("bn") + "conv"


def pad_evenly(network: UNet) -> None:
    """Replace every `StrideConv` by one that pads all sides alike, in place; for even sizes only.

    Keras pads an even side at its end alone, for which the input would be copied. A first row
    and column of zeros in the kernel do the same.
    """
    strided = {name: part for name, part in network.named_modules() if isinstance(part, StrideConv)}
    for name, part in strided.items():
        even = nn.Conv2d(
            part.in_channels, part.out_channels, 4, stride=2, padding=1, groups=part.groups, bias=False
        )
        even.weight, even.bias = nn.Parameter(F.pad(part.weight, (1, 0, 1, 0)), False), part.bias
        network.set_submodule(name, even)


class PhasedHead(nn.Module):
    """The same logits as `livedead.network.unet.Head`, in half the time.

    A transposed convolution of stride 2 has four phases, even and odd rows by even and odd
    columns. Each is a convolution of 2 x 2, and an odd phase reads the windows that the even one
    reads a row or column further on, so that one convolution with four times the channels serves
    all; five classes alone would leave most of a processor's vector unit empty. The two inputs
    are convolved separately and added, which saves joining them.

    Parameters
    ----------
    head : Head
        Its kernel 3, which Keras cuts at the end, is kernel 4 with a first row and column of zeros.
    n_first : int
        Channels of the head's first input.
    """

    first: Tensor
    second: Tensor
    bias: Tensor

    def __init__(self, head: Head, n_first: int):
        super().__init__()
        kernel = F.pad(head.weight, (1, 0, 1, 0)) if head.kernel_size[0] == 3 else head.weight
        n_in, self.n_classes = kernel.shape[:2]
        # Row d of window r is input row r - 1 + d. Phase p has it under row 3 - p - 2 d of the kernel.
        split = kernel.flip(2, 3).reshape(n_in, self.n_classes, 2, 2, 2, 2)
        phases = split.permute(3, 5, 1, 0, 2, 4).reshape(4 * self.n_classes, n_in, 2, 2)
        assert head.bias is not None
        self.register_buffer("first", phases[:, :n_first])
        self.register_buffer("second", phases[:, n_first:])
        self.register_buffer("bias", head.bias.repeat(4))

    def forward(self, x: Tensor, skip: Tensor) -> Tensor:
        """Logits, (N, K, 2 H, 2 W), of two inputs of (N, ..., H, W)."""
        windows = F.conv2d(x, self.first, self.bias, padding=1).add_(F.conv2d(skip, self.second, padding=1))
        height, width = x.shape[-2:]
        logits = windows.new_empty((len(x), self.n_classes, 2 * height, 2 * width))
        for phase, window in enumerate(windows.split(self.n_classes, dim=1)):
            row, column = divmod(phase, 2)
            logits[:, :, row::2, column::2] = window[:, :, row : row + height, column : column + width]
        return logits
