"""On what `gpu_parts.py` measures, for how long, and how a time is taken."""

import itertools
import statistics
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import inference  # first: it finds the workflow and the tests
import numpy as np
import torch

# isort: split
from conftest import randomized

from livedead.network.plan import Plan
from livedead.network.segmenter import Segmenter
from livedead.network.unet import Architecture, UNet
from livedead.normalization.transforms import Transform
from livedead.simulation import label_free
from livedead.simulation.camera import Camera


@dataclass(frozen=True)
class Setting:
    """What is measured on, and for how long.

    Attributes
    ----------
    device : {'cuda', 'cpu'}
    out : Path
        Folder of the texts that a part writes beside its rows.
    seconds : float
        Of one case.
    matmul, copy_mb : int
        Side of the matrices, and size of the copy, that show the device's own limits.
    architecture : Architecture
        Of the network with random weights that is timed.
    batches : tuple of int
        Fields in one pass of the network.
    threads : tuple of int
        That read.
    """

    device: str
    out: Path
    side_px: int = 2048
    seconds: float = 1.0
    matmul: int = 8192
    copy_mb: int = 4096
    architecture: Architecture = field(default_factory=lambda: Architecture(n_classes=5))
    batches: tuple[int, ...] = (1, 4, 8)
    threads: tuple[int, ...] = (1, 2, 4, 8, 16)
    n_files: int = 24
    training_fields: int = 48

    @classmethod
    def quick(cls, device: str, out: Path) -> "Setting":
        """Only whether it runs: a small network on small fields."""
        architecture = Architecture(n_classes=5, alpha=0.35, decoder_widths=(16, 12, 8, 8))
        sizes = {
            "side_px": 128,
            "seconds": 0.05,
            "matmul": 128,
            "copy_mb": 4,
            "n_files": 3,
            "training_fields": 2,
        }
        return cls(device, out, architecture=architecture, batches=(1, 2), threads=(1, 2), **sizes)

    def network(self) -> UNet:
        """With random weights, and logits so far apart that few are close, as with trained ones."""
        network = randomized(self.architecture).requires_grad_(False)
        network.decoder.head.weight.mul_(8)
        return network

    def segmenter(self, network: UNet | None = None, **plan: Any) -> Segmenter:
        return Segmenter(network or self.network(), [self.transform], Plan(self.device, **plan))

    @cached_property
    def raw(self) -> np.ndarray:
        """Counts of one field, (1, side_px, side_px) uint16: simulated ones side by side, no two the same."""
        n, even = -(-self.side_px // 512), Camera(vignetting=0)
        small = [
            label_free.simulate_field(np.random.default_rng([3, k]), 0.6, camera=even)[0]["brightfield"]
            for k in range(n * n)
        ]
        rows = np.array(small).reshape(n, n, 512, 512).swapaxes(1, 2)
        return rows.reshape(1, 512 * n, 512 * n)[:, : self.side_px, : self.side_px].copy()

    @cached_property
    def transform(self) -> Transform:
        """Of that field, whose light is even."""
        black, white = np.percentile(self.raw, (0.1, 99.9))
        return Transform(np.ones(self.raw.shape[1:], np.float32), float(black), float(white))

    def flop_a_field(self) -> float:
        """Multiplications and additions of the network, by its layers' formula."""
        with torch.inference_mode():
            work, _ = inference.flops(self.network(), torch.zeros(1, 1, 128, 128))
        return work * (self.side_px / 128) ** 2

    def wait(self) -> None:
        if self.device == "cuda":
            torch.cuda.synchronize()

    def seconds_of(self, work: Callable[[], object]) -> float:
        """Median of one call, after two that warm up."""
        taken: list[float] = []
        for number in range(102):
            start = time.perf_counter()
            work()
            self.wait()
            if number >= 2:
                taken.append(time.perf_counter() - start)
            if len(taken) >= 3 and sum(taken) > self.seconds:
                break
        return statistics.median(taken)

    def per_second(self, pipeline: Callable[[Iterator[Any]], Iterable[Any]], items: Iterable[Any]) -> float:
        """Items that a pipeline takes a second, fed with `items` over and over.

        The first third of the time is not counted, as each of a pipeline's threads asks cuDNN for its
        kernels anew.
        """
        begin = time.perf_counter()
        counted_from = begin + 1.5 * self.seconds

        def fed() -> Iterator[Any]:
            end = begin + 4 * self.seconds
            yield from itertools.takewhile(lambda _: time.perf_counter() < end, itertools.cycle(items))

        finished = [time.perf_counter() for _ in pipeline(fed())]
        counted = [moment for moment in finished if moment >= counted_from]
        return (len(counted) - 1) / (counted[-1] - counted[0]) if len(counted) > 1 else 0.0

    @contextmanager
    def peak_memory(self) -> Iterator[dict[str, float]]:
        """Fills in ``gpu_mb``, the most that tensors took at once."""
        found: dict[str, float] = {}
        if self.device == "cuda":
            torch.cuda.empty_cache()
            torch.cuda.reset_peak_memory_stats()
        yield found
        if self.device == "cuda":
            found["gpu_mb"] = torch.cuda.max_memory_allocated() / 1e6

    @contextmanager
    def busy(self) -> Iterator[dict[str, float]]:
        """Fills in ``gpu_busy``, the mean of what NVML says every 50 ms."""
        found: dict[str, float] = {}
        samples: list[float] = []
        over = threading.Event()

        def watch() -> None:
            while not over.wait(0.05):
                samples.append(torch.cuda.utilization() / 100)

        watcher = threading.Thread(target=watch)
        if self.device == "cuda":
            watcher.start()
        try:
            yield found
        finally:
            over.set()
        if self.device == "cuda":
            watcher.join()
            found["gpu_busy"] = statistics.mean(samples) if samples else float("nan")
