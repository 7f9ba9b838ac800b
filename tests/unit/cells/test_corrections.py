"""Every correction, on maps in letters; cells and hashes are written out by hand."""

import hashlib

import numpy as np
import pytest
from drawn_fields import CLASSES, drawn

from livedead.cells.confidence import LogOdds
from livedead.cells.counting import count_field
from livedead.cells.rules import CountingRules
from livedead.errors import CorrectionError, FieldError
from livedead.network.calibration import Calibration, encode_log_odds
from livedead.network.classes import Classes
from livedead.plates.corrections import Add, Delete, FieldCorrections, Merge, SetState, Split

ROW = {"plate": "p", "well": "A01", "field": 1, "timepoint": 0, "status": "ok"}


def field():
    """Three cells apart: live, dead, live in six pixels of which two are dead."""
    return drawn("LL.DD. ...... LLLLDD ......")


APART = [[1, 1, 0, 2, 2, 0], [0] * 6, [3, 3, 3, 3, 3, 3], [0] * 6]
STATES = ["live", "dead", "live"]


def hashed(labels, states):
    """As the format says: shape, states, then the labels as little-endian 32 bit numbers."""
    labels = np.array(labels, "<i4")
    return hashlib.sha256(f"{labels.shape}\n{' '.join(states)}\n".encode() + labels.tobytes()).hexdigest()


def said(*actions, on=(APART, STATES), file="one.json", usable=True):
    return FieldCorrections(file, hashed(*on), usable, actions)


def counted(*corrections, log_odds=None, classes=CLASSES, class_map=None, **rules):
    none = np.array([], np.int64)
    rules = CountingRules(**{"min_area_um2": 0, **rules})
    class_map = field() if class_map is None else class_map
    return count_field(
        ROW, class_map, none, none, classes, rules, 0.5, log_odds=log_odds, corrections=corrections
    )


def states(found):
    return found.cells["state"].tolist()


def test_the_field_without_corrections():
    found = counted()
    assert found.labels.tolist() == APART
    assert states(found) == STATES
    assert found.row["n_by_hand"] == 0
    assert not found.cells["by_hand"].any()


def test_a_state():
    found = counted(said(SetState(3, "dead"), SetState(2, "ambiguous")))
    assert found.labels.tolist() == APART
    assert states(found) == ["live", "ambiguous", "dead"]
    assert found.cells["by_hand"].tolist() == [False, True, True]
    counts = {name: found.row[name] for name in ("n_live", "n_dead", "n_ambiguous", "n_total", "n_by_hand")}
    assert counts == {"n_live": 1, "n_dead": 1, "n_ambiguous": 1, "n_total": 3, "n_by_hand": 2}


def test_a_deleted_cell_is_gone_and_told():
    found = counted(said(Delete(1)))
    assert found.labels.tolist() == [[0, 0, 0, 1, 1, 0], [0] * 6, [2] * 6, [0] * 6]
    assert states(found) == ["dead", "live"]
    assert (found.row["n_total"], found.row["n_by_hand"]) == (2, 1)
    assert not found.cells["by_hand"].any()


def test_all_deleted_is_a_field_without_cells():
    found = counted(said(Delete(1), Delete(2), Delete(3)))
    assert (found.row["n_total"], found.row["n_by_hand"], len(found.cells)) == (0, 3, 0)
    assert not found.labels.any()


def test_an_added_cell_has_the_free_pixels_inside_its_outline():
    # From the middle of row 0 to the end of row 1, over columns 1 to 3: cells keep what they have.
    outline = ((0, 1), (0, 4), (2, 4), (2, 1))
    found = counted(said(Add("dead", outline)))
    assert found.labels.tolist() == [[1, 1, 2, 3, 3, 0], [0, 2, 2, 2, 0, 0], [4] * 6, [0] * 6]
    assert states(found) == ["live", "dead", "dead", "live"]
    added = found.cells.iloc[1]
    assert added["area_px"] == 4
    assert added[["area_um2", "component_area_um2"]].tolist() == [1.0, 1.0]
    assert (found.row["n_by_hand"], added["by_hand"], added["touches_cell"]) == (1, True, False)


def test_an_outline_that_ends_outside_of_the_field_is_cut():
    found = counted(said(Add("live", ((3, 4), (3, 99), (99, 99), (99, 4)))))
    assert found.labels[3].tolist() == [0, 0, 0, 0, 4, 4]


def test_a_cell_is_split_first_the_side_that_the_line_decides():
    # Downwards through x = 2: (y1 - y0) (x - x0) <= 0 left of it.
    down = counted(said(Split(3, ((1, 2), (4, 2))), SetState(4, "dead")))
    assert down.labels[2].tolist() == [3, 3, 4, 4, 4, 4]
    # The part on the left took number 4, the other 5; numbers of the table are those of raster order.
    assert states(down)[2:] == ["dead", "ambiguous"]
    up = counted(said(Split(3, ((4, 2), (1, 2))), SetState(4, "dead")))
    assert up.labels[2].tolist() == [3, 3, 4, 4, 4, 4]
    assert states(up)[2:] == ["live", "dead"]
    assert down.cells["by_hand"].tolist() == [False, False, True, True]
    assert down.cells["area_px"].tolist() == [2, 2, 2, 4]
    assert down.cells["component_area_um2"].tolist() == [0.5, 0.5, 0.5, 1.0]
    assert down.row["n_by_hand"] == 2


def test_pixels_whose_middle_is_on_the_line_belong_to_the_first_part():
    found = counted(said(Split(3, ((1, 2.5), (4, 2.5))), SetState(4, "dead")))
    assert found.labels[2].tolist() == [3, 3, 3, 4, 4, 4]
    assert states(found)[2] == "dead"


def test_merged_cells_vote_as_one():
    found = counted(said(Merge((1, 2, 3))))
    assert found.labels.tolist() == [[1, 1, 0, 1, 1, 0], [0] * 6, [1] * 6, [0] * 6]
    # Six live and four dead pixels.
    assert states(found) == ["live"]
    assert found.cells["vote"].tolist() == [0.6]
    assert (found.row["n_total"], found.row["n_by_hand"]) == (1, 1)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ([SetState(1, "dead")], "dead"),
        ([SetState(1, "dead"), SetState(3, "dead")], "dead"),
        # Both were given, and contradict each other: six live pixels of eight.
        ([SetState(1, "dead"), SetState(3, "live")], "live"),
    ],
)
def test_a_merged_cell_has_the_state_that_was_given_to_its_parts(given, expected):
    assert states(counted(said(*given, Merge((1, 3)))))[0] == expected


def test_pixels_without_a_cell_in_the_class_map_do_not_vote():
    # Cell 1, live in two pixels, and two drawn on background: these must not count as dead.
    outline = ((1, 0), (1, 2), (2, 2), (2, 0))
    found = counted(said(Add("live", outline), SetState(1, "dead"), Merge((1, 4))))
    assert found.cells.loc[0, ["area_px", "state", "vote"]].tolist() == [4, "ambiguous", 0.5]


def test_a_new_cell_takes_the_next_free_number_and_others_keep_theirs():
    actions = Delete(1), Add("dead", ((0, 0), (0, 2), (1, 2), (1, 0))), Merge((4, 2)), SetState(5, "live")
    found = counted(said(*actions))
    assert found.labels.tolist() == [[1, 1, 0, 1, 1, 0], [0] * 6, [2] * 6, [0] * 6]
    assert states(found) == ["live", "live"]
    assert found.row["n_by_hand"] == 2


@pytest.mark.parametrize(
    ("action", "message"),
    [
        (SetState(4, "live"), "there is no cell 4"),
        (Delete(0), "there is no cell 0"),
        (Split(9, ((0, 0), (1, 1))), "there is no cell 9"),
        (Split(3, ((0, 0), (0, 6))), "the line does not cross cell 3"),
        (Merge((1,)), "merging needs two cells"),
        (Merge((1, 1)), "merging needs two cells"),
        (Merge((1, 1, 2)), "merging needs two cells or more, each once"),
        (Merge((1, 8)), "there is no cell 8"),
        (Add("live", ((0, 0), (0, 2), (1, 2), (1, 0))), "no pixel of its own in the field"),
        (Add("live", ((90, 90), (90, 95), (95, 95))), "no pixel of its own in the field"),
    ],
)
def test_what_cannot_be_done_is_refused_with_file_and_action(action, message):
    with pytest.raises(CorrectionError, match=rf"one\.json: action 2: .*{message}"):
        counted(said(SetState(1, "dead"), action))


def test_a_number_is_gone_with_its_cell():
    with pytest.raises(CorrectionError, match="action 2: there is no cell 1"):
        counted(said(Delete(1), Delete(1)))


def test_a_field_that_cannot_be_used():
    with pytest.raises(FieldError, match=r"one\.json: a reviewer marked the field as unusable") as caught:
        counted(said(usable=False))
    assert caught.value.code == "rejected"


def test_files_are_a_chain_whatever_their_order():
    first = said(SetState(2, "live"), Delete(1))
    after = [[0, 0, 0, 1, 1, 0], [0] * 6, [2] * 6, [0] * 6], ["live", "live"]
    second = said(SetState(2, "dead"), on=after, file="two.json")
    for order in ((first, second), (second, first)):
        found = counted(*order)
        assert states(found) == ["live", "dead"]
        # Two cells that are there, and the deleted one.
        assert found.row["n_by_hand"] == 3


def test_who_only_looked_contradicts_nobody():
    found = counted(said(file="looked.json"), said(SetState(1, "dead")))
    assert states(found) == ["dead", "dead", "live"]


def test_two_files_that_change_the_same_cells_are_refused():
    for other in (said(Delete(2), file="two.json"), said(usable=False, file="two.json")):
        with pytest.raises(CorrectionError, match=r"one\.json and two\.json: both correct the same cells"):
            counted(said(Delete(1)), other)


@pytest.mark.parametrize("actions", [(), (Delete(1),)])
def test_corrections_of_other_cells_are_refused(actions):
    for on in ((APART, ["live", "dead", "dead"]), (APART[::-1], STATES)):
        with pytest.raises(CorrectionError, match=r"one\.json: made on other cells than were counted"):
            counted(said(*actions, on=on))


def test_a_state_by_hand_is_sure_and_others_are_as_sure_as_before():
    nuclei = field()[np.isin(field(), CLASSES.nuclei)]
    odds = LogOdds(encode_log_odds(np.where(nuclei == 1, 2.0, -2.0)), Calibration(slope=1.0, offset=0.0))
    before = counted(log_odds=odds).cells["confidence"]
    added = Add("dead", ((3, 0), (3, 2), (4, 2), (4, 0)))
    found = counted(said(SetState(1, "dead"), SetState(3, "ambiguous"), added), log_odds=odds)
    confidence = found.cells["confidence"]
    assert confidence[[0, 3]].tolist() == [1, 1]
    assert confidence[1] == before[1] == pytest.approx(1 / (1 + np.exp(-2)), abs=0.02)
    assert np.isnan(confidence[2])
    assert found.row["n_dead_expected"] == pytest.approx(2 + before[1], abs=0.01)


def test_rules_that_leave_out_cells_do_not_overrule_a_person():
    large = [[0] * 6, [0] * 6, [1] * 6, [0] * 6], ["live"]
    found = counted(said(Split(1, ((1, 1), (4, 1))), on=large), min_area_um2=1)
    assert found.cells["area_um2"].tolist() == [0.25, 1.25]


def test_a_state_that_the_reading_does_not_tell_is_refused():
    dead_alone = Classes(background=(0,), live=(), dead=(2,))
    on = [[0, 0, 0, 1, 1, 0], [0] * 6, [0, 0, 0, 0, 2, 2], [0] * 6], ["dead", "dead"]
    assert counted(said(Delete(1), on=on), classes=dead_alone).row["n_dead"] == 1
    with pytest.raises(
        CorrectionError, match=r"one\.json: action 1: state live; this reading tells only: dead"
    ):
        counted(said(SetState(1, "live"), on=on), classes=dead_alone)
