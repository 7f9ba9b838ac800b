"""The workflow on a real Slurm: the same numbers, and every way in which a job can be lost."""

import os
import shutil
import signal
import subprocess
import tempfile
from pathlib import Path

import pytest
import slurm
from on_slurm import SECONDS, OnSlurm
from working_folder import TINY, Folder, write_config

pytest.importorskip("snakemake_executor_plugin_slurm", reason="needs the plugin; 'make cluster' installs it")


@pytest.fixture(scope="module")
def cluster():
    try:
        slurm.install()
    except slurm.UnavailableError as reason:
        pytest.skip(str(reason))
    # Not in pytest's folders, which only their owner may enter.
    folder = Path(tempfile.mkdtemp(prefix="livedead-slurm-"))
    folder.chmod(0o755)
    with slurm.one_machine_slurm(folder):
        yield
    shutil.rmtree(folder)


@pytest.fixture(scope="module")
def local(tmp_path_factory, repository):
    """The tiny plate, run on this machine without Slurm and without disturbance."""
    path = tmp_path_factory.mktemp("local")
    write_config(path, repository, TINY, shards=3)
    folder = Folder(path, repository)
    run = folder.snakemake()
    assert run.returncode == 0, run.stderr
    return folder


def assert_same(folder, local):
    assert folder.files() == local.files()
    for name in local.files():
        if name.endswith((".csv", ".gz", ".tsv", ".h5", ".safetensors")):
            assert folder.read(name) == local.read(name), name


def test_the_demo_gives_the_local_table(cluster, repository, tmp_path):
    folders = []
    for kind in (Folder, OnSlurm):
        path = tmp_path / kind.__name__
        shutil.copytree(repository / "config/demo", path / "config/demo")
        folders.append(kind(path, repository))
        run = folders[-1].snakemake("--configfile", "config/demo/config.yaml", "--", "results/wells.csv")
        assert run.returncode == 0, run.stderr
    here, there = folders
    assert there.read("results/wells.csv") == here.read("results/wells.csv")
    jobs = slurm.jobs(there.path)
    assert {job.state for job in jobs} == {"COMPLETED"}
    nodes = {job.rule.split("_wildcards_")[0]: job.node for job in jobs}
    assert nodes.pop("rule_segment_fields") == "n1"
    assert "n2" in nodes.values()
    assert not slurm.jobs(here.path)


def test_cancelled_preempted_and_timed_out(cluster, local, repository, tmp_path):
    """All three in one run: the three shards of a plate take turns at the only GPU."""
    folder = OnSlurm(local.copy(tmp_path / "on slurm").path, repository)
    shutil.rmtree(folder.path / "results/small/shards")
    hurried = ("--retries", "0", "--set-resources", "segment_fields:gpu=1", "segment_fields:runtime=1")
    run = folder.start(folder.command(*hurried))
    cancelled = folder.wait_for(run, "segment_fields")
    subprocess.run(["scancel", cancelled.number], check=True)

    preempted = folder.wait_for(run, "segment_fields")
    urgent = ["sbatch", "--partition=urgent", "--gpus=1", "--job-name=urgent", "--wrap=true"]
    subprocess.run(urgent, check=True, capture_output=True, cwd=tmp_path)
    folder.wait_for(run, preempted.rule.removeprefix("rule_"), "PENDING")

    # A job that hangs: stopped, so that its minute passes.
    hanging = folder.wait_for(run, "segment_fields")
    subprocess.run(["scancel", "--full", "--signal=STOP", hanging.number], check=True)
    assert run.wait(2 * SECONDS) != 0
    assert len({cancelled.number, preempted.number, hanging.number}) == 3
    ended = {job.number: job.state for job in slurm.jobs(folder.path)}
    assert ended[cancelled.number] == "CANCELLED"
    assert ended[preempted.number] == "COMPLETED"
    assert ended[hanging.number] == "TIMEOUT"

    resumed = folder.resume()
    assert resumed.returncode == 0, resumed.stderr
    assert_same(folder, local)


KILLED_AT = [
    "simulate_plate",
    "index_plate",
    "normalize_plate",
    "segment_fields",
    "count_cells",
    "gather_fields",
    "tabulate_wells",
    "gather_wells",
    "fit_dose_response",
    "check_fields",
]


def test_killed_again_and_again(cluster, local, repository, tmp_path):
    """Snakemake is killed while a job of each rule runs, and the resumed run again at the next.

    Every second job is killed, too; the others are orphans, and write on until they are cancelled.
    """
    path = tmp_path / "on slurm"
    write_config(path, repository, TINY, shards=3)
    folder = OnSlurm(path, repository)
    command = folder.command()
    for k, rule in enumerate(KILLED_AT):
        run = folder.start(command)
        job = folder.wait_for(run, rule)
        os.killpg(run.pid, signal.SIGKILL)
        run.wait()
        assert job.number in {orphan.number for orphan in slurm.active(folder.path)}
        if k % 2:
            subprocess.run(["scancel", "--full", "--signal=KILL", job.number], check=True)
        command = folder.resume_command()
    resumed = folder.resume()
    assert resumed.returncode == 0, resumed.stderr
    assert not slurm.active(folder.path)
    assert_same(folder, local)
