"""What a script's function is given of its rule's job."""

import logging
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace

import pytest

from livedead import job


@dataclass(frozen=True)
class Limits:
    low: int = 0
    high: int = 9


class Roles(list):
    @classmethod
    def from_config(cls, entries):
        return cls(entry["role"] for entry in entries)


def job_of(log="job.log", *, input=(), output=(), threads=1, **params):
    """What Snakemake gives a script, as far as it matters here."""
    return SimpleNamespace(
        rule="count_cells", wildcards=["p1"], input=dict(input), output=dict(output), params=params,
        threads=threads, log=[str(log)],
    )  # fmt: skip


def test_files_come_as_paths_and_settings_as_they_are():
    def step(images: Path, table: Path, *, plate: str, n_wells: int) -> None: ...

    given = job_of(input={"images": "a.tsv"}, output={"table": "b.csv"}, plate="p", n_wells=96)
    assert job.bind(step, given) == {
        "images": Path("a.tsv"),
        "table": Path("b.csv"),
        "plate": "p",
        "n_wells": 96,
    }


@pytest.mark.parametrize(
    ("files", "paths"),
    [(["a", "b"], [Path("a"), Path("b")]), ("a", [Path("a")]), ([], [])],
    ids=["several", "one", "none"],
)
def test_all_files_of_a_name(files, paths):
    def step(tables: list[Path]) -> None: ...

    assert job.bind(step, job_of(input={"tables": files})) == {"tables": paths}


@pytest.mark.parametrize(("files", "path"), [([], None), (["a"], Path("a")), ("a", Path("a"))])
def test_a_file_that_a_rule_may_lack(files, path):
    def step(platemap: Path | None) -> None: ...

    assert job.bind(step, job_of(input={"platemap": files})) == {"platemap": path}


def test_types_of_the_library_are_made_from_their_part_of_the_configuration():
    def step(*, limits: Limits, classes: Roles) -> None: ...

    given = job_of(limits={"high": 3}, classes=[{"name": "dead nucleus", "role": "dead"}])
    assert job.bind(step, given) == {"limits": Limits(0, 3), "classes": ["dead"]}


def test_threads_are_those_of_the_job():
    def step(*, threads: int) -> None: ...

    assert job.bind(step, job_of(threads=4)) == {"threads": 4}


def test_what_a_step_does_not_take_is_left_out_and_a_default_holds_where_nothing_is_given():
    def step(images: Path, *, pages: str = "series", focal_plane: str = "first") -> None: ...

    given = job_of(input={"images": "a", "after": "b"}, code="abc", focal_plane="max")
    assert job.bind(step, given) == {"images": Path("a"), "focal_plane": "max"}


def test_what_the_rule_does_not_have_is_named():
    def step(images: Path, wells: Path, *, plate: str) -> None: ...

    with pytest.raises(TypeError, match="step needs wells, plate, which its rule does not have"):
        job.bind(step, job_of(input={"images": "a"}))


@pytest.mark.parametrize(
    "names",
    [
        {"input": {"cells": "a"}, "output": {"cells": "b"}},
        {"output": {"cells": "b"}, "cells": 1},
        {"input": {"threads": "a"}},
    ],
)
def test_a_name_that_the_rule_has_twice_is_refused(names):
    def step(cells: Path = Path()) -> None: ...

    with pytest.raises(TypeError, match=r"the rule of step has more than one (cells|threads)"):
        job.bind(step, job_of(**names))


def test_run_logs_what_the_step_says(tmp_path):
    def step(images: Path, table: Path) -> None:
        logging.getLogger("livedead").info("indexing %s", images)
        table.write_text("x")

    log = tmp_path / "logs/job.log"
    job.run(step, job_of(log, input={"images": "a.tsv"}, output={"table": str(tmp_path / "b.csv")}))
    assert (tmp_path / "b.csv").read_text() == "x"
    assert "indexing a.tsv" in log.read_text()


def test_run_ends_a_step_that_fails_with_its_reason(tmp_path):
    def step() -> None:
        raise ZeroDivisionError("of nothing")

    with pytest.raises(SystemExit, match="of nothing"):
        job.run(step, job_of(tmp_path / "job.log"))
    assert "failed: ZeroDivisionError: of nothing" in (tmp_path / "job.log").read_text()
