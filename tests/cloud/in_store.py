"""A working folder whose plate lies in an object store, and which may lie there itself."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import yaml
from object_store import ObjectStore
from working_folder import Folder

SUBMIT = Path(__file__).with_name("submit.py")
SHARED = ("persistence", "software-deployment", "sources", "source-cache")
"""What nodes share: code, but neither inputs nor outputs."""


class InStore(Folder):
    """A working folder whose runs know the keys and the address of a store."""

    def __init__(self, path: Path, repository: Path, store: ObjectStore):
        super().__init__(path, repository)
        self.store = store

    def snakemake(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess:
        return super().snakemake(*arguments, **{**self.store.environment, **environment})

    def start(self, *arguments: str) -> subprocess.Popen:
        """Start a run that can be killed, with all that it started."""
        with open(self.path / "run.log", "wb") as log:
            return subprocess.Popen(
                self.command(*arguments),
                cwd=self.path,
                env={**os.environ, **self.store.environment},
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def copy(self, path: Path) -> "InStore":
        return InStore(super().copy(path).path, self.repository, self.store)


class OnNodes(InStore):
    """The same, whose jobs run on nodes that share no disk: all of its files lie in the store below ``out``.

    Each job has the name of its rule, and of its shard, in the store's requests.
    """

    place = "out"

    def __init__(self, path: Path, repository: Path, store: ObjectStore):
        super().__init__(path, repository, store)
        self.nodes = path / "nodes"
        self.nodes.mkdir(exist_ok=True)
        self.where = (
            *("--executor", "cluster-generic", "--jobs", "2"),
            *("--cluster-generic-submit-cmd", f"{sys.executable} {SUBMIT}"),
            *("--default-storage-provider", "s3"),
            *("--default-storage-prefix", f"s3://{store.bucket}/{self.place}"),
            *("--shared-fs-usage", *SHARED),
            *("--remote-job-local-storage-prefix", "$DISK"),
            *("--seconds-between-status-checks", "1", "--latency-wait", "5"),
        )

    def snakemake(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess:
        return super().snakemake(*arguments, NODES=str(self.nodes), **environment)

    def read(self, name: str) -> bytes:
        return self.store.get(f"{self.place}/{name}")


def configure(path: Path, disk: Folder, url: str) -> Path:
    """Make a folder that is configured like that of a simulated plate, which here lies at `url`."""
    shutil.copytree(disk.path / "config", path / "config")
    sheet, config = path / "config/plates.tsv", path / "config/config.yaml"
    sheet.write_text(sheet.read_text().replace("results/simulated/small/raw", url))
    settings = {**yaml.safe_load(config.read_text()), "simulation": {}, "weights": "config/unet.h5"}
    config.write_text(yaml.safe_dump(settings))
    shutil.copy(disk.repository / "config/demo/unet.h5", path / "config/unet.h5")
    return path
