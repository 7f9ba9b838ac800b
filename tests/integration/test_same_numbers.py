"""The same images give the same table, byte for byte, however and wherever they are computed."""

import shutil
from pathlib import Path

import pytest
import tifffile
from chain import Plate, write_unet
from working_folder import TINY, Folder, write_config

from livedead import stores
from livedead.simulation.plate import simulate_plate
from livedead.tables import FIELDS

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
def raw(tmp_path_factory):
    folder = tmp_path_factory.mktemp("simulated") / "raw"
    size = {"n_fields": TINY["fields_per_well"], "side_px": TINY["side_px"], "wells": TINY["wells"]}
    simulate_plate(folder, TINY["seed"], dyed_wells=["A01", "A12"], **size)
    return folder


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
    about = stores.read_about(again.path / "results/small/shards/1-of-1/classes.h5")
    assert about["threads"] == 2, "sums depend on it, so it must not follow the cores"


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


def test_from_compressed_images(raw, tmp_path):
    """By the steps of the chain alone: no rule knows of compression."""
    unet = write_unet(tmp_path)
    plain, compressed = (Plate(tmp_path / name, **unet, platemap=None) for name in ("plain", "compressed"))
    for plate in (plain, compressed):
        shutil.copytree(raw, plate.folder / "raw")
    for path in (compressed.folder / "raw").rglob("*.TIF"):
        size = path.stat().st_size
        tifffile.imwrite(path, tifffile.imread(path), photometric="minisblack", compression="zlib")
        assert path.stat().st_size < size
    for plate in (plain, compressed):
        plate.count()
    assert stores.read_table(plain.folder / "fields.csv", FIELDS)["n_total"].sum() > 0
    for name in ("wells.csv", "fields.csv", "cells.csv.gz"):
        assert (compressed.folder / name).read_bytes() == (plain.folder / name).read_bytes(), name
