"""How fields are computed, and how much memory that takes."""

import math
from dataclasses import dataclass
from typing import Any

from livedead.errors import ConfigError
from livedead.network.devices import DEVICES
from livedead.network.resampling import Grid
from livedead.network.unet import SKIPS, STRIDE, Architecture, encoder_blocks
from livedead.network.windows import HALO_PX, padded_shape

PASSES = ("whole", "banded", "tiled")
"""In one piece; the fine half of the decoder in bands of rows; in tiles. Each needs less memory."""
PRECISIONS = ("float32", "bfloat16")
LARGE_FIELD_PX = 50_000_000
"""Larger fields are not read ahead, and their flat-field stays on disk: only one is in memory."""
PROCESS_MB = 900
"""What Python, PyTorch, and fragments that the C library cannot reuse take beside a field."""


@dataclass(frozen=True)
class Plan:
    """How fields are computed; part of the configuration, so that every job uses the same.

    Attributes
    ----------
    device : {'auto', 'cpu', 'cuda'}
    precision : {'float32', 'bfloat16'}
    memory_mb : int
        Memory that the process may take; it decides between the three `PASSES`.
    force : {None, 'whole', 'banded', 'tiled'}
        Takes that pass whatever the memory.
    tile_px : int, optional
        Side of the tiles' cores, a multiple of 32; from `memory_mb` if not given.
    threads : int
        Of the processor. The order of sums depends on it, so it does not follow the cores that a
        job happens to get.

    Examples
    --------
    >>> Plan.from_config({"device": "cpu", "tile_px": 512, "seam": {"checks": 2}}).tile_px
    512
    """

    device: str = "auto"
    precision: str = "float32"
    memory_mb: int = 4000
    force: str | None = None
    tile_px: int | None = None
    threads: int = 2

    @classmethod
    def from_config(cls, segmentation: dict[str, Any]) -> "Plan":
        """The plan in the section ``segmentation`` of the configuration."""
        return cls(**{name: value for name, value in segmentation.items() if name != "seam"})

    def __post_init__(self) -> None:
        allowed = (("device", DEVICES), ("precision", PRECISIONS), ("force", (None, *PASSES)))
        for name, values in allowed:
            if getattr(self, name) not in values:
                raise ConfigError(f"{name} {getattr(self, name)!r}; allowed: {', '.join(map(str, values))}")
        if self.tile_px is not None and (self.tile_px < STRIDE or self.tile_px % STRIDE):
            raise ConfigError(f"tile_px {self.tile_px}; allowed: positive multiples of {STRIDE}")


def choose_pass(architecture: Architecture, grid: Grid, plan: Plan) -> tuple[str, int]:
    """The pass for the fields of a plate, and the side of its tiles' cores in px.

    Raises
    ------
    ConfigError
        If the memory does not suffice for the smallest tile.

    Examples
    --------
    >>> from livedead.network.resampling import OwnGrid
    >>> choose_pass(Architecture(n_classes=5), OwnGrid((2700, 3600)), Plan(memory_mb=8000))
    ('whole', 0)
    >>> choose_pass(Architecture(n_classes=5), OwnGrid((2700, 3600)), Plan(memory_mb=4000))
    ('banded', 0)
    """
    n_pixels, n_raw = (math.prod(padded_shape(shape)) for shape in (grid.shape, grid.plate_shape))
    held = PROCESS_MB * 1e6 + n_raw * held_bytes_per_pixel(architecture, n_raw)
    budget = plan.memory_mb * 1e6 - held
    # Being read: all channels in float32, and of one its counts and the steps of its normalization.
    read = (4 * architecture.input_channels + 18) * n_raw / n_pixels
    whole, banded = (max(read, bytes_per_pixel(architecture, banded)) for banded in (False, True))
    smallest = whole * (2 * HALO_PX + STRIDE) ** 2
    core_px = plan.tile_px or int((max(budget, 0) / whole) ** 0.5 - 2 * HALO_PX) // STRIDE * STRIDE
    if plan.force is not None:
        return plan.force, max(core_px, STRIDE)
    if plan.tile_px is not None:
        return "tiled", core_px
    if n_pixels * whole <= budget:
        return "whole", 0
    if n_pixels * banded <= budget:
        return "banded", 0
    if core_px < STRIDE:
        raise ConfigError(
            f"memory_mb: {plan.memory_mb} is not enough for a field of {n_raw:,} px with this network; "
            f"at least {(held + smallest) / 1e6:.0f} is needed"
        )
    return "tiled", core_px


def bytes_per_pixel(architecture: Architecture, banded: bool = False) -> float:
    """Estimate of the memory that one pixel's float32 activations take at the peak.

    Whole, the peak is in the last step, where its two inputs, the input of the step before, and
    the logits live at once. Banded, it is in the encoder: the first expansion, before and after
    its depthwise convolution. Measured at alpha 1.0 and 2048 x 2048 px, with
    `livedead.network.devices.keep_memory`: 380 to 419 and 186 to 198 bytes.
    """
    hidden = {f"{block.name}_expand": block.hidden for block in encoder_blocks(architecture.alpha)}
    *_, coarse_width, fine_width = architecture.decoder_widths
    first, second = hidden[SKIPS[0]], hidden[SKIPS[1]]
    if banded:
        return 1.2 * 4 * (1.25 * first / 4 + second / 16 + architecture.n_classes)
    fine, coarse = (fine_width + first) / 4, (coarse_width + 2 * second) / 16
    return 1.3 * 4 * (fine + coarse + 3 * architecture.n_classes)


def held_bytes_per_pixel(architecture: Architecture, n_pixels: int) -> int:
    """Memory that each pixel of a field of `n_pixels` takes beside its activations.

    Its raw counts and its class map; if the field is not a large one, also two fields read
    ahead and the flat-field in float32.
    """
    raw = 2 * architecture.input_channels
    return raw + 1 if n_pixels > LARGE_FIELD_PX else 5 * raw + 1
