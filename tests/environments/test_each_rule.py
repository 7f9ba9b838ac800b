"""Every rule runs with the packages of its own environment, and Snakemake with a login node's."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from working_folder import TINY, Folder, write_config, write_dyed

BIN = Path(__file__).parent / "bin"
TARGETS = [
    "all",
    "inventory",
    "normalized",
    "verify",
    "training",
    "experience",
    "demo_agreement",
    "plan_audit",
    "review_sample",
    "labels",
    "zarr",
]
OF_DYES = ["all", "verify"]
"""Targets that bring every rule of the other reading."""

NOT_RUN = {"measure_accuracy", "draw_accuracy", "judge_sample", "locate_planes", "list_unclaimed"}
"""Minutes long, with a person's answer, of plates in a store, or of plates that share a folder; what they
import is in other rules, too."""

AUDITED = "C01"

TRAINING = {
    "tiles": {"tile_px": 32, "tiles_per_field": 1, "batch_size": 1, "validation_fraction": 0.25},
    "fit": {"epochs": 1},
}

pytestmark = pytest.mark.bulk


class OnLoginNode(Folder):
    """A folder whose Snakemake has what requirements-cluster.txt names, and whose jobs use conda."""

    def __init__(self, path, repository, environments):
        super().__init__(path, repository)
        self.python = environments / "login/bin/python"
        self.where = ("--cores", "2", "--sdm", "conda", "--conda-prefix", str(environments))

    def command(self, *arguments):
        return [str(self.python), *super().command(*arguments)[1:]]

    def resume_command(self, *arguments):
        _, _, *flags = self.where
        return [*super().resume_command(*flags, *arguments), f"VENV={self.python.parents[1]}"]


@pytest.fixture
def folder(repository, tmp_path):
    environments = repository / ".venv-environments"
    if not (environments / "login").exists():
        subprocess.run([sys.executable, "-m", "venv", environments / "login"], check=True)
    pip = [environments / "login/bin/python", "-m", "pip", "install", "--quiet", "-r"]
    subprocess.run([*pip, repository / "requirements-cluster.txt"], check=True)
    wells = [*TINY["wells"], AUDITED]
    write_config(tmp_path, repository, {**TINY, "wells": wells}, training=TRAINING)
    sheet = tmp_path / "config/plates.tsv"
    text = sheet.read_text().replace("dyed_wells", "dyed_wells\taudit_wells")
    # Wells of untreated and of killed cells, since labels that lack one of them are refused.
    sheet.write_text(text.replace("A01,A12", f"{','.join(TINY['wells'])}\t{AUDITED}"))
    return OnLoginNode(tmp_path, repository, environments)


@pytest.fixture
def dyed(folder, repository, tmp_path_factory):
    path = tmp_path_factory.mktemp("dyed") / "run"
    write_dyed(path, repository)
    return OnLoginNode(path, repository, folder.python.parents[2])


def timed(folder):
    """The rules that ran."""
    files = [path.relative_to(folder.path / "benchmarks") for path in folder.path.glob("benchmarks/**/*.tsv")]
    return {path.parts[0].removesuffix(".tsv") for path in files}


def test_each_rule_runs_in_its_own_environment(folder, dyed, repository, monkeypatch):
    monkeypatch.setenv("PATH", f"{BIN}:{os.environ['PATH']}")
    monkeypatch.setenv("ACTIVATED", str(folder.path / "activated.txt"))
    run = folder.snakemake(*TARGETS)
    assert run.returncode == 0, run.stderr
    of_dyes = dyed.snakemake(*OF_DYES)
    assert of_dyes.returncode == 0, of_dyes.stderr
    rules = {path.stem for path in (repository / "workflow/scripts").glob("*.py")}
    assert timed(folder) | timed(dyed) == rules - NOT_RUN
    activated = set((folder.path / "activated.txt").read_text().splitlines())
    assert len(activated) == len(list((repository / "envs").glob("*.yaml")))
    resumed = folder.resume()
    assert resumed.returncode == 0, resumed.stderr
