"""Captions of pictures and pages in Snakemake's report: every value that they name is there."""

from collections import defaultdict
from pathlib import Path
from types import SimpleNamespace

from jinja2 import Environment, StrictUndefined
from snakemake.io import get_flag_value, is_flagged

STRICT = Environment(undefined=StrictUndefined, autoescape=True)


def captions(rule):
    """Files of the captions of a rule's outputs."""
    found = [get_flag_value(path, "report").caption for path in rule.output if is_flagged(path, "report")]
    return {Path(caption.get_path_or_uri(secret_free=True)) for caption in found}


def test_every_caption_can_be_written_with_what_its_rule_has(repository, rules):
    written = {}
    for rule in rules.values():
        params = {key: "a value" if callable(value) else value for key, value in rule.params.items()}
        job = SimpleNamespace(
            wildcards=defaultdict(lambda: "p1"), params=params, config=rule.workflow.globals["config"]
        )
        for caption in captions(rule):
            written[caption.name] = STRICT.from_string(caption.read_text()).render(snakemake=job)
    # The start page of the report is no caption.
    files = {path.name for path in (repository / "workflow/report").glob("*.rst")} - {"workflow.rst"}
    assert written.keys() == files
    assert "dose in uM" in written["dose_response.rst"]
    assert "smallest area 15" in written["fields.rst"]
