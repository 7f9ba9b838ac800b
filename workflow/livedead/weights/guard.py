"""A trial in another process, for libraries that a damaged file can hang or crash.

HDF5 is written in C: among 1,400 seeded mutations of good files (``make fuzz``), two sent it
into an endless loop while it read an attribute. No exception handler helps against that.
"""

import math
import multiprocessing
import os
import signal
import warnings
from collections.abc import Callable
from pathlib import Path

from livedead.weights.refusals import RefusedError

SECONDS, BYTES_PER_SECOND = 4.0, 20e6
"""Patience in processor time: this long, and longer for large files."""
WAITING = 15
"""So many times as long may pass in all, since other jobs and slow disks are no fault of the file."""


def try_first(read: Callable[[], object], path: Path) -> None:
    """Read a file in a forked process, whose result is thrown away, before this one reads it.

    What `read` raises is not reported: the same happens again in this process.

    Raises
    ------
    RefusedError
        If the trial crashes or does not end.
    """
    if "fork" not in multiprocessing.get_all_start_methods():
        return
    import resource  # which systems without a fork lack

    patience = SECONDS + path.stat().st_size / BYTES_PER_SECOND

    def trial() -> None:
        _, hard = resource.getrlimit(resource.RLIMIT_CPU)
        resource.setrlimit(resource.RLIMIT_CPU, (math.ceil(patience), hard))
        try:
            read()
        finally:
            os._exit(0)

    process = multiprocessing.get_context("fork").Process(target=trial)
    with warnings.catch_warnings():
        # Python and JAX warn of threads that a fork would lose; the trial needs none of them.
        warnings.simplefilter("ignore")
        process.start()
    process.join(WAITING * patience)
    if process.exitcode is None:
        process.kill()
        process.join()
    elif process.exitcode == 0:
        return
    elif process.exitcode != -signal.SIGXCPU:
        raise RefusedError(f"damaged: reading it crashes with signal {-process.exitcode}")
    raise RefusedError(f"damaged: reading it does not end within {patience:.0f} s of processor time")
