"""What `gpu.py` measures, a function a part; each tells its rows one by one, as it finds them."""

import itertools
import statistics
import tempfile
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import inference  # first: it finds the workflow and the tests
import numpy as np
import pytest
import torch

# isort: split
import training
from conftest import randomized

from livedead import simulate, stores
from livedead.fields.plate_images import PlateImages, pixels_sha256, read_ahead, read_transforms, work_ahead
from livedead.network.folding import folded
from livedead.network.inference import Plan, Segmenter, keep_memory
from livedead.network.unet import Architecture, UNet
from livedead.normalization.transforms import Transform
from livedead.tables import IMAGES
from livedead.training.fit import Settings
from livedead.training.tiles import batches

Tell = Callable[..., None]
"""Writes a row: ``tell(case=..., precision=..., fields_per_s=...)``."""

DTYPES = {"float32": torch.float32, "float16": torch.float16, "bfloat16": torch.bfloat16}


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
        return randomized(self.architecture).requires_grad_(False)

    def segmenter(self, **plan: Any) -> Segmenter:
        flat = Transform(np.ones((self.side_px, self.side_px), np.float32), 0.0, 65535.0)
        return Segmenter(self.network(), [flat], Plan(self.device, **plan))

    def raw(self, number: int = 0) -> np.ndarray:
        """Counts of one field, (1, side_px, side_px) uint16: a simulated one side by side with itself."""
        small = simulate.simulate_field(np.random.default_rng([3, number]), 0.6)[0]["brightfield"]
        repeats = -(-self.side_px // small.shape[0])
        return np.tile(small, (1, repeats, repeats))[:, : self.side_px, : self.side_px]

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
        """Items that a pipeline takes a second, fed for so long with `items` over and over; warmed up."""

        def fed(seconds: float) -> Iterator[Any]:
            end = time.monotonic() + seconds
            yield from itertools.takewhile(lambda _: time.monotonic() < end, itertools.cycle(items))

        for _ in pipeline(fed(self.seconds / 4)):
            pass
        start = time.perf_counter()
        n_items = sum(1 for _ in pipeline(fed(2 * self.seconds)))
        return n_items / (time.perf_counter() - start)

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


class Outcomes:
    """Tells how each test ended, and what it measured; a plugin of pytest."""

    def __init__(self, tell: Tell):
        self.tell = tell

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.when == "call" or report.outcome != "passed":
            case = report.nodeid.split("::")[-1].removeprefix("test_")
            measured = "; ".join(f"{name} {value:.3g}" for name, value in report.user_properties)
            self.tell(case=case, outcome=report.outcome, measured=measured)


def tests(setting: Setting, tell: Tell) -> None:
    """The tests of tests/gpu; `gpu.py` gave the environment the device."""
    # The packages of a borrowed machine are not those that are pinned: what they warn of is no failure.
    arguments = ["-m", "gpu", "-p", "no:cacheprovider", "-W", "default", "-v", "-rs", "--durations=5"]
    with (setting.out / "tests.txt").open("w", buffering=1) as file, redirect_stdout(file):
        pytest.main([str(inference.ROOT / "tests/gpu"), *arguments], [Outcomes(tell)])


def ceilings(setting: Setting, tell: Tell) -> None:
    """What the device can do at most: copies, and products of matrices of random numbers."""
    here = torch.rand(setting.copy_mb * 250_000, device=setting.device)
    host = torch.rand(len(here) // 16)
    host = host.pin_memory() if setting.device == "cuda" else host
    part = here[: len(host)]
    copies = {
        "copy on the device, read and written": (2, torch.empty_like(here), here),
        "upload, pinned": (1, part, host),
        "download, pinned": (1, host, part),
    }
    for case, (passes, to, source) in copies.items():
        taken = setting.seconds_of(partial(to.copy_, source, non_blocking=True))
        tell(case=case, gb_per_s=passes * source.nbytes / 1e9 / taken)
    for name, tf32 in (*((name, False) for name in DTYPES), ("float32", True)):
        torch.backends.cuda.matmul.allow_tf32 = tf32
        one, other = (
            torch.randn(setting.matmul, setting.matmul, device=setting.device, dtype=DTYPES[name])
            for _ in range(2)
        )
        taken = setting.seconds_of(partial(torch.matmul, one, other))
        precision = "TF32" if tf32 else name
        tell(case="matrix product", precision=precision, tflops=2 * setting.matmul**3 / 1e12 / taken)


def graphed(network: UNet, batch: torch.Tensor) -> Callable[[], None]:
    """Replays one pass of the network, recorded as a CUDA graph."""
    side = torch.cuda.Stream()
    with torch.cuda.stream(side):
        for _ in range(3):
            network(batch)
    torch.cuda.current_stream().wait_stream(side)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        network(batch)
    return graph.replay


def network(setting: Setting, tell: Tell) -> None:
    """The network alone, its input on the device, its logits left there."""
    work = setting.flop_a_field()

    def time_of(precision: str, way: str, n: int, form: torch.memory_format, dtype: torch.dtype) -> None:
        model = folded(setting.network()).to(setting.device, dtype, memory_format=form)
        batch = torch.rand(n, 1, setting.side_px, setting.side_px) * 2 - 1
        batch = batch.to(setting.device, dtype).contiguous(memory_format=form)
        with torch.inference_mode(), setting.peak_memory() as memory:
            run = graphed(model, batch) if way == "CUDA graph" else partial(model, batch)
            taken = setting.seconds_of(run) / n
        tell(
            case=f"{way}, {n} at once",
            precision=precision,
            fields_per_s=1 / taken,
            tflops=work / 1e12 / taken,
            **memory,
        )

    last, first = torch.channels_last, torch.contiguous_format
    quiet = {"enabled": True, "benchmark": False, "deterministic": True, "allow_tf32": False}
    for precision, dtype in DTYPES.items():
        with torch.backends.cudnn.flags(**quiet):
            time_of(precision, "channels first", 1, first, dtype)
            for n in setting.batches:
                time_of(precision, "channels last", n, last, dtype)
            if setting.device == "cuda":
                time_of(precision, "CUDA graph", 1, last, dtype)
        with torch.backends.cudnn.flags(**quiet | {"deterministic": False}):
            time_of(precision, "any algorithm", 1, last, dtype)
        with torch.backends.cudnn.flags(**quiet | {"deterministic": False, "benchmark": True}):
            time_of(precision, "the fastest tried", 1, last, dtype)
    with torch.backends.cudnn.flags(**quiet | {"allow_tf32": True}):
        time_of("TF32", "channels last", 1, last, torch.float32)


def compiled(setting: Setting, tell: Tell) -> None:
    """The network through torch.compile; the part's limit ends a compilation that takes too long."""
    work = setting.flop_a_field()
    for precision, mode in (
        ("bfloat16", "default"),
        ("float32", "default"),
        ("bfloat16", "reduce-overhead"),
        ("float16", "default"),
    ):
        dtype = DTYPES[precision]
        model = folded(setting.network()).to(setting.device, dtype, memory_format=torch.channels_last)
        batch = torch.rand(1, 1, setting.side_px, setting.side_px).to(setting.device, dtype)
        batch = batch.contiguous(memory_format=torch.channels_last)
        fast = torch.compile(model, dynamic=False, mode=mode)
        with torch.inference_mode():
            start = time.perf_counter()
            fast(batch)
            setting.wait()
            compilation = time.perf_counter() - start
            taken = setting.seconds_of(partial(fast, batch))
        tell(
            case=f"torch.compile, {mode}",
            precision=precision,
            fields_per_s=1 / taken,
            tflops=work / 1e12 / taken,
            compile_s=compilation,
        )


def segmenter(setting: Setting, tell: Tell) -> None:
    """From raw counts in memory to class maps in memory, one field after the other and several in flight."""
    keep_memory()
    fields = [setting.raw(k) for k in range(4)]
    for precision, plan in itertools.product(("float32", "bfloat16"), ({}, {"force": "banded"})):
        chosen = setting.segmenter(precision=precision, **plan)
        for n in (1,) if plan else (1, 2, 4):
            pipeline = partial(work_ahead, chosen.segment, n_ahead=n, n_threads=n)
            with setting.peak_memory() as memory, setting.busy() as busy:
                rate = setting.per_second(pipeline, fields)
            case = f"{plan.get('force', 'whole')}, {n} in flight"
            tell(case=case, precision=precision, fields_per_s=rate, **memory, **busy)


def monai(setting: Setting, tell: Tell) -> None:
    """MONAI's windows over the network as the documents wrote it: counts go up, a class map comes back."""
    try:
        import monai  # noqa: F401
    except ImportError:
        tell(note="left out: needs monai")
        return
    rgb = inference.rgb_copy(setting.network()).to(setting.device)
    grey = torch.from_numpy(setting.raw().astype(np.float32))[None] / 32767.5 - 1
    small = {"roi_size": min(256, setting.side_px // 2), "overlap": 0.25, "mode": "gaussian"}
    large = {"roi_size": min(1024, setting.side_px), "overlap": 0.25, "mode": "constant"}
    settings = {
        "usual": small | {"sw_batch_size": 4},
        "usual, 32 windows at once": small | {"sw_batch_size": 32},
        "best on a CPU": large | {"sw_batch_size": 1},
    }
    for precision, (case, how) in itertools.product(
        ("float32", "TF32", "float16", "bfloat16"), settings.items()
    ):

        def class_map(precision: str = precision, how: dict[str, Any] = how) -> torch.Tensor:
            field = grey.to(setting.device).repeat(1, 3, 1, 1)
            low = DTYPES.get(precision, torch.float32)
            with torch.autocast(setting.device, low, enabled=low != torch.float32):
                return inference.monai(rgb, field, **how).to(torch.uint8).cpu()

        flags = {"enabled": True, "allow_tf32": precision == "TF32"}
        with torch.inference_mode(), torch.backends.cudnn.flags(**flags), setting.peak_memory() as memory:
            taken = setting.seconds_of(class_map)
        tell(case=case, precision=precision, fields_per_s=1 / taken, **memory)


class OnDisk:
    """A plate of files, and the stages of the rule segment_fields with any number of reading threads."""

    def __init__(self, setting: Setting, folder: Path, compression: str | None):
        folder.mkdir()
        job = inference.plate_on_disk(folder, setting.network(), setting.raw(), setting.n_files, compression)
        self.path = job["class_maps"]
        self.plate = PlateImages(job["raw"], stores.read_table(job["images"], IMAGES), 16)
        self.transforms = read_transforms(stores.read_normalization(job["normalization"])[0], ["w1"])
        self.keys = self.plate.keys()

    def read(self, key: tuple[str, int, int]) -> np.ndarray:
        planes = [self.plate.plane(key, "w1")]
        pixels_sha256(planes)
        return self.plate.evened(planes, self.transforms)

    def reading(self, n_threads: int, keys: Iterator[Any]) -> Iterator[Any]:
        return read_ahead(self.read, keys, n_threads)

    def segmenting(self, n_threads: int, chosen: Segmenter, keys: Iterator[Any]) -> Iterator[Any]:
        fields = self.reading(n_threads, keys)
        return work_ahead(lambda read: (read[0], chosen.segment(read[1], read[0])), fields, 2, 2)

    def to_file(self, results: Iterator[Any]) -> range:
        """Writes the segmentations; as many items as there were."""
        written = []

        def rows() -> Iterator[tuple[dict[str, Any], dict[str, np.ndarray]]]:
            for (well, number, timepoint), found in results:
                written.append(number)
                arrays = {"maps": found.class_map, "unstable": found.unstable, "runners_up": found.runners_up}
                yield {"plate": "p", "well": well, "field": number, "timepoint": timepoint}, arrays

        stores.write_segmentations(self.path, rows(), {})
        return range(len(written))

    def all_of_it(self, n_threads: int, chosen: Segmenter, keys: Iterator[Any]) -> range:
        return self.to_file(self.segmenting(n_threads, chosen, keys))


def files(setting: Setting, tell: Tell) -> None:
    """From TIFF files, which the page cache holds, to a written file of class maps."""
    keep_memory()
    setting = replace(setting, seconds=0.6 * setting.seconds)
    chosen = setting.segmenter(precision="bfloat16")
    with tempfile.TemporaryDirectory() as folder:
        for name, compression in {"uncompressed": None, "LZW": "lzw", "deflate": "zlib"}.items():
            disk = OnDisk(setting, Path(folder) / name, compression)
            if compression is None:
                done = [(disk.keys[0], chosen.segment(disk.read(disk.keys[0])))]
                tell(case="writing alone", fields_per_s=setting.per_second(disk.to_file, done))
            for n in setting.threads:
                case = f"{name}, {n} threads read"
                read = setting.per_second(partial(disk.reading, n), disk.keys)
                with setting.busy() as busy:
                    segmented = setting.per_second(partial(disk.segmenting, n, chosen), disk.keys)
                with setting.busy() as busy_writing:
                    written = setting.per_second(partial(disk.all_of_it, n, chosen), disk.keys)
                tell(
                    case=case,
                    reading_per_s=read,
                    segmented_per_s=segmented,
                    fields_per_s=written,
                    segmenting_busy=busy.get("gpu_busy"),
                    **busy_writing,
                )


def learning(setting: Setting, tell: Tell) -> None:
    """Images a second that the training takes: without waiting, and with tiles that threads cut."""
    one_loss = Settings(epochs=3, frozen_epochs=0, average_decay=0.99)
    with tempfile.TemporaryDirectory() as folder:
        fields = training.labelled_plate(Path(folder), setting.training_fields, 600)
        numbers = list(range(setting.training_fields))
        cutting = training.CUTTING

        def streamed(rng: np.random.Generator, n_threads: int) -> Iterator[Any]:
            return batches(fields.read, numbers, rng, cutting, training.NUMBERS, n_threads)

        one = next(iter(streamed(np.random.default_rng(0), 1)))
        n_batches = setting.training_fields * cutting.tiles_per_field // cutting.batch_size
        n_images = n_batches * cutting.batch_size
        for precision in ("float32", "bfloat16"):
            plain = replace(one_loss, precision=precision)
            whole = replace(plain, cell_weight=1.0)

            def rate(epoch: Callable[[Any], Any], settings: Settings) -> float:
                return training.images_per_s(epoch, n_images, settings, setting.device)

            tell(
                case="one batch, no cells",
                precision=precision,
                images_per_s=rate(lambda _: [one] * n_batches, plain),
            )
            alone = rate(lambda _: [one] * n_batches, whole)
            tell(case="one batch", precision=precision, images_per_s=alone)
            for n in setting.threads if precision == "float32" else setting.threads[-1:]:
                with setting.busy() as busy:
                    found = rate(lambda rng, n=n: streamed(rng, n), whole)
                case = f"tiles of {n} threads"
                tell(
                    case=case,
                    precision=precision,
                    images_per_s=found,
                    share_of_one_batch=found / alone,
                    **busy,
                )


def profile(setting: Setting, tell: Tell) -> None:
    """Which kernels take the time of one field; a table for each precision in profile.txt."""
    activities = [torch.profiler.ProfilerActivity.CPU]
    if setting.device == "cuda":
        activities = [torch.profiler.ProfilerActivity.CUDA]
    with (setting.out / "profile.txt").open("w") as file:
        for precision in ("float32", "bfloat16"):
            chosen, raw = setting.segmenter(precision=precision), setting.raw()
            for _ in range(3):
                chosen.segment(raw)
            with torch.profiler.profile(activities=activities, acc_events=True) as seen:
                chosen.segment(raw)
                setting.wait()
            total = "self_device_time_total" if setting.device == "cuda" else "self_cpu_time_total"
            table = seen.key_averages().table(sort_by=total, row_limit=30, max_name_column_width=90)
            file.write(f"{precision}\n{table}\n")
    tell(case="profile.txt is written")
