"""Debian's chromium, driven by playwright, with a record of all that a page does and should not."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

CHROMIUM = shutil.which("chromium")

ITS_OWN = ("data:", "blob:")
"""What a page may open besides itself: what it holds, and what it gives to be saved."""


@contextmanager
def opened(path: Path, **options: Any) -> Iterator[Any]:
    """A page opened from disk, as a `playwright.sync_api.Page`.

    An error or a warning in its console, or a request to elsewhere, fails at the end.

    Parameters
    ----------
    options
        Of the browser's context, such as ``viewport``.
    """
    # Not at the top: tests are collected, and examples looked for, where there is no playwright, too.
    from playwright.sync_api import sync_playwright

    address, amiss = path.resolve().as_uri(), []
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM)
        page = browser.new_context(**options).new_page()
        page.on("console", lambda said: said.type in ("error", "warning") and amiss.append(said.text))
        page.on("pageerror", lambda error: amiss.append(str(error)))
        page.on("request", lambda asked: asked.url.startswith(ITS_OWN) or amiss.append(asked.url))
        page.goto(address)
        yield page
        browser.close()
    assert set(amiss) <= {address}, amiss
