"""What `gpu.py` measures, a function a part; each tells its rows one by one, as it finds them."""

import itertools
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import redirect_stdout
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import inference  # first: it finds the workflow and the tests
import numpy as np
import pytest
import torch
import yaml

# isort: split
import training
from gpu_setting import Setting

from livedead import stores
from livedead.fields.ahead import read_ahead, work_ahead
from livedead.fields.normalized_plate import NormalizedPlate
from livedead.fields.plate_images import open_plate
from livedead.fields.segmentation import SegmentedField, segmented_fields
from livedead.network.devices import keep_memory
from livedead.network.folding import folded
from livedead.network.segmenter import Segmenter
from livedead.network.unet import UNet
from livedead.normalization.transforms import Key
from livedead.training.batches import batches
from livedead.training.settings import TrainingSettings
from livedead.weights import unet_io

Tell = Callable[..., None]
"""Writes a row: ``tell(case=..., precision=..., fields_per_s=...)``."""

DTYPES = {"float32": torch.float32, "float16": torch.float16, "bfloat16": torch.bfloat16}


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
    fields = [np.roll(setting.raw, 100 * k, axis=1) for k in range(4)]
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
    grey = torch.from_numpy(setting.raw.astype(np.float32))[None] / 32767.5 - 1
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
        job = inference.plate_on_disk(folder, setting.network(), setting.raw, setting.n_files, compression)
        self.class_maps = job["class_maps"]
        images = open_plate(job["raw"], job["images"], 16)
        self.plate = NormalizedPlate(images, {"w1": setting.transform})
        self.keys = images.keys()

    def reading(self, n_threads: int, keys: Iterator[Key]) -> Iterator[Any]:
        return read_ahead(self.plate.read, keys, n_threads)

    def segmenting(self, n_threads: int, chosen: Segmenter, keys: Iterator[Key]) -> Iterator[SegmentedField]:
        return segmented_fields(self.plate, keys, chosen, n_readers=n_threads)

    def writing(self, fields: Iterable[SegmentedField]) -> Iterator[SegmentedField]:
        with stores.segmentation_writer(self.class_maps) as writer:
            for field in fields:
                writer.add(field.row, field.arrays)
                yield field

    def all_of_it(self, n_threads: int, chosen: Segmenter, keys: Iterator[Key]) -> Iterator[SegmentedField]:
        return self.writing(self.segmenting(n_threads, chosen, keys))


def files(setting: Setting, tell: Tell) -> None:
    """From TIFF files, which the page cache holds, to a written file of class maps.

    With the demo's weights, too: a small network, but its maps compress as real ones do.
    """
    keep_memory()
    setting = replace(setting, seconds=0.6 * setting.seconds)
    demo = yaml.safe_load((inference.ROOT / "config/demo/config.yaml").read_text())
    trained, _ = unet_io.convert(
        inference.ROOT / demo["weights"], input_channels=demo["input_channels"], classes=demo["classes"]
    )
    networks = {"random": setting.segmenter(precision="bfloat16"), "demo's": setting.segmenter(trained)}
    with tempfile.TemporaryDirectory() as folder:
        for name, compression in {"uncompressed": None, "LZW": "lzw", "deflate": "zlib"}.items():
            disk = OnDisk(setting, Path(folder) / name, compression)
            for n in setting.threads:
                case = f"{name}, {n} threads"
                tell(case=case, reading_per_s=setting.per_second(partial(disk.reading, n), disk.keys))
                for kind, chosen in networks.items():
                    with setting.busy() as busy:
                        rate = setting.per_second(partial(disk.all_of_it, n, chosen), disk.keys)
                    tell(case=case, weights=kind, fields_per_s=rate, **busy)
            for kind, chosen in networks.items():
                case, n = f"{name}, nothing written", setting.threads[-1]
                with setting.busy() as busy:
                    rate = setting.per_second(partial(disk.segmenting, n, chosen), disk.keys)
                tell(case=f"{case}, {n} threads", weights=kind, segmented_per_s=rate, **busy)
        for kind, chosen in networks.items():
            done = list(disk.segmenting(1, chosen, iter(disk.keys[:1])))
            rate = setting.per_second(disk.writing, done)
            tell(case="writing alone", weights=kind, writing_per_s=rate)


def learning(setting: Setting, tell: Tell) -> None:
    """Images a second that the training takes: without waiting, and with tiles that threads cut."""
    one_loss = TrainingSettings(epochs=3, frozen_epochs=0, average_decay=0.99)
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

            def rate(epoch: Callable[[Any], Any], settings: TrainingSettings) -> float:
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
    with (setting.out / "profile.txt").open("w", buffering=1) as file:
        for precision in ("float32", "bfloat16"):
            chosen, raw = setting.segmenter(precision=precision), setting.raw
            for _ in range(3):
                chosen.segment(raw)
            with torch.profiler.profile(activities=activities, acc_events=True) as seen:
                chosen.segment(raw)
                setting.wait()
            total = "self_device_time_total" if setting.device == "cuda" else "self_cpu_time_total"
            table = seen.key_averages().table(sort_by=total, row_limit=30, max_name_column_width=90)
            file.write(f"{precision}\n{table}\n")
    tell(case="profile.txt is written")
