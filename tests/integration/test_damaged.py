"""A file between two rules that was damaged or edited stops the run by name, and comes back when deleted."""

import csv

import pytest
from working_folder import TINY, Folder, write_config

TABLES = ("results/small/wells.csv", "results/wells.csv", "results/dose_response.csv")


@pytest.fixture
def folder(tmp_path, repository):
    write_config(tmp_path / "run", repository, TINY)
    folder = Folder(tmp_path / "run", repository)
    run = folder.snakemake()
    assert run.returncode == 0, run.stderr
    return folder


def swap_states(path):
    """Let the live and the dead cells of the first well change places, as a careless formula would."""
    with open(path, newline="") as stream:
        header, first, *rest = csv.reader(stream)
    live, dead = header.index("n_live"), header.index("n_dead")
    first[live], first[dead] = "7", "3"
    with open(path, "w", newline="") as stream:
        csv.writer(stream, lineterminator="\n").writerows([header, first, *rest])


def test_a_damaged_file_is_named_with_how_to_make_it_again(folder):
    name = "results/small/wells.csv"
    before = {table: folder.read(table) for table in TABLES}
    swap_states(folder.path / name)
    run = folder.snakemake()
    assert run.returncode == 1
    told = run.stdout + run.stderr
    assert "(plate small, well A01, timepoint 1) was changed" in told
    assert f"rm '{name}', and start the same command again" in told
    (folder.path / name).unlink()
    run = folder.snakemake()
    assert run.returncode == 0, run.stderr
    assert {table: folder.read(table) for table in TABLES} == before
