"""A run that is killed, and taken up again by the documented command, ends as if nothing had happened."""

import contextlib
import itertools
import os
import random
import subprocess
from pathlib import Path

import psutil
import pytest
from working_folder import TINY, Folder, write_config, write_dyed

KILLER = Path(__file__).parent / "killer"
POINTS = ("begun", "written", "flushed", "renamed")
N_RANDOM = 25
SEED = 8


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory, repository):
    path = tmp_path_factory.mktemp("undisturbed")
    write_config(path, repository, TINY, shards=2)
    folder = Folder(path, repository)
    run = folder.snakemake()
    assert run.returncode == 0, run.stderr
    return folder


@pytest.fixture
def folder(repository, tmp_path):
    path = tmp_path / "killed"
    write_config(path, repository, TINY, shards=2)
    return Folder(path, repository)


def start(folder, command, **environment):
    """Start a command in a session of its own, so that it can be killed with all it started."""
    with open(folder.path / "run.log", "wb") as log:
        return subprocess.Popen(
            command,
            cwd=folder.path,
            env={**os.environ, **environment},
            stdout=log,
            stderr=log,
            start_new_session=True,
        )


def kill(run, spare_jobs):
    """Kill everything that was started, or leave the jobs, which become orphans."""
    started = [psutil.Process(run.pid), *psutil.Process(run.pid).children(recursive=True)]
    for process in started:
        with contextlib.suppress(psutil.NoSuchProcess):
            is_job = any("/.snakemake/scripts/" in word for word in process.cmdline())
            if not (is_job and spare_jobs):
                process.kill()
    run.wait()


def assert_same(folder, undisturbed):
    assert folder.files() == undisturbed.files()
    for name in undisturbed.files():
        if (folder.path / name).is_file():
            assert folder.read(name) == undisturbed.read(name), name


def kill_at_points(folder, points, *targets):
    """Run and resume until the run was killed at every one of the points."""
    killed = folder.path / "killed.txt"
    left, command = list(points), folder.command(*targets)
    while left:
        noted = len(killed.read_text().splitlines()) if killed.exists() else 0
        run = start(folder, command, KILL_AT=",".join(left), KILLED=str(killed), PYTHONPATH=str(KILLER))
        assert run.wait() != 0, f"the run ended before it was killed at {left}"
        reached = killed.read_text().splitlines()[noted:] if killed.exists() else []
        assert reached, (folder.path / "run.log").read_text()[-3000:]
        left = [point for point in left if point not in reached]
        command = folder.resume_command(*targets)
    assert sorted(killed.read_text().splitlines()) == sorted(points)


def test_killed_within_a_writer(folder, tmp_path):
    """A job, then the whole run; `make faults` kills at a point of every writer."""
    target = "results/wells.csv"
    write_config(tmp_path / "undisturbed", folder.repository, TINY, shards=2)
    undisturbed = Folder(tmp_path / "undisturbed", folder.repository)
    run = undisturbed.snakemake(target)
    assert run.returncode == 0, run.stderr
    points = [
        "results/small/shards/1-of-2/classes.h5:written:job",
        "results/small/shards/2-of-2/cells.csv.gz:flushed:run",
    ]
    kill_at_points(folder, points, target)
    assert folder.snakemake("--rerun-incomplete", target).returncode != 0, "a killed run leaves its lock"
    resumed = folder.resume(target)
    assert resumed.returncode == 0, resumed.stderr
    assert_same(folder, undisturbed)


@pytest.mark.bulk
def test_killed_at_a_point_of_every_writer(undisturbed, folder):
    raw = "results/simulated/small/raw"
    files = [name for name in undisturbed.files() if (undisturbed.path / name).is_file() and raw not in name]
    kinds = itertools.cycle(itertools.product(("run", "job"), POINTS))
    kill_at_points(
        folder, [f"{name}:{point}:{whom}" for name, (whom, point) in zip(files, kinds, strict=False)]
    )
    resumed = folder.resume()
    assert resumed.returncode == 0, resumed.stderr
    assert_same(folder, undisturbed)


@pytest.mark.bulk
def test_killed_at_a_point_of_every_writer_of_dyes(tmp_path, repository):
    undisturbed, folder = (Folder(tmp_path / name, repository) for name in ("undisturbed", "killed"))
    for one in (undisturbed, folder):
        write_dyed(one.path, repository, shards=2)
    run = undisturbed.snakemake()
    assert run.returncode == 0, run.stderr
    own = ("dyes.h5", "dyes.csv", "dyes.json", "report/dyes.png")
    files = [
        f"results/small/{name}" for name in (*own, "shards/1-of-2/classes.h5", "shards/2-of-2/classes.h5")
    ]
    kinds = itertools.cycle(itertools.product(("run", "job"), POINTS))
    points = [f"{name}:{point}:{whom}" for name, (whom, point) in zip(files, kinds, strict=False)]
    kill_at_points(folder, points)
    resumed = folder.resume()
    assert resumed.returncode == 0, resumed.stderr
    assert_same(folder, undisturbed)


@pytest.mark.bulk
def test_killed_at_a_point_of_every_folder_of_zarr(folder, tmp_path):
    write_config(tmp_path / "undisturbed", folder.repository, TINY, shards=2)
    undisturbed = Folder(tmp_path / "undisturbed", folder.repository)
    run = undisturbed.snakemake("zarr")
    assert run.returncode == 0, run.stderr
    points = [
        "results/small/shards/1-of-2/zarr:begun:run",
        "results/small/shards/2-of-2/zarr:flushed:job",
        "results/small/plate.zarr:begun:job",
        "results/small/plate.zarr:flushed:run",
    ]
    kill_at_points(folder, points, "zarr")
    assert not (folder.path / "results/small/plate.zarr").exists()
    resumed = folder.resume("zarr")
    assert resumed.returncode == 0, resumed.stderr
    assert_same(folder, undisturbed)


@pytest.mark.bulk
def test_killed_at_random_times(undisturbed, folder):
    rng = random.Random(SEED)
    command, n_killed = folder.command(), 0
    while n_killed < N_RANDOM:
        run = start(folder, command)
        try:
            ended = run.wait(rng.uniform(0, 15))
        except subprocess.TimeoutExpired:
            kill(run, spare_jobs=rng.random() < 0.5)
            command, n_killed = folder.resume_command(), n_killed + 1
        else:
            assert ended == 0, (folder.path / "run.log").read_text()[-3000:]
            assert_same(folder, undisturbed)
            (folder.path / "results/wells.csv").unlink()
            (folder.path / "results/small/normalization.h5").unlink()
            command = folder.command()
    resumed = folder.resume()
    assert resumed.returncode == 0, resumed.stderr
    assert_same(folder, undisturbed)
