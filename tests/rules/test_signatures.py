"""Every script is one function that takes what its rule has, by name, as `livedead.job` binds them."""

import importlib
import inspect
import re
from collections import Counter

from livedead.job import run

WAITED_FOR = {"after"}
"""Inputs that a job waits for, or is started anew by, and does not open under this name."""
IN_A_FOLDER = {"planes"}
"""Inputs that are opened as files of the folder that the param ``raw`` names."""
RERUN = re.compile(r"code|version|\w+_(sha256|content)")
"""Params that only start a job anew when they change."""


def test_a_script_has_the_name_of_its_rule_and_a_rule_its_script(repository, rules):
    scripts = {path.stem for path in (repository / "workflow/scripts").glob("*.py")}
    assert {name: rule.script for name, rule in rules.items()} == {
        name: f"../scripts/{name}.py" for name in scripts
    }


def test_scripts_are_short_and_end_with_running_their_function(repository, rules):
    for name in rules:
        script = (repository / f"workflow/scripts/{name}.py").read_text()
        assert script.endswith(f'\n\nif __name__ == "__main__":\n    run({name}, snakemake)\n'), name
        assert importlib.import_module(name).run is run, name
        assert len(script.splitlines()) <= 64, name


def test_a_function_takes_what_its_rule_has_and_its_rule_has_what_it_takes(rules):
    found = {
        name: disagreements(getattr(importlib.import_module(name), name), rule)
        for name, rule in rules.items()
    }
    assert {name: differing for name, differing in found.items() if differing} == {}


def disagreements(function, rule):
    files, params = [*rule.input.keys(), *rule.output.keys()], list(rule.params.keys())
    taken = inspect.signature(function).parameters
    needed = {name for name, parameter in taken.items() if parameter.default is parameter.empty}
    twice = {name for name, times in Counter([*files, *params, "threads"]).items() if times > 1}
    found = {
        "twice in the rule": twice,
        "not in the rule": needed - {*files, *params, "threads"},
        "files that are not taken": set(files) - set(taken) - WAITED_FOR - IN_A_FOLDER,
        "params that are not taken": {name for name in set(params) - set(taken) if not RERUN.fullmatch(name)},
    }
    return {what: names for what, names in found.items() if names}
