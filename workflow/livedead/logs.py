"""A log per job, a time on every line: host and inputs first, outcome last.

The last lines of a failed job say why it failed and what to do. Progress is told on the terminal as well.
"""

import itertools
import logging
import os
import platform
import signal
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TypeVar

from livedead import __version__
from livedead.errors import LivedeadError
from livedead.faults import explained, is_of_the_system

Item = TypeVar("Item")
log = logging.getLogger("livedead")
progress_log = log.getChild("progress")

PROGRESS_SECONDS = 5.0

SHOWN_INPUTS = 12
"""Enough for every rule but those that gather hundreds of files."""

MISTAKE = (
    "correct what is named above and start the same command again; finished jobs are not repeated. "
    "If Snakemake says that the folder is locked: make resume"
)
TERMINATED = (
    "if the job ran out of time, give it more (--set-resources RULE:runtime=MINUTES) and start the same "
    "command again; if Snakemake was terminated, too: make resume"
)
BUG = "report this log, which says what was done and where it failed: this is a bug in livedead"


class _JobLog(logging.FileHandler):
    """A log that cannot be written, as on a full disk, neither ends the job nor complains at every line."""

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 (logging's own name)
        pass

    def close(self) -> None:
        with suppress(OSError):
            super().close()


@contextmanager
def log_to(path: str | Path, inputs: Iterable[object] = (), job: str = "job") -> Iterator[None]:
    """Log to `path` while the body runs; if it fails, log why, and what to do.

    Parameters
    ----------
    path : path
    inputs : iterable
        What the job reads; the log begins with a list of it.
    job : str
        What it is called on the terminal, where its progress is told.

    Raises
    ------
    SystemExit
        In place of every error, so that a script ends with what is wrong and what to do; the log keeps
        the traceback of what is not a `LivedeadError`. Also where a scheduler terminates the job
        (SIGTERM), so that temporary files are deleted.
    """
    try:
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        handler = _JobLog(path, mode="w", encoding="utf-8")
    except OSError as error:
        raise SystemExit(_said(error)) from error
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    terminal = logging.StreamHandler()
    terminal.setFormatter(logging.Formatter(f"{job.replace('%', '%%')}: %(message)s"))
    progress_log.addHandler(terminal)
    root = logging.getLogger()
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.INFO)
    logging.captureWarnings(True)
    before = signal.signal(signal.SIGTERM, _end)
    try:
        _introduce(inputs)
        yield
        log.info("done")
    except (SystemExit, KeyboardInterrupt):
        log.error("failed: terminated (time limit, cancellation, preemption, Ctrl-C)")
        log.error("what to do: %s", TERMINATED)
        raise
    except BaseException as error:
        reason, remedy = _told(error)
        # A message of livedead is for the user, who needs no line of code to act on it.
        log.error("failed: %s", reason, exc_info=None if isinstance(error, LivedeadError) else error)
        log.error("what to do: %s", remedy)
        raise SystemExit(_said(error)) from error
    finally:
        signal.signal(signal.SIGTERM, before)
        logging.captureWarnings(False)
        root.setLevel(level)
        root.removeHandler(handler)
        handler.close()
        progress_log.removeHandler(terminal)


def _told(error: BaseException) -> tuple[str, str]:
    """What is wrong, and what to do about it."""
    if isinstance(error, LivedeadError):
        # A cause in the system comes first, such as a full disk that cut off a table.
        cause = error.__cause__
        system = explained(cause) if cause is not None and is_of_the_system(cause) else None
        return str(error), system.remedy if system else MISTAKE
    return explained(error) or (f"{type(error).__name__}: {error}", BUG)


def _said(error: BaseException) -> str:
    """The last words of a script."""
    reason, remedy = _told(error)
    return f"livedead: {reason}" if remedy == MISTAKE else f"livedead: {reason}\nwhat to do: {remedy}"


def _introduce(inputs: Iterable[object]) -> None:
    """Log version, host, GPUs and inputs."""
    host = platform.node()
    if "SLURM_JOB_ID" in os.environ:
        host += f", Slurm job {os.environ['SLURM_JOB_ID']} on {os.environ.get('SLURMD_NODENAME', host)}"
    log.info("livedead %s, Python %s on %s", __version__, platform.python_version(), host)
    log.info("CUDA_VISIBLE_DEVICES: %s", os.environ.get("CUDA_VISIBLE_DEVICES") or "not set")
    names = list(map(str, inputs))
    for name in itertools.islice(names, SHOWN_INPUTS):
        log.info("input: %s", name)
    if len(names) > SHOWN_INPUTS:
        log.info("and %d more inputs", len(names) - SHOWN_INPUTS)


def _end(signum: int, frame: object) -> None:
    raise SystemExit(128 + signum)


def progress(items: Iterable[Item], total: int, unit: str) -> Iterator[Item]:
    """Pass `items` on, logging every few seconds how many are done and the time left."""
    start = last = time.monotonic()
    done = 0
    for item in items:
        yield item
        done += 1
        now = time.monotonic()
        if now - last >= PROGRESS_SECONDS:
            last = now
            rate = done / (now - start)
            left = _duration((total - done) / rate)
            progress_log.info("%d of %d %s, %.1f per second, %s left", done, total, unit, rate, left)
    progress_log.info("%d %s in %s", done, unit, _duration(time.monotonic() - start))


def _duration(seconds: float) -> str:
    """A time to read at a glance.

    Examples
    --------
    >>> _duration(7.26), _duration(95), _duration(700), _duration(9000)
    ('7.3 s', '95 s', '12 min', '2.5 h')
    """
    if seconds < 10:
        return f"{seconds:.1f} s"
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"
