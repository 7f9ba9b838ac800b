"""The page of the sample: crops, and a page that tells no state."""

import base64
import io
import json
import re

import numpy as np
import pandas as pd
import pytest
from matplotlib.image import imread

from livedead.pictures import review_sample
from livedead.pictures.review_sample import Crop, crop, crop_side_px


def test_a_cell_lies_in_the_middle_of_its_crop_and_beyond_the_edge_is_grey():
    field, labels = np.zeros((20, 30, 3)), np.zeros((20, 30), np.int32)
    labels[1:4, 2:5], labels[1:4, 7:9] = 7, 8
    field[labels == 7] = 1.0
    found = crop(field, labels, 7, (2.0, 3.0), side_px=10)
    # Pixel (2, 3) of the field is pixel (5, 5) of the crop, so its first rows and columns lie outside.
    assert found.picture.shape == (10, 10, 3)
    assert (found.picture[:3] == 0.5).all() and (found.picture[:, :2] == 0.5).all()
    assert (found.picture[4:7, 4:7] == 1).all()
    assert found.picture[3:, 2:].sum() == 9 * 3
    assert sorted(found.outline.tolist()) == [[4, 4], [4, 7], [7, 4], [7, 7]]


def test_a_crop_shows_a_cell_s_neighbours():
    # A disc of radius 5 has 78.5 px; six diameters are 60 px.
    assert crop_side_px(pd.Series([78.5, 78.5, 900])) == 60


@pytest.fixture
def page():
    rng = np.random.default_rng(0)
    crops = {
        k: Crop(rng.random((40, 40, 3)), np.array([[15, 15], [15, 25], [25, 25], [25, 15]]))
        for k in (2, 1, 3)
    }
    return review_sample.draw("p<1>", "abc", 200, 5, crops, pixel_size_um=0.5).decode()


def data_of(page):
    return json.loads(
        re.search(r'<script type="application/json" id="data">(.*?)</script>', page, re.DOTALL)[1]
    )


def test_the_page_holds_numbers_pictures_and_outlines_and_nothing_else_of_a_cell(page):
    data = data_of(page)
    assert data["sample"] == {"plate": "p<1>", "cells_sha256": "abc", "cells": 200, "seed": 5}
    assert [cell.keys() for cell in data["cells"]] == [{"cell", "picture", "outline"}] * 3
    assert [cell["cell"] for cell in data["cells"]] == [1, 2, 3]
    assert data["cells"][0]["outline"] == [[15, 15], [25, 15], [25, 25], [15, 25]]
    picture = base64.b64decode(data["cells"][0]["picture"].removeprefix("data:image/jpeg;base64,"))
    assert imread(io.BytesIO(picture), format="jpeg").shape == (40, 40, 3)


def test_the_page_is_self_contained_and_escapes(page):
    assert "p<1>" not in page
    assert not re.search(r"""(src|href)=["']?(https?:|//)""", page)
    # A quarter of 40 px of 0.5 um is 5 um, 10 px.
    assert '<rect class="scale" width="10.0"' in page
    assert ">5 µm<" in page


def test_a_large_crop_is_made_smaller():
    outline = np.array([[300, 300], [300, 400], [400, 400]])
    page = review_sample.draw("p", "", 1, 0, {1: Crop(np.full((700, 700, 3), 0.5), outline)}, 0.5).decode()
    cell = data_of(page)["cells"][0]
    picture = base64.b64decode(cell["picture"].split(",")[1])
    assert imread(io.BytesIO(picture), format="jpeg").shape == (240, 240, 3)
    assert cell["outline"] == outline[:, ::-1].tolist()
    assert 'viewBox="0 0 700 700"' in page
