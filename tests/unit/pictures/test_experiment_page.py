import re
from html.parser import HTMLParser

import numpy as np
import pandas as pd
import pytest
from plates_of_experiment import page_of, plate_of

from livedead.pictures.experiment_page import PlateTables
from livedead.plates.plate_maps import MapColumns
from livedead.wells.analysis import assess_plate, designed

EVIL = "<script>alert(1)</script>"


class Page(HTMLParser):
    """The texts of a page's cells, row by row, and its elements."""

    def __init__(self, page):
        super().__init__()
        self.rows, self.tags, self.links, self.titles = [], [], [], []
        self.inside = []
        self.feed(page.decode())

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        self.inside.append(tag)
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th"):
            self.rows[-1].append("")
        self.links += [value for name, value in attributes if name in ("href", "src")]

    def handle_endtag(self, tag):
        while self.inside and self.inside.pop() != tag:
            pass

    def handle_data(self, data):
        if "title" in self.inside:
            self.titles.append(data)
        elif "td" in self.inside or "th" in self.inside:
            self.rows[-1][-1] += data.strip("\n")


def drawn(*plates, **given):
    return Page(page_of(*plates, **given))


GOOD = plate_of("p1", [0.9, 0.92, 0.1, 0.08, 0.5, 0.6])
OTHER = plate_of("p2", [0.8, 0.82, 0.1, 0.08, 0.5, np.nan], agent=EVIL, failed=2)


@pytest.fixture(scope="module")
def page():
    return drawn(GOOD, OTHER)


def test_a_treatment_stays_text(page):
    assert "script" not in page.tags
    assert EVIL in [text for row in page.rows for text in row]


def test_the_page_needs_no_other_file_to_be_shown(page):
    assert not {"img", "iframe", "object", "script"} & set(page.tags)
    links = {"wells.csv", "summary.txt", "methods.md", "p1/report.html", "p2/report.html"}
    assert set(page.links) == {"data:,", *links}


def test_each_plate_is_told_with_its_fields_and_verdict(page):
    rows = {row[0]: row for row in page.rows if len(row) == 7}
    assert rows["p1"][1:5] == ["6", "6 ok", "6 of 6", "none"]
    assert rows["p1"][6] == "nothing to report"
    assert rows["p2"][1:5] == ["6", "5 ok, 1 no_images", "4 of 6", "2 blank"]
    assert rows["p2"][6] == "2 of 6 imaged fields failed (33.3%, allowed 5.0%)"


def test_z_prime_is_that_of_the_table_and_a_low_one_is_a_verdict():
    # 1 - 3 (s + s) / |m - m|, with s the standard deviation of two values 0.02 apart and means 0.82 apart.
    expected = 1 - 3 * 2 * 0.02 / np.sqrt(2) / 0.82
    rows = {row[0]: row for row in drawn(GOOD, min_z_prime=0.95).rows if len(row) == 7}
    assert rows["p1"][5] == f"{expected:.2f}"
    assert rows["p1"][6] == "Z′ of viability below 0.95, or unknown"


def test_replicates_are_joined_over_plates():
    both = drawn(GOOD, plate_of("p2", [0.8, 0.82, 0.1, 0.08, 0.3, 0.4]))
    row = next(row for row in both.rows if row[0] == "drug")
    # Means of the plates: 0.55 and 0.35.
    assert row[1:5] == ["1", "", "2", "4"]
    assert row[5].startswith("0.45 [")
    assert row[6] == f"{0.2 / np.sqrt(2):.3f}"


def test_the_same_viability_has_the_same_colour_on_every_plate():
    page = page_of(GOOD, OTHER).decode()
    squares = re.findall(r"<title>B01: 0.500</title>\s*<rect [^>]*fill=\"(#\w+)\"", page)
    assert len(squares) == 2
    assert len(set(squares)) == 1
    assert re.search(r"<title>B02: no_images</title>\s*<rect class=\"well none\"", page)


def test_wells_that_stand_out_are_named_worst_first(page):
    residuals = pd.concat([GOOD.residuals, OTHER.residuals])
    of_viability = residuals[residuals["measure"] == "viability"].dropna(subset="residual")
    worst = of_viability["residual"].abs().max()
    last = [row for row in page.rows if len(row) == 8 and row[0] in ("p1", "p2")]
    assert abs(float(last[0][6])) == pytest.approx(worst, abs=6e-4)
    shown = [abs(float(row[6])) for row in last]
    assert shown == sorted(shown, reverse=True)


def test_over_time_controls_are_lines_and_the_last_timepoint_is_shown():
    early, late = (
        plate_of("p1", [0.9, 0.92, positive, positive, 0.5, 0.6], k) for k, positive in ((1, 0.5), (2, 0.1))
    )
    both = PlateTables(
        96, *(pd.concat([getattr(one, name) for one in (early, late)], ignore_index=True)
              for name in ("wells", "fields", "quality", "residuals")),
    )  # fmt: skip
    text = page_of(both).decode()
    # Positive controls fall from the middle of the 60 px to a tenth above their end.
    assert '<polyline class="course positive" points="0.0,30.0 200.0,54.0"/>' in text
    assert "<title>A03: 0.100, positive control</title>" in text


@pytest.mark.parametrize(
    ("hours", "points", "last"),
    [
        ((0, 3, 12), "0.0,30.0 50.0,30.0 200.0,30.0", "timepoint 3 (12 h)"),  # 3 of 12 h: a quarter of 200 px
        ((0, np.nan, 12), "0.0,30.0 200.0,30.0", "timepoint 3 (12 h)"),
        ((np.nan, 3, np.nan), "100.0,30.0", "timepoint 3"),
        ((np.nan, np.nan, np.nan), "0.0,30.0 100.0,30.0 200.0,30.0", "timepoint 3"),
    ],
)
def test_courses_are_drawn_over_hours_where_they_are_known(hours, points, last):
    viabilities = [0.9, 0.92, 0.5, 0.5, 0.5, 0.6]
    by_time = [plate_of("p1", viabilities, k, hours=told) for k, told in enumerate(hours, start=1)]
    tables = {
        name: pd.concat([getattr(one, name) for one in by_time], ignore_index=True)
        for name in ("wells", "fields", "quality", "residuals")
    }
    tables["wells"] = designed(tables["wells"].drop(columns=["agent", "dose", "cell_line"]), MapColumns())
    text = page_of(PlateTables(96, **tables)).decode()
    assert f'<polyline class="course positive" points="{points}"/>' in text
    assert f"Z′ of viability, {last}</th>" in text


def test_without_viability_the_page_shows_cells_by_area():
    wells = GOOD.wells.assign(viability=np.nan, n_live=pd.NA, n_dead=pd.NA, n_ambiguous=pd.NA)
    wells = wells.astype({"n_live": "Int64", "n_dead": "Int64", "n_ambiguous": "Int64"})
    quality, residuals = assess_plate(wells, MapColumns(), 96)
    page = drawn(PlateTables(96, wells, GOOD.fields, quality, residuals))
    assert "A01: 100.000, negative control" in page.titles


def test_equal_tables_give_equal_bytes():
    assert page_of(GOOD, OTHER) == page_of(GOOD, OTHER)
