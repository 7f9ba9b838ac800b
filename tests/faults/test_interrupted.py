"""A run that is killed and taken up again ends as if nothing had happened."""

import os
import signal
import subprocess
import time

import pytest
from working_folder import Folder, write_config

PRODUCTS = ["results/wells.csv", "results/small/fields.csv", "results/small/cells.csv.gz"]
SECONDS = 120


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory, repository):
    path = tmp_path_factory.mktemp("undisturbed")
    write_config(path, repository)
    folder = Folder(path, repository)
    run = folder.snakemake()
    assert run.returncode == 0, run.stderr
    return folder


@pytest.mark.parametrize("moment", ["logs/normalize_plate", "logs/segment_fields", "logs/count_cells"])
def test_killed_while_a_job_runs(undisturbed, repository, tmp_path, moment):
    path = tmp_path / "killed"
    write_config(path, repository)
    folder = Folder(path, repository)
    with subprocess.Popen(
        folder.command(),
        cwd=path,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    ) as run:
        deadline = time.monotonic() + SECONDS
        # The log appears when the job's own process has started.
        while not list((path / moment).rglob("*.log")) and time.monotonic() < deadline:
            assert run.poll() is None, "the run ended before it could be killed"
            time.sleep(0.02)
        os.killpg(run.pid, signal.SIGKILL)
    assert not (path / "results/wells.csv").exists()
    assert folder.snakemake().returncode != 0, "a killed run leaves its lock"
    assert folder.snakemake("--unlock").returncode == 0
    resumed = folder.snakemake("--rerun-incomplete")
    assert resumed.returncode == 0, resumed.stderr
    for name in PRODUCTS:
        assert folder.read(name) == undisturbed.read(name)
