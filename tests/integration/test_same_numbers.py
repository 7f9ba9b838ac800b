"""The same images give the same table, byte for byte, however and wherever they are computed."""

import shutil
from pathlib import Path

import pandas as pd
import pytest
import tifffile
from working_folder import TINY, Folder, write_config

TABLES = ["results/wells.csv", "results/small/fields.csv", "results/small/cells.csv.gz"]
BACKWARDS = Path(__file__).parent / "reversed"
ANOTHER_MACHINE = {
    # An ASCII locale that Python may not repair, far from Greenwich, on a file system of another order.
    "LC_ALL": "C",
    "PYTHONUTF8": "0",
    "PYTHONCOERCECLOCALE": "0",
    "TZ": "Pacific/Kiritimati",
    "PYTHONHASHSEED": "1",
    "PYTHONPATH": str(BACKWARDS),
}


def give_images(folder, raw):
    """Let the folder's plate be imaged, not simulated, with a plate map that ASCII does not hold."""
    shutil.copytree(raw, folder.path / "raw")
    plates = folder.path / "config/plates.tsv"
    plates.write_text(plates.read_text().replace("results/simulated/small/raw", "raw"))
    plate_map = folder.path / "config/map.tsv"
    plate_map.write_text(plate_map.read_text().replace("drug 1", "5 µM"), encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def raw(tmp_path_factory, repository):
    folder = Folder(tmp_path_factory.mktemp("simulated") / "run", repository)
    write_config(folder.path, repository, TINY)
    run = folder.snakemake("results/simulated/small/raw")
    assert run.returncode == 0, run.stderr
    return folder.path / "results/simulated/small/raw"


@pytest.fixture(scope="module")
def first(tmp_path_factory, repository, raw):
    folder = Folder(tmp_path_factory.mktemp("first") / "run", repository)
    write_config(folder.path, repository, TINY)
    run = give_images(folder, raw).snakemake("results/wells.csv")
    assert run.returncode == 0, run.stderr
    assert "5 µM" in folder.read("results/wells.csv").decode("utf-8")
    return folder


@pytest.fixture
def again(repository, tmp_path, raw):
    folder = Folder(tmp_path / "some other folder", repository)
    write_config(folder.path, repository, TINY)
    return give_images(folder, raw)


def assert_same(again, first):
    for name in TABLES:
        assert again.read(name) == first.read(name), name


def test_on_another_machine(first, again, monkeypatch):
    """Run anew: on one core, elsewhere, in another locale, time zone and order of files."""
    for name, value in ANOTHER_MACHINE.items():
        monkeypatch.setenv(name, value)
    again.where = ("--cores", "1")
    run = again.snakemake("results/wells.csv")
    assert run.returncode == 0, run.stderr
    assert_same(again, first)


def test_in_shards_and_batches_and_back(first, again):
    """Three shards, planned in two batches; then one shard again, which leaves none of the three."""
    for batch in ("1/2", "2/2"):
        run = again.snakemake(
            "--set-scatter", "shard=3", "--batch", f"gather_fields={batch}", "--", "results/wells.csv"
        )
        assert run.returncode == 0, run.stderr
    shards = again.path / "results/small/shards"
    assert {path.name for path in shards.iterdir()} == {"1-of-3", "2-of-3", "3-of-3"}
    assert_same(again, first)
    assert again.snakemake("results/wells.csv").returncode == 0
    assert {path.name for path in shards.iterdir()} == {"1-of-1"}
    assert_same(again, first)


@pytest.mark.bulk
def test_in_more_shards_than_wells(first, again):
    run = again.snakemake("--set-scatter", "shard=16", "--", "results/wells.csv")
    assert run.returncode == 0, run.stderr
    assert_same(again, first)


def test_from_compressed_images(first, again):
    """Only the hashes of the rows differ: they are made of the hashes of the files."""
    for path in (again.path / "raw").rglob("*.TIF"):
        size = path.stat().st_size
        tifffile.imwrite(path, tifffile.imread(path), photometric="minisblack", compression="zlib")
        assert path.stat().st_size < size
    run = again.snakemake("results/wells.csv")
    assert run.returncode == 0, run.stderr
    ours, theirs = (pd.read_csv(folder.path / "results/wells.csv", dtype=str) for folder in (again, first))
    imaged = ours["n_fields_used"] != "0"
    assert imaged.sum() == len(TINY["wells"])
    assert ((ours["row_sha256"] != theirs["row_sha256"]) == imaged).all()
    pd.testing.assert_frame_equal(ours.drop(columns="row_sha256"), theirs.drop(columns="row_sha256"))
    assert again.read("results/small/cells.csv.gz") == first.read("results/small/cells.csv.gz")
