"""From a raw field to its class map: whole where it fits, banded or in exact tiles where not.

The result is defined by one pass over the field, padded at the bottom and right to a multiple
of 32 by reflection. The banded pass computes the same sums in less memory. A tile gives the
same logits if its origin lies on the grid of 32 and its halo covers the receptive field;
windows end where the padded field ends, so that the network's own zero padding falls in the
same place. Nothing is blended, so there is no seam to hide; each job measures that.
"""

import ctypes
import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from livedead.errors import ConfigError, FieldError
from livedead.network.folding import folded
from livedead.network.unet import SKIPS, STRIDE, Architecture, UNet, encoder_blocks
from livedead.normalization.transforms import Key, Transform, normalize

DEVICES = ("auto", "cpu", "cuda")
PRECISIONS = ("float32", "bfloat16")
PASSES = ("whole", "banded", "tiled")
BAND_PX = 256
UNSTABLE_MARGINS = {"float32": 1e-4, "bfloat16": 2.5}
"""Logits nearer than this could change places by rounding: the noise measured between plans in
float32; in bfloat16, what 99.9 % of pixels stay under, with trained weights (docs/inference.md)."""
LARGE_FIELD_PX = 50_000_000
"""Larger fields are not read ahead, and their flat-field stays on disk: memory holds one alone."""
PROCESS_MB = 900
"""What Python, PyTorch, and the C library's unused fragments take beside a field."""

_M_TRIM_THRESHOLD, _M_MMAP_MAX, _M_ARENA_MAX = -1, -4, -8  # malloc.h

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
        Memory that the process may take; it decides between the three passes.
    force : {None, 'whole', 'banded', 'tiled'}
        Takes that pass whatever the memory.
    tile_px : int, optional
        Side of the tiles' cores, a multiple of 32; from `memory_mb` if not given.
    threads : int
        Of the processor. The order of sums depends on it, so it does not follow the cores that a
        job happens to get.
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


class Segmentation(NamedTuple):
    """The class map of one field, and where rounding could change it.

    Attributes
    ----------
    class_map : ndarray, (H, W), uint8
    unstable : ndarray, (n,), int64
        Flat places of pixels whose two best logits differ by less than the precision's margin
        in `UNSTABLE_MARGINS`.
    runners_up : ndarray, (n,), uint8
        The second best class of each of them.
    """

    class_map: np.ndarray
    unstable: np.ndarray
    runners_up: np.ndarray


@dataclass(frozen=True)
class SeamCheck:
    """How much the probabilities of a window depend on where the window was cut."""

    n_pixels: int
    n_changed: int
    largest_difference: float


def keep_memory() -> None:
    """Let this process keep freed memory for its next field, where the C library is glibc's.

    By default glibc hands large activations back to the kernel after each layer and faults
    them in again for the next; that cost more than a third of the time of a field on CPU. All
    threads share one arena, since only the first of a process can grow without end.
    """
    library = ctypes.CDLL(None)
    if hasattr(library, "mallopt"):
        library.mallopt(_M_MMAP_MAX, 0)
        library.mallopt(_M_TRIM_THRESHOLD, -1)
        library.mallopt(_M_ARENA_MAX, 1)


def choose_device(device: str, given_gpus: str = "") -> torch.device:
    """The device that `device` names; ``auto`` is a GPU where one is visible.

    Parameters
    ----------
    device : {'auto', 'cpu', 'cuda'}
    given_gpus : str
        GPUs that the scheduler gave this job (``CUDA_VISIBLE_DEVICES``); a job that was given
        one never falls back to the CPU.

    Raises
    ------
    ConfigError
        If a GPU was asked for or given, and this PyTorch cannot reach it.
    """
    available = torch.cuda.is_available()
    if not available and (device == "cuda" or (device == "auto" and given_gpus not in ("", "-1"))):
        built = "has CUDA, but sees no GPU" if torch.version.cuda else "is a CPU build"
        wanted = "device: cuda" if device == "cuda" else f"this job was given GPU {given_gpus}"
        raise ConfigError(
            f"{wanted}, but PyTorch {torch.__version__} {built}; "
            "install a CUDA build, ask the scheduler for a GPU, or set device: cpu"
        )
    return torch.device("cuda" if available and device != "cpu" else "cpu")


def receptive_halo() -> int:
    """Context that decides a pixel, in px, rounded up to the grid of 32.

    Followed backwards from an output pixel: on its way each layer widens the interval of the
    inputs that it reads. Widths and weights do not matter, so one answer serves every network
    of this kind; kernel 4 of the decoder covers kernel 3.
    """
    # Half-open interval of rows at the current scale, for the output rows of one grid cell.
    low, high = 0, STRIDE
    for _ in range(5):  # transposed convolutions: output row r reads input rows r // 2 - 1 .. (r + 1) // 2
        low, high = (low - 1) // 2, (high + 2) // 2
    for block in reversed(encoder_blocks(1.0)):
        # A 3 x 3 convolution of stride s reads rows s r - 1 .. s r + 1, or s r .. s r + 2 padded by Keras.
        pad = 1 if block.stride == 1 else 0
        low, high = block.stride * low - pad, block.stride * (high - 1) - pad + 3
    low, high = 2 * low, 2 * (high - 1) + 3
    reach = max(-low, high - STRIDE)
    return -(-reach // STRIDE) * STRIDE


HALO_PX = receptive_halo()


def reflected(side: int) -> np.ndarray:
    """Rows of a field, continued by reflection to a multiple of 32 (NumPy's, which serves 1 px)."""
    return np.pad(np.arange(side), (0, -side % STRIDE), mode="reflect")


def padded_window(field: np.ndarray, window: Slices) -> np.ndarray:
    """A window of a (..., H, W) field padded at the bottom and right, by reflection, to 32."""
    if all(part.stop <= side for part, side in zip(window, field.shape[-2:], strict=True)):
        return field[..., *window]
    rows, columns = (reflected(side)[part] for part, side in zip(window, field.shape[-2:], strict=True))
    top, left = int(rows.min()), int(columns.min())
    # Cut as a rectangle first: a field that lies on disk knows nothing else.
    cut = field[..., top : int(rows.max()) + 1, left : int(columns.max()) + 1]
    return cut[..., (rows - top)[:, None], columns - left]


def padded(field: np.ndarray) -> np.ndarray:
    """The whole field, padded."""
    return padded_window(field, _whole(field.shape))


def _whole(shape: tuple[int, ...]) -> Slices:
    """The window of the whole padded field."""
    height, width = (side + -side % STRIDE for side in shape[-2:])
    return slice(0, height), slice(0, width)


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
            core = (slice(top, min(top + core_px, height)), slice(left, min(left + core_px, width)))
            window, inner = _with_halo(core, shape, halo_px)
            yield window, inner, core


def _with_halo(core: Slices, shape: tuple[int, int], halo_px: int) -> tuple[Slices, Slices]:
    """The core with its halo, clipped at the field, and the core's place in it."""
    window = tuple(
        slice(max(part.start - halo_px, 0), min(part.stop + halo_px, side))
        for part, side in zip(core, shape, strict=True)
    )
    inner = tuple(
        slice(part.start - whole.start, part.stop - whole.start)
        for part, whole in zip(core, window, strict=True)
    )
    return (window[0], window[1]), (inner[0], inner[1])


def tiles(
    predict: Callable[[Slices], Tensor], shape: tuple[int, int], core_px: int, halo_px: int = HALO_PX
) -> Iterator[tuple[Slices, Tensor]]:
    """Apply `predict` to the windows of a padded field.

    Parameters
    ----------
    predict : callable
        Window -> (K, h, w) of that window.
    shape : (int, int)
        Multiples of 32.

    Yields
    ------
    core : pair of slices
    output : Tensor, (K, core height, core width)
    """
    for window, inner, core in windows(shape, core_px, halo_px):
        yield core, predict(window)[:, *inner]


def bytes_per_pixel(architecture: Architecture, banded: bool = False) -> float:
    """Estimate of the memory that one pixel's float32 activations take at the peak.

    Whole, the peak is in the last step, where its two inputs, the input of the step before, and
    the logits live at once. Banded, it is in the encoder: the first expansion, before and after
    its depthwise convolution. Measured at alpha 1.0 and 2048 x 2048 px, with `keep_memory`: 380
    to 419 and 186 to 198 bytes.
    """
    hidden = {f"{block.name}_expand": block.hidden for block in encoder_blocks(architecture.alpha)}
    *_, coarse_width, fine_width = architecture.decoder_widths
    first, second = hidden[SKIPS[0]], hidden[SKIPS[1]]
    if banded:
        return 1.2 * 4 * (1.25 * first / 4 + second / 16 + architecture.n_classes)
    fine, coarse = (fine_width + first) / 4, (coarse_width + 2 * second) / 16
    return 1.3 * 4 * (fine + coarse + 3 * architecture.n_classes)


def held_bytes_per_pixel(architecture: Architecture, n_pixels: int) -> int:
    """Memory that a field of `n_pixels` takes beside its activations, for each pixel.

    Its raw counts and its class map; if it is not a large one, also two fields read ahead and
    the flat-field in float32.
    """
    raw = 2 * architecture.input_channels
    return raw + 1 if n_pixels > LARGE_FIELD_PX else 5 * raw + 1


def choose_pass(architecture: Architecture, n_pixels: int, plan: Plan) -> tuple[str, int]:
    """The pass for a padded field of `n_pixels`, and the side of its tiles' cores.

    Raises
    ------
    ConfigError
        If the memory does not suffice for the smallest tile.
    """
    held = PROCESS_MB * 1e6 + n_pixels * held_bytes_per_pixel(architecture, n_pixels)
    budget = plan.memory_mb * 1e6 - held
    whole, banded = bytes_per_pixel(architecture), bytes_per_pixel(architecture, banded=True)
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
            f"memory_mb: {plan.memory_mb} is too little for a field of {n_pixels:,} px with this network; "
            f"at least {(held + smallest) / 1e6:.0f} is needed"
        )
    return "tiled", core_px


class Segmenter:
    """A network made ready to turn raw fields into class maps.

    Parameters
    ----------
    network : UNet
        Is taken over: it is folded and moves to the plan's device.
    transforms : list of Transform
        Normalization of each input channel.
    plan : Plan
    """

    def __init__(self, network: UNet, transforms: list[Transform], plan: Plan):
        self.plan = plan
        self.device = choose_device(plan.device)
        # A number must not depend on which kernels a driver prefers today.
        torch.backends.cudnn.allow_tf32 = False
        torch.backends.cuda.matmul.allow_tf32 = False
        torch.backends.cudnn.benchmark = False
        self.network = folded(network).to(self.device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        self._transforms = transforms
        self._gains = [self._resident(transform.gain) for transform in transforms]
        self._offsets = [
            None if transform.offset is None else self._resident(transform.offset) for transform in transforms
        ]
        self._of_thread = threading.local()
        if self.device.type == "cuda":
            torch.cuda.synchronize()

    def segment(self, raw: np.ndarray, key: Key | None = None) -> Segmentation:
        """Segment one field; threads may call this at the same time.

        Parameters
        ----------
        raw : ndarray, (C, H, W), uint16
            Raw counts of the input channels, of the shape that the transforms were fitted on.
        key : tuple, optional
            Which field it is, where black and white hold for a well or a field only.

        Raises
        ------
        FieldError
            ``not_finite``, whatever the pass, if a logit is NaN or infinite.
        """
        return self._segment(self._field(raw, key), None)[0]

    def segment_checked(
        self, raw: np.ndarray, rng: np.random.Generator, key: Key | None = None, core_px: int = 128
    ) -> tuple[Segmentation, SeamCheck]:
        """Segment one field, and compute a random window of it a second time on its own.

        The window's origin lies on the grid of 32 but not on that of any tile, so that a halo
        too small, or a dependence on the place, would show.
        """
        field = self._field(raw, key)
        height, width = (part.stop for part in _whole(raw.shape))
        starts = [STRIDE * int(rng.integers(max(1, (n - core_px) // STRIDE + 1))) for n in (height, width)]
        top, left = (
            slice(a, min(a + core_px, side)) for a, side in zip(starts, (height, width), strict=True)
        )
        segmentation, with_rest = self._segment(field, (top, left))
        window, inner = _with_halo((top, left), (height, width), HALO_PX)
        with torch.inference_mode():
            alone = self._logits(field, window, "whole")[:, *inner].softmax(0)
            return segmentation, SeamCheck(
                n_pixels=alone[0].numel(),
                n_changed=int((alone.argmax(0) != with_rest.argmax(0)).sum()),
                largest_difference=float((alone - with_rest).abs().max()),
            )

    def _field(self, raw: np.ndarray, key: Key | None) -> "_Field":
        return _Field(raw, [transform.levels(key) for transform in self._transforms])

    def _stream(self) -> AbstractContextManager[Any]:
        """On a GPU a stream of the thread's own, so that fields in flight overlap."""
        if self.device.type != "cuda":
            return nullcontext()
        if not hasattr(self._of_thread, "stream"):
            self._of_thread.stream = torch.cuda.Stream(self.device)
        return torch.cuda.stream(self._of_thread.stream)

    def _segment(self, field: "_Field", place: Slices | None) -> tuple[Segmentation, Tensor]:
        """The segmentation, and the probabilities at `place`."""
        rows, columns = _whole(field.raw.shape)
        name, core_px = choose_pass(self.network.architecture, rows.stop * columns.stop, self.plan)
        for attempt in PASSES[PASSES.index(name) :]:
            try:
                with self._stream(), torch.inference_mode():
                    return self._decide(field, self._parts(field, attempt, core_px or 1024), place)
            except torch.OutOfMemoryError:
                if attempt == PASSES[-1]:
                    raise
                torch.cuda.empty_cache()
                log.warning("out of GPU memory in the %s pass: the whole field is computed anew", attempt)
        raise AssertionError("unreachable")

    def _decide(
        self, field: "_Field", parts: Iterator[tuple[Slices, Tensor]], place: Slices | None
    ) -> tuple[Segmentation, Tensor]:
        height, width = field.raw.shape[-2:]
        class_map = np.empty((height, width), np.uint8)
        places, runners_up = [], []
        margin = UNSTABLE_MARGINS[self.plan.precision]
        sides = [] if place is None else [part.stop - part.start for part in place]
        chosen = torch.empty((self.network.architecture.n_classes, *sides), device=self.device)
        for core, logits in parts:
            own, its = (None, None) if place is None else _intersection(core, place)
            if own is not None and its is not None:
                chosen[:, *its] = logits[:, *own].softmax(0)
            top, left = core[0].start, core[1].start
            logits = logits[:, : height - top, : width - left]
            best, choice = logits.max(dim=0)
            class_map[core] = choice.to(torch.uint8).cpu().numpy()
            close = (logits > best - margin).sum(dim=0, dtype=torch.uint8) > 1
            rows, columns = torch.nonzero(close, as_tuple=True)
            others = logits[:, rows, columns].scatter(0, choice[rows, columns][None], -torch.inf)
            places.append(((rows + top) * width + columns + left).cpu().numpy())
            runners_up.append(others.argmax(dim=0).to(torch.uint8).cpu().numpy())
            # The next part is computed before these names are bound anew.
            del logits, best, choice, close, others
        unstable = np.concatenate(places)
        order = np.argsort(unstable)
        return Segmentation(class_map, unstable[order], np.concatenate(runners_up)[order]), chosen

    def _parts(self, field: "_Field", name: str, core_px: int) -> Iterator[tuple[Slices, Tensor]]:
        """Places and logits of the pieces in which a pass computes a padded field."""
        whole = _whole(field.raw.shape)
        if name == "tiled":
            shape = (whole[0].stop, whole[1].stop)
            yield from tiles(lambda window: self._logits(field, window, "whole"), shape, core_px)
        else:
            yield whole, self._logits(field, whole, name)

    def _logits(self, field: "_Field", window: Slices, name: str) -> Tensor:
        """Logits of one window of the padded field, (K, h, w) float32 on the device.

        Raises
        ------
        FieldError
            If one of them is NaN or infinite: the class of such a pixel is nobody's choice.
        """
        low = self.plan.precision == "bfloat16"
        with torch.autocast(self.device.type, torch.bfloat16, enabled=low):
            batch = self._normalized(field, window)[None].contiguous(memory_format=torch.channels_last)
            banded = name == "banded"
            output = self.network.forward_banded(batch, BAND_PX) if banded else self.network(batch)
        logits: Tensor = output[0].float()
        # Both extremes of a NaN are NaN, so that one pass over the logits, 0.1 % of a field's time, sees all.
        if not torch.stack(torch.aminmax(logits)).isfinite().all():
            raise FieldError(
                "not_finite",
                "the network gives NaN or infinity for this field: its weights or the plate's normalization "
                "are damaged or overflow; delete results/weights and normalization.h5 and start again, "
                "or use other weights",
            )
        return logits

    def _normalized(self, field: "_Field", window: Slices) -> Tensor:
        """The network's input in one window, (C, h, w) float32: uploaded raw, normalized there."""
        channels = []
        parts = zip(field.raw, field.levels, self._gains, self._offsets, strict=True)
        for plane, (black, scale), gain, offset in parts:
            counts = self._upload(padded_window(plane, window)).float()
            background = None if offset is None else self._cut(offset, window)
            channels.append(normalize(counts, self._cut(gain, window), black, scale, background))
        return torch.stack(channels)

    def _resident(self, array: Any) -> Any:
        """An array of the plate, padded and on the device; on disk it stays if it lies there."""
        return self._upload(padded(array)) if isinstance(array, np.ndarray) else array

    def _cut(self, array: Any, window: Slices) -> Tensor:
        if isinstance(array, Tensor):
            return array[window]
        return self._upload(padded_window(array, window))

    def _upload(self, window: np.ndarray) -> Tensor:
        """An array on the device; from pinned memory to a GPU, so that the copy need not wait."""
        tensor = torch.from_numpy(np.require(window, requirements=("C", "W")))
        if self.device.type == "cuda":
            return tensor.pin_memory().to(self.device, non_blocking=True)
        return tensor


class _Field(NamedTuple):
    """Raw counts, (C, H, W) uint16, and black and scale of each channel."""

    raw: np.ndarray
    levels: list[tuple[float, float]]


def _intersection(part: Slices, place: Slices) -> tuple[Slices | None, Slices | None]:
    """Where two rectangles meet, in the coordinates of each; None where they do not."""
    own, its = [], []
    for a, b in zip(part, place, strict=True):
        low, high = max(a.start, b.start), min(a.stop, b.stop)
        if low >= high:
            return None, None
        own.append(slice(low - a.start, high - a.start))
        its.append(slice(low - b.start, high - b.start))
    return (own[0], own[1]), (its[0], its[1])
