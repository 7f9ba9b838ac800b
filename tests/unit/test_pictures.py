import base64
import io
import re

import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_rgb
from matplotlib.image import imread

from livedead.network.classes import Classes
from livedead.pictures import class_maps, evaluation, heat_map, history, overlay, pages, review
from livedead.statistics.controls import z_prime

NUMBERS = Classes(background=(0,), live=(1,), dead=(2,))


def test_outlines_are_the_rims_of_each_class():
    field = np.zeros((20, 30), np.float32)
    class_map = np.zeros((20, 30), np.uint8)
    class_map[5:10, 5:12], class_map[5:10, 12:20] = 1, 2
    colours = class_maps.outlined(field, class_map, NUMBERS)
    assert colours.shape == (20, 30, 3)
    grey = np.full(3, 0.5)
    for place, expected in {
        (5, 5): to_rgb(class_maps.ROLE_COLOURS["live"]),
        (7, 11): to_rgb(class_maps.ROLE_COLOURS["live"]),
        (7, 12): to_rgb(class_maps.ROLE_COLOURS["dead"]),
        (7, 8): grey,
        (0, 0): grey,
    }.items():
        np.testing.assert_allclose(colours[place], expected, err_msg=str(place))
    shaded = class_maps.shaded(field, class_map, NUMBERS)
    np.testing.assert_allclose(shaded[7, 8], 0.6 * grey + 0.4 * np.array(to_rgb("#0072B2")))
    np.testing.assert_allclose(shaded[0, 0], grey)


def test_large_fields_are_reduced():
    field = np.zeros((2800, 1400), np.float32)
    assert class_maps.outlined(field, np.zeros(field.shape, np.uint8), NUMBERS).shape == (700, 350, 3)


def test_a_page_holds_its_pictures_and_escapes_names():
    colours = np.linspace(0, 1, 16 * 24 * 3).reshape(16, 24, 3)
    page = pages.page("a < b", [pages.figure(pages.jpeg(colours), 'say "c"', kind="jpeg")]).decode()
    assert "<h1>a &lt; b</h1>" in page
    assert "say &quot;c&quot;" in page
    data = re.search(r"data:image/jpeg;base64,([^\"]+)", page)[1]
    back = imread(io.BytesIO(base64.b64decode(data)), format="jpg")
    np.testing.assert_allclose(back / 255, colours, atol=0.1)
    assert pages.jpeg(colours) == pages.jpeg(colours)


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


def read_plate():
    """Two folds of two negative and two positive wells of ten cells; one cell in ten read wrongly."""
    folds = []
    for fold in range(2):
        wells, cells = [], []
        for k, control in enumerate(["negative", "negative", "positive", "positive"]):
            true, well = "live" if control == "negative" else "dead", f"{'AB'[fold]}0{k + 1}"
            n_live = (9 - (k + fold) % 2) if true == "live" else (k + fold) % 2 + 1
            found = ["live"] * n_live + ["dead"] * (10 - n_live)
            cells += [("p", well, 1, 1, 1.0, true, state, float(state == "live")) for state in found]
            wells.append((well, control, 10, n_live / 10, 10, float(true == "live") * 0.9 + 0.05 * k))
        columns = ["plate", "well", "field", "timepoint", "area_um2", "true", "found", "live_share"]
        names = ["well", "control", "n_total", "viability", "true_total", "true_viability"]
        folds.append((pd.DataFrame(cells, columns=columns), pd.DataFrame(wells, columns=names)))
    return folds


def test_a_row_for_every_fold_and_one_for_all():
    folds = read_plate()
    whole = tuple(pd.concat(tables, ignore_index=True) for tables in zip(*folds, strict=True))
    found = evaluation.summaries(folds, whole).set_index("fold")
    assert list(found.index) == ["1", "2", "all"]
    assert found["n_wells"].tolist() == [4, 4, 8]
    assert found["n_cells"].tolist() == [40, 40, 80]
    cells, wells = whole
    assert found.at["all", "accuracy"] == pytest.approx((cells["true"] == cells["found"]).mean())
    values = [
        wells.loc[wells["control"] == kind, "viability"].to_numpy() for kind in ("negative", "positive")
    ]
    assert found.at["all", "z_prime_undyed"] == pytest.approx(float(z_prime(*values)))
    assert found.at["all", "z_prime_low_undyed"] < found.at["all", "z_prime_undyed"]
    assert "z_prime_dye" in found
    # One network alone needs no row of its own, and a plate without controls has no Z'.
    alone = evaluation.summaries(folds[:1], (folds[0][0], folds[0][1].drop(columns="control")))
    assert list(alone["fold"]) == ["all"]
    assert "z_prime_undyed" not in alone


def test_the_page_shows_the_worst_fields_and_says_what_is_lacking():
    folds = read_plate()
    field, class_map = np.zeros((16, 16), np.float32), np.ones((16, 16), np.uint8)
    cells, wells = folds[0]
    table = evaluation.summaries(folds[:1], folds[0])
    worst = [(f"p/A0{k}/1: 2 of 10 cells wrong", field, class_map, class_map) for k in (1, 2)]
    page = evaluation.draw(cells, wells, table, worst, NUMBERS).decode()
    assert page.count("data:image/jpeg") == 2
    assert page.count("data:image/png") == 3
    assert "p/A02/1: 2 of 10 cells wrong" in page
    assert "robust_z_prime" in page
    without = evaluation.draw(cells, wells.drop(columns="control"), table, [], NUMBERS).decode()
    assert "names no wells of both kinds of control" in without


def test_the_course_is_drawn_with_and_without_validation():
    course = pd.DataFrame(
        {
            "epoch": [1, 2],
            "loss": [1.0, 0.5],
            "dice": [0.1, 0.4],
            "dice_0": [0.5, 0.6],
            "learning_rate": [1, 0.5],
        }
    )
    assert history.draw(course, ["ground"]).startswith(b"\x89PNG")
    assert history.draw(course.assign(dice=np.nan, dice_0=np.nan), ["ground"]).startswith(b"\x89PNG")


def wells_of(viabilities, **changes):
    rows = [
        {"plate": "p", "well": f"A{k:02d}", "timepoint": 1, "viability": v, "n_fields_used": 1, "n_total": 9}
        for k, v in enumerate(viabilities, start=1)
    ]
    return pd.DataFrame(rows).assign(area_mm2=0.5, **changes)


@pytest.mark.parametrize(
    ("viabilities", "used", "chosen"),
    [
        ([0.5, 0.9, 0.1, 0.7, np.nan], 1, ["A02", "A01", "A03"]),
        ([0.5, 0.9], 1, ["A02", "A01"]),
        # Without a cell there is still a field to look at.
        ([np.nan] * 5, 1, ["A01", "A03", "A05"]),
        ([np.nan], 1, ["A01"]),
        ([np.nan] * 5, 0, []),
    ],
)
def test_wells_are_chosen_from_most_to_least_viable(viabilities, used, chosen):
    assert list(overlay.choose_wells(wells_of(viabilities, n_fields_used=used))["well"]) == chosen


def test_what_stands_over_a_field():
    assert overlay.title("A01", 2, 10, 0.456) == "A01, timepoint 2: viability 0.46"
    assert overlay.title("A01", 2, 0, np.nan) == "A01, timepoint 2: no cells"
    assert overlay.title("A01", 2, 3, np.nan) == "A01, timepoint 2: ambiguous cells only"


def coloured(picture):
    """Pixels of a PNG that are not grey."""
    colours = imread(io.BytesIO(picture))[..., :3]
    return int((np.ptp(colours, axis=-1) > 0.2).sum())


def test_a_field_without_cells_is_drawn_without_rings():
    cells = pd.DataFrame({"state": ["live", "dead"] * 20, "x_px": np.arange(40), "y_px": np.arange(40)})
    field = np.zeros((64, 64), np.float32)
    ringed, bare = (overlay.draw([("A01", field, table)]) for table in (cells, cells[:0]))
    # What is left of colour is the legend.
    legend = coloured(overlay.draw([("A01", field, cells[:0])] * 2))
    assert coloured(bare) == legend
    assert coloured(ringed) > 5 * legend
    grey = imread(io.BytesIO(bare))[200:300, 200:300, :3]
    assert grey.min() == pytest.approx(0.5, abs=0.01), "the field itself is there"
    # A plate without a usable field is a picture that says so, without axes and rings.
    nothing = overlay.draw([])
    assert nothing.startswith(b"\x89PNG")
    assert coloured(nothing) == 0
    assert imread(io.BytesIO(nothing))[..., :3].min() < 0.2


def test_a_plate_without_a_result_is_grey_and_crossed():
    picture = imread(io.BytesIO(heat_map.draw(wells_of([np.nan] * 12, n_total=np.nan), 96)))
    empty = np.isclose(picture[..., :3], np.array(to_rgb(heat_map.NO_RESULT)), atol=0.01).all(axis=-1)
    assert empty.mean() > 0.2
