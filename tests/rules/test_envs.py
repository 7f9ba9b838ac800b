"""The conda environments hold what the scripts import, at the versions of requirements.txt."""

import ast
import re
import sys

import pytest
import yaml
from working_folder import TINY, Folder, write_config

CONDA_NAMES = {"torch": "pytorch", "matplotlib": "matplotlib-base", "msgpack": "msgpack-python"}
IMPORT_NAMES = {"skimage": "scikit-image", "cc3d": "connected-components-3d", "yaml": "pyyaml"}
IMPORT_NAMES |= {"PIL": "pillow", "ome_zarr_models": "ome-zarr-models"}


def pins(repository):
    files = [repository / f"requirements{of}.txt" for of in ("", "-formats")]
    lines = "".join(path.read_text() for path in files).splitlines()
    return dict(line.split("==") for line in lines if line and not line.startswith("#"))


@pytest.mark.parametrize("name", ["torch", "imaging", "report"])
def test_pins_are_those_of_requirements(repository, name):
    env = yaml.safe_load((repository / f"envs/{name}.yaml").read_text())
    assert env["channels"] == ["conda-forge", "nodefaults"]
    expected = {CONDA_NAMES.get(package, package): version for package, version in pins(repository).items()}
    for dependency in env["dependencies"]:
        if ">=" in dependency:
            assert (name, dependency) == ("torch", "cuda-version>=12"), "all else is pinned"
            continue
        package, version = dependency.split("=")
        if package != "python":
            assert expected[package] == version


def test_a_login_node_has_the_pins_of_requirements(repository):
    lines = (repository / "requirements-cluster.txt").read_text().splitlines()
    found = dict(line.split("==") for line in lines if not line.startswith("#"))
    found.pop("snakemake-executor-plugin-slurm")
    assert found.items() <= pins(repository).items()


@pytest.fixture(scope="module")
def asking_for_a_gpu(rules):
    return {name for name, rule in rules.items() if "gpu" in rule.resources}


@pytest.mark.parametrize(
    ("variant", "asked"), [(0, "gpu=1, slurm_partition=gpu"), (1, "gpu=0, slurm_partition=gpu, gres=gpu:1")]
)
def test_the_slurm_profile_routes_every_rule_that_asks_for_a_gpu(
    repository, asking_for_a_gpu, tmp_path, variant, asked
):
    """Both variants that stand in it as comments, as Snakemake reads them once they are none."""
    profile = (repository / "workflow/profiles/slurm/config.yaml").read_text()
    rules = re.search(r"^# set-resources:\n((?:#   .*\n)+)", profile, re.MULTILINE)[1]
    first = re.findall(r"^#   segment_fields: .*\n", profile, re.MULTILINE)
    text = "set-resources:\n" + rules.replace(first[0], first[variant]).replace("#", "")
    assert set(yaml.safe_load(text)["set-resources"]) == asking_for_a_gpu
    (tmp_path / "profile").mkdir()
    (tmp_path / "profile/config.yaml").write_text(text)
    segmentation = {"device": "cuda"}
    write_config(tmp_path / "run", repository, TINY, segmentation=segmentation)
    dry = Folder(tmp_path / "run", repository).snakemake(
        *("--dry-run", "--workflow-profile", str(tmp_path / "profile"), "--"),
        *("verify", "experience", "results/training/cells.csv", "results/accuracy/errors.csv"),
    )
    assert dry.returncode == 0, dry.stdout + dry.stderr
    planned = re.findall(r"^rule (\w+):\n(?:    .*\n)*?    resources: (.*)", dry.stdout, re.MULTILINE)
    without_memory = {rule: re.sub(r"(tmpdir|runtime|mem\w*)=[^,]*(, )?", "", said) for rule, said in planned}
    routed = {rule: said.strip(", ") for rule, said in without_memory.items() if "gpu" in said}
    assert routed == dict.fromkeys(asking_for_a_gpu, asked)


def imports(path):
    """Top-level packages a file imports when it runs, and files of the library it reaches."""
    tree = ast.parse(path.read_text())
    hidden = {
        node
        for block in ast.walk(tree)
        if isinstance(block, ast.If) and ast.unparse(block.test) == "TYPE_CHECKING"
        for node in ast.walk(block)
    }
    for node in ast.walk(tree):
        if node in hidden:
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def third_party(script, library):
    packages, queue, seen = set(), [script], set()
    while queue:
        path = queue.pop()
        if path in seen:
            continue
        seen.add(path)
        for name in imports(path):
            root, *rest = name.split(".")
            if root == "livedead":
                stem = library.joinpath(*rest)
                parents = [library.joinpath(*rest[:k], "__init__.py") for k in range(1, len(rest) + 1)]
                queue += [f for f in (stem.with_suffix(".py"), *parents) if f.is_file()]
            elif root not in sys.stdlib_module_names:
                packages.add(IMPORT_NAMES.get(root, root))
    return packages


def test_every_import_is_in_the_rules_own_env(repository, rules):
    for name, rule in rules.items():
        path = (repository / "workflow/rules" / rule.conda_env).resolve()
        env = yaml.safe_load(path.read_text())
        has = {dependency.split("=")[0] for dependency in env["dependencies"]}
        needed = third_party(repository / f"workflow/scripts/{name}.py", repository / "workflow/livedead")
        missing = {CONDA_NAMES.get(package, package) for package in needed} - has
        assert not missing, f"rule {name}: {path.name} lacks {missing}"
