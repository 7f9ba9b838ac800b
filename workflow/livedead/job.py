"""A rule's job: its files and settings, given to one function by name and type."""

import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Any

from livedead.logs import log_to


def run(step: Callable[..., None], job: Any) -> None:
    """Run one step of the workflow, with a log that says why it failed, if it does.

    Parameters
    ----------
    step : function
        Its parameters are named like the rule's inputs, outputs and params. A `Path` is one file,
        a `list[Path]` all files of that name, a `Path | None` a file that the rule may lack,
        and a type that has ``from_config`` is made of its part of the configuration.
    job : snakemake.script.Snakemake
        What Snakemake gives a script.
    """
    with log_to(job.log[0], job.input):
        step(**bind(step, job))


def bind(step: Callable[..., None], job: Any) -> dict[str, Any]:
    """Arguments of a step by name, taken from the rule's input, output and params.

    Raises
    ------
    TypeError
        If the rule has nothing of a parameter's name.
    """
    given = {**dict(job.input.items()), **dict(job.output.items()), **dict(job.params.items())}
    arguments = {}
    for name, parameter in inspect.signature(step).parameters.items():
        if name in given:
            arguments[name] = _as_declared(given[name], parameter.annotation)
        elif parameter.default is parameter.empty:
            raise TypeError(f"{step.__name__} takes {name!r}, which its rule does not give")
    return arguments


def _as_declared(value: Any, declared: Any) -> Any:
    """A value in the type that the step declares; Snakemake gives several files, or none, as a list."""
    if declared is Path:
        return Path(value)
    if declared == list[Path]:
        return [Path(path) for path in ([value] if isinstance(value, str) else value)]
    if declared == Path | None:
        return Path(value if isinstance(value, str) else value[0]) if value else None
    if hasattr(declared, "from_config"):
        return declared.from_config(value)
    return value
