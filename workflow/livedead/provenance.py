"""What numbers were made from: hashes of files, settings and code, and versions of packages."""

import ast
import contextlib
import functools
import hashlib
import json
import platform
from importlib import metadata
from pathlib import Path
from typing import Any

PACKAGES = (
    "numpy",
    "scipy",
    "pandas",
    "h5py",
    "tifffile",
    "imagecodecs",
    "scikit-image",
    "connected-components-3d",
    "torch",
    "snakemake",
)
PACKAGE = Path(__file__).resolve().parent


def file_sha256(path: str | Path) -> str:
    """SHA-256 of a file's bytes, in hexadecimal."""
    with open(path, "rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def value_sha256(value: Any) -> str:
    """SHA-256 of a JSON-like value; equal values hash alike whatever their key order."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


def package_versions() -> dict[str, str]:
    """Versions of Python and of the installed packages that the numbers can depend on."""
    found = {"python": platform.python_version()}
    for package in PACKAGES:
        with contextlib.suppress(metadata.PackageNotFoundError):
            found[package] = metadata.version(package)
    return found


def code_sha256(script: str | Path) -> str:
    """SHA-256 over a script and every module of this package that it reaches by import.

    Snakemake re-runs a job when its script changes, but does not look into packages. With this hash
    among a rule's params, an edit of a module re-runs the rules that use it, and no others. A package
    that is imported counts with its files that are not modules, such as templates.
    """
    sources: dict[Path, bytes] = {}
    queue = [Path(script).resolve()]
    while queue:
        path = queue.pop()
        if path not in sources:
            sources[path] = path.read_bytes()
            if path.suffix == ".py":
                queue.extend(_modules(_imported_names(sources[path])))
            if path.name == "__init__.py":
                queue.extend(
                    file for file in path.parent.iterdir() if file.is_file() and file.suffix != ".py"
                )
    digest = hashlib.sha256()
    for path in sorted(sources):
        digest.update(path.name.encode() + b"\0" + sources[path] + b"\0")
    return digest.hexdigest()


@functools.cache
def _imported_names(source: bytes) -> list[str]:
    """Names in the import statements of a module; cached, as many scripts share modules."""
    names: list[str] = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            names += [node.module] + [f"{node.module}.{alias.name}" for alias in node.names]
    return names


def _modules(names: list[str]) -> list[Path]:
    """Files of those of the named modules that are in this package."""
    files = []
    for name in names:
        root, *rest = name.split(".")
        if root == PACKAGE.name and rest:
            stem = PACKAGE.joinpath(*rest)
            files += [file for file in (stem.with_suffix(".py"), stem / "__init__.py") if file.is_file()]
    return files
