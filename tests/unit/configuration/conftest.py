"""A configuration with all that is needed, checked as Snakemake does."""

import pytest
import yaml

from livedead.configuration.keys import check as check_keys
from livedead.configuration.keys import complete, read_schema
from livedead.configuration.written import read_written
from livedead.errors import ConfigError
from livedead.plates.plate_sheet import read_plates

NEEDED = """\
plates: plates.tsv
weights: unet.h5
channels: {brightfield: w1, hoechst: w2, draq7: w3}
input_channels: [brightfield]
classes:
  - {name: background, role: background}
  - {name: live nucleus, role: live}
  - {name: dead nucleus, role: dead}
"""


@pytest.fixture(scope="module")
def schema(repository):
    return read_schema(repository / "workflow/schemas/config.schema.yaml")


@pytest.fixture
def needed():
    """The keys without a default."""
    return NEEDED


@pytest.fixture
def lines():
    """How many lines they take, before what a test adds."""
    return NEEDED.count("\n")


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def mistakes(folder, schema):
    """Checks a configuration file as Snakemake loads it; its mistakes, a line each."""

    def check(text, needed=NEEDED, given=None):
        (folder / "config.yaml").write_text(needed + text)
        config = yaml.load(needed + text, yaml.FullLoader)
        for name, value in (given or {}).items():
            config[name] = value
        written = read_written(["config.yaml"], config, given or {})
        try:
            check_keys(config, schema, written)
        except ConfigError as error:
            return str(error).split("\n")
        return []

    return check


@pytest.fixture
def sheet(folder, schema):
    """Reads a configuration and a sheet of two plates: (configuration, plates, where it was written)."""

    def read(text, columns="", values=""):
        (folder / "plates.tsv").write_text(
            f"plate\traw\tpixel_size_um\tdyed_wells{columns}\n"
            f"p1\traw1\t0.65\tA01,A02,B01{values}\n"
            f"p2\traw2\t0.65\t{values}\n"
        )
        (folder / "config.yaml").write_text(NEEDED + text)
        config = yaml.safe_load(NEEDED + text)
        written = read_written(["config.yaml"], config, {})
        complete(config, schema)
        table = read_plates("plates.tsv")
        return config, table, written

    return read
