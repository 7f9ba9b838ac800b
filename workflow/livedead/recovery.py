"""What `make resume` does first: end the jobs that a killed run left, and delete its half-written files.

Jobs outlive a Snakemake that was killed, and would write into the run that continues its work.
"""

import getpass
import logging
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil

from livedead.errors import LivedeadError

log = logging.getLogger(__name__)

TEMPORARIES = ".*.partial"
"""Names of what `livedead.stores.replacing` writes, which a login node without HDF5 cannot import."""

POLL_SECONDS = 1.0
SLURM_LOGS = ".snakemake/slurm_logs"
PATIENCE_SECONDS = 300.0
"""Slurm gives a cancelled job KillWait, 30 s by default, and a busy controller takes longer."""


def recover(folder: Path) -> None:
    """End the orphaned jobs of a working folder, then delete their half-written files.

    Raises
    ------
    LivedeadError
        If Snakemake still runs in the folder on this machine: its jobs are no orphans.
    """
    folder = folder.resolve()
    for process in _processes():
        if _is_snakemake(process, folder):
            raise LivedeadError(
                f"{folder}: Snakemake is still running there, as process {process.pid}; "
                f"wait for it, or end it (kill {process.pid}), then resume"
            )
    cancel_slurm_jobs(folder)
    end_local_jobs(folder)
    sweep(folder)


def slurm_jobs(folder: Path) -> dict[str, str]:
    """Slurm jobs of this user and `folder`, id -> name of the run; none where there is no Slurm.

    Only jobs that Snakemake submitted from this very folder: it puts their rule into the comment, and
    Slurm knows where they were submitted.

    Raises
    ------
    LivedeadError
        If the folder's jobs ran on Slurm and Slurm does not answer.
    """
    if shutil.which("squeue") is None:
        return {}
    command = ["squeue", "--noheader", "--user", getpass.getuser(), "--format", "%A|%j|%k|%Z"]
    listed = subprocess.run(command, check=False, capture_output=True, text=True)
    if listed.returncode != 0 and (folder / SLURM_LOGS).exists():
        raise LivedeadError(
            f"{folder}: its jobs ran on Slurm, and squeue does not say whether any still do "
            f"({listed.stderr.strip()}); resume when it answers"
        )
    jobs = {}
    for line in listed.stdout.splitlines():
        job, run, comment, submitted_in = line.split("|", 3)
        if comment.startswith("rule_") and Path(submitted_in).resolve() == folder:
            jobs[job] = run
    return jobs


def cancel_slurm_jobs(folder: Path) -> None:
    """Cancel the Slurm jobs of `folder` and wait until they are gone and can write nothing more."""
    orphans = slurm_jobs(folder)
    if not orphans:
        return
    log.info("cancelling Slurm jobs %s", ", ".join(sorted(orphans)))
    subprocess.run(["scancel", *orphans], check=True)
    deadline = time.monotonic() + PATIENCE_SECONDS
    while left := slurm_jobs(folder):
        if time.monotonic() > deadline:
            raise LivedeadError(
                f"Slurm jobs {', '.join(sorted(left))} were cancelled {PATIENCE_SECONDS:.0f} s ago and are "
                "still there; see 'squeue --me' and resume when they are gone"
            )
        time.sleep(POLL_SECONDS)


def end_local_jobs(folder: Path) -> None:
    """Kill the processes on this machine that run a rule's script for `folder`."""
    scripts = f"{folder}/.snakemake/scripts/"
    orphans = [
        process for process in _processes() if any(scripts in word for word in process.info["cmdline"])
    ]
    for process in orphans:
        log.info("killing process %d: %s", process.pid, " ".join(process.info["cmdline"]))
        process.kill()
    psutil.wait_procs(orphans, timeout=PATIENCE_SECONDS)


def sweep(folder: Path) -> None:
    """Delete what `livedead.stores.replacing` and `replacing_folder` left when they were killed."""
    for path in sorted((folder / "results").rglob(TEMPORARIES)):
        log.info("deleting %s", path)
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink()


def _processes() -> Iterator[psutil.Process]:
    """The other processes of this machine whose command line this user may see."""
    for process in psutil.process_iter(["cmdline", "cwd"]):
        if process.pid != psutil.Process().pid and process.info["cmdline"]:
            yield process


def _is_snakemake(process: psutil.Process, folder: Path) -> bool:
    """Whether a process is the Snakemake that runs `folder`, not one inside a cluster job."""
    program = process.info["cmdline"][:3]
    named = any(Path(word).name == "snakemake" for word in program)
    return named and process.info["cwd"] == str(folder) and "--mode" not in process.info["cmdline"]


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    try:
        recover(Path(sys.argv[1]))
    except LivedeadError as error:
        sys.exit(f"livedead: {error}")
