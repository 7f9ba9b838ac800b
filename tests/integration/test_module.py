"""The workflow as a Snakemake module of another project, from a clone."""

import os
import sys

import pytest
import yaml
from working_folder import TINY, Folder, write_config

SNAKEFILE = """\
configfile: "config/config.yaml"

module livedead:
    snakefile: "{repository}/workflow/Snakefile"
    config: config
    {prefix}

use rule * from livedead as livedead_*

rule mean_viability:
    default_target: True
    input: "cells/results/wells.csv"
    output: "viability.txt"
    shell: "cut -d, -f 15 {{input}} > {{output}}"
"""


class Project(Folder):
    """A folder with a Snakefile of its own."""

    def command(self, *arguments):
        return [sys.executable, "-m", "snakemake", *self.where, *arguments]


@pytest.fixture
def project(repository, tmp_path):
    write_config(tmp_path, repository, TINY)
    return Project(tmp_path, repository)


def test_a_project_moves_what_the_workflow_writes_and_a_plate_map_which_is_watched_where_it_lies(
    project, repository
):
    moved = {f"{folder}/": f"cells/{folder}/" for folder in ("results", "logs", "benchmarks")}
    moved["config/map.tsv"] = "maps/small.tsv"
    text = SNAKEFILE.format(repository=repository, prefix=f"replace_prefix: {moved}")
    (project.path / "Snakefile").write_text(text)
    (project.path / "maps").mkdir()
    plate_map = (project.path / "config/map.tsv").rename(project.path / "maps/small.tsv")
    run = project.snakemake("mean_viability", "cells/benchmarks/sum.csv")
    assert run.returncode == 0, run.stderr
    assert project.read("viability.txt").startswith(b"viability\n")
    made = {path.name for path in project.path.iterdir()} - {".snakemake"}
    assert made == {"Snakefile", "config", "maps", "cells", "viability.txt"}
    summed = project.read("cells/benchmarks/sum.csv").decode()
    assert "segment_fields,small,1,4," in summed
    table = "cells/results/small/wells.csv"
    assert project.jobs(table) == {}
    plate_map.write_text(plate_map.read_text().replace("drug 0", "water"))
    os.utime(plate_map, (0, 0))  # such as a copy that was put back
    assert project.jobs(table) == {"livedead_tabulate_wells": 1}


def test_a_project_with_a_prefix_names_its_own_files_absolutely(project, repository):
    config = project.path / "config/config.yaml"
    (project.path / "raw").mkdir()
    settings = {**yaml.safe_load(config.read_text()), "simulation": {}}
    config.write_text(yaml.safe_dump(settings))
    plates = project.path / "config/plates.tsv"
    sheet = plates.read_text().replace("results/simulated/small/raw", f"{project.path}/raw")
    plates.write_text(sheet.replace("config/map.tsv", f"{project.path}/config/map.tsv"))
    text = SNAKEFILE.format(repository=repository, prefix='prefix: "cells"')
    (project.path / "Snakefile").write_text(text)
    assert project.jobs()["livedead_tabulate_wells"] == 1
