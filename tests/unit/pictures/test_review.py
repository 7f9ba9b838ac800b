import re

import numpy as np

from livedead.network.classes import Classes
from livedead.pictures import review

NUMBERS = Classes(background=(0,), live=(1,), dead=(2,))


def test_review_names_the_roles_that_the_assay_has():
    field = np.zeros((8, 8), np.float32)
    labelled = [("p/A01/1", field, np.ones((8, 8), np.uint8), None)]
    page = review.draw("p", labelled, NUMBERS, ["p/A01"]).decode()
    assert re.findall(r"<b style=[^>]*>(\w+)</b>", page) == ["live", "dead"]
    assert "p/A01/1: 1 live, 0 dead cells" in page
    assert 'value="p/A01/1" checked' in page


def test_review_counts_cells_and_not_pixels():
    """Counted by hand: a large dead cell and three small live ones, two of which touch at a corner."""
    drawn = [
        "222222....1.",
        "222222...1..",
        "222221......",
        "........11..",
        "12..........",
    ]
    class_map = np.array([[0 if c == "." else int(c) for c in row] for row in drawn], np.uint8)
    # The pair on the diagonal is one component, as in counting; the one of both states is neither.
    assert review.count_cells(class_map, None, NUMBERS) == (2, 1)
    # Drawn cells are counted as drawn: the diagonal is two, the large one is cut in two.
    instances = np.zeros(class_map.shape, np.int64)
    instances[0:3, 0:3], instances[0:3, 3:6] = 7, 2
    instances[0, 10], instances[1, 9], instances[3, 8:10] = 3, 4, 70_000
    instances[4, 5:7] = 9
    assert review.count_cells(class_map, instances, NUMBERS) == (3, 2)
    page = review.draw("p", [("p/A01/1", np.zeros(class_map.shape), class_map, instances)], NUMBERS, [])
    assert b"p/A01/1: 3 live, 2 dead cells" in page
