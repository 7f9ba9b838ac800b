import numpy as np
import pytest
from drawn_fields import CLASSES, drawn, measure_drawn, random_blobs

from livedead.cells.measures import measure_cells
from livedead.cells.rules import CountingRules, check_rules
from livedead.errors import ConfigError
from livedead.network.classes import Classes


def test_ties_and_close_votes_are_ambiguous():
    assert list(measure_drawn("LD")["state"]) == ["ambiguous"]
    assert list(measure_drawn("LLLDD")["state"]) == ["live"]
    assert list(measure_drawn("LLLDD", ambiguous_margin=0.21)["state"]) == ["ambiguous"]
    assert list(measure_drawn("LLLDD", ambiguous_margin=0.19)["state"]) == ["live"]


def test_areas_are_limited_in_square_micrometres():
    text = "LLL.D LLL.."
    rules = CountingRules(min_area_um2=0.5, max_area_um2=2)
    found = measure_cells(drawn(text), CLASSES, rules, pixel_size_um=0.5)
    assert list(found["area_um2"]) == [1.5]
    rules = CountingRules(min_area_um2=0.2, max_area_um2=1)
    assert list(measure_cells(drawn(text), CLASSES, rules, 0.5)["state"]) == ["dead"]


EDGES = """
    LL..D..DD
    .........
    L...LL..D
    .........
    L..LL...D
"""


@pytest.mark.parametrize(("rule", "expected"), [("keep", 9), ("exclude", 1), ("counting_frame", 4)])
def test_edge_rules_by_hand(rule, expected):
    # Above three, one of them in the right corner; left one, and one in the lower corner; right
    # one, and one in the lower corner; below one; inside one. The frame counts two of those
    # above, the one on the left, and the one inside.
    assert len(measure_drawn(EDGES, edge_rule=rule)) == expected


def test_the_counting_frame_counts_each_cell_of_a_plane_once():
    plane = random_blobs(9, side=331, sigma=2)
    rules = CountingRules(min_area_um2=0, edge_rule="counting_frame")
    step, side = 66, 67
    counted = sum(
        len(measure_cells(plane[y : y + side, x : x + side], CLASSES, rules, 1.0))
        for y in range(0, 331 - step, step)
        for x in range(0, 331 - step, step)
    )
    naive = sum(
        len(measure_cells(plane[y : y + side, x : x + side], CLASSES, CountingRules(0), 1.0))
        for y in range(0, 331 - step, step)
        for x in range(0, 331 - step, step)
    )
    frame = measure_cells(plane, CLASSES, rules, 1.0)
    assert abs(counted - len(frame)) <= 0.03 * len(frame)
    assert naive > 1.1 * len(frame)
    assert rules.counted_area_mm2((side, side), 1000.0) == step**2
    assert CountingRules().counted_area_mm2((10, 20), 100.0) == 2.0


def test_a_margin_counts_centres_in_what_is_left_of_the_field():
    # Cells on a grid of 10 px, their centres at 4.5, 14.5, ...: whatever the margin, as many as there are
    # centres in the area that is left.
    cell = np.pad(np.ones((4, 4), np.uint8), 3)
    field = np.tile(cell, (6, 9))
    for margin_px, rows, columns in [(0, 6, 9), (4.9, 6, 9), (5.1, 4, 7), (15.1, 2, 5), (25.1, 0, 3)]:
        rules = CountingRules(min_area_um2=0, edge_margin_um=margin_px * 0.5)
        assert len(measure_cells(field, CLASSES, rules, 0.5)) == rows * columns
        expected = max(60 - 2 * margin_px, 0) * (90 - 2 * margin_px) * 0.25 / 1e6
        assert rules.counted_area_mm2((60, 90), 0.5) == pytest.approx(expected)


def test_a_margin_does_not_go_with_another_edge_rule():
    with pytest.raises(ConfigError, match="edge_margin_um 3 needs edge_rule keep, not exclude"):
        CountingRules(edge_rule="exclude", edge_margin_um=3)


def test_unknown_edge_rule():
    with pytest.raises(ConfigError, match="keep, exclude, counting_frame"):
        CountingRules(edge_rule="drop")


def test_a_nucleus_outside_any_cell_can_be_dropped():
    classes = Classes(background=(0,), live=(1,), dead=(2,), context=(3,))
    class_map = drawn(
        """
        .bbb......
        .bLb...L..
        .bbb......
        ..........
        ......b...
        .....bL...
        """
    )
    count = {
        share: len(measure_cells(class_map, classes, CountingRules(0, min_context_fraction=share), 1.0))
        for share in (0, 0.3, 0.34, 1.0)
    }
    # Sides on context: 4 of 4, 0 of 4, and 2 of 3 at the lower edge.
    assert count == {0: 3, 0.3: 2, 0.34: 2, 1.0: 1}
    with pytest.raises(ConfigError, match="role context"):
        check_rules(CLASSES, CountingRules(min_context_fraction=0.5))
    check_rules(classes, CountingRules(min_context_fraction=0.5))


def test_limits_in_pixels_and_of_shape():
    text = "LLLL. ..... LL... LL..D"
    assert sorted(measure_drawn(text)["area_px"]) == [1, 4, 4]
    assert sorted(measure_drawn(text, min_area_px=2)["area_px"]) == [4, 4]
    assert sorted(measure_drawn(text, max_area_px=3)["area_px"]) == [1]
    # Four pixels in a row: variances (16 - 1) / 12 + 1 / 12 and 1 / 12, so 4 to 1.
    assert sorted(measure_drawn(text, max_aspect_ratio=3.99)["area_px"]) == [1, 4]
    assert sorted(measure_drawn(text, max_aspect_ratio=4.01)["area_px"]) == [1, 4, 4]


def test_a_cell_is_dead_by_another_share_of_its_pixels():
    # Dead shares of 1, 2 and 3 in 10; a tie is ambiguous.
    shares = {"D" + 9 * "L": "live", "DD" + 8 * "L": "ambiguous", "DDD" + 7 * "L": "dead", "LLLL": "live"}
    for text, state in shares.items():
        assert list(measure_drawn(text, dead_fraction=0.2)["state"]) == [state], text
    # The margin is as wide around it: shares nearer than 0.11 are ambiguous.
    wide = {"dead_fraction": 0.2, "ambiguous_margin": 0.22}
    assert [measure_drawn(text, **wide)["state"].item() for text in shares] == [*["ambiguous"] * 3, "live"]


@pytest.mark.parametrize("margin", [0.0, 0.2, 1 / 3, 0.5, 1.0])
def test_a_vote_at_one_half_is_a_majority(margin):
    """Every share of up to 60 pixels, against the rule as it stood before cells could be dead by less."""
    area = np.arange(1, 61)
    live_share = np.concatenate([np.arange(n + 1) / n for n in area])
    lead = 2 * live_share - 1
    ambiguous = (np.abs(lead) < margin) | (lead == 0)
    majority = np.select([ambiguous, live_share > 0.5], ["ambiguous", "live"], "dead")
    assert list(CountingRules(ambiguous_margin=margin).vote(live_share)) == list(majority)


def test_ties_are_found_at_every_fraction():
    for n_dead in range(1, 100):
        rules = CountingRules(dead_fraction=n_dead / 100)
        shares = np.array([100 - n_dead + 1, 100 - n_dead, 100 - n_dead - 1]) / 100
        assert rules.vote(shares).tolist() == ["live", "ambiguous", "dead"]


@pytest.mark.parametrize(
    ("rules", "message"),
    [
        ({"dead_fraction": 0.0}, "more than 0 and less than 1"),
        ({"dead_fraction": 1.0}, "more than 0 and less than 1"),
        ({"dead_fraction": 0.1, "ambiguous_margin": 0.3}, "ambiguous_margin 0.3 is so wide"),
        ({"dead_by": "median"}, "dead_by 'median'; allowed: fraction, mean"),
        ({"both": "none"}, "both 'none'; allowed: dead, live"),
    ],
)
def test_rules_that_cannot_be(rules, message):
    with pytest.raises(ConfigError, match=message):
        CountingRules(**rules)
