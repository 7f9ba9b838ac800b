"""Results made before they are asked for, so that reading, computing and writing overlap."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

from livedead.errors import FieldError
from livedead.normalization.transforms import Key

Item = TypeVar("Item")
Result = TypeVar("Result")


def work_ahead(
    work: Callable[[Item], Result], items: Iterable[Item], n_ahead: int, n_threads: int = 1
) -> Iterator[Result]:
    """Results in the order of `items`, up to `n_ahead` of them made before they are asked for.

    With 0 each is made when it is asked for, so that no two are in memory at once.
    """
    with ThreadPoolExecutor(n_threads) as pool:
        waiting: deque[Future[Result]] = deque()
        for item in items:
            waiting.append(pool.submit(work, item))
            if len(waiting) > n_ahead:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()


def read_ahead(
    read: Callable[[Key], Result], keys: Iterable[Key], n_ahead: int = 2
) -> Iterator[tuple[Key, Result | FieldError]]:
    """Read fields while the one before is computed; a `FieldError` comes in place of its field."""

    def outcome(key: Key) -> tuple[Key, Result | FieldError]:
        try:
            return key, read(key)
        except FieldError as error:
            return key, error

    return work_ahead(outcome, keys, n_ahead, max(1, n_ahead))
