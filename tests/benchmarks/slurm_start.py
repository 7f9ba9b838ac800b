"""What a Slurm job costs beside its work, on a Slurm of this machine.

Run by root in the environment of ``make cluster``: python tests/benchmarks/slurm_start.py. A job of
the tiny plate has next to no work, so nearly all of its time is start-up: Snakemake in the job,
Snakemake in its step, and Python with its libraries.
"""

import subprocess
import sys
import tempfile
from pathlib import Path

import pandas as pd

REPOSITORY = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(REPOSITORY / folder) for folder in ("workflow", "tests", "tests/cluster")]

import slurm  # noqa: E402
from on_slurm import OnSlurm  # noqa: E402
from working_folder import TINY, write_config  # noqa: E402


def main() -> None:
    slurm.install()
    with tempfile.TemporaryDirectory(prefix="livedead-slurm-") as name:
        state, path = Path(name) / "slurm", Path(name) / "run"
        state.mkdir()
        Path(name).chmod(0o755)
        write_config(path, REPOSITORY, TINY)
        with slurm.one_machine_slurm(state):
            run = OnSlurm(path, REPOSITORY).snakemake("--jobs", "1", "--", "results/wells.csv")
            assert run.returncode == 0, run.stderr
            listed = subprocess.run(
                ["squeue", "--states=all", "--noheader", "--format=%k|%M"],
                check=True, capture_output=True, text=True,
            ).stdout  # fmt: skip
        print("| rule | job, s | of them the script, s |")
        print("|---|---|---|")
        for line in sorted(listed.splitlines()):
            comment, elapsed = line.split("|")
            rule = comment.removeprefix("rule_").split("_wildcards_")[0]
            minutes, seconds = elapsed.split(":")
            timed = [*path.glob(f"benchmarks/{rule}.tsv"), *path.glob(f"benchmarks/{rule}/**/*.tsv")]
            script = pd.read_csv(timed[0], sep="\t")["s"].iloc[0]
            print(f"| {rule} | {60 * int(minutes) + int(seconds)} | {script:.1f} |")


if __name__ == "__main__":
    main()
