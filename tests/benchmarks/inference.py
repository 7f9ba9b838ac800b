"""Inference against MONAI and against the naive re-write, interleaved in one process.

Run by ``make benchmark``; writes results/benchmarks/inference.csv. Every case computes the class
map of the same field with the same weights; ratios are of medians over the rounds. What part of
the gain is removed redundancy (windows that overlap, three equal channels) is in the case
``windows``: the fast network in MONAI's windows. ``end to end`` is the rule's own script, from TIFF
files to a written file of class maps, its start included. bfloat16 is left out where the processor
only emulates it, which takes over half an hour, and its row says so.
"""

import argparse
import copy
import re
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd
import tifffile
import torch
from torch import nn

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / name) for name in ("workflow", "workflow/scripts", "tests")]

from conftest import randomized  # noqa: E402
from emulation import bfloat16_slowdown, why_left_out  # noqa: E402
from segment_fields import segment_fields  # noqa: E402

from livedead import stores  # noqa: E402
from livedead.fields.stored_transforms import store_transform  # noqa: E402
from livedead.network.devices import keep_memory  # noqa: E402
from livedead.network.plan import Plan  # noqa: E402
from livedead.network.segmenter import Segmenter  # noqa: E402
from livedead.network.unet import Architecture, UNet  # noqa: E402
from livedead.normalization.transforms import Transform  # noqa: E402
from livedead.readers import index  # noqa: E402
from livedead.tables import IMAGES  # noqa: E402
from livedead.weights import unet_io  # noqa: E402
from livedead.weights.assay import Assay  # noqa: E402
from livedead.weights.certificate import certify_training  # noqa: E402

FIELDS = 4
"""Fields of the case end to end; its seconds are of one of them."""

COLUMNS = [
    "case",
    "device",
    "precision",
    "seconds_median",
    "mpx_per_s",
    "ratio_to_monai",
    "ratio_to_naive",
    "share_of_peak",
    "peak_rss_mb",
    "note",
]


def rgb_copy(network: UNet) -> UNet:
    """The network as the documents wrote it: three input channels, BatchNorms as they are."""
    architecture = Architecture.from_dict({**network.architecture.as_dict(), "input_channels": 3})
    rgb = UNet(architecture)
    state = {key: tensor.clone() for key, tensor in network.state_dict().items()}
    state["encoder.Conv1.weight"] = state["encoder.Conv1.weight"].repeat(1, 3, 1, 1) / 3
    rgb.load_state_dict(state)
    return rgb.eval().requires_grad_(False)


def naive(network: UNet, field: torch.Tensor, window: int = 256, halo: int = 32) -> torch.Tensor:
    """Windows of 256 px with a halo of 32, one after the other, three equal channels, NCHW."""
    side = field.shape[-1]
    output = torch.empty((1, network.architecture.n_classes, *field.shape[-2:]))
    core = window - 2 * halo
    framed = torch.nn.functional.pad(field, (halo, window, halo, window), mode="reflect")
    for top in range(0, side, core):
        for left in range(0, side, core):
            part = network(framed[..., top : top + window, left : left + window].repeat(1, 3, 1, 1))
            height, width = min(core, side - top), min(core, side - left)
            output[..., top : top + height, left : left + width] = part[
                ..., halo : halo + height, halo : halo + width
            ]
    return output.argmax(1)


def flops(network: UNet, field: torch.Tensor) -> tuple[float, dict[nn.Module, tuple[torch.Tensor, float]]]:
    """Multiplications and additions of one pass, and of each convolution with its own input."""
    layers: dict[nn.Module, tuple[torch.Tensor, float]] = {}

    def count(module: nn.Module, inputs: tuple[torch.Tensor, ...], output: torch.Tensor) -> None:
        pixels = inputs[0] if isinstance(module, nn.ConvTranspose2d) else output
        layers[module] = (
            torch.cat(inputs, dim=1),  # the last step has two
            2.0 * module.weight.numel() * pixels.shape[-1] * pixels.shape[-2],
        )

    hooks = [
        module.register_forward_hook(count)
        for module in network.modules()
        if isinstance(module, nn.Conv2d | nn.ConvTranspose2d)
    ]
    network(field)
    for hook in hooks:
        hook.remove()
    return sum(work for _, work in layers.values()), layers


def peak_rate(layers: dict[nn.Module, tuple[torch.Tensor, float]], rounds: int) -> float:
    """Best FLOP/s that any convolution of the network reaches alone on its own shape."""
    best = 0.0
    for module, (inputs, work) in layers.items():
        plain = nn.ConvTranspose2d if isinstance(module, nn.ConvTranspose2d) else nn.Conv2d
        for _ in range(rounds):
            start = time.perf_counter()
            plain.forward(module, inputs)
            best = max(best, work / (time.perf_counter() - start))
    return best


def monai(predictor: nn.Module, inputs: torch.Tensor, **settings: object) -> torch.Tensor:
    """MONAI's windows; imported here, as nothing else needs it."""
    from monai.inferers import sliding_window_inference

    return sliding_window_inference(inputs, predictor=predictor, **settings).argmax(1)


def plate_on_disk(
    folder: Path, network: UNet, raw: np.ndarray, n_fields: int, compression: str | None = None
) -> dict[str, object]:
    """What the rule segment_fields takes: `n_fields` images, their index, transform, and weights."""
    (folder / "raw").mkdir()
    for field in range(1, n_fields + 1):
        path = folder / f"raw/A01_s{field}_w1.tif"
        tifffile.imwrite(path, np.roll(raw[0], field, axis=0), compression=compression)
    images, _ = index.index_plate(
        folder / "raw",
        plate="p",
        export_format="imagexpress",
        channels={"w1": "w1"},
        n_wells=96,
        pixel_size_um=1.0,
    )
    stores.write_table(folder / "images.tsv", images, IMAGES)
    transform = store_transform(Transform(np.ones(raw.shape[1:], np.float32), 0.0, 65535.0))
    quality = pd.DataFrame({"well": ["A01"]})
    stores.write_normalization(folder / "normalization.h5", {"w1": transform}, quality)
    roles = ["background", "context", "boundary", "live", "dead"]
    classes = [{"name": role, "role": role} for role in roles]
    certificate = certify_training(network, Assay(classes, ["w1"]), {})
    unet_io.write(folder / "unet.safetensors", network, certificate)
    return {
        "raw": folder / "raw",
        "images": folder / "images.tsv",
        "normalization": folder / "normalization.h5",
        "unet": folder / "unet.safetensors",
        "class_maps": folder / "classes.h5",
        "scatteritem": "1-of-1",
        "channels": ["w1"],
        "bit_depth": 16,
        "pixel_size_um": 0.65,
    }


def peak_memory_mb(case: str, side: int) -> float:
    """Peak memory of a process of its own that runs one case once."""
    run = subprocess.run(
        [sys.executable, __file__, "--memory-of", case, "--side", str(side)],
        capture_output=True,
        text=True,
        check=True,
    )
    return float(run.stdout)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--side", type=int, default=2048)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--output", type=Path, default=ROOT / "results/benchmarks/inference.csv")
    parser.add_argument("--memory-of")
    arguments = parser.parse_args()
    torch.set_num_threads(2)
    keep_memory()
    device = "cuda" if torch.cuda.is_available() else "cpu"
    side = arguments.side
    raw = np.random.default_rng(0).integers(0, 65536, (1, side, side), dtype=np.uint16)
    transform = Transform(np.ones((side, side), np.float32), 0.0, 65535.0)
    network = randomized(Architecture(n_classes=5)).requires_grad_(False)
    rgb = rgb_copy(network).to(device)
    field = torch.from_numpy(raw.astype(np.float32))[None].to(device) / 32767.5 - 1

    def segmenter(**plan: object) -> Segmenter:
        return Segmenter(copy.deepcopy(network), [transform], Plan(device=device, **plan))

    fast = segmenter()
    low = segmenter(precision="bfloat16")
    banded = segmenter(force="banded")

    folder = tempfile.TemporaryDirectory()
    how = {"segmentation": Plan(device), "seam": {"checks": 0, "max_difference": 1.0}}
    job = plate_on_disk(Path(folder.name), network, raw, FIELDS) | how
    usual = {"roi_size": 256, "sw_batch_size": 4, "overlap": 0.25, "mode": "gaussian"}
    best = {"roi_size": 1024, "sw_batch_size": 1, "overlap": 0.25, "mode": "constant"}
    three = field.repeat(1, 3, 1, 1)
    cases = {
        "naive": ("float32", lambda: naive(rgb, field)),
        "monai": ("float32", lambda: monai(rgb, three, **usual)),
        "monai best setting": ("float32", lambda: monai(rgb, three, **best)),
        "windows": ("float32", lambda: monai(fast.network, field, **usual)),
        "livedead": ("float32", lambda: fast.segment(raw)),
        "livedead banded": ("float32", lambda: banded.segment(raw)),
        "livedead bfloat16": ("bfloat16", lambda: low.segment(raw)),
        "livedead end to end": ("float32", lambda: segment_fields(**job)),
    }
    if arguments.memory_of:
        with torch.inference_mode():
            cases[arguments.memory_of][1]()
        # Not getrusage: its peak is inherited from the process that started this one.
        status = Path("/proc/self/status").read_text()
        print(int(re.search(r"VmHWM:\s+(\d+)", status)[1]) / 1024)
        return
    slowdown = bfloat16_slowdown(device)
    print(f"bfloat16 takes {slowdown:.2f} times as long as float32 for one convolution")
    notes = {case: why_left_out(precision, slowdown) for case, (precision, _) in cases.items()}
    seconds: dict[str, list[float]] = {case: [] for case, note in notes.items() if not note}
    with torch.inference_mode():
        plain = copy.deepcopy(network).to(device, memory_format=torch.channels_last)
        work, layers = flops(plain, field.contiguous(memory_format=torch.channels_last))
        peaks = []
        for number in range(arguments.rounds + 1):
            for case, taken in seconds.items():
                start = time.perf_counter()
                cases[case][1]()
                if device == "cuda":
                    torch.cuda.synchronize()
                if number:
                    fields = FIELDS if "end to end" in case else 1
                    taken.append((time.perf_counter() - start) / fields)
            if number:
                peaks.append(peak_rate(layers, 1))
                print(f"round {number}: " + ", ".join(f"{c} {s[-1]:.2f} s" for c, s in seconds.items()))
    medians = {case: statistics.median(taken) for case, taken in seconds.items()}
    peak = statistics.median(peaks)
    rows = [
        {
            "case": case,
            "device": device,
            "precision": cases[case][0],
            "seconds_median": median,
            "mpx_per_s": side * side / 1e6 / median,
            "ratio_to_monai": medians["monai"] / median,
            "ratio_to_naive": medians["naive"] / median,
            "share_of_peak": work / median / peak if case.startswith("livedead") else np.nan,
            "peak_rss_mb": np.nan if note else peak_memory_mb(case, side),
            "note": note,
        }
        for case, note in notes.items()
        for median in [medians.get(case, np.nan)]
    ]
    arguments.output.parent.mkdir(parents=True, exist_ok=True)
    table = pd.DataFrame(rows, columns=COLUMNS)
    table.to_csv(arguments.output, index=False, float_format="%.4g", na_rep="NA")
    print(table.to_string(index=False, float_format="%.3g"))
    folder.cleanup()
    print(f"peak of the convolutions: {peak / 1e9:.0f} GFLOP/s; one pass: {work / 1e9:.0f} GFLOP")


if __name__ == "__main__":
    main()
