"""A user's working folder: a small simulated plate, and snakemake started in it."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import yaml

RECORDER = Path(__file__).parent / "integration/recorder"
WELLS = ["A01", "A06", "A12", "B03", "B09", "C11"]
BROKEN = ("B03", 2)
SMALL = {
    "seed": 11,
    "fields_per_well": 2,
    "side_px": 256,
    "wells": WELLS,
    "missing_well": "C11",
    "truncated_field": {"well": BROKEN[0], "field": BROKEN[1]},
}
"""A plate that counts well and has everything amiss."""

TINY = {"seed": 11, "fields_per_well": 1, "side_px": 96, "wells": ["A01", "A06", "A12", "B03"]}
"""A plate for runs whose number matters, and whose cells do not."""


class Folder:
    """A working folder with its own configuration; `where` tells Snakemake to run on this machine."""

    where = ("--cores", "2")

    def __init__(self, path: Path, repository: Path):
        self.path, self.repository = path, repository

    def command(self, *arguments: str) -> list[str]:
        snakefile = str(self.repository / "workflow/Snakefile")
        return [sys.executable, "-m", "snakemake", "-s", snakefile, *self.where, *arguments]

    def snakemake(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess:
        command = self.command(*arguments)
        environment = {**os.environ, **environment}
        return subprocess.run(
            command, cwd=self.path, env=environment, capture_output=True, text=True, check=False
        )

    def recorded(self, *arguments: str) -> list[dict]:
        """What each process of a run opened and declared, see `recorder/sitecustomize.py`."""
        notes = self.path.with_name(f"{self.path.name}.opened")
        run = self.snakemake(*arguments, PYTHONPATH=str(RECORDER), OPENED=str(notes))
        assert run.returncode == 0, run.stdout + run.stderr
        return [json.loads(line) for line in notes.read_text().splitlines()]

    def resume_command(self, *arguments: str) -> list[str]:
        """The documented command after a crash, in the environment that runs the tests."""
        command = ["make", "-C", str(self.repository), "resume"]
        config = self.path / "config/config.yaml"
        variables = {"VENV": sys.prefix, "FOLDER": self.path, "CONFIG": config, "ARGS": " ".join(arguments)}
        return [*command, *(f"{name}={value}" for name, value in variables.items())]

    def resume(self, *arguments: str) -> subprocess.CompletedProcess:
        return subprocess.run(self.resume_command(*arguments), capture_output=True, text=True, check=False)

    def files(self) -> list[str]:
        """What lies under results/."""
        return sorted(str(path.relative_to(self.path)) for path in self.path.glob("results/**/*"))

    def jobs(self, *arguments: str) -> dict[str, int]:
        """Jobs that a dry run would start, by rule."""
        dry = self.snakemake("--dry-run", *arguments)
        assert dry.returncode == 0, dry.stderr
        table = re.search(r"^job +count\n-+ +-+\n(.*?)^total", dry.stdout + dry.stderr, re.M | re.S)
        return {} if table is None else {k: int(n) for k, n in re.findall(r"(\w+) +(\d+)", table[1])}

    def read(self, name: str) -> bytes:
        return (self.path / name).read_bytes()

    def copy(self, path: Path) -> "Folder":
        shutil.copytree(self.path, path, symlinks=True)
        return Folder(path, self.repository)


UNDECLARED = {"sum_benchmarks": "benchmarks"}
"""Rule -> what it opens without an input: a benchmark that was lost must not run its job again."""
_TEMPORARY = re.compile(r"/\.([^/]+)\.\w+\.partial(?=/|$)")
"""A folder that `livedead.stores.replacing_folder` writes, before it takes its name."""


def undeclared(folder: Folder, jobs: list[dict]) -> list[tuple[str, Path]]:
    """(rule, path) of what jobs opened, as `Folder.recorded` noted it, and did not declare."""
    found = []
    for job in jobs:
        declared = [Path(path) for path in job["declared"]]
        if job["rule"] in UNDECLARED:
            declared.append(folder.path / UNDECLARED[job["rule"]])
        for path in (Path(_TEMPORARY.sub(r"/\1", name)) for name in job["opened"]):
            within = any(path.is_relative_to(name) for name in declared)
            # Old shards and pages are looked for, and deleted, beside the new.
            listed = path.is_dir() and any(name.is_relative_to(path) for name in declared)
            if not (within or listed or folder.path / ".snakemake" in path.parents):
                found.append((job["rule"], path))
    return found


def write_config(folder: Path, repository: Path, simulation: dict = SMALL, **settings) -> None:
    """Configuration, sheet and plate map of one simulated plate; `settings` are keys of config.yaml."""
    (folder / "config").mkdir(parents=True)
    config = yaml.safe_load((repository / "config/demo/config.yaml").read_text())
    config["plates"] = "config/plates.tsv"
    config["weights"] = str(repository / "config/demo/unet.h5")
    config["simulation"] = {"small": simulation}
    config["dyes"] = {"total": "hoechst", "dead": "draq7"}
    config["fields_per_well"] = simulation["fields_per_well"]
    config["max_failed_fraction"] = 0.2
    config.update(settings)
    (folder / "config/config.yaml").write_text(yaml.safe_dump(config))
    (folder / "config/plates.tsv").write_text(
        "plate\traw\twells\tplatemap\tpixel_size_um\tdyed_wells\n"
        "small\tresults/simulated/small/raw\t96\tconfig/map.tsv\t0.65\tA01,A12\n"
    )
    rows = "".join(f"{well}\tdrug {k}\n" for k, well in enumerate(WELLS))
    (folder / "config/map.tsv").write_text("well\ttreatment\n" + rows)


def write_dyed(folder: Path, repository: Path, simulation: dict = TINY, **settings) -> None:
    """As `write_config`, of a plate that is dyed in every well, and read so."""
    write_config(folder, repository, simulation, reading="dyes", **settings)
    sheet = folder / "config/plates.tsv"
    sheet.write_text(sheet.read_text().replace("A01,A12", ",".join(simulation["wells"])))


def write_plates(folder: Path, repository: Path, n_plates: int, n_wells: int = 96) -> None:
    """Configuration and sheet of many plates, p000 and on, whose raw folders are empty."""
    write_config(folder, repository)
    config = yaml.safe_load((folder / "config/config.yaml").read_text())
    config["simulation"] = {}
    (folder / "config/config.yaml").write_text(yaml.safe_dump(config))
    rows = ["plate\traw\twells\tplatemap\tpixel_size_um"]
    for k in range(n_plates):
        (folder / f"raw/p{k:03d}").mkdir(parents=True)
        rows.append(f"p{k:03d}\traw/p{k:03d}\t{n_wells}\tconfig/map.tsv\t0.65")
    (folder / "config/plates.tsv").write_text("\n".join(rows) + "\n")
