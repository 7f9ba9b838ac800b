"""A plate in an object store: the same numbers as from disk, and each job fetches only what it reads."""

import logging
import os
import re
import shutil
import signal

import pandas as pd
import pytest
from working_folder import TINY, Folder, write_config

pytest.importorskip("moto", reason="needs an S3 server; 'make cloud' installs it")

from in_store import InStore, OnNodes, configure
from object_store import object_store

TABLE = "results/wells.csv"
FIELDS = "results/small/fields.csv"
PLACE = "run 7/small"
URL = f"s3://plates/{PLACE}"
SHARDS = {"1-of-2": ("A01", "A06"), "2-of-2": ("A12", "B03")}
"""Four wells in two contiguous runs, in plate order."""
SECONDS = 120


@pytest.fixture(scope="module")
def store():
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    with object_store() as running:
        yield running


@pytest.fixture(scope="module")
def disk(tmp_path_factory, repository):
    """The tiny plate, counted from a folder."""
    path = tmp_path_factory.mktemp("disk")
    write_config(path, repository, TINY, shards=len(SHARDS))
    folder = Folder(path, repository)
    run = folder.snakemake("--", TABLE)
    assert run.returncode == 0, run.stderr
    return folder


@pytest.fixture(scope="module")
def uploaded(store, disk):
    """Key in the store -> content, of each of the plate's images."""
    return store.upload(disk.path / "results/simulated/small/raw", PLACE)


@pytest.fixture(scope="module")
def counted(tmp_path_factory, repository, store, disk, uploaded):
    """The same plate, counted from the store."""
    path = configure(tmp_path_factory.mktemp("stored") / "run", disk, URL)
    folder = InStore(path, repository, store)
    run = folder.snakemake("--", TABLE)
    assert run.returncode == 0, run.stderr
    return folder


def test_the_tables_are_those_of_the_disk(counted, disk):
    names = [name for name in disk.files() if name.endswith((".csv", ".gz", ".h5", ".tsv"))]
    names = [name for name in names if "simulated" not in name]
    assert {TABLE, FIELDS, "results/small/cells.csv.gz", "results/small/images.tsv"} <= set(names)
    assert [name for name in names if counted.read(name) != disk.read(name)] == []


def test_no_copy_is_left_and_a_second_run_does_nothing(counted, store):
    assert [path for path in counted.path.glob(".snakemake/storage/**/*") if path.is_file()] == []
    store.requests.clear()
    again = counted.snakemake("--", TABLE)
    assert "Nothing to be done" in again.stderr
    assert store.fetched(PLACE) == []


def test_each_job_on_nodes_fetches_what_it_reads(disk, store, uploaded, repository, tmp_path):
    """The network reads brightfield (w1); counting also measures the dyes (w2, w3) where they were imaged."""
    folder = OnNodes(configure(tmp_path / "run", disk, URL), repository, store)
    store.upload(folder.path / "config", f"{folder.place}/config")
    store.requests.clear()
    run = folder.snakemake("--", FIELDS)
    assert run.returncode == 0, run.stderr
    of_wells = {
        shard: {key for key in uploaded if key.split("_")[2] in wells} for shard, wells in SHARDS.items()
    }
    brightfield = {key for key in uploaded if key.endswith("_w1.TIF")}
    expected = {
        "index_plate": set(uploaded),
        "normalize_plate": brightfield,
        **{f"segment_fields-{shard}": keys & brightfield for shard, keys in of_wells.items()},
        **{f"count_cells-{shard}": keys for shard, keys in of_wells.items()},
    }
    fetched = pd.DataFrame(store.fetched(PLACE))
    assert not fetched.duplicated(["client", "key"]).any()
    assert fetched.groupby("client")["key"].agg(set).to_dict() == expected
    n_bytes = {job: sum(len(uploaded[key]) for key in keys) for job, keys in expected.items()}
    assert fetched.groupby("client")["n_bytes"].sum().to_dict() == n_bytes
    for name in (FIELDS, "results/small/cells.csv.gz"):
        assert folder.read(name) == disk.read(name), name


def test_a_lost_object_and_a_changed_one_fail_their_fields(counted, store, uploaded, tmp_path):
    lost, changed, other = (
        next(key for key in uploaded if key.endswith(f"{well}_s1_w1.TIF")) for well in ("A06", "A12", "B03")
    )
    folder = counted.copy(tmp_path / "run")
    shutil.rmtree(folder.path / "results/small/shards")
    store.delete(lost)
    store.put(changed, uploaded[other])
    try:
        run = folder.snakemake("--", FIELDS)
    finally:
        store.put(lost, uploaded[lost])
        store.put(changed, uploaded[changed])
    assert run.returncode == 0, run.stderr
    assert folder.read("results/small/images.tsv") == counted.read("results/small/images.tsv")
    rows = pd.read_csv(folder.path / FIELDS, index_col="well", keep_default_na=False)
    codes = {"A01": "", "A06": "missing_file", "A12": "changed_since_index", "B03": ""}
    assert rows["code"].to_dict() == codes


@pytest.mark.parametrize(
    ("url", "environment", "told"),
    [
        ("s3://plates/none", {}, "no object lies below s3://plates/none; correct 'raw'"),
        ("s3://nothing/small", {}, "s3://nothing/small cannot be listed: .*NoSuchBucket"),
        (
            URL,
            {"SNAKEMAKE_STORAGE_S3_ENDPOINT_URL": "http://127.0.0.1:9"},
            f"{URL} cannot be listed: Could not connect to the endpoint",
        ),
    ],
)
def test_a_place_that_is_not_there_is_told_before_anything_runs(
    disk, store, uploaded, repository, tmp_path, url, environment, told
):
    folder = InStore(configure(tmp_path / "run", disk, url), repository, store)
    run = folder.snakemake("--dry-run", **environment)
    said = run.stdout + run.stderr
    assert run.returncode == 1
    assert re.search(f"plate small: {told}", said), said
    assert "Traceback" not in said


def test_a_name_that_cannot_be_fetched_is_refused(disk, store, repository, tmp_path):
    store.put("odd/small/well #1.tif", b"")
    folder = InStore(configure(tmp_path / "run", disk, "s3://plates/odd/small"), repository, store)
    run = folder.snakemake("--dry-run")
    assert "plate small: objects of these names cannot be fetched: ['well #1.tif']; rename them" in run.stdout


def test_a_run_that_is_killed_while_it_fetches_goes_on(counted, disk, store, uploaded, repository, tmp_path):
    folder = InStore(configure(tmp_path / "run", disk, URL), repository, store)
    with store.held_back(sorted(uploaded)[3]) as reached:
        run = folder.start("--", "results/small/images.tsv")
        assert reached.wait(SECONDS)
        os.killpg(run.pid, signal.SIGKILL)
        run.wait()
    assert folder.snakemake("--unlock").returncode == 0
    resumed = folder.snakemake("--", "results/small/images.tsv")
    assert resumed.returncode == 0, resumed.stderr
    assert folder.read("results/small/images.tsv") == counted.read("results/small/images.tsv")
