"""Debian's chromium, driven by playwright, with a record of all that a page does and should not."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from playwright.sync_api import Page, sync_playwright

CHROMIUM = shutil.which("chromium")


class UnavailableError(Exception):
    """There is no browser; the message says how to get it."""


@contextmanager
def opened(path: Path, **options: Any) -> Iterator[Page]:
    """A page opened from disk; errors in its console and requests to anywhere else fail at the end.

    Parameters
    ----------
    options
        Of the browser's context, such as ``viewport``.
    """
    if CHROMIUM is None:
        raise UnavailableError("needs chromium: apt-get install chromium")
    amiss = []
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM)
        page = browser.new_context(**options).new_page()
        page.on(
            "console", lambda said: amiss.append(said.text) if said.type in ("error", "warning") else None
        )
        page.on("pageerror", lambda error: amiss.append(str(error)))
        page.on(
            "request",
            lambda asked: None if asked.url.startswith(("data:", "blob:")) else amiss.append(asked.url),
        )
        address = path.resolve().as_uri()
        page.goto(address)
        amiss.remove(address)
        yield page
        browser.close()
    assert not amiss, amiss
