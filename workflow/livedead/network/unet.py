"""The network: a MobileNetV2 encoder and a Pix2Pix decoder, equal to Keras's up to rounding.

Modules of the encoder have the names of Keras's layers (``block_3_expand``,
``block_3_expand_BN``, ...), so that the weights are converted by name.

References
----------
Sandler et al. (2018), MobileNetV2, https://arxiv.org/abs/1801.04381; Isola et al. (2017),
Pix2Pix, https://arxiv.org/abs/1611.07004; and the Keras source of ``mobilenet_v2``.
"""

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

STRIDE = 32
"""The encoder halves the field five times, so both sides must be multiples of this."""

SKIPS = ("block_1_expand", "block_3_expand", "block_6_expand", "block_13_expand")
"""Layers whose ReLU6 output feeds the decoder, from fine (/2) to coarse (/16)."""

NARROW = SKIPS[:2]
"""The two widest of them, which `UNet.decode_banded` recomputes band by band."""

BAND_HALO = 2
"""Rows, at 1/8 of the size, that the fine half of the decoder reads beyond a band."""

# Expansion factor, channels at alpha 1, repeats, stride of the first: table 2 of the paper.
_STAGES = (
    (1, 16, 1, 1),
    (6, 24, 2, 2),
    (6, 32, 3, 2),
    (6, 64, 4, 2),
    (6, 96, 3, 1),
    (6, 160, 3, 2),
    (6, 320, 1, 1),
)


@dataclass(frozen=True)
class Architecture:
    """What must be known to build the network; written into every weight file.

    Attributes
    ----------
    n_classes : int
        Channels of the output.
    alpha : float
        Width multiplier of the encoder, 0.35 to 1.4.
    decoder_widths : tuple of 4 int
        Channels after each upsampling block, coarse to fine.
    kernel : int
        Side of the transposed convolutions: 4, or 3 as in the TensorFlow tutorial.
    input_channels : int
        Channels of the input; 1 for grey images.
    bottom : str
        ``"project"``: the bottom is block 16 before its BatchNorm (the TensorFlow tutorial);
        ``"project_BN"``: after it.
    stride_padding : str
        How stride-2 convolutions of the encoder are padded. ``"correct"``: by the parity of
        the size, as Keras does with a fixed input; ``"even"``: always (0, 1), as Keras does
        with ``Input((None, None, 3))``. They differ for odd sizes only.
    encoder_eps, decoder_eps : float
        Added to the variance in every BatchNorm.
    name : str
        Of this kind of network.

    Raises
    ------
    ValueError
        If kernel, bottom or stride_padding is none of those named above.
    """

    n_classes: int
    alpha: float = 1.0
    decoder_widths: tuple[int, int, int, int] = (512, 256, 128, 64)
    kernel: int = 4
    input_channels: int = 1
    bottom: str = "project"
    stride_padding: str = "correct"
    encoder_eps: float = 1e-3
    decoder_eps: float = 1e-3
    name: str = "mobilenetv2_pix2pix_unet"

    def __post_init__(self) -> None:
        if self.kernel not in (3, 4):
            raise ValueError(f"kernel must be 3 or 4, got {self.kernel}")
        if self.bottom not in ("project", "project_BN"):
            raise ValueError(f"bottom must be 'project' or 'project_BN', got {self.bottom!r}")
        if self.stride_padding not in ("correct", "even"):
            raise ValueError(f"stride_padding must be 'correct' or 'even', got {self.stride_padding!r}")

    def as_dict(self) -> dict[str, Any]:
        """The fields as JSON values."""
        return {**asdict(self), "decoder_widths": list(self.decoder_widths)}

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> "Architecture":
        """The inverse of `as_dict`."""
        return cls(**{**values, "decoder_widths": tuple(values["decoder_widths"])})


def make_divisible(channels: float, divisor: int = 8) -> int:
    """Channels rounded to a multiple of `divisor`, never down by more than 10 % (Keras's rule).

    Examples
    --------
    >>> make_divisible(0.35 * 32), make_divisible(0.75 * 320)
    (16, 240)
    """
    rounded = max(divisor, int(channels + divisor / 2) // divisor * divisor)
    return rounded + divisor if rounded < 0.9 * channels else rounded


@dataclass(frozen=True)
class Block:
    """One inverted residual block of the encoder.

    Attributes
    ----------
    name : str
        Keras's prefix for its layers.
    in_channels, hidden, out_channels : int
        Before the expansion, in the depthwise convolution, after the projection.
    stride : int
    """

    name: str
    in_channels: int
    hidden: int
    out_channels: int
    stride: int

    @property
    def expands(self) -> bool:
        """Whether it begins with an expansion; the first block does not."""
        return self.hidden != self.in_channels

    @property
    def is_residual(self) -> bool:
        """Whether its input is added to its output."""
        return self.stride == 1 and self.in_channels == self.out_channels


def encoder_blocks(alpha: float) -> list[Block]:
    """The 17 inverted residual blocks of MobileNetV2 at width `alpha`, in order."""
    blocks: list[Block] = []
    channels = make_divisible(32 * alpha)
    for expansion, width, repeats, first_stride in _STAGES:
        for repeat in range(repeats):
            name = f"block_{len(blocks)}" if blocks else "expanded_conv"
            out = make_divisible(int(width * alpha))
            stride = first_stride if repeat == 0 else 1
            blocks.append(Block(name, channels, expansion * channels, out, stride))
            channels = out
    return blocks


class StrideConv(nn.Conv2d):
    """A 3 x 3 convolution of stride 2, padded as Keras pads it: the smaller half first."""

    def __init__(self, in_channels: int, out_channels: int, *, groups: int, stride_padding: str):
        super().__init__(in_channels, out_channels, 3, stride=2, groups=groups, bias=False)
        self.stride_padding = stride_padding

    def forward(self, x: Tensor) -> Tensor:
        height, width = x.shape[-2:]
        top, left = (height % 2, width % 2) if self.stride_padding == "correct" else (0, 0)
        return super().forward(F.pad(x, (left, 1, top, 1)))


class Encoder(nn.Module):
    """MobileNetV2 up to block 16: input (N, C, H, W) -> bottom and the four skips."""

    def __init__(self, architecture: Architecture):
        super().__init__()
        eps, padding = architecture.encoder_eps, architecture.stride_padding
        self.bottom = architecture.bottom
        self.blocks = encoder_blocks(architecture.alpha)
        first = self.blocks[0].in_channels
        self.Conv1 = StrideConv(architecture.input_channels, first, groups=1, stride_padding=padding)
        self.bn_Conv1 = nn.BatchNorm2d(first, eps)
        for block in self.blocks:
            hidden, out = block.hidden, block.out_channels
            if block.expands:
                self._add(f"{block.name}_expand", nn.Conv2d(block.in_channels, hidden, 1, bias=False), eps)
            depthwise = (
                StrideConv(hidden, hidden, groups=hidden, stride_padding=padding)
                if block.stride == 2
                else nn.Conv2d(hidden, hidden, 3, padding=1, groups=hidden, bias=False)
            )
            self._add(f"{block.name}_depthwise", depthwise, eps)
            last = block is self.blocks[-1] and self.bottom == "project"
            self._add(f"{block.name}_project", nn.Conv2d(hidden, out, 1, bias=False), None if last else eps)

    def _add(self, name: str, layer: nn.Conv2d, eps: float | None) -> None:
        self.add_module(name, layer)
        if eps is not None:
            self.add_module(f"{name}_BN", nn.BatchNorm2d(layer.out_channels, eps))

    def _step(self, name: str, x: Tensor) -> Tensor:
        x = self.get_submodule(name)(x)
        norm = self._modules.get(f"{name}_BN")
        return x if norm is None else norm(x)

    def expand(self, name: str, entry: Tensor) -> Tensor:
        """Output of an expansion, such as a skip, from the narrow input of its block, (N, C, H, W)."""
        return F.relu6(self._step(name, entry), inplace=True)

    def forward(
        self, x: Tensor, narrow: tuple[str, ...] = (), watch: Callable[[str, Tensor], None] | None = None
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """Bottom, and skips by name; one in `narrow` stays the input of its expansion, a sixth as wide.

        `watch` sees the name of every expansion, and its narrow input, as they are computed.
        """
        skips = {}
        x = F.relu6(self.bn_Conv1(self.Conv1(x)), inplace=True)
        for block in self.blocks:
            entry = x
            if block.expands:
                name = f"{block.name}_expand"
                if watch is not None:
                    watch(name, entry)
                x = self.expand(name, x)
                if name in SKIPS:
                    skips[name] = entry if name in narrow else x
            x = F.relu6(self._step(f"{block.name}_depthwise", x), inplace=True)
            x = self._step(f"{block.name}_project", x)
            if block.is_residual:
                x = x + entry
        return x, skips


class KerasConvTranspose(nn.ConvTranspose2d):
    """A transposed convolution of stride 2 and Keras padding 'same': doubles the size.

    Kernel 4 is torch's ``padding=1``. Kernel 3 has one row and column too many, which Keras
    cuts at the end; torch's own ``padding=1, output_padding=1`` would cut at the start.
    """

    def __init__(self, in_channels: int, out_channels: int, kernel: int, *, bias: bool):
        super().__init__(
            in_channels, out_channels, kernel, stride=2, padding=1 if kernel == 4 else 0, bias=bias
        )

    def forward(self, x: Tensor, output_size: list[int] | None = None) -> Tensor:
        height, width = x.shape[-2:]
        return super().forward(x)[..., : 2 * height, : 2 * width]


class Head(KerasConvTranspose):
    """The last step, to the classes, from the output of the last block joined with the finest skip."""

    def forward(self, x: Tensor, skip: Tensor) -> Tensor:  # type: ignore[override]
        return super().forward(torch.cat([x, skip], dim=1))


def up_block(in_channels: int, out_channels: int, kernel: int, eps: float) -> nn.Sequential:
    """Transposed convolution without bias, BatchNorm, ReLU: Pix2Pix's ``upsample``."""
    return nn.Sequential(
        OrderedDict(
            conv=KerasConvTranspose(in_channels, out_channels, kernel, bias=False),
            bn=nn.BatchNorm2d(out_channels, eps),
            relu=nn.ReLU(inplace=True),
        )
    )


class Decoder(nn.Module):
    """Four upsampling blocks, each joined with a skip, and a last step to the classes."""

    def __init__(self, architecture: Architecture):
        super().__init__()
        blocks = encoder_blocks(architecture.alpha)
        skips = [block.hidden for block in blocks if f"{block.name}_expand" in SKIPS][::-1]
        channels = blocks[-1].out_channels
        for k, (width, skip) in enumerate(zip(architecture.decoder_widths, skips, strict=True)):
            block = up_block(channels, width, architecture.kernel, architecture.decoder_eps)
            self.add_module(f"up_{k}", block)
            channels = width + skip
        self.head = Head(channels, architecture.n_classes, architecture.kernel, bias=True)

    def join(self, k: int, x: Tensor, skip: Tensor) -> Tensor:
        """Output of step k, joined with its skip."""
        return torch.cat([self.get_submodule(f"up_{k}")(x), skip], dim=1)

    def forward(self, x: Tensor, skips: list[Tensor]) -> Tensor:
        """Logits from the bottom and the skips, coarse to fine."""
        *coarse, fine = skips
        for k, skip in enumerate(coarse):
            x = self.join(k, x, skip)
        return self.finish(x, fine)

    def finish(self, x: Tensor, skip: Tensor) -> Tensor:
        """Logits from the output of step 2, joined with its skip, and the finest skip."""
        return self.head(self.get_submodule("up_3")(x), skip)


class UNet(nn.Module):
    """The whole network: (N, input_channels, H, W) in [-1, 1] -> logits, (N, n_classes, H, W).

    H and W are multiples of `STRIDE`; `livedead.network.windows` pads fields of other sizes.

    Examples
    --------
    >>> network = UNet(Architecture(n_classes=5, alpha=0.35, decoder_widths=(16, 12, 8, 8)))
    >>> network(torch.zeros(2, 1, 64, 96)).shape
    torch.Size([2, 5, 64, 96])
    """

    def __init__(self, architecture: Architecture):
        super().__init__()
        self.architecture = architecture
        self.encoder = Encoder(architecture)
        self.decoder = Decoder(architecture)

    def forward(self, x: Tensor) -> Tensor:
        return self.decode(*self.encoder(x))

    def decode(self, bottom: Tensor, skips: dict[str, Tensor]) -> Tensor:
        """Logits, (N, n_classes, H, W), of what the encoder gives."""
        return self.decoder(bottom, [skips[name] for name in reversed(SKIPS)])

    def decode_banded(self, bottom: Tensor, skips: dict[str, Tensor], band_px: int) -> Tensor:
        """The same logits, of what the encoder gives with the skips `NARROW`.

        The coarse steps run on the whole field. Each band carries `BAND_HALO` rows of context at 1/8 of
        the size, which covers the three transposed convolutions that follow, and recomputes its part of
        the two wide skips from their narrow inputs.

        Parameters
        ----------
        skips : dict
            Those that are used first are taken out, to free their memory.
        band_px : int
            Rows of the output per band, a multiple of 8.
        """
        fine, middle, *coarse = SKIPS
        joined = self.decoder.join(0, bottom, skips.pop(coarse[1]))
        joined = self.decoder.join(1, joined, skips.pop(coarse[0]))
        n_images, _, rows, columns = joined.shape
        output = joined.new_empty((n_images, self.architecture.n_classes, 8 * rows, 8 * columns))
        for start in range(0, rows, band_px // 8):
            stop = min(start + band_px // 8, rows)
            low, high = max(start - BAND_HALO, 0), min(stop + BAND_HALO, rows)
            part = self.decoder.join(
                2,
                joined[:, :, low:high],
                self.encoder.expand(middle, skips[middle][:, :, 2 * low : 2 * high]),
            )
            part = self.decoder.finish(part, self.encoder.expand(fine, skips[fine][:, :, 4 * low : 4 * high]))
            output[:, :, 8 * start : 8 * stop] = part[:, :, 8 * (start - low) : 8 * (stop - low)]
        return output


def grey_filters(rgb: Tensor, input_channels: int) -> Tensor:
    """First-layer filters for grey input made from RGB ones, (o, 3, h, w) -> (o, c, h, w).

    A sum over the colours does to a grey channel what the RGB filters do to three copies of it.
    Several input channels each get the sum divided by their number, as a start for training.
    """
    return rgb.sum(dim=1, keepdim=True).repeat(1, input_channels, 1, 1) / input_channels
