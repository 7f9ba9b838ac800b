"""Reads that end: in time, and with a result or a `FieldError`."""

import threading
from collections.abc import Callable
from concurrent.futures import Future, wait
from pathlib import Path
from typing import TypeVar

from livedead.errors import FieldError, LivedeadError

MAX_SECONDS = 120.0
"""Time that one file may take: a dead network share must not hold up the plate for ever."""

Result = TypeVar("Result")


def in_time(read: Callable[[], Result], path: Path, max_seconds: float = MAX_SECONDS) -> Result:
    """Call `read` in a thread that is left behind if it takes too long; other errors become `FieldError`."""
    future: Future[Result] = Future()

    def call() -> None:
        try:
            future.set_result(read())
        except BaseException as error:  # raised in the caller's thread below
            future.set_exception(error)

    threading.Thread(target=call, daemon=True).start()
    if not wait([future], max_seconds).done:
        raise FieldError(
            "timed_out", f"{path}: not read within {max_seconds:g} s; is the disk or the share in order?"
        )
    try:
        return future.result()
    except LivedeadError:
        raise
    except FileNotFoundError as error:
        raise FieldError("missing_file", f"{path}: no such file, though the export lists it") from error
    except MemoryError as error:
        raise FieldError("too_large", f"{path}: no memory for its pixels") from error
    except Exception as error:  # decoders raise whatever their C libraries throw
        raise FieldError("unreadable", f"{path}: not a readable image file: {error}") from error
