import numpy as np
import pytest

from livedead.statistics.audit_plans import plan_audit


@pytest.fixture(scope="module")
def plan():
    return plan_audit(0.1, [0.5, 0.9], 200, sensitivity=0.9, specificity=0.95, n_wells=[4, 8, 24])


def test_more_wells_and_fewer_errors_narrow_the_interval(plan):
    widths = plan.pivot(index="n_wells", columns="viability", values="half_width")
    assert (widths.loc[24] < widths.loc[4] - 0.01).all()
    assert widths.loc[4, 0.5] > widths.loc[8, 0.5] > widths.loc[24, 0.5]
    assert (widths[0.5] > widths[0.9]).all()
    better = plan_audit(0.1, [0.5, 0.9], 200, sensitivity=0.98, specificity=0.99, n_wells=[8])
    assert (better["half_width"].to_numpy() < widths.loc[8].to_numpy()).all()


def test_enough_is_the_wanted_width(plan):
    assert list(plan["enough"]) == list(plan["half_width"] <= 0.1)
    assert plan["enough"].nunique() == 2


def test_it_agrees_with_simulated_plates(plan, repository, monkeypatch):
    monkeypatch.syspath_prepend(str(repository / "tests/benchmarks"))
    import audit

    # Errors there are spread by another distribution, and viabilities and sizes of wells differ more.
    for n_wells in (4, 24):
        monkeypatch.setattr(audit, "VIABILITIES", np.array([0.5, 0.9]))
        found = audit.coverage(audit.Scenario(wells=n_wells), ["random effects"], 40).iloc[0]
        expected = plan[plan["n_wells"] == n_wells]["half_width"].mean()
        assert found["width"] / 2 == pytest.approx(expected, rel=0.15)


def test_an_audit_that_is_refused_is_not_enough():
    plan = plan_audit(0.4, [0.5], 4, sensitivity=0.9, specificity=0.95, n_wells=[4])
    assert plan["refused"].tolist() == [1.0]
    assert plan["enough"].tolist() == [False]


def test_states_without_errors_leave_the_cells_own_sample():
    plan = plan_audit(0.1, [0.5], 400, sensitivity=1.0, specificity=1.0, n_wells=[48])
    assert plan["half_width"][0] == pytest.approx(1.96 * np.sqrt(0.25 / 400), rel=0.05)
