"""What the pages say is there, and their worked examples run."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
import yaml

from livedead import stores
from livedead.configuration.keys import check
from livedead.configuration.of_plates import EXPORT_FORMATS
from livedead.configuration.written import read_written
from livedead.dyes.plate_dyes import FLAGS as DYE_FLAGS
from livedead.errors import FieldError
from livedead.network.classes import ROLES
from livedead.plates.plate_maps import MapColumns
from livedead.tables import DOSE_RESPONSE, DYES, FIELDS, OTHERS, WELLS
from livedead.wells.analysis import fit_doses
from livedead.wells.flags import FLAGS

REPOSITORY = Path(__file__).resolve().parents[2]
PAGES = sorted(
    str(path.relative_to(REPOSITORY))
    for pattern in ("*.md", "docs/*.md", "config/**/*.md")
    for path in REPOSITORY.glob(pattern)
)
PLACES = ("", "workflow", "workflow/livedead")
"""What a path on a page may be relative to; or it lies beside the page, as in an example that users copy."""

SHORT = sorted(
    str(path.relative_to(REPOSITORY))
    for pattern in ("requirements*.txt", "config/**/*.yaml", "workflow/profiles/*/*.yaml", "Makefile")
    for path in REPOSITORY.glob(pattern)
)
"""What has comments for users."""

every_page = pytest.mark.parametrize("page", PAGES)
every_text = pytest.mark.parametrize("page", [*PAGES, *SHORT])


def read(name: str) -> str:
    return (REPOSITORY / name).read_text(encoding="utf-8")


def prose(name: str) -> str:
    """A page without its blocks of code, in which # begins no heading."""
    return re.sub(r"^```.*?^```$", "", read(name), flags=re.MULTILINE | re.DOTALL)


def table(name: str, heading: str) -> list[str]:
    """What the first column of the first table under a heading names in backticks, in its order."""
    section = f"\n{read(name)}".split(f"\n{heading}\n")[1]
    rows = re.search(r"^\| *-+.*\n((?:\|.*\n)+)", section, re.MULTILINE)[1].splitlines()
    return [named for row in rows for named in re.findall(r"`([^`]+)`", row.split("|")[1])]


def anchors(name: str) -> set[str]:
    """What a link may name behind #: the headings as GitHub spells them."""
    headings = re.findall(r"^#+ (.*)$", prose(name), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@every_page
def test_links_lead_to_pages_and_sections_that_are_there(page):
    for link in re.findall(r"\]\(([^)\s]+)\)", prose(page)):
        if link.startswith("https://"):
            continue
        path, _, section = link.partition("#")
        target = (REPOSITORY / page).parent / path if path else REPOSITORY / page
        assert target.exists(), link
        if section:
            assert section in anchors(str(target.resolve().relative_to(REPOSITORY))), link


@every_text
def test_files_that_are_named_are_there(page):
    beside = {path.name for path in (REPOSITORY / page).parent.iterdir()}
    for path in re.findall(
        r"(?<![\w/.<>:*-])(?!results/)[\w.-]+/[\w./*-]+\.(?:py|smk|md|yaml|yml|toml|rst)\b", read(page)
    ):
        is_there = any(any((REPOSITORY / place).glob(path)) for place in PLACES)
        assert is_there or path.rpartition("/")[2] in beside, path


@every_page
def test_tests_that_are_named_are_there(page):
    tests = "".join(path.read_text(encoding="utf-8") for path in REPOSITORY.glob("tests/**/test_*.py"))
    for name in re.findall(r"`(test_\w+)`", read(page)):
        assert f"def {name}(" in tests, name


@pytest.mark.parametrize("page", ["docs/architecture.md", "docs/development.md"])
def test_names_of_the_code_are_there(page):
    sources = [path for kind in ("py", "smk") for path in REPOSITORY.glob(f"workflow/**/*.{kind}")]
    text = "".join(path.read_text(encoding="utf-8") for path in sources)
    for name in re.findall(r"`(?:\w+\.)?([A-Z][A-Z_]{2,}|[A-Z]\w*[a-z][A-Z]\w+)`", read(page)):
        assert re.search(rf"^( +|class ){name}\b|^{name}\b", text, re.MULTILINE), name


@every_page
def test_files_of_a_run_are_written_by_the_workflow(page):
    sources = [*REPOSITORY.glob("workflow/*/*.smk"), *REPOSITORY.glob("workflow/**/*.py")]
    text = "".join(path.read_text(encoding="utf-8") for path in [*sources, REPOSITORY / "Makefile"])
    for path in re.findall(r"`(?:results|benchmarks)/([\w<>./-]+\.\w+)`", read(page)):
        assert path.rpartition("/")[2] in text, path


@every_text
def test_commands_of_make_are_targets(page):
    targets = re.findall(r"^([a-z][a-z-]*):", read("Makefile"), re.MULTILINE)
    named = re.findall(r"(?:`|^|\$ )make ((?:[a-z][a-z-]*)(?=[` \n]))", read(page), re.MULTILINE)
    assert set(named) <= set(targets)


@every_page
def test_keys_of_the_configuration_are_in_the_schema(page):
    schema = yaml.safe_load(read("workflow/schemas/config.schema.yaml"))
    parts = [name for name, entry in schema["properties"].items() if "properties" in entry]
    for key in re.findall(rf"`((?:{'|'.join(parts)})(?:\.(?!h5|csv|json|html|txt)[a-z_0-9]+)+)", read(page)):
        entry = schema
        for name in key.split("."):
            assert name in entry["properties"], key
            entry = entry["properties"][name]


def rooms_imported(path: Path) -> set[str]:
    """Rooms of the library, besides its own, that a module imports."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module == "livedead":
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module.startswith("livedead."):
            found.add(node.module.split(".")[1])
    return found


def test_the_house_is_drawn_with_every_room_in_an_order_that_imports_keep():
    drawn = [name.removesuffix(".py").removesuffix("/") for name in table("docs/architecture.md", "## Rooms")]
    library = REPOSITORY / "workflow/livedead"
    rooms = {
        path.stem for path in library.iterdir() if path.suffix == ".py" or (path / "__init__.py").exists()
    }
    assert sorted(drawn) == sorted(rooms - {"__init__"})
    for path in library.rglob("*.py"):
        own = path.relative_to(library).parts[0].removesuffix(".py")
        above = {*drawn[: drawn.index(own) + 1], "__version__"} if own in drawn else set()
        assert rooms_imported(path) <= above, path


def test_columns_codes_flags_roles_and_formats_are_all_described():
    schema = yaml.safe_load(read("workflow/schemas/config.schema.yaml"))["properties"]
    wells, keys = "docs/wells.md", "config/README.md"
    assert {*table(wells, "# The well table")} >= {*WELLS.columns} - {OTHERS}
    assert {*table(wells, "## The fields"), "plate", "well", "field", "timepoint"} >= {*FIELDS.columns} - {
        "row_sha256"
    }
    assert table(wells, "### Why a field failed") == list(FieldError.CODES)
    assert table(wells, "### QC flags") == FLAGS
    assert schema["qc"]["properties"]["exclude_flags"]["items"]["enum"] == FLAGS
    assert schema["classes"]["items"]["properties"]["role"]["enum"] == list(ROLES)
    assert table(keys, "### Classes and edges") == list(ROLES)
    assert table("docs/dyes.md", "### Flags") == list(DYE_FLAGS)
    # The others are its key, and the two ends of columns that are there thrice.
    assert {*table("docs/dyes.md", "## Is a threshold right?"), "plate", "dye", "channel", "row_sha256"} >= {
        name for name in DYES.columns if not name.endswith(("_080", "_125"))
    }
    assert table("docs/formats.md", "# Formats") == [name for name in EXPORT_FORMATS if name != "auto"]
    declarable = schema["gate"]["properties"]["accept"]["items"]["enum"]
    assert sorted(table(keys, "## What passes the gate")) == sorted(declarable)


def test_the_configuration_for_dyed_plates_is_complete(tmp_path):
    schema = yaml.safe_load(read("workflow/schemas/config.schema.yaml"))
    path = tmp_path / "config.yaml"
    path.write_text(re.search(r"```yaml\n(.*?)```", read("README.md"), re.DOTALL)[1])
    config = yaml.safe_load(path.read_text())
    check(config, schema, read_written([path], config, {}))


def test_what_is_checked_before_a_commit_is_part_of_make_lint():
    hooks = yaml.safe_load(read(".pre-commit-config.yaml"))["repos"][0]["hooks"]
    lint = read("Makefile").split("\nlint:")[1].split("\n\n")[0]
    for hook in hooks:
        assert hook["entry"].replace(".venv/bin/", "$(BIN)/") in lint


@pytest.mark.parametrize("mark", [".", ","])
def test_the_python_example_draws_a_curve(repository, tmp_path, mark):
    text = (repository / "docs/analysis.md").read_text()
    example = re.search(r"```python\n(.*?)```", text, re.DOTALL)[1]
    wells = pd.DataFrame(
        {
            "plate": "007",
            "row": "A",
            "column": 1,
            "timepoint": 1,
            "status": "ok",
            "n_fields_expected": 1,
            "n_fields_used": 1,
            "n_ambiguous": 0,
            "well": [f"A{k:02d}" for k in range(1, 11)],
            "treatment": ["none"] * 3 + ["drug"] * 7,
            "dose_um": [
                d.replace(".", mark) for d in ["0", "0", "0", "0", "0.1", "0.3", "1", "3", "10", "30"]
            ],
            "control": ["negative"] * 3 + [""] * 7,
            "n_live": [95, 94, 96, 95, 94, 90, 70, 40, 12, 6],
        }
    )
    wells = wells.assign(n_dead=100 - wells["n_live"], n_total=100, viability=wells["n_live"] / 100)
    wells = wells.assign(viability_low=wells["viability"] - 0.03, viability_high=wells["viability"] + 0.03)
    wells = WELLS.rows(wells.to_dict("records"))
    stores.write_table(tmp_path / "results/wells.csv", wells, WELLS)
    stores.write_table(tmp_path / "results/dose_response.csv", fit_doses(wells, MapColumns()), DOSE_RESPONSE)
    (tmp_path / "example.py").write_text(example)
    subprocess.run(
        [sys.executable, "-W", "error", "example.py"],
        cwd=tmp_path,
        check=True,
        env={"MPLBACKEND": "agg", "MPLCONFIGDIR": str(tmp_path)},
    )
    assert (tmp_path / "curves.png").read_bytes().startswith(b"\x89PNG")


def test_the_python_example_gates_cells_anew(repository, tmp_path):
    text = (repository / "docs/dyes.md").read_text()
    example = re.search(r"```python\n(.*?)```", text, re.DOTALL)[1]
    folder = tmp_path / "results/my-plate"
    folder.mkdir(parents=True)
    cells = pd.DataFrame({"well": ["A01"] * 4 + ["B02"], "signal_pi": [20.0, 599, 601, 4000, 601]})
    cells.assign(plate="007", timepoint=1).to_csv(folder / "cells.csv.gz", index=False)
    (tmp_path / "example.py").write_text(example)
    subprocess.run([sys.executable, "-W", "error", "example.py"], cwd=tmp_path, check=True)
    expected = ["well,timepoint,n_live,n_dead,viability", "A01,1,2,2,0.5", "B02,1,0,1,0.0"]
    assert (tmp_path / "gated.csv").read_text().splitlines() == expected


def names_of(module):
    """What a module defines at any level; what it imports is not its own."""
    for node in ast.walk(ast.parse(module.read_text())):
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            yield node.name
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id


def test_what_the_library_calls_by_its_full_name_exists(repository):
    """Docstrings, schema and pages say ``livedead.room.module.name``; a move must take them along."""
    workflow = repository / "workflow"
    defined = {}
    for path in (workflow / "livedead").rglob("*.py"):
        parts = path.relative_to(workflow).with_suffix("").parts
        defined[".".join(parts).removesuffix(".__init__")] = set(names_of(path))
    files = [
        *workflow.rglob("*.py"),
        *workflow.rglob("*.smk"),
        *workflow.rglob("*.yaml"),
        *(repository / "docs").glob("*.md"),
        *(repository / "config").rglob("*.md"),
    ]
    wrong = set()
    for path in files:
        for name in re.findall(r"(?<![\w./])livedead(?:\.\w+)+", path.read_text()):
            module = name
            while module not in defined:
                module = module.rpartition(".")[0]
            rest = name.removeprefix(module).split(".")[1:]
            if not set(rest) <= defined[module] | {"__version__", "py", "yaml"}:
                wrong.add(f"{path.relative_to(repository)}: {name}")
    assert not wrong
