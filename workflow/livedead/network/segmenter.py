"""From a raw field to its class map: whole where it fits, in bands or exact tiles where not.

The result is defined by one pass over the padded field. The banded pass computes the same sums
in less memory; tiles give the same logits, see `livedead.network.windows`. Nothing is blended,
so there is no seam to hide; each job measures that.

What is padded, cut and computed is the field in pixels of the size that the network knows. Where the plate's
are of another size, `livedead.network.resampling` leads there, and back to the class map.
"""

import logging
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from livedead.errors import FieldError, LivedeadError
from livedead.network.calibration import encode_log_odds
from livedead.network.classes import Classes
from livedead.network.devices import choose_device, full_float32
from livedead.network.folding import folded
from livedead.network.inputs import Inputs, RawField
from livedead.network.plan import PASSES, Plan, choose_pass
from livedead.network.resampling import grid_of
from livedead.network.unet import NARROW, STRIDE, UNet
from livedead.network.windows import Rectangle, overlap, padded_shape, relative, whole, windows, with_halo
from livedead.normalization.transforms import Key, Transform

BAND_PX = 256
"""Rows of a band in the banded pass."""
RESCUE_TILE_PX = 1024
"""Side of the first tiles' cores if a GPU has too little memory for the pass that the plan chose."""
UNSTABLE_MARGINS = {"float32": 1e-4, "bfloat16": 2.5}
"""Logits nearer than this could change places by rounding: the noise measured between plans in
float32; in bfloat16, what 99.9 % of pixels stay under, with trained weights (docs/inference.md)."""

log = logging.getLogger(__name__)

Watch = Callable[[Rectangle, Tensor], None]
"""Sees the place and the logits, (K, h, w), of every part of a field as it is computed."""


class Part(NamedTuple):
    """What the network makes of one part of a field.

    Attributes
    ----------
    place : Rectangle
        Of the field in the plate's pixels; where nothing is resampled, it may reach into the padding.
    logits : Tensor, (K, h, w), float32
        There.
    bottom : Tensor, (D, rows, columns)
        What the encoder gives to the decoder, for each cell of the grid of `STRIDE` in the network's pixels.
    """

    place: Rectangle
    logits: Tensor
    bottom: Tensor


class Segmentation(NamedTuple):
    """The class map of one field, where rounding could change it, and how sure the network is.

    Attributes
    ----------
    class_map : ndarray, (H, W), uint8
    unstable : ndarray, (n,), int64
        Flat indices, in order, of the pixels whose two best logits differ by less than the
        precision's margin in `UNSTABLE_MARGINS`.
    runners_up : ndarray, (n,), uint8
        The second best class of each of them.
    log_odds : ndarray, (m,), int8
        Of every pixel of a live or dead class, in order, see
        `livedead.network.calibration.encode_log_odds`; none where the classes are not known.
    """

    class_map: np.ndarray
    unstable: np.ndarray
    runners_up: np.ndarray
    log_odds: np.ndarray


@dataclass(frozen=True)
class SeamCheck:
    """How much the probabilities of a window depend on where the window was cut."""

    n_pixels: int
    n_changed: int
    largest_difference: float


def passes_from(name: str, core_px: int) -> Iterator[tuple[str, int]]:
    """The pass and its tiles' cores, then passes that take less and less memory."""
    for untiled in PASSES[PASSES.index(name) : -1]:
        yield untiled, 0
    core_px = core_px or RESCUE_TILE_PX
    while core_px:
        yield "tiled", core_px
        core_px = core_px // 2 // STRIDE * STRIDE


def out_of_memory(error: RuntimeError) -> bool:
    """Whether a GPU's memory did not suffice; cuDNN, without room to work, finds no engine."""
    return isinstance(error, torch.OutOfMemoryError) or "unable to find an engine" in str(error)


class Segmenter:
    """A network made ready to turn raw fields into class maps.

    Parameters
    ----------
    network : UNet
        Taken over: it is folded, and moved to the plan's device.
    transforms : list of Transform
        Normalization of each input channel.
    plan : Plan
    classes : Classes, optional
        What the network tells apart.
    scale : float
        The network's pixels per pixel of the plate, from `livedead.network.pixel_size.scale_to`.

    Examples
    --------
    >>> from livedead.network.unet import Architecture
    >>> network = UNet(Architecture(n_classes=5, alpha=0.35, decoder_widths=(16, 12, 8, 8)))
    >>> transform = Transform(np.ones((70, 45), np.float32), black=0, white=65535)
    >>> segmenter = Segmenter(network, [transform], Plan(device="cpu"))
    >>> segmenter.segment(np.zeros((1, 70, 45), np.uint16)).class_map.shape
    (70, 45)
    """

    def __init__(
        self,
        network: UNet,
        transforms: list[Transform],
        plan: Plan,
        classes: Classes | None = None,
        scale: float = 1.0,
    ):
        self.plan = plan
        self.classes = classes
        self.device = choose_device(plan.device)
        full_float32()
        # A GPU's depthwise kernels are faster on planes, a CPU's convolutions on pixels (docs/inference.md).
        on_gpu = self.device.type == "cuda"
        self._format = torch.contiguous_format if on_gpu else torch.channels_last
        self.network = folded(network).to(self.device, memory_format=self._format)  # type: ignore[call-overload]
        self._inputs = Inputs(transforms, self.device)
        self._grid_of = lru_cache(partial(grid_of, scale=scale, device=self.device))
        self._of_thread = threading.local()
        if self.device.type == "cuda":
            torch.cuda.synchronize()

    def segment(self, raw: np.ndarray, key: Key | None = None, watch: Watch | None = None) -> Segmentation:
        """Segment one field; threads may call this at the same time.

        Takes the plan's pass, or, where the GPU's memory does not suffice, the next one.

        Parameters
        ----------
        raw : ndarray, (C, H, W), uint16
            Raw counts of the input channels, of the shape that the transforms were fitted on.
        key : tuple, optional
            Which field it is, where black and white hold for a well or a field only.
        watch : callable, optional
            Is shown every part of the field; after a lack of memory, from the start again.

        Raises
        ------
        FieldError
            ``not_finite``, whatever the pass, if a logit is NaN or infinite.
        """
        field = self._inputs.field(raw, key)
        chosen = choose_pass(self.network.architecture, self._grid_of(raw.shape[-2:]), self.plan)
        for name, core_px in passes_from(*chosen):
            try:
                with self._stream(), torch.inference_mode():
                    return self._decide(raw.shape, self._parts(field, name, core_px), watch)
            except RuntimeError as error:
                if not out_of_memory(error):
                    raise
            # Not before the error is gone: it holds the tensors of the pass that failed.
            torch.cuda.empty_cache()
            log.warning("out of GPU memory in the %s pass: the whole field is computed again", name)
        raise LivedeadError(
            f"the GPU has too little memory left even for a tile of {STRIDE} px; "
            "end what else runs on it, or set segmentation.device: cpu"
        )

    def segment_checked(
        self, raw: np.ndarray, rng: np.random.Generator, key: Key | None = None, core_px: int = 128
    ) -> tuple[Segmentation, SeamCheck]:
        """Segment one field, and compute a random window of it a second time on its own.

        The window's origin lies on the grid of `STRIDE` but not on that of any tile, so that a
        halo too small, or a dependence on the place, would show.
        """
        shape = padded_shape(self._grid_of(raw.shape[-2:]).shape)
        starts = [STRIDE * int(rng.integers(max(1, (side - core_px) // STRIDE + 1))) for side in shape]
        rows, columns = (
            slice(start, min(start + core_px, side)) for start, side in zip(starts, shape, strict=True)
        )
        core = (rows, columns)
        window, _ = with_halo(core, shape)
        # In one stream: memory of another one could still be read there when it is written here.
        with self._stream(), torch.inference_mode():
            ((place, logits, _),) = self._window_parts(self._inputs.field(raw, key), window, [core], "whole")
            alone = logits.softmax(0)
            with_rest = torch.full_like(alone, torch.nan)

            def watch(part: Rectangle, logits: Tensor) -> None:
                shared = overlap(part, place)
                if shared is not None:
                    with_rest[:, *relative(shared, place)] = logits[:, *relative(shared, part)].softmax(0)

            segmentation = self.segment(raw, key, watch)
            return segmentation, SeamCheck(
                n_pixels=alone[0].numel(),
                n_changed=int((alone.argmax(0) != with_rest.argmax(0)).sum()),
                largest_difference=float((alone - with_rest).abs().max()),
            )

    def _stream(self) -> AbstractContextManager[Any]:
        """On a GPU a stream of the thread's own, so that fields in flight overlap."""
        if self.device.type != "cuda":
            return nullcontext()
        if not hasattr(self._of_thread, "stream"):
            self._of_thread.stream = torch.cuda.Stream(self.device)
        return torch.cuda.stream(self._of_thread.stream)

    def _decide(self, shape: tuple[int, ...], parts: Iterator[Part], watch: Watch | None) -> Segmentation:
        """Give every pixel the class of its largest logit, and note how sure that is."""
        height, width = shape[-2:]
        class_map = np.empty((height, width), np.uint8)
        log_odds = np.zeros((height, width), np.int8)
        unstable, runners_up = [], []
        margin = UNSTABLE_MARGINS[self.plan.precision]
        for core, logits, _ in parts:
            if watch is not None:
                watch(core, logits)
            top, left = core[0].start, core[1].start
            logits = logits[:, : height - top, : width - left]
            best, choice = logits.max(dim=0)
            class_map[core] = choice.to(torch.uint8).cpu().numpy()
            self._note_log_odds(log_odds[core], class_map[core], logits)
            close = (logits > best - margin).sum(dim=0, dtype=torch.uint8) > 1
            rows, columns = torch.nonzero(close, as_tuple=True)
            others = logits[:, rows, columns].scatter(0, choice[rows, columns][None], -torch.inf)
            unstable.append(((rows + top) * width + columns + left).cpu().numpy())
            runners_up.append(others.argmax(dim=0).to(torch.uint8).cpu().numpy())
            # The next part is computed before these names are bound again.
            del logits, best, choice, close, others
        places = np.concatenate(unstable)
        order = np.argsort(places)
        nuclei = self._are_nuclei(class_map)
        return Segmentation(class_map, places[order], np.concatenate(runners_up)[order], log_odds[nuclei])

    def _note_log_odds(self, log_odds: np.ndarray, class_map: np.ndarray, logits: Tensor) -> None:
        """Write into a part of a field's log odds those of its pixels of nuclei."""
        nuclei = self._are_nuclei(class_map)
        if self.classes is None or not nuclei.any():
            return
        chosen = logits[:, torch.from_numpy(nuclei).to(logits.device)]
        live, dead = (
            chosen[list(numbers)].logsumexp(0) for numbers in (self.classes.live, self.classes.dead)
        )
        log_odds[nuclei] = encode_log_odds((live - dead).cpu().numpy())

    def _are_nuclei(self, class_map: np.ndarray) -> np.ndarray:
        """Pixels of live and dead classes, none where the classes are not known, bool."""
        numbers = () if self.classes is None else self.classes.nuclei
        return np.isin(class_map, numbers)

    def _parts(self, field: RawField, name: str, core_px: int) -> Iterator[Part]:
        """The parts in which a pass computes a field."""
        grid = self._grid_of(field.counts.shape[-2:])
        shape = padded_shape(grid.shape)
        if name != "tiled":
            yield from self._window_parts(field, whole(shape), grid.bands(), name)
            return
        for window, _, core in windows(shape, core_px):
            yield from self._window_parts(field, window, [core], "whole")

    def _window_parts(
        self, field: RawField, window: Rectangle, cores: Iterable[Rectangle], name: str
    ) -> Iterator[Part]:
        """The parts of a window of the padded field as the network reads it, one for each of its cores."""
        grid = self._grid_of(field.counts.shape[-2:])
        logits, bottom = self._compute(field, window, name)
        for core in cores:
            cells = (slice(side.start // STRIDE, side.stop // STRIDE) for side in relative(core, window))
            yield Part(*grid.give_back(logits, window, core), bottom[:, *cells])

    def _compute(self, field: RawField, window: Rectangle, name: str) -> tuple[Tensor, Tensor]:
        """Logits, (K, h, w) float32, and bottom of a window.

        Raises
        ------
        FieldError
            If one of the logits is NaN or infinite: the class of such a pixel means nothing.
        """
        low, banded = self.plan.precision == "bfloat16", name == "banded"
        inputs = self._grid_of(field.counts.shape[-2:]).read(
            lambda cut: self._inputs.window(field, cut), window
        )
        with torch.autocast(self.device.type, torch.bfloat16, enabled=low):
            batch = inputs[None].contiguous(memory_format=self._format)
            del inputs
            bottom, skips = self.network.encoder(batch, narrow=NARROW if banded else ())
            if banded:
                output = self.network.decode_banded(bottom, skips, BAND_PX)
            else:
                output = self.network.decode(bottom, skips)
        del batch, skips
        logits: Tensor = output[0].float()
        # Both extremes of a NaN are NaN, so that one pass over the logits, 0.1 % of a field's time, sees all.
        if not torch.stack(torch.aminmax(logits)).isfinite().all():
            raise FieldError(
                "not_finite",
                "the network gives NaN or infinity for this field: its weights or the plate's normalization "
                "are damaged or overflow; delete results/weights and normalization.h5 and start again, "
                "or use other weights",
            )
        return logits, bottom[0]
