"""Job logs: one file per job, every line dated, the reason of a failure in the last lines."""

import logging
import platform
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from livedead import __version__
from livedead.errors import LivedeadError

Item = TypeVar("Item")
log = logging.getLogger("livedead")

PROGRESS_SECONDS = 5.0


@contextmanager
def log_to(path: str | Path) -> Iterator[None]:
    """Send log records to `path`, and write there why the body failed, if it does.

    Raises
    ------
    SystemExit
        In place of a `LivedeadError`: its message, without a traceback, ends the script.
    """
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    handler = logging.FileHandler(path, mode="w", encoding="utf-8")
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    root = logging.getLogger()
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.INFO)
    logging.captureWarnings(True)
    try:
        log.info("livedead %s, Python %s on %s", __version__, platform.python_version(), platform.node())
        yield
        log.info("done")
    except LivedeadError as error:
        # The message is for the user; where in the code it was noticed is not.
        log.error("failed: %s", error)
        raise SystemExit(f"livedead: {error}") from error
    except BaseException as error:
        log.exception("failed: %s", error)
        raise
    finally:
        logging.captureWarnings(False)
        root.setLevel(level)
        root.removeHandler(handler)
        handler.close()


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
            log.info(
                "%d of %d %s, %.1f per second, %.0f s left",
                done,
                total,
                unit,
                rate,
                (total - done) / rate,
            )
    log.info("%d %s in %.1f s", done, unit, time.monotonic() - start)
