"""What Snakemake itself costs: planning 100 plates of 384 wells and 9 fields, and starting one job.

Run from the repository: python tests/benchmarks/planning.py. Prints the figures of docs/cluster.md.
"""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path[:0] = ["workflow", "tests"]
from working_folder import write_plates  # noqa: E402

from livedead.plates.geometry import all_wells  # noqa: E402

REPOSITORY = Path(__file__).resolve().parents[2]
N_WELLS, N_FIELDS = 384, 9
AS_ON_A_NODE = [
    *("--target-jobs", "segment_fields:plate=p000,scatteritem=1-of-1", "--allowed-rules", "segment_fields"),
    *("--cores", "all", "--force", "--nolock", "--ignore-incomplete"),
]
"""How an executor starts a job on a node, here for a dry run."""


def measure(folder: Path, *arguments: str) -> tuple[float, float, float]:
    """Seconds on the clock and of the processor, and peak megabytes, of one Snakemake."""
    snakefile = str(REPOSITORY / "workflow/Snakefile")
    command = [sys.executable, "-m", "snakemake", "-s", snakefile, "--dry-run", "--quiet", *arguments]
    start = time.perf_counter()
    with subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as run:
        errors = run.stderr.read()
        _, status, usage = os.wait4(run.pid, 0)
        run.returncode = os.waitstatus_to_exitcode(status)
    assert run.returncode == 0, errors.decode()
    return time.perf_counter() - start, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


def make_images(folder: Path) -> int:
    """Fill every plate's raw folder with empty files; return how many."""
    n_images = 0
    for raw in sorted((folder / "raw").iterdir()):
        for well in all_wells(N_WELLS):
            for field in range(1, N_FIELDS + 1):
                (raw / f"x_{well}_s{field}_w1.TIF").touch()
                n_images += 1
    return n_images


def main() -> None:
    print("| plates | images | shards | plan: s | CPU s | MB | start of a job: s | CPU s |")
    print("|---|---|---|---|---|---|---|---|")
    for n_plates in (1, 10, 100):
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            write_plates(folder, REPOSITORY, n_plates, N_WELLS)
            n_images = make_images(folder)
            plans = {n: measure(folder, "--cores", "2", "--set-scatter", f"shard={n}") for n in (1, 16)}
            for path in ("p000/images.tsv", "p000/normalization.h5", "weights/unet.safetensors"):
                (folder / "results" / path).parent.mkdir(parents=True, exist_ok=True)
                (folder / "results" / path).touch()
            for n_shards, plan in plans.items():
                *started, _ = measure(folder, *AS_ON_A_NODE, "--set-scatter", f"shard={n_shards}")
                times = [f"{value:.1f}" for value in (*plan[:2], *started)]
                row = (n_plates, f"{n_images:,}", n_shards, *times[:2], f"{plan[2]:.0f}", *times[2:])
                print("|", " | ".join(map(str, row)), "|")


if __name__ == "__main__":
    main()
