"""The configuration and its sheet, as every start of Snakemake reads them."""

import subprocess
import sys

import pandas as pd
import pytest
import yaml

from livedead.configuration.reading import read_checked, read_unchecked
from livedead.errors import ConfigError, SheetError


@pytest.fixture
def config(folder, needed):
    (folder / "plates.tsv").write_text("plate\traw\tpixel_size_um\nname\traw1\t0.65\n")
    (folder / "config.yaml").write_text(needed + "shards: 2\n")
    return yaml.safe_load((folder / "config.yaml").read_text())


@pytest.fixture
def schema_file(repository):
    return repository / "workflow/schemas/config.schema.yaml"


def test_a_run_gets_its_plates_the_defaults_and_where_keys_were_written(config, schema_file, lines):
    plates, written = read_checked(config, schema_file, ["config.yaml"], {})
    assert plates.at["name", "pixel_size_um"] == 0.65
    assert config["shards"] == 2
    assert config["counting"]["edge_rule"] == "keep"
    assert written.places["shards",].line == lines + 1


def test_the_file_that_decides_is_named(config, schema_file, folder):
    (folder / "other.yaml").write_text("shards: 0\n")
    with pytest.raises(ConfigError, match=r"^other\.yaml: line 1, shards: 0; allowed"):
        read_checked({**config, "shards": 0}, schema_file, ["config.yaml", "other.yaml"], {})


def test_mistakes_of_the_configuration_come_before_those_of_the_sheet(config, schema_file, folder):
    (folder / "plates.tsv").write_text("plate\n")
    with pytest.raises(ConfigError, match="shards"):
        read_checked({**config, "shards": 0}, schema_file, ["config.yaml"], {})
    with pytest.raises(SheetError):
        read_checked(config, schema_file, ["config.yaml"], {})


def test_a_job_reads_the_same_and_checks_nothing(config, schema_file):
    checked = dict(config)
    plates, _ = read_checked(checked, schema_file, ["config.yaml"], {})
    pd.testing.assert_frame_equal(read_unchecked(config, schema_file), plates)
    assert config == checked
    assert read_unchecked({**config, "shards": 0}, schema_file).index.tolist() == ["name"]


def test_every_start_of_snakemake_reads_it_without_heavy_packages(repository):
    heavy = {"scipy", "torch", "h5py", "tifffile", "skimage", "matplotlib", "jsonschema"}
    modules = ["agreement", "derived", "keys", "paths", "reading", "written"]
    code = f"import sys; from livedead.configuration import {', '.join(modules)}; "
    code += f"print(sorted(set(sys.modules) & {heavy}))"
    run = subprocess.run(
        [sys.executable, "-c", code], cwd=repository / "workflow", capture_output=True, text=True, check=True
    )
    assert run.stdout == "[]\n"
