import json
import re

import numpy as np
import pages_of_plates
import pandas as pd
import pytest
from scipy.ndimage import gaussian_filter

from livedead import tables
from livedead.cells.outlines import cells_sha256, outlines
from livedead.errors import CountError, FieldError
from livedead.pictures import plate_page
from livedead.pictures.plate_page import PageSettings
from livedead.tables import FIELDS, WELLS

HOSTILE = "</script><script>alert(1)</script>"


def data_of(page: bytes) -> dict:
    text = page.decode()
    return json.loads(
        re.search(r'<script type="application/json" id="data">(.*?)</script>', text, re.DOTALL)[1]
    )


def blobs(seed: int, side: int = 90) -> np.ndarray:
    rng = np.random.default_rng(seed)
    smooth = gaussian_filter(rng.normal(size=(side, side)), 3)
    return np.where(smooth > smooth.std(), rng.choice([3, 4]), 0).astype(np.uint8)


def walked(code: str) -> set[tuple[int, int, int, int]]:
    """Sides of pixels that an outline's code walks along, each from its upper or left corner."""
    y, x, start, letters = code.split()
    y, x, direction, filling = int(y), int(x), int(start) % 4, int(start) // 4
    turns = "".join(np.base_repr(ord(letter) - 64, 3).zfill(3) for letter in letters)
    sides = set()
    for turn in turns[: len(turns) - filling]:
        direction = (direction + {"0": 0, "1": 1, "2": -1}[turn]) % 4
        down, right = [(0, 1), (1, 0), (0, -1), (-1, 0)][direction]
        sides.add((*min((y, x), (y + down, x + right)), *max((y, x), (y + down, x + right))))
        y, x = y + down, x + right
    assert [y, x] == [int(part) for part in code.split()[:2]], "closed"
    return sides


def pixel_sides(inside: np.ndarray) -> set[tuple[int, int, int, int]]:
    """Sides between the pixels of a mask and others."""
    padded = np.pad(inside, 1)
    rows = {(int(y), int(x) - 1, int(y), int(x)) for y, x in np.argwhere(padded[1:] != padded[:-1])}
    columns = {(int(y) - 1, int(x), int(y), int(x)) for y, x in np.argwhere(padded[:, 1:] != padded[:, :-1])}
    return rows | columns


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_the_code_of_an_outline_walks_along_the_sides_of_the_cells_pixels(seed):
    one = pages_of_plates.counted(blobs(seed), "A01")
    checked = 0
    for k, outline in enumerate(outlines(one.labels), start=1):
        whole = pixel_sides(one.labels == k)
        walk = walked(plate_page.outline_code(outline))
        assert walk <= whole
        checked += walk == whole  # others have a hole, which an outline does not show
    assert checked > 5


def fields_table(rows):
    columns = ["well", "field", "timepoint", "status"]
    return pd.DataFrame(rows, columns=columns)


def test_the_first_usable_fields_of_each_well_are_chosen():
    fields = fields_table(
        [
            ("A01", 3, 1, "ok"),
            ("A01", 1, 1, "failed"),
            ("A01", 2, 1, "ok"),
            ("B02", 4, 1, "ok"),
            ("C01", 1, 1, "failed"),
        ]
    )
    chosen = plate_page.choose_fields(fields, PageSettings(1, 480, 60, 400))
    assert chosen == {("A01", 2, 1), ("B02", 4, 1)}
    chosen = plate_page.choose_fields(fields, PageSettings(2, 480, 60, 400))
    assert chosen == {("A01", 2, 1), ("A01", 3, 1), ("B02", 4, 1)}
    assert (
        plate_page.choose_fields(fields.query("status == 'failed'"), PageSettings(1, 480, 60, 400)) == set()
    )


@pytest.mark.parametrize(
    ("most", "timepoints"),
    [(20, list(range(1, 11))), (6, [1, 6, 10]), (5, [1, 10]), (1, [10])],
)
def test_of_a_long_time_course_evenly_spaced_timepoints_are_pictured(most, timepoints):
    rows = [(well, 1, timepoint, "ok") for well in ("A01", "B02") for timepoint in range(1, 11)]
    chosen = plate_page.choose_fields(fields_table(rows), PageSettings(1, 480, 60, most))
    assert sorted({timepoint for _, _, timepoint in chosen}) == pytest.approx(timepoints, abs=1)
    assert {timepoint for _, _, timepoint in chosen} >= {10}
    assert len(chosen) == 2 * len(timepoints)


def test_a_page_holds_the_tables_as_they_stand_in_their_files():
    class_map = blobs(0)
    planes = np.zeros((1, *class_map.shape), np.float32)
    page = pages_of_plates.page([("B03", planes, class_map)], treatment=[HOSTILE], lot=["007"])
    one = pages_of_plates.counted(class_map, "B03")
    written = tables.as_text(
        pages_of_plates.tables([one], treatment=[HOSTILE], lot=["007"])["wells"], WELLS
    ).splitlines()
    data = data_of(page)
    assert ",".join(data["wells"]["columns"]) == written[0]
    assert ",".join(data["wells"]["rows"][0]) == written[1]
    assert data["map_columns"] == ["treatment", "lot"]
    assert HOSTILE.encode() not in page
    assert page == pages_of_plates.page([("B03", planes, class_map)], treatment=[HOSTILE], lot=["007"])


def test_a_picture_names_the_cells_that_it_shows():
    one = pages_of_plates.counted(blobs(1), "B03", timepoint=4, field=2)
    picture = data_of(pages_of_plates.page_of([one]))["pictures"][0]
    assert [picture[name] for name in ("well", "field", "timepoint")] == ["B03", 2, 4]
    assert (picture["height"], picture["width"]) == one.labels.shape
    assert len(picture["outlines"]) == len(picture["states"]) == len(one.cells)
    assert picture["states"] == "".join(state[0] for state in one.cells["state"])
    assert picture["cells_sha256"] == cells_sha256(one.labels, one.cells["state"].tolist())


def test_a_page_fetches_nothing():
    page = pages_of_plates.page_of([pages_of_plates.counted(blobs(1), "B03")]).decode()
    addresses = set(re.findall(r"https?://[\w./-]+", page))
    assert addresses == {"http://www.w3.org/2000/svg"}, "the name of a language, which no browser opens"
    assert "default-src 'none'" in page


class Unreadable:
    """A plate whose images are gone."""

    def normalized(self, key):
        raise FieldError("missing_file", "gone")


class Black:
    """A plate of black fields of 90 px."""

    def normalized(self, key):
        return np.full((1, 90, 90), -1, np.float32)


def pictures(plate, fields):
    one = pages_of_plates.counted(blobs(1), "B03")
    settings, classes = pages_of_plates.SETTINGS, pages_of_plates.CLASSES
    shown = {"input": "brightfield"}
    return list(plate_page.field_pictures([one], plate, fields, shown, classes, settings))


def test_a_field_that_cannot_be_read_any_more_has_no_picture():
    one = pages_of_plates.counted(blobs(1), "B03")
    fields = FIELDS.rows([one.row])
    assert len(pictures(Black(), fields)) == 1
    assert pictures(Unreadable(), fields) == []


def test_cells_that_are_not_those_of_the_table_are_refused():
    one = pages_of_plates.counted(blobs(1), "B03")
    other = {**one.row, "n_total": one.row["n_total"] - 1, "n_live": one.row["n_live"] - 1}
    with pytest.raises(CountError, match="do not agree"):
        pictures(Black(), FIELDS.rows([other]))
