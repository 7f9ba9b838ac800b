import numpy as np
import pandas as pd
import pytest
from drawn_fields import CLASSES, drawn

from livedead.cells.counting import count_field
from livedead.cells.measures import cell_columns, measure_cells
from livedead.cells.rules import CountingRules
from livedead.cells.signals import Signal, states_by_mean
from livedead.cells.tables import FieldCounter, count_fields
from livedead.errors import ConfigError
from livedead.network.classes import Classes

TEXT = "LLLL.DDDD LLLL.DDDD"
CLASS_MAP = drawn(TEXT)
# Means of the two cells: 20 and 35; above 30 are 2 of 8 and 4 of 8 pixels. Outside cells it shines.
DEAD = np.array([[10, 10, 40, 40, 999, 50, 50, 20, 20], [10, 30, 10, 10, 999, 50, 50, 20, 20]], np.float32)
BY_MEAN = CountingRules(min_area_um2=0, dead_by="mean")


def states(means, **rules):
    """States of cells by the means of a live and of a dead dye, above 10 and 20."""
    nothing = np.empty((0, 0), np.float32)
    signals = {"calcein": Signal(nothing, 10, "live"), "ethd": Signal(nothing, 20, "dead")}
    signals["hoechst"] = Signal(nothing, 5)
    return states_by_mean(means, {name: signals[name] for name in means}, **rules).tolist()


def test_signals_of_cells_by_hand():
    signals = {"pi": Signal(DEAD, 30.0, "dead"), "hoechst": Signal(np.full_like(DEAD, 7), 7.0)}
    found = measure_cells(CLASS_MAP, CLASSES, CountingRules(min_area_um2=0), 1.0, signals=signals)
    assert found["signal_pi"].tolist() == [20, 35]
    assert found["stained_pi"].tolist() == [0.25, 0.5]
    assert found["signal_hoechst"].tolist() == [7, 7]
    assert found["stained_hoechst"].tolist() == [0, 0], "a pixel at the threshold is not above it"
    # The signals are told, but the pixels vote.
    assert found["state"].tolist() == ["live", "dead"]
    assert found["vote"].tolist() == [1, 1]


@pytest.mark.parametrize(
    ("threshold", "expected"),
    [(19, ["dead", "dead"]), (20, ["live", "dead"]), (34.9, ["live", "dead"]), (35, ["live", "live"])],
)
def test_the_mean_decides_instead_of_the_vote(threshold, expected):
    signals = {"pi": Signal(DEAD, threshold, "dead")}
    found = measure_cells(CLASS_MAP, CLASSES, BY_MEAN, 1.0, signals=signals)
    assert found["state"].tolist() == expected
    assert found["vote"].isna().all()
    # What may be told from the table alone is what was told.
    again = np.where(found["signal_pi"] > threshold, "dead", "live")
    assert found["state"].tolist() == again.tolist()


def test_states_of_each_choice_of_dyes():
    calcein, ethd = np.array([11, 11, 10, 10]), np.array([20, 21, 21, 20])
    assert states({"calcein": calcein, "ethd": ethd}) == ["live", "dead", "dead", "ambiguous"]
    assert states({"calcein": calcein, "ethd": ethd}, both="live") == ["live", "live", "dead", "ambiguous"]
    assert states({"hoechst": calcein, "ethd": ethd}) == ["live", "dead", "dead", "live"]
    assert states({"hoechst": calcein, "calcein": calcein}) == ["live", "live", "dead", "dead"]
    with pytest.raises(ConfigError, match="needs the signal of a live or of a dead dye"):
        states({"hoechst": calcein})
    with pytest.raises(ConfigError, match="needs the signal of a live or of a dead dye"):
        measure_cells(CLASS_MAP, CLASSES, BY_MEAN, 1.0)


@pytest.mark.parametrize(
    ("classes", "state"),
    [
        (Classes(background=(0,), live=(), dead=(2,)), "dead"),
        (Classes(background=(0,), live=(), dead=(), unknown=(2,)), "unknown"),
    ],
)
def test_a_reading_that_does_not_tell_live_from_dead_has_nothing_to_decide(classes, state):
    signals = {"pi": Signal(DEAD, 99.0, "dead")}
    found = measure_cells(CLASS_MAP, classes, BY_MEAN, 1.0, signals=signals)
    assert found["state"].tolist() == [state]


def test_the_alternative_of_unstable_pixels_is_gated_alike():
    row = {"plate": "p", "well": "A01", "field": 1, "timepoint": 1}
    # A bridge of one pixel joins both cells into one of 17 px, whose mean is above the threshold.
    bridge, live = np.array([4]), np.array([1], np.uint8)
    signals = {"pi": Signal(DEAD, 30.0, "dead")}
    counted = count_field(row, CLASS_MAP, bridge, live, CLASSES, BY_MEAN, 1.0, signals=signals).row
    assert (counted["n_live"], counted["n_dead"]) == (1, 1)
    assert (counted["n_total_alt"], counted["viability_alt"]) == (1, 0)


def test_signals_are_read_field_by_field_and_stand_in_the_table():
    row = {"plate": "p", "field": 1, "timepoint": 1, "status": "ok", "code": "", "message": ""}
    nothing = np.empty(0, np.int64)
    arrays = {"maps": CLASS_MAP, "unstable": nothing, "runners_up": nothing.astype(np.uint8)}
    asked = []

    def read_signals(key, dyes, shape):
        asked.append((key, dyes, shape))
        return {"pi": Signal(DEAD * (2 if key[0] == "A02" else 1), 50.0, "dead")}

    counter = FieldCounter(lambda *_: {}, [], CLASSES, BY_MEAN, 1.0, ["pi"], read_signals)
    segmented = [({**row, "well": well, "pixels_sha256": ""}, arrays) for well in ("A01", "A02")]
    fields, cells = count_fields(segmented, counter)
    assert asked == [((well, 1, 1), ["pi"], (2, 9)) for well in ("A01", "A02")]
    assert list(cells) == cell_columns([], shape_descriptors=False, dyes=["pi"])
    assert cells["signal_pi"].tolist() == [20, 35, 40, 70]
    assert fields["n_dead"].tolist() == [0, 1]
    failed = {**row, "well": "A01", "pixels_sha256": "", "status": "failed"}
    empty = count_fields([(failed, {})], counter)[1]
    pd.testing.assert_index_equal(empty.columns, cells.columns)
