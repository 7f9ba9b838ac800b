"""A plate's cells drawn for a reviewer, and the judgements that come back."""

import base64
import io
import json
import re

import numpy as np
import pytest
from draw_sample import draw_sample
from judge_sample import judge_sample
from matplotlib.image import imread

from livedead import stores
from livedead.errors import LivedeadError, StoreError
from livedead.fields.normalized_plate import open_normalized_plate
from livedead.tables import CELLS, REVIEW, REVIEWERS
from livedead.wells.blind_review import sample_cells

N, SIDE_PX = 20, 160


@pytest.fixture(scope="module")
def page(flow, tmp_path_factory):
    path = tmp_path_factory.mktemp("review") / "review_sample.html"
    class_maps = [flow.folder / name / "classes.h5" for name in ("1-of-2", "2-of-2")]
    flow.call(draw_sample, class_maps=class_maps, dyes=None, page=path, n_drawn=N)
    return path.read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def data(page):
    return json.loads(re.search(r'id="data">(.*?)</script>', page, re.DOTALL)[1])


@pytest.fixture
def judge(flow, tmp_path):
    """Judges by files of judgements; the tables and the text."""

    def run(*records):
        files = [tmp_path / f"{k}.json" for k in range(len(records))]
        for file, record in zip(files, records, strict=True):
            file.write_text(json.dumps(record))
        names = {"review": "review.csv", "reviewers": "reviewers.csv", "told": "review.txt"}
        outputs = {name: tmp_path / path for name, path in names.items()}
        flow.call(judge_sample, judgements=[str(file) for file in files], **outputs)
        return (
            stores.read_table(outputs["review"], REVIEW),
            stores.read_table(outputs["reviewers"], REVIEWERS),
            outputs["told"].read_text(),
        )

    return run


def cells_of(flow):
    return stores.read_table(flow.folder / "cells.csv.gz", CELLS)


def means_of_parts(picture):
    """Means of 8 x 8 equal parts of a picture, which hardly change when it is made smaller."""
    rows = np.array_split(picture, 8)
    return np.array([[part.mean() for part in np.array_split(row, 8, axis=1)] for row in rows])


def test_every_drawn_cell_is_in_the_page_with_its_place_of_its_field_in_the_middle(flow, page, data):
    sample = sample_cells(cells_of(flow), N, seed=0)
    assert [cell["cell"] for cell in data["cells"]] == sample.index.tolist()
    assert len(sample) == min(N, len(cells_of(flow)))
    raw, images, normalization = (flow.folder / name for name in ("raw", "images.tsv", "normalization.h5"))
    plate = open_normalized_plate(raw, images, normalization, ["brightfield"], 16)
    side_px = int(re.search(r'viewBox="0 0 (\d+)', page)[1])
    for cell, row in zip(data["cells"], sample.itertuples(), strict=True):
        field = (plate.normalized((row.well, row.field, row.timepoint))[0].clip(-1, 1) + 1) / 2
        shown = np.full((side_px + 2 * SIDE_PX, side_px + 2 * SIDE_PX), 0.5)
        top, left = (SIDE_PX + side_px // 2 - round(place) for place in (row.y_px, row.x_px))
        shown[top : top + SIDE_PX, left : left + SIDE_PX] = field
        picture = (
            imread(io.BytesIO(base64.b64decode(cell["picture"].split(",")[1])), format="jpeg")[..., 0] / 255
        )
        expected = means_of_parts(shown[SIDE_PX:-SIDE_PX, SIDE_PX:-SIDE_PX])
        assert means_of_parts(picture) == pytest.approx(expected, abs=0.04)


def test_the_page_tells_neither_wells_nor_states_nor_treatments(flow, page, data):
    assert len(set(cells_of(flow)["well"])) > 1
    assert [set(cell) for cell in data["cells"]] == [{"cell", "picture", "outline"}] * len(data["cells"])
    text = re.sub(r"base64,[A-Za-z0-9+/=]*", "", page)
    text = re.sub(r"[0-9a-f]{64}", "", text)
    assert not any(well in text for well in set(cells_of(flow)["well"]))
    assert not re.search(r'"(state|well|field|treatment|drug|confidence)"', text)


def test_judgements_of_this_page_are_told_in_tables_and_words(flow, data, judge):
    sample = sample_cells(cells_of(flow), N, seed=0)
    said = sample["state"].to_dict()
    said[1] = "none"
    judgements = [{"cell": k, "judged": state} for k, state in said.items()]
    record = {
        "livedead": "judgements",
        "version": 1,
        "reviewer": "Anna",
        **data["sample"],
        "judgements": judgements,
    }
    table, reviewers, text = judge(record, {**record, "reviewer": "Bo"})
    whole = table[(table["state"] == "all") & (table["reviewer"] == "Anna")].iloc[0]
    assert whole[["plate", "n_judged", "n_disagreed", "judged_none"]].tolist() == ["p", len(sample), 1, 1]
    assert whole["n_cells"] == len(cells_of(flow))
    assert reviewers[["n_judged", "n_agreed", "kappa"]].iloc[0].tolist() == [len(sample), len(sample), 1]
    assert f"Anna judged {len(sample)} of {len(sample)} cells" in text


def test_judgements_of_other_cells_give_no_number(data, judge):
    sample = {**data["sample"], "cells_sha256": "0" * 64}
    record = {"livedead": "judgements", "version": 1, "reviewer": "", **sample, "judgements": []}
    table, _, text = judge(record)
    assert table["disagreement"].isna().all()
    assert re.search(r"REFUSED: .*0\.json was made on other cells", text)


def test_without_judgements_the_text_says_what_to_do(judge):
    table, reviewers, text = judge()
    assert table.empty and reviewers.empty
    assert text.startswith("PLATE p\nnobody has judged its cells yet: make results/p/review_sample.html")


def test_a_plate_without_cells_has_nothing_to_judge(flow, tmp_path):
    stores.write_table(tmp_path / "cells.csv.gz", cells_of(flow).assign(state="unknown"), CELLS)
    files = {"cells": tmp_path / "cells.csv.gz", "page": tmp_path / "page.html"}
    with pytest.raises(LivedeadError, match="plate p: no cell was called live, dead or ambiguous"):
        flow.call(draw_sample, class_maps=[], dyes=None, n_drawn=N, **files)


def test_class_maps_of_other_cells_than_the_table_has_are_refused(flow, tmp_path):
    cells = cells_of(flow)
    stores.write_table(tmp_path / "cells.csv.gz", cells.drop(index=cells.index[-1]), CELLS)
    class_maps = [flow.folder / name / "classes.h5" for name in ("1-of-2", "2-of-2")]
    files = {"cells": tmp_path / "cells.csv.gz", "page": tmp_path / "page.html"}
    with pytest.raises(
        StoreError, match=r"well \w+ field \d timepoint \d: \d+ cells, but \d+ in cells.csv.gz"
    ):
        flow.call(draw_sample, class_maps=class_maps, dyes=None, n_drawn=10_000, **files)
