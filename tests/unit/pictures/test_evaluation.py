import numpy as np
import pandas as pd

from livedead.network.classes import Classes
from livedead.pictures import evaluation
from livedead.statistics import agreement

NUMBERS = Classes(background=(0,), live=(1,), dead=(2,))


def test_the_page_shows_the_worst_fields_and_says_what_is_lacking():
    field, class_map = np.zeros((16, 16), np.float32), np.ones((16, 16), np.uint8)
    cells = pd.DataFrame(
        {
            "well": ["A01"] * 10,
            "true": ["live", "dead"] * 5,
            "found": ["live"] * 10,
            "log_odds": [2.0] * 10,
            "confidence": [0.6] * 5 + [np.nan] * 5,
        }
    )
    shares = [0.95, 0.85, 0.1, 0.2]
    wells = pd.DataFrame(
        {"n_total": 10, "viability": shares, "true_total": 10, "true_viability": shares[::-1]}
    )
    wells["control"] = ["negative", "negative", "positive", "positive"]
    detected = cells.assign(plate="p")
    table = agreement.summaries([], (cells, wells, detected))
    worst = [(f"p/A0{k}/1: 2 of 10 cells wrong", field, class_map, class_map) for k in (1, 2)]
    page = evaluation.draw(cells, wells, detected, table, worst, NUMBERS).decode()
    assert page.count("data:image/jpeg") == 2
    assert page.count("data:image/svg+xml") == 2
    assert "p/A02/1: 2 of 10 cells wrong" in page
    assert "robust_z_prime" in page and "state_of_detected_dead" in page and "p/A01" in page
    assert "fitted on the other wells of this page" in page.replace("\n", " ")
    without = evaluation.draw(cells, wells.drop(columns="control"), detected, table, [], NUMBERS).decode()
    assert "names no wells of both kinds of control" in without
