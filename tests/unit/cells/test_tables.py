import numpy as np
import pandas as pd
from conftest import CLASSES

from livedead.cells.rules import CountingRules
from livedead.cells.tables import FieldCounter, count_fields
from livedead.network.classes import Classes
from livedead.tables import COUNTED

ROW = {"plate": "p", "field": 1, "timepoint": 1, "code": "", "message": "", "pixels_sha256": "x"}
RULES = CountingRules(min_area_um2=0)


def segmented(class_map):
    nothing = np.empty(0, np.int64)
    return {"maps": class_map, "unstable": nothing, "runners_up": nothing.astype(np.uint8)}


def maps(*cells):
    """A class map with squares of 4 px, live (3) or dead (4), one after another."""
    class_map = np.zeros((8, 40), np.uint8)
    for k, number in enumerate(cells):
        class_map[2:6, 2 + 8 * k : 6 + 8 * k] = number
    return class_map


def planes(key, channels, shape):
    """Brightfield of every field; the second channel of A01 alone."""
    found = {"bf": np.full(shape, 7, np.uint16), "pi": np.full(shape, 9, np.uint16)}
    return {name: found[name] for name in channels if name == "bf" or key[0] == "A01"}


def count(*fields):
    return count_fields(fields, FieldCounter(planes, ["bf", "pi"], Classes.from_config(CLASSES), RULES, 0.5))


def test_fields_and_cells_are_counted_in_their_order():
    fields, cells = count(
        ({**ROW, "well": "A01", "status": "ok"}, segmented(maps(3, 4, 3))),
        ({**ROW, "well": "A02", "status": "ok"}, segmented(maps(4))),
    )
    assert fields[["n_live", "n_dead", "n_ambiguous", "n_total"]].to_numpy().tolist() == [
        [2, 1, 0, 3],
        [0, 1, 0, 1],
    ]
    assert fields["area_mm2"].tolist() == [8 * 40 * 0.25 / 1e6] * 2
    assert cells["well"].tolist() == ["A01"] * 3 + ["A02"]
    assert cells["state"].tolist() == ["live", "dead", "live", "dead"]
    assert cells["area_um2"].tolist() == [4.0] * 4
    assert cells["mean_bf"].tolist() == [7.0] * 4
    # What was not imaged of a field is missing in its cells.
    assert cells["mean_pi"].isna().tolist() == [False] * 3 + [True]


def test_a_failed_field_is_no_zero():
    fields, cells = count(
        ({**ROW, "well": "A01", "status": "failed", "code": "blank"}, {}),
        ({**ROW, "well": "A02", "status": "ok"}, segmented(maps())),
    )
    assert fields.loc[0, COUNTED].isna().all()
    assert fields["code"].tolist() == ["blank", ""]
    assert fields.loc[1, "n_total"] == 0
    assert cells.empty
    assert {"state", "mean_bf", "mean_pi"} <= set(cells)


def test_no_fields_are_two_empty_tables():
    fields, cells = count()
    assert fields.empty
    assert cells.empty
    pd.testing.assert_index_equal(
        cells.columns, count(({**ROW, "well": "A01", "status": "ok"}, segmented(maps(3))))[1].columns
    )
