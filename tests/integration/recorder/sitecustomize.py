"""Notes what each Python process opens to read, and each job what it declared. From PYTHONPATH.

Every process adds one line of JSON to the file that OPENED names: the rule of the job (null in
Snakemake itself), its declared inputs, outputs and log, the absolute paths of all files that it
opened to read, and of all folders that it listed, in the folder where it started; and the packages
that it loaded.
"""

import atexit
import json
import os
import sys
from importlib.abc import MetaPathFinder
from importlib.machinery import PathFinder
from pathlib import Path

FOLDER = Path.cwd()
OPENED = set()
OPENERS = {"h5py.h5f": "open", "safetensors": "safe_open"}
"""What opens files below Python, where no audit event tells of it."""


def note(event, arguments):
    if event in ("os.listdir", "os.scandir") or (event == "open" and not arguments[2] & os.O_ACCMODE):
        add(arguments[0])


def add(path):
    if isinstance(path, str | bytes | os.PathLike):
        name = FOLDER / os.fsdecode(path)
        if FOLDER in name.parents:
            OPENED.add(str(name))


class Openers(MetaPathFinder):
    """Makes `OPENERS` note what they open."""

    def find_spec(self, name, path, target=None):
        spec = PathFinder.find_spec(name, path) if name in OPENERS else None
        if spec is not None:
            execute = spec.loader.exec_module

            def exec_module(module):
                execute(module)
                opener = getattr(module, OPENERS[name])

                def noting(path, *arguments, **settings):
                    add(path)
                    return opener(path, *arguments, **settings)

                setattr(module, OPENERS[name], noting)

            spec.loader.exec_module = exec_module
        return spec


def write():
    job = getattr(sys.modules["__main__"], "snakemake", None)
    declared = [] if job is None else [*job.input, *job.output, *job.log]
    record = {
        "rule": None if job is None else job.rule,
        "declared": [str(FOLDER / path) for path in declared],
        "opened": sorted(OPENED),
        "loaded": sorted(name for name in sys.modules if "." not in name),
    }
    with open(os.environ["OPENED"], "a") as notes:
        notes.write(json.dumps(record) + "\n")


sys.meta_path.insert(0, Openers())
sys.addaudithook(note)
atexit.register(write)
