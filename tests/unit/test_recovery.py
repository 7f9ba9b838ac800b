"""What is ended before a run is taken up again, and what is left alone."""

import subprocess
import sys

import psutil
import pytest

from livedead import recovery, stores
from livedead.errors import LivedeadError

SLEEP = "import time; time.sleep(60)"


@pytest.fixture
def slurm(tmp_path, monkeypatch):
    """A squeue that lists the file `queue`, and a scancel that empties it and notes what it was told."""
    folder = tmp_path / "bin"
    folder.mkdir()
    queue, cancelled = tmp_path / "queue", tmp_path / "cancelled"
    commands = {"squeue": f'cat "{queue}"', "scancel": f'echo "$@" > "{cancelled}"; : > "{queue}"'}
    for name, command in commands.items():
        (folder / name).write_text(f"#!/bin/sh\n{command}\n")
        (folder / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")
    return queue, cancelled


def test_only_the_jobs_that_snakemake_submitted_from_this_folder_are_cancelled(slurm, tmp_path):
    queue, cancelled = slurm
    here, other = tmp_path / "my run", tmp_path / "other"
    here.mkdir()
    queue.write_text(
        f"11|f00d|rule_segment_fields_wildcards_p1_1-of-2|{here}\n"
        f"12|f00d|rule_index_plate_wildcards_p1|{other}\n"
        f"13|analysis|(null)|{here}\n"
        f"14|f00d|rule_count_cells_wildcards_p1_1-of-2|{here}\n"
    )
    recovery.cancel_slurm_jobs(here)
    assert cancelled.read_text() == "11 14\n"


def test_without_slurm_nothing_is_asked_for(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    recovery.recover(tmp_path)


def test_jobs_that_do_not_end_are_named(slurm, tmp_path, monkeypatch):
    queue, _ = slurm
    queue.write_text(f"7|f00d|rule_index_plate|{tmp_path}\n")
    (tmp_path / "bin/scancel").write_text("#!/bin/sh\n")
    monkeypatch.setattr(recovery, "PATIENCE_SECONDS", -1.0)
    with pytest.raises(LivedeadError, match="Slurm jobs 7 were cancelled"):
        recovery.cancel_slurm_jobs(tmp_path)


def test_a_slurm_that_does_not_answer_is_not_taken_for_an_empty_one(slurm, tmp_path):
    squeue = tmp_path / "bin/squeue"
    squeue.write_text("#!/bin/sh\necho down >&2; exit 1\n")
    assert recovery.slurm_jobs(tmp_path) == {}
    (tmp_path / ".snakemake/slurm_logs").mkdir(parents=True)
    with pytest.raises(LivedeadError, match=r"\(down\); resume when it answers"):
        recovery.slurm_jobs(tmp_path)


def start(folder, name):
    """A process that sleeps, of a script called `name` in `folder`."""
    script = folder / name
    script.parent.mkdir(parents=True, exist_ok=True)
    script.write_text(SLEEP)
    return subprocess.Popen([sys.executable, str(script)], cwd=folder)


def test_orphans_of_this_folder_end_and_their_temporaries_go(tmp_path):
    here, other = tmp_path / "here", tmp_path / "other"
    orphan = start(here, ".snakemake/scripts/tmp1.count_cells.py")
    foreign = start(other, ".snakemake/scripts/tmp1.count_cells.py")
    kept = here / "results/p1/shards/1-of-1/classes.h5"
    stores.write_bytes(kept, b"whole")
    try:
        with pytest.raises(FileNotFoundError), stores.replacing(kept) as left:
            assert left.exists()
            recovery.recover(here)
            assert not left.exists()
        assert not psutil.pid_exists(orphan.pid)
        assert foreign.poll() is None
    finally:
        for process in (orphan, foreign):
            process.kill()
            process.wait()
    assert kept.read_bytes() == b"whole"


def test_a_login_node_needs_no_more_than_snakemake_has(repository):
    heavy = "{'pandas', 'numpy', 'h5py', 'torch'}"
    command = f"import sys, livedead.recovery; print({heavy} & set(sys.modules))"
    workflow = repository / "workflow"
    run = subprocess.run([sys.executable, "-c", command], cwd=workflow, capture_output=True, text=True)
    assert run.stdout == "set()\n", run.stderr


def test_a_run_that_is_alive_is_not_disturbed(tmp_path):
    job = start(tmp_path, ".snakemake/scripts/tmp1.count_cells.py")
    run = start(tmp_path, "snakemake")
    try:
        with pytest.raises(LivedeadError, match=f"kill {run.pid}"):
            recovery.recover(tmp_path)
        assert job.poll() is None
    finally:
        for process in (job, run):
            process.kill()
            process.wait()
