"""What a plan says in words, of what its simulation gives."""

import numpy as np
import pandas as pd
import pytest

from livedead.errors import LivedeadError
from livedead.tables import AUDIT
from livedead.wells import audit_plans
from livedead.wells.audit_plans import PlanSettings, describe_plan

SETTINGS = PlanSettings(0.1, [0.5, 0.9], 200, sensitivity=0.9, specificity=0.95, spread=0.5)


def planned(monkeypatch, *rows):
    asked = []

    def plan_audit(*given):
        asked.append(given)
        return pd.DataFrame(rows, columns=["n_wells", "viability", "half_width", "refused", "enough"])

    monkeypatch.setattr(audit_plans, "plan_audit", plan_audit)
    return describe_plan(SETTINGS), asked


def test_the_least_number_of_wells_that_is_enough_is_told_for_each_viability(monkeypatch):
    rows = [(4, 0.5, np.nan, 1.0, False), (8, 0.5, 0.12, 0.0, False), (16, 0.5, 0.09, 0.0, True)]
    rows += [(4, 0.9, 0.2, 0.5, False), (8, 0.9, 0.15, 0.0, False), (16, 0.9, 0.11, 0.0, False)]
    text, asked = planned(monkeypatch, *rows)
    assert asked == [(0.1, [0.5, 0.9], 200, 0.9, 0.95, 0.5)]
    assert "viability 0.5 to within 0.1: audit 16 wells\n" in text
    assert "viability 0.9 to within 0.1: not even 16 wells are enough" in text
    assert text.splitlines()[-3].split() == ["4", "refused", "0.200"]
    assert text.splitlines()[-1].split() == ["16", "0.090", "0.110"]


def of_audit(sensitivity=0.8):
    rates = {"sensitivity": sensitivity, "specificity": 0.97, "spread": 0.3}
    key = {"plate": "p", "timepoint": 2}
    rows = [{**key, "level": "plate", "n_wells": 2, **rates}]
    rows += [
        {**key, "level": "well", "well": well, "n_wells": 1, "n_live_dyed": n_live, "n_dead_dyed": n_dead}
        for well, n_live, n_dead in (("A01", 90, 20), ("A02", 60, 30))
    ]
    rows.append({**key, "timepoint": 1, "level": "plate", "n_wells": 2, **rates, "specificity": 0.5})
    return AUDIT.rows(rows)


def test_an_audit_says_what_is_assumed_without_one():
    found = SETTINGS.as_found(of_audit())
    assert (found.sensitivity, found.specificity, found.spread) == (0.8, 0.97, 0.3)
    assert found.cells_per_well == 100
    assert (found.half_width, found.viability) == (0.1, [0.5, 0.9])


@pytest.mark.parametrize("audit", [of_audit(np.nan), AUDIT.rows([])])
def test_an_audit_without_errors_plans_nothing(audit):
    with pytest.raises(LivedeadError, match=r"audit\.plate: the audit of plate None knows no errors"):
        SETTINGS.as_found(audit)


def test_better_networks_need_fewer_wells(monkeypatch):
    """The simulation itself, of a few sizes: an exact interval needs more wells than a wide one."""
    text = describe_plan(PlanSettings(0.2, [0.5], 300, sensitivity=0.95, specificity=0.95, spread=0.2))
    assert "viability 0.5 to within 0.2: audit " in text
