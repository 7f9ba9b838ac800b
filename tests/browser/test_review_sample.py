"""The page of the sample in a real browser."""

import json
import os
import re
from pathlib import Path

import numpy as np
import pytest

from livedead.pictures import review_sample
from livedead.pictures.review_sample import Crop

pytest.importorskip("playwright", reason="needs playwright; 'make browser' installs it")
from chromium import CHROMIUM, opened

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="needs chromium: apt-get install chromium")

AXE = Path(os.environ.get("AXE", "axe.min.js"))
SIZES = {"desktop": {"width": 1280, "height": 800}, "phone": {"width": 390, "height": 844}}
N = 12


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    rng = np.random.default_rng(0)
    outline = np.array([[15, 15], [15, 25], [25, 25], [25, 15]])
    crops = {k: Crop(rng.random((40, 40, 3)), outline) for k in range(1, N + 1)}
    path = tmp_path_factory.mktemp("page") / "review_sample.html"
    path.write_bytes(review_sample.draw("p1", "a" * 64, 200, 7, crops, pixel_size_um=0.5))
    return path


@pytest.fixture(params=SIZES)
def page(request, file):
    """The page, opened from disk, on a screen of each size."""
    with opened(file, viewport=SIZES[request.param], has_touch=request.param == "phone") as page:
        yield page


def downloaded(page):
    with page.expect_download() as waiting:
        page.get_by_role("button", name="download judgements").click()
    return waiting.value.suggested_filename, json.loads(waiting.value.path().read_text())


def test_five_cells_are_judged_by_keys_one_is_taken_back_and_the_rest_arrives(page):
    for key in "ldaxl":
        page.keyboard.press(key)
    assert page.get_by_text(f"5 of {N} judged").is_visible()
    page.keyboard.press("Backspace")
    page.keyboard.press("D")
    page.keyboard.press("Backspace")
    name, record = downloaded(page)
    assert name == "p1-judgements.json"
    assert record.pop("judgements") == [
        {"cell": k, "judged": what} for k, what in enumerate(["live", "dead", "ambiguous", "none"], start=1)
    ]
    sample = {"plate": "p1", "cells_sha256": "a" * 64, "cells": 200, "seed": 7}
    assert record == {"livedead": "judgements", "version": 1, "reviewer": "", **sample}


def test_all_cells_are_judged_by_mouse_or_touch(page):
    for k in range(N):
        button = page.get_by_role("button", name="no cell" if k % 2 else "dead")
        if page.viewport_size["width"] < 500:
            button.tap()
        else:
            button.click()
    assert page.get_by_role("status").filter(has_text="All cells are judged").is_visible()
    assert page.get_by_role("button", name="dead").is_disabled()
    assert [row["judged"] for row in downloaded(page)[1]["judgements"]] == ["dead", "none"] * (N // 2)
    page.keyboard.press("Backspace")
    assert page.get_by_text(f"{N - 1} of {N} judged").is_visible()
    assert page.locator("#crop").is_visible()


def test_what_was_judged_is_kept_and_so_is_the_name_whose_letters_judge_nothing(page):
    page.keyboard.press("x")
    page.get_by_label("Your name").press_sequentially("Dr. Alda X")
    page.reload()
    assert page.get_by_text(f"1 of {N} judged").is_visible()
    name, record = downloaded(page)
    assert name == "p1-judgements-Dr-Alda-X.json"
    assert record["reviewer"] == "Dr. Alda X"
    assert record["judgements"] == [{"cell": 1, "judged": "none"}]


def test_the_next_cell_is_shown_and_its_outline_can_be_hidden(page):
    first = page.locator("#picture").get_attribute("href")
    assert page.locator("#outline .line").get_attribute("points") == "15,15 25,15 25,25 15,25"
    page.keyboard.press("o")
    assert not page.locator("#outline").is_visible()
    page.keyboard.press("l")
    assert page.locator("#picture").get_attribute("href") != first
    page.get_by_role("button", name="outline").click()
    assert page.locator("#outline").is_visible()
    assert page.get_by_role("img", name=re.compile("Cell 2")).is_visible()


def test_nothing_is_cut_off_and_every_button_is_wide_enough_for_a_finger(page):
    assert page.evaluate("document.documentElement.scrollWidth") == page.viewport_size["width"]
    for button in page.get_by_role("button").all():
        box = button.bounding_box()
        assert box["height"] >= 40 and box["width"] >= 44
        assert button.evaluate("e => e.scrollWidth <= e.clientWidth")


@pytest.mark.skipif(not AXE.is_file(), reason="needs axe-core; 'make browser' gets it by npm")
def test_axe_finds_nothing_that_keeps_people_out(page):
    """Names, roles and contrast, at the first cell and after the last."""
    page.locator("summary").click()
    page.evaluate(AXE.read_text() + "; 0")
    for n_judged in (0, N):
        for _ in range(n_judged):
            page.keyboard.press("d")
        found = page.evaluate("axe.run()")
        assert [(one["id"], one["nodes"][0]["html"]) for one in found["violations"]] == []
        assert len(found["passes"]) > 10
