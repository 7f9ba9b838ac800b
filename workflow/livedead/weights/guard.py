"""A trial in another process, for libraries that a damaged file can hang or crash.

HDF5 is written in C: among 1,400 seeded mutations of good files (``make fuzz``), two sent it
into an endless loop while it read an attribute. No exception handler helps against that.
"""

import os
import signal
import time
import warnings
from collections.abc import Callable
from pathlib import Path

from livedead.weights.refusals import RefusedError

SECONDS, BYTES_PER_SECOND = 4.0, 20e6
"""Patience: this long, and longer for large files on slow disks."""


def try_first(read: Callable[[], object], path: Path) -> None:
    """Read a file in a forked process, whose result is thrown away, before this one reads it.

    What `read` raises is not reported: the same happens again in this process.

    Raises
    ------
    RefusedError
        If the trial crashes or does not end.
    """
    if not hasattr(os, "fork"):
        return
    patience = SECONDS + path.stat().st_size / BYTES_PER_SECOND
    with warnings.catch_warnings():
        # Python and JAX warn of threads that a fork would lose; the child needs none of them.
        warnings.simplefilter("ignore")
        child = os.fork()
    if child == 0:
        try:
            read()
        finally:
            os._exit(0)
    status = _wait(child, time.monotonic() + patience)
    if status is None:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        raise RefusedError(f"damaged: reading it does not end within {patience:.0f} s")
    if os.WIFSIGNALED(status):
        raise RefusedError(f"damaged: reading it crashes with signal {os.WTERMSIG(status)}")


def _wait(child: int, deadline: float) -> int | None:
    pause = 0.001
    while time.monotonic() < deadline:
        finished, status = os.waitpid(child, os.WNOHANG)
        if finished:
            return status
        time.sleep(pause)
        pause = min(2 * pause, 0.05)
    return None
