"""A rule's job: its files and settings, given to one function by name and type.

Every script of the workflow holds one function, named like its rule, and ends with
``run(<function>, snakemake)``.
"""

import dataclasses
import inspect
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from livedead.logs import log_to


def run(step: Callable[..., None], job: Any) -> None:
    """Run one step of the workflow, with a log that says why it failed, if it does.

    Parameters
    ----------
    step : function
        Its parameters have the names of the rule's inputs, outputs and params, or are ``threads``,
        and their types say how they are given:

        - ``Path``: one file; ``list[Path]``: all files of that name; ``Path | None``: a file that the
          rule may lack;
        - a class with ``from_config``, or else a dataclass: made from its part of the configuration;
        - anything else: as the rule has it.
    job : snakemake.script.Snakemake
        What Snakemake gives a script.
    """
    with log_to(job.log[0], job.input, " ".join([job.rule, *job.wildcards])):
        step(**bind(step, job))


def bind(step: Callable[..., None], job: Any) -> dict[str, Any]:
    """Arguments of a step by name, as `run` explains.

    Raises
    ------
    TypeError
        If the rule lacks what a parameter without a default needs, or has a name twice.
    """
    named = [*job.input.items(), *job.output.items(), *job.params.items(), ("threads", job.threads)]
    twice = [name for name, times in Counter(name for name, _ in named).items() if times > 1]
    if twice:
        raise TypeError(f"the rule of {step.__name__} has more than one {', '.join(twice)}")
    given = dict(named)
    parameters = inspect.signature(step).parameters.values()
    missing = [p.name for p in parameters if p.default is p.empty and p.name not in given]
    if missing:
        raise TypeError(f"{step.__name__} needs {', '.join(missing)}, which its rule does not have")
    return {p.name: _as_declared(given[p.name], p.annotation) for p in parameters if p.name in given}


def _as_declared(value: Any, declared: Any) -> Any:
    """A value in the type of its parameter; Snakemake gives several files, or none, as a list."""
    if declared is Path:
        return Path(value)
    if declared == list[Path]:
        return [Path(path) for path in ([value] if isinstance(value, str) else value)]
    if declared == Path | None:
        return Path(value if isinstance(value, str) else value[0]) if value else None
    if hasattr(declared, "from_config"):
        return declared.from_config(value)
    if isinstance(declared, type) and dataclasses.is_dataclass(declared):
        return declared(**value)
    return value
