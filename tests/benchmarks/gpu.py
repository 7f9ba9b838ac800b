"""On one GPU, in one go: is it right, how fast is it, and what does it wait for?

Run by ``make gpu``. First the tests of tests/gpu; then what the device can do at most; the network alone;
the segmenter from memory to memory, MONAI on the same device; files to files; the training. Every part
runs in a process of its own with a limit of time, and every row is written when it is found, so that a
part that fails, or a machine that is taken away, costs the rest nothing: ``rows.jsonl`` a row a line,
``summary.txt`` the tables, anew after each part, ``tests.txt`` and ``profile.txt``. With
``--device cpu --quick`` the same code runs on a CPU in a minute, which says that it works and no more.
"""

import argparse
import json
import multiprocessing
import os
import platform
import signal
import subprocess
import sys
import time
from contextlib import suppress
from datetime import date
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pandas as pd

NEEDED = {
    "imagecodecs": "imagecodecs",
    "cc3d": "connected-components-3d",
    "monai": "monai",
    "tifffile": "tifffile",
    "safetensors": "safetensors",
    "msgpack": "msgpack",
}
"""Module and package of what a machine with PyTorch may lack; requirements.txt has the versions."""

PARTS = {
    "tests": 150,
    "ceilings": 40,
    "network": 90,
    "compiled": 75,
    "segmenter": 50,
    "monai": 60,
    "files": 120,
    "learning": 80,
    "profile": 40,
}
"""Seconds that each may take; on a CPU `CPU_PATIENCE` times as many."""

CPU_PATIENCE = 5

COLUMNS = ["case", "precision", "outcome", "fields_per_s", "tflops", "share_of_peak"]
"""The first ones of a table; a part's own follow."""


def missing() -> list[str]:
    """Packages to carry to this machine."""
    return [package for module, package in NEEDED.items() if find_spec(module) is None]


def machine(device: str) -> dict[str, Any]:
    """What the numbers hold for."""
    import torch

    about = {"date": str(date.today()), "cores": os.cpu_count(), "python": platform.python_version()}
    about |= {
        "torch": torch.__version__,
        "cuda": torch.version.cuda,
        "cudnn": str(torch.backends.cudnn.version()),
    }
    if device == "cuda":
        query = "--query-gpu=name,driver_version,memory.total,clocks.sm,power.limit"
        run = subprocess.run(["nvidia-smi", query, "--format=csv,noheader"], capture_output=True, text=True)
        about["gpu"] = run.stdout.strip()
    return about


def write_row(path: Path, part: str, **row: Any) -> None:
    """Append one row and show it; NaN and None are left out."""
    kept = {name: value for name, value in row.items() if value is not None and value == value}
    line = json.dumps({"part": part, **kept}, default=str)
    with path.open("a") as file:
        file.write(line + "\n")
    print(line, flush=True)


def run_part(part: str, setting: Any, rows: Path) -> None:
    """Run in a process of its own, which leads its group, so that a kill ends all of its helpers."""
    os.setpgid(0, 0)
    import gpu_parts
    import torch

    if setting.device == "cpu":
        torch.set_num_threads(2)
    getattr(gpu_parts, part)(setting, lambda **row: write_row(rows, part, **row))


def run_within(part: str, setting: Any, rows: Path, seconds: float) -> None:
    """Run a part, and end it where its time does."""
    start = time.monotonic()
    process = multiprocessing.get_context("spawn").Process(target=run_part, args=(part, setting, rows))
    process.start()
    try:
        process.join(seconds)
        if process.is_alive():
            write_row(rows, part, note=f"stopped after {seconds:.0f} s")
        elif process.exitcode:
            write_row(rows, part, note=f"failed with {process.exitcode}; its error is in the output above")
    finally:
        if process.is_alive():
            with suppress(ProcessLookupError):  # it has no group yet
                os.killpg(process.pid, signal.SIGKILL)
            process.kill()
            process.join()
    write_row(rows, "time", case=part, seconds=round(time.monotonic() - start, 1))


def markdown(table: pd.DataFrame) -> str:
    """The table as docs/inference.md takes it, without blanks that only align."""

    def cell(value: Any) -> str:
        return "" if value != value else f"{value:.4g}" if isinstance(value, float) else str(value)

    lines = [list(table.columns), ["---"] * table.shape[1], *table.itertuples(index=False)]
    return "\n".join("| " + " | ".join(map(cell, line)) + " |" for line in lines)


def tables(rows: list[dict[str, Any]]) -> str:
    """Rows of each part as a table, and what was to be reached."""
    found = pd.DataFrame(rows)
    texts = []
    peaks = found[(found["part"] == "ceilings") & found.get("precision", pd.Series(dtype=str)).notna()]
    if "tflops" in found and len(peaks):
        peak = found["precision"].map(peaks.set_index("precision")["tflops"].to_dict())
        alone = found["part"].isin(["network", "compiled"])
        found.loc[alone, "share_of_peak"] = found["tflops"][alone] / peak[alone]
    for part, own in found.groupby("part", sort=False):
        own = own.drop(columns="part").dropna(axis=1, how="all")
        own = own[[*(c for c in COLUMNS if c in own), *(c for c in own if c not in COLUMNS)]]
        texts.append(f"{part}\n{markdown(own)}")
    return "\n\n".join([*texts, goals(found)]) + "\n"


def goals(found: pd.DataFrame) -> str:
    """How far the goals are reached: 5 times MONAI, half of the peak, files as fast as they are read."""

    def best(part: str, column: str, **starts: str) -> float:
        own = found[found["part"] == part]
        for name, start in starts.items():
            own = own[own.get(name, pd.Series("", own.index)).astype(str).str.startswith(start)]
        return own.get(column, pd.Series(dtype=float)).max()

    reached = {}
    for precision in ("float32", "bfloat16"):
        ours = best("segmenter", "fields_per_s", precision=precision)
        for case in ("usual", "best"):
            name = f"times MONAI at its {case} setting, {precision} (goal 5)"
            reached[name] = ours / best("monai", "fields_per_s", precision=precision, case=case)
        name = f"share of the {precision} peak (goal for bfloat16 0.5)"
        reached[name] = best("network", "share_of_peak", precision=precision)
    for case in ("uncompressed", "LZW", "deflate"):
        name = f"files, {case}: share of the rate of reading alone"
        reached[name] = best("files", "fields_per_s", case=case) / best("files", "reading_per_s", case=case)
    return "\n".join(
        ["goals", *(f"{name}: {value:.2f}" for name, value in reached.items() if value == value)]
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path("results/benchmarks/gpu"))
    parser.add_argument("--device", choices=("cuda", "cpu"), default="cuda")
    parser.add_argument("--quick", action="store_true", help="tiny sizes: whether it runs, no figures")
    parser.add_argument("--parts", nargs="+", choices=list(PARTS), default=list(PARTS))
    parser.add_argument("--minutes", type=float, default=7.0, help="after which no part goes on")
    options = parser.parse_args()
    end = time.monotonic() + 60 * options.minutes
    if absent := missing():
        print(
            f"Carry these packages to this machine, of the versions in requirements.txt and "
            f"requirements-benchmark.txt: {', '.join(absent)}. Where there is a network: python3 -m pip "
            "download --no-deps --only-binary=:all: --python-version 3.12 --platform manylinux_2_28_x86_64 "
            "-d .whl PACKAGE==VERSION; there: python3 -m pip install --no-index --no-deps --target FOLDER "
            ".whl/*.whl, and PYTHONPATH=FOLDER.",
            flush=True,
        )
    if set(absent) - {"monai"}:
        return 1
    from gpu_setting import Setting

    options.out.mkdir(parents=True, exist_ok=True)
    rows = options.out / "rows.jsonl"
    rows.unlink(missing_ok=True)
    os.environ["GPU_DEVICE"] = options.device
    setting = (Setting.quick if options.quick else Setting)(options.device, options.out)
    write_row(rows, "machine", **machine(options.device))
    patience = CPU_PATIENCE if options.device == "cpu" else 1
    for part in options.parts:
        left = end - time.monotonic()
        if left < 5:
            write_row(rows, part, note="left out: no time left")
        else:
            run_within(part, setting, rows, min(PARTS[part] * patience, left))
        summary = tables([json.loads(line) for line in rows.read_text().splitlines()])
        (options.out / "summary.txt").write_text(summary)
    print(summary)
    return int(any(word in summary for word in ("failed", "stopped after")))


if __name__ == "__main__":
    sys.exit(main())
