"""The page of a plate in a real browser: what it shows, and that corrections reach the counts."""

import csv
import json
import os
from pathlib import Path

import numpy as np
import pages_of_plates
import pytest
from count_cells import count_cells
from scipy.ndimage import gaussian_filter

from livedead import stores, tables
from livedead.cells.outlines import outlines
from livedead.network.classes import ROLES
from livedead.plates.corrections import read_corrections
from livedead.tables import CELLS, IMAGES, SHARD_FIELDS, WELLS

pytest.importorskip("playwright", reason="needs playwright; 'make browser' installs it")
from chromium import CHROMIUM, opened

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="needs chromium: apt-get install chromium")

AXE = Path(os.environ.get("AXE", "axe.min.js"))
HOSTILE = ["<script>alert(1)</script>", "=cmd()", "</script><img src=x onerror=alert(1)>", 'a "b", c']
SIDE = 200
SQUARES = [(40, 40, 3), (40, 100, 3), (40, 160, 4), (120, 40, 3), (120, 66, 4), (120, 120, 3)]
"""Centres (y, x) of cells of 20 x 20 px, and their class, in raster order; 4 and 5 are near each other."""


def squares() -> np.ndarray:
    class_map = np.zeros((SIDE, SIDE), np.uint8)
    for y, x, number in SQUARES:
        class_map[y - 10 : y + 10, x - 10 : x + 10] = number
    return class_map


def fields(*wells: str):
    """Fields of those wells, all with the cells of `SQUARES`; the light of each is its own."""
    for k, well in enumerate(wells):
        yield well, np.full((1, SIDE, SIDE), k / 10 - 0.5, np.float32), squares()


UNREAD = {"plate": "p", "well": "A01", "field": 1, "timepoint": 1, "hours": 0.0, "channel": "brightfield"}
UNREAD |= dict.fromkeys(["z", "page", "pages", "height", "width", "bytes", "crop_y_px", "crop_x_px"], 0)
"""An image in the index, which no one opens: counting without intensities reads class maps alone."""

WELLS_SHOWN = ["A01", "B02", "B03", "B05", "C03"]


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """The page of five wells, one of them treated with each of the hostile names."""
    path = tmp_path_factory.mktemp("page") / "report.html"
    treatments = [*HOSTILE, "DMSO"]
    path.write_bytes(pages_of_plates.page(list(fields(*WELLS_SHOWN)), treatment=treatments))
    return path


@pytest.fixture(scope="module")
def table():
    """Header and row of each well, as they stand in wells.csv."""
    found = [pages_of_plates.counted(class_map, well) for well, _, class_map in fields(*WELLS_SHOWN)]
    wells = pages_of_plates.tables(found, treatment=[*HOSTILE, "DMSO"])["wells"]
    return tables.as_text(wells, WELLS)


def numbers(page) -> dict[str, str]:
    """What the well says of itself: name -> text."""
    texts = "all => all.map(one => [one.children[0].textContent, one.children[1].textContent])"
    return dict(page.eval_on_selector_all("#numbers div", texts))


def cells_drawn(page) -> dict[str, int]:
    """Cells outlined on the field, by state."""
    paths = "all => all.map(one => [one.classList[1], Number(one.dataset.cells)])"
    return dict(page.eval_on_selector_all(".stage .cell", paths))


@pytest.mark.parametrize("width", [1280, 390])
def test_clicking_a_well_shows_its_row(written, table, width):
    rows = {row["well"]: row for row in csv.DictReader(table.splitlines())}
    with opened(written, viewport={"width": width, "height": 800}) as page:
        assert page.evaluate("document.documentElement.scrollWidth") == width, "nothing sticks out"
        page.click("[data-well=B03]")
        assert page.inner_text("#well-title") == "B03"
        shown = numbers(page)
        assert shown["Live"] == rows["B03"]["n_live"] == "4"
        assert shown["Dead"] == rows["B03"]["n_dead"] == "2"
        # Three digits at a glance; the row below has all of them.
        assert rows["B03"]["viability"] == "0.666667" and shown["Viability"] == "0.667"
        assert sum(cells_drawn(page).values()) == 6


def test_arrow_keys_go_from_well_to_well_over_gaps(written):
    with opened(written) as page:
        page.click("[data-well=B03]")
        for key, well in [("Right", "B05"), ("Right", "B05"), ("Left", "B03"), ("Down", "C03")]:
            page.keyboard.press(f"Arrow{key}")
            assert page.inner_text("#well-title") == well
            assert page.evaluate("document.activeElement.dataset.well") == well


def test_a_row_is_downloaded_as_it_stands_in_the_table(written, table, tmp_path):
    header, *rows = table.splitlines(keepends=True)
    with opened(written) as page:
        for well, row in zip(WELLS_SHOWN, rows, strict=True):
            page.click(f"[data-well={well}]")
            page.eval_on_selector("#well > details:last-of-type", "one => one.open = true")
            with page.expect_download() as downloading:
                page.click("#download-row")
            downloading.value.save_as(tmp_path / "row.csv")
            assert (tmp_path / "row.csv").read_bytes().decode() == header + row


def test_a_row_is_copied_as_it_stands_in_the_table(written, table):
    header, first, *_ = table.splitlines(keepends=True)
    with opened(written, permissions=["clipboard-read", "clipboard-write"]) as page:
        page.click("[data-well=A01]")
        page.click("#well > details:last-of-type > summary")
        page.click("#copy-row")
        page.wait_for_function("document.getElementById('row-said').textContent === 'Copied.'")
        assert page.evaluate("navigator.clipboard.readText()") == header + first


def test_hostile_names_stay_text(written):
    with opened(written) as page:
        options = page.locator("#treatment option").all_text_contents()
        assert sorted(options) == sorted(["all", "DMSO", *HOSTILE])
        for well, name in zip(WELLS_SHOWN, HOSTILE, strict=False):
            page.click(f"[data-well={well}]")
            assert page.inner_text("#treatment-text") == f"treatment {name}"
        assert page.locator("img[src=x]").count() == 0


def test_other_treatments_are_dimmed(written):
    with opened(written) as page:
        page.select_option("#treatment", label="=cmd()")
        dimmed = page.eval_on_selector_all(".dimmed", "all => all.map(one => one.dataset.well)")
        assert dimmed == ["A01", "B03", "B05", "C03"]


def test_the_slider_goes_through_time(tmp_path):
    found = [
        pages_of_plates.counted(np.where(squares() > 0, number, 0).astype(np.uint8), "B03", timepoint)
        for timepoint, number in ((1, 3), (2, 3), (7, 4))
    ]
    path = tmp_path / "report.html"
    path.write_bytes(pages_of_plates.page_of(found))
    with opened(path) as page:
        assert page.inner_text("#time-text") == "7 of 7"
        assert numbers(page)["Dead"] == "6"
        page.focus("#time")
        page.keyboard.press("ArrowLeft")
        assert page.inner_text("#time-text") == "2 of 7"
        assert numbers(page)["Dead"] == "0"
        assert cells_drawn(page) == {"live": 6}


class Stage:
    """The field on the page, with the mouse in px of the field."""

    def __init__(self, page):
        self.page = page
        if not page.evaluate("document.querySelector('.editor').open"):
            page.click(".editor summary")
        page.locator(".stage").scroll_into_view_if_needed()

    def at(self, y: float, x: float) -> tuple[float, float]:
        box = self.page.locator(".stage").bounding_box()
        return box["x"] + x / SIDE * box["width"], box["y"] + y / SIDE * box["height"]

    def mode(self, name: str) -> None:
        self.page.click(f"[data-mode={name}]")
        self.page.locator(".stage").scroll_into_view_if_needed()

    def click(self, y: float, x: float, **options) -> None:
        self.page.locator(".stage").scroll_into_view_if_needed()
        box = self.page.locator(".stage").bounding_box()
        place = {"x": x / SIDE * box["width"], "y": y / SIDE * box["height"]}
        self.page.click(".stage", position=place, **options)

    def drag(self, *points: tuple[float, float]) -> None:
        first, *others = points
        self.page.mouse.move(*self.at(*first))
        self.page.mouse.down()
        for point in others:
            self.page.mouse.move(*self.at(*point), steps=4)
        self.page.mouse.up()

    def press(self, *keys: str) -> None:
        self.page.locator(".stage").focus()
        for key in keys:
            self.page.keyboard.press(key)

    def do(self, name: str) -> None:
        self.page.click(f"[data-do={name}]")

    def download(self, path) -> dict:
        with self.page.expect_download() as downloading:
            self.page.click("#download-corrections")
        assert downloading.value.suggested_filename == "p-corrections.json"
        downloading.value.save_as(path)
        return json.loads(path.read_text())


@pytest.fixture
def recount(tmp_path):
    """Counts the plate of the page again, with files of corrections: tables of fields and cells."""
    rows = [
        {"plate": "p", "well": well, "field": 1, "timepoint": 1, "status": "ok", "pixels_sha256": well}
        for well in WELLS_SHOWN
    ]
    nothing = {"unstable": np.array([], np.int64), "runners_up": np.array([], np.uint8)}
    arrays = {"maps": squares(), **nothing}
    stores.write_segmentations(tmp_path / "classes.h5", ((row, arrays) for row in rows))
    stores.write_table(tmp_path / "images.tsv", IMAGES.rows([UNREAD]), IMAGES)
    stores.write_json(tmp_path / "model.json", {"model_sha256": "m"})

    def count(*corrections):
        files = {name: tmp_path / f"{name}.csv" for name in ("fields", "cells")}
        count_cells(
            tmp_path / "classes.h5", tmp_path, tmp_path / "images.tsv", None, tmp_path / "model.json",
            list(corrections), **files,
            classes=[{"name": role, "role": role} for role in ROLES],
            pixel_size_um=1.0, bit_depth=16, intensity_channels=[], counting={"min_area_um2": 0},
        )  # fmt: skip
        fields = stores.read_table(files["fields"], SHARD_FIELDS).set_index("well")
        return fields, stores.read_table(files["cells"], CELLS)

    return count


def test_what_mouse_and_keyboard_correct_reaches_the_counts(written, recount, tmp_path):
    """Counted are 4 live and 2 dead cells in every field; all else is what the hand does to them."""
    with opened(written) as page:
        page.click("[data-well=B03]")
        stage = Stage(page)
        stage.click(40, 40)
        assert page.inner_text(".said") == "Cell 1: live"
        stage.do("dead")
        stage.mode("add")
        stage.click(170, 170)
        stage.mode("split")
        stage.drag((40, 85), (40, 115))
        stage.mode("choose")
        stage.click(120, 40)
        stage.click(120, 66, modifiers=["Shift"])
        stage.do("merge")
        page.click("[data-well=B05]")
        stage = Stage(page)
        stage.press("ArrowRight", "ArrowRight", "d", "ArrowRight", "Delete")
        page.click("[data-well=C03]")
        Stage(page)
        page.check("[data-mark=unusable]")
        page.click("[data-well=A01]")
        Stage(page)
        page.check("[data-mark=looked]")
        record = Stage(page).download(tmp_path / "p-corrections.json")
    assert [(one["well"], one["usable"], len(one["actions"])) for one in record["fields"]] == [
        ("A01", True, 0), ("B03", True, 4), ("B05", True, 2), ("C03", False, 0),
    ]  # fmt: skip
    done = [action["action"] for action in record["fields"][1]["actions"]]
    assert done == ["state", "add", "split", "merge"]
    assert record["fields"][2]["actions"] == [
        {"action": "state", "cell": 2, "state": "dead"},
        {"action": "delete", "cell": 3},
    ]
    assert set(read_corrections([tmp_path / "p-corrections.json"])) == {
        (well, 1, 1) for well in ("A01", "B03", "B05", "C03")
    }
    before, _ = recount()
    assert (before[["n_live", "n_dead", "n_total"]] == [4, 2, 6]).all(axis=None)
    after, cells = recount(tmp_path / "p-corrections.json")
    # B03: cell 1 dies, one lives besides, 2 becomes two, and 4 (live) and 5 (dead) one that is half and half.
    counts = ["n_live", "n_dead", "n_ambiguous", "n_total", "n_by_hand"]
    assert after.loc["B03", counts].tolist() == [4, 2, 1, 7, 5]
    areas = cells[cells["well"] == "B03"].sort_values("area_px")["area_px"].tolist()
    assert areas[:2] == [200, 200], "the line halved the cell"
    assert areas[-1] == 800, "two cells of 400 px are one"
    added = cells[(cells["well"] == "B03") & (cells["y_px"] > 150)].iloc[0]
    assert added[["y_px", "x_px"]].tolist() == pytest.approx([169.5, 169.5], abs=1)
    assert added["area_px"] == pytest.approx(400, rel=0.05), "as large as the field's usual cell"
    assert after.loc["B05", ["n_live", "n_dead", "n_total", "n_by_hand"]].tolist() == [3, 2, 5, 2]
    assert after.loc["C03", ["status", "code"]].tolist() == ["failed", "rejected"]
    assert after.loc["A01", ["n_live", "n_dead", "n_by_hand"]].tolist() == [4, 2, 0]


def test_what_is_undone_is_gone_and_the_rest_is_kept_by_the_browser(written, tmp_path):
    with opened(written) as page:
        page.click("[data-well=B03]")
        stage = Stage(page)
        stage.press("ArrowRight", "d", "ArrowRight", "Delete", "Control+z")
        assert sum(cells_drawn(page).values()) == 6
        assert cells_drawn(page)["dead"] == 3
        page.reload()
        stage = Stage(page)
        assert page.inner_text("#well-title") == "B03"
        assert cells_drawn(page)["dead"] == 3
        record = stage.download(tmp_path / "p-corrections.json")
    assert record["fields"][0]["actions"] == [{"action": "state", "cell": 1, "state": "dead"}]


def test_what_the_workflow_would_refuse_is_not_done(written):
    with opened(written) as page:
        page.click("[data-well=B03]")
        stage = Stage(page)
        stage.mode("split")
        stage.drag((70, 85), (70, 115))
        assert "does not cross" in page.inner_text(".said")
        stage.mode("add")
        stage.drag((36, 36), (36, 44), (44, 44), (44, 36))
        assert "a cell already" in page.inner_text(".said")
        assert page.locator("#corrections").is_hidden()


def test_no_key_changes_a_cell_while_the_editor_is_closed(written):
    with opened(written) as page:
        page.click("[data-well=B03]")
        page.focus(".stage")
        for key in ("ArrowRight", "d", "Delete"):
            page.keyboard.press(key)
        assert page.inner_text(".said") == "Cell 1: live"
        assert sum(cells_drawn(page).values()) == 6


def test_outlines_come_out_of_the_browser_as_they_went_into_the_page(tmp_path):
    rng = np.random.default_rng(0)
    blobs = gaussian_filter(rng.normal(size=(SIDE, SIDE)), 3)
    one = pages_of_plates.counted(np.where(blobs > blobs.std(), 3, 0).astype(np.uint8), "A01")
    path = tmp_path / "report.html"
    path.write_bytes(pages_of_plates.page_of([one]))
    with opened(path) as page:
        decoded = page.evaluate("plate.data.pictures[0].outlines.map(decodedOutline)")
    for corners, expected in zip(decoded, outlines(one.labels), strict=True):
        assert corners == expected.tolist()
    assert len(decoded) > 20


@pytest.mark.skipif(not AXE.is_file(), reason="needs axe-core; 'make browser' gets it by npm")
@pytest.mark.parametrize("width", [1280, 390])
def test_axe_finds_nothing_that_keeps_people_out(written, width):
    """Names, roles and contrast, with every part of the page open and a cell corrected."""
    with opened(written, viewport={"width": width, "height": 800}) as page:
        Stage(page).press("ArrowRight", "d")
        page.eval_on_selector_all("details", "all => all.forEach(one => one.open = true)")
        page.evaluate(AXE.read_text() + "; 0")
        found = page.evaluate("axe.run()")
    assert [(one["id"], one["nodes"][0]["html"]) for one in found["violations"]] == []
    assert len(found["passes"]) > 20
