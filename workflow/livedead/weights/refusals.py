"""Every problem of a file at once: noted where it is met, raised where the file was opened."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from livedead.errors import WeightsError

_noted: ContextVar[list[str] | None] = ContextVar("_noted")


class RefusedError(Exception):
    """Problems after which there is nothing more to look at; a `refusing` around it takes them."""

    def __init__(self, *problems: str):
        self.problems = problems
        super().__init__("; ".join(problems))


@contextmanager
def refusing(path: object = None) -> Iterator[list[str]]:
    """Refuse what the body reads if it notes a problem (`refuse`) or raises `RefusedError`.

    Without a `path` it is a part of something that is named further out: then it raises a
    `RefusedError`, else a `WeightsError`, with every problem. Yields those noted so far.
    """
    problems: list[str] = []
    token = _noted.set(problems)
    try:
        yield problems
    except RefusedError as error:
        problems += error.problems
    finally:
        _noted.reset(token)
    if problems:
        raise RefusedError(*problems) if path is None else WeightsError(path, problems)


def refuse(*problems: str) -> None:
    """Note reasons not to use what is being read, and go on to find the others.

    Outside of every `refusing`, where nobody would raise them, they are raised here.
    """
    noted = _noted.get(None)
    if noted is not None:
        noted.extend(problems)
    elif problems:
        raise RefusedError(*problems)


def refuse_all(where: str, defects: Iterable[str]) -> None:
    """Note what is wrong with one thing."""
    refuse(*(f"{where}: {defect}" for defect in defects))
