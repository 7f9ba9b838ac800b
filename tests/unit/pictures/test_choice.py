import numpy as np
import pandas as pd
import pytest

from livedead.errors import FieldError
from livedead.pictures import choice
from livedead.tables import COUNTS


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
    names = [f"A{k:02d}" for k in range(1, len(viabilities) + 1)]
    wells = pd.DataFrame({"well": names, "viability": viabilities, "n_fields_used": used})
    wells = wells.assign(**dict.fromkeys(COUNTS, 1 if used else np.nan))
    assert list(choice.choose_wells(wells)["well"]) == chosen


@pytest.mark.parametrize("told", ["n_live", "n_dead", "n_total"])
def test_wells_without_viability_are_chosen_from_most_to_fewest_cells(told):
    wells = pd.DataFrame({"well": ["A01", "A02", "A03", "A04"], "n_fields_used": [1, 1, 1, 0]})
    wells = wells.assign(**dict.fromkeys([*COUNTS, "viability"], np.nan)).assign(**{told: [5, 9, 0, None]})
    assert list(choice.choose_wells(wells)["well"]) == ["A02", "A01", "A03"]


@pytest.mark.parametrize(
    ("told", "words"),
    [
        ({"n_live": 4, "n_dead": 5, "n_ambiguous": 1, "n_total": 10, "viability": 0.444}, "viability 0.44"),
        ({"n_live": 0, "n_dead": 0, "n_ambiguous": 0, "n_total": 0}, "no cells"),
        ({"n_live": 0, "n_dead": 0, "n_ambiguous": 3, "n_total": 3}, "ambiguous cells only"),
        ({"n_total": 7}, "7 cells"),
        ({"n_live": 7}, "7 live cells"),
        ({"n_dead": 0}, "no dead cells"),
    ],
)
def test_what_stands_over_a_field(told, words):
    row = pd.Series({**dict.fromkeys([*COUNTS, "viability"], pd.NA), "well": "A01", "timepoint": 2, **told})
    assert choice.heading(row, 3) == f"A01 field 3, timepoint 2\n{words}"


def test_fields_that_failed_are_not_usable():
    fields = pd.DataFrame(
        {
            "well": ["A01", "A01", "A01", "B01", "A01"],
            "field": [3, 2, 1, 1, 9],
            "timepoint": [5, 5, 5, 5, 4],
            "status": ["ok", "ok", "failed", "failed", "ok"],
        }
    )
    assert choice.usable_fields(fields, 5) == {"A01": [("A01", 2, 5), ("A01", 3, 5)]}


def test_the_first_field_that_can_be_read_is_taken(caplog):
    def read(key):
        if key[1] < 3:
            raise FieldError("missing_file", "gone")
        return key[1] * 10

    keys = [("A01", k, 1) for k in (1, 2, 3, 4)]
    assert list(choice.first_readable(keys, read)) == [(("A01", 3, 1), 30)]
    assert "A01 field 2 timepoint 1: missing_file: gone" in caplog.text
    assert list(choice.first_readable(keys[:2], read)) == []
