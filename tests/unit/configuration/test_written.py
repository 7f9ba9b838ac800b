"""Where keys were written, and what YAML makes of them unasked."""

import json
import textwrap
import time

import pytest
import yaml

from livedead.configuration.keys import check
from livedead.configuration.written import check_readable, read_written
from livedead.errors import ConfigError


def test_a_key_given_twice_is_refused_at_any_depth(mistakes, lines):
    text = "shards: 1\ncounting:\n  min_area_um2: 3\n  edge_rule: keep\n  min_area_um2: 4\nshards: 2\n"
    first, second = mistakes(text)
    assert first.startswith(
        f"config.yaml: line {lines + 5}, counting.min_area_um2: already in line {lines + 3};"
    )
    assert second.startswith(f"config.yaml: line {lines + 6}, shards: already in line {lines + 1};")


def test_a_merged_key_may_be_set_anew(mistakes):
    simulation = "  one: &one {seed: 1, side_px: 96}\n  two:\n    seed: 2\n    <<: *one\n"
    assert mistakes("simulation:\n" + simulation) == []


@pytest.mark.parametrize("kind", ["list", "mapping"])
def test_aliases_that_swell_are_refused_at_once(mistakes, kind):
    text = "a0: &a0 {a: 1, b: 2}\n" if kind == "mapping" else "a0: &a0 [1, 2, 3]\n"
    for k in range(1, 30):
        names = f"a: *a{k - 1}, b: *a{k - 1}, c: *a{k - 1}"
        text += f"a{k}: &a{k} " + (
            f"{{{names}}}\n" if kind == "mapping" else f"[{names.replace('a: ', '')}]\n"
        )
        text = text.replace("b: *", "*").replace("c: *", "*") if kind == "list" else text
    start = time.perf_counter()
    with pytest.raises(ConfigError, match=r"config\.yaml: its aliases"):
        mistakes(text)
    assert time.perf_counter() - start < 10


def test_a_file_of_json_is_read_as_one(folder, schema, needed):
    text = (
        '{\n\t"plates": "a.tsv",\n\t"plates": "b.tsv",\n\t"max_failed_fraction": 1e-3,\n\t"shards": NaN\n}\n'
    )
    (folder / "config.json").write_text(text)
    config = {**yaml.safe_load(needed), **json.loads(text)}
    written = read_written(["config.json"], config, {})
    with pytest.raises(ConfigError) as caught:
        check(config, schema, written)
    assert [line.split(": ")[1] for line in str(caught.value).split("\n")] == [
        "line 3, plates",
        "line 5, shards",
    ]


def test_a_project_with_keys_of_its_own_is_not_read(folder, schema, needed):
    (folder / "project.yaml").write_text("started: 1:30\nlivedead:\n" + textwrap.indent(needed, "  "))
    written = read_written(["project.yaml"], yaml.safe_load(needed), {})
    assert written.places == {}
    assert written.mistakes == []


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"a: 1\nb:\n\tc: 1\n", "c.yaml: line 3: not YAML: found character '\\t'"),
        (b"a: 1\nb: C: x\n", "c.yaml: line 2: not YAML: mapping values are not allowed here"),
        (b"a: [1\nb: 2\n", "c.yaml: line 2: not YAML: "),
        ("a: 1\nb: é\n".encode("latin-1"), "c.yaml: line 2: not UTF-8 text"),
    ],
    ids=["tab", "colon", "bracket", "encoding"],
)
def test_what_is_no_yaml_is_named_with_its_line(folder, content, said):
    (folder / "c.yaml").write_bytes(content)
    with pytest.raises(ConfigError) as refused:
        check_readable("c.yaml")
    assert said in str(refused.value)


def test_readable_files_and_those_that_are_not_there_pass(folder, needed):
    check_readable("none.yaml")
    (folder / "c.yaml").write_bytes(b"\xef\xbb\xbf" + needed.encode())
    check_readable("c.yaml")
    (folder / "c.json").write_text('{\n\t"shards": 1\n}')
    check_readable("c.json")
