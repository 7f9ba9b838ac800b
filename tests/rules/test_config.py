"""Schema, template and documentation of the configuration say the same."""

import re

import pytest
import yaml

from livedead.configuration.keys import check
from livedead.configuration.written import read_written

DESCRIBED = "config/README.md"


@pytest.fixture(scope="module")
def schema(repository):
    return yaml.safe_load((repository / "workflow/schemas/config.schema.yaml").read_text())


def keys(schema, prefix=""):
    """(dotted key, its schema) of every leaf; objects of free keys are leaves."""
    for name, entry in schema["properties"].items():
        if "properties" in entry:
            yield from keys(entry, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", entry


def documented(repository):
    """Dotted key -> (default, description) of the tables of config.yaml in config/README.md."""
    text = (repository / DESCRIBED).read_text().split("### Classes and edges")[0]
    rows = re.findall(r"^\| `([a-z_.0-9]+)` \| (.*?) \| (.*?) \|$", text, re.MULTILINE)
    return {key: (default, description) for key, default, description in rows}


def test_every_key_is_documented_with_its_default_and_no_other(repository, schema):
    expected = {}
    for key, entry in keys(schema):
        default = entry.get("default", "needed")
        shown = (
            default
            if default == "needed"
            else f"`{yaml.safe_dump(default, default_flow_style=True).split(chr(10))[0]}`"
        )
        expected[key] = (shown, entry["description"])
    assert documented(repository) == expected


def test_every_property_has_a_description(schema):
    def check(entry, path):
        for name, value in entry.get("properties", {}).items():
            assert value.get("description"), f"{path}.{name}"
            check(value, f"{path}.{name}")
            if isinstance(value.get("items"), dict):
                check(value["items"], f"{path}.{name}[]")

    check(schema, "config")


@pytest.mark.parametrize(
    "path",
    [
        "config/config.yaml",
        "config/demo/config.yaml",
        "config/demo/dyes.yaml",
        "config/demo/train.yaml",
        "config/examples/bbbc010/config.yaml",
        "config/examples/bbbc010/train.yaml",
    ],
)
def test_shipped_configurations_have_no_mistake(repository, schema, path):
    config = yaml.safe_load((repository / path).read_text())
    written = read_written([repository / path], config, {})
    assert ("channels", "hoechst") in written.places or ("channels", "brightfield") in written.places
    check(config, schema, written)


def test_plates_columns_are_documented(repository):
    from livedead.plates.plate_sheet import PLATE_COLUMNS

    text = (repository / DESCRIBED).read_text()
    section = text.split("## plates.tsv")[1].split("\n## ")[0]
    assert re.findall(r"^\| `(\w+)`", section, re.MULTILINE) == list(PLATE_COLUMNS)
