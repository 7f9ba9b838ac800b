import pytest
from hypothesis import given
from hypothesis import strategies as st

from livedead.errors import ConfigError
from livedead.training import splits


@given(
    st.lists(st.integers(1, 96).map(lambda k: f"p/{k}"), min_size=2, max_size=300).filter(
        lambda wells: len(set(wells)) > 1
    ),
    st.floats(0.01, 0.99),
    st.integers(0, 99),
)
def test_no_well_is_on_both_sides(wells, fraction, seed):
    training, validation = splits.split_wells(wells, fraction, seed)
    assert training
    assert validation
    assert not set(training) & set(validation)
    assert set(training) | set(validation) == set(wells)
    assert (training, validation) == splits.split_wells(reversed(wells), fraction, seed)


@pytest.mark.parametrize(
    ("wells", "fraction", "message"),
    [(["p/A01"] * 9, 0.5, "p/A01; needed: 2 or more, with a .* of 0.5"), ([], 0, "none; needed: 1 or more")],
)
def test_too_few_wells_to_split(wells, fraction, message):
    with pytest.raises(ConfigError, match=message):
        splits.split_wells(wells, fraction, 0)


def test_folds_are_disjoint_and_hold_every_well():
    wells = [f"p/{k}" for k in range(11)] * 2
    folds = splits.fold_wells(wells, 3, seed=4)
    assert sorted(well for fold in folds for well in fold) == sorted(set(wells))
    assert sorted(map(len, folds)) == [3, 4, 4]
    assert folds == splits.fold_wells(reversed(wells), 3, seed=4)
    with pytest.raises(ConfigError, match="2 to the number of wells, 11"):
        splits.fold_wells(wells, 12, seed=0)


def test_wells_that_a_network_never_saw():
    wells = ["p/A01", "p/A02", "p/A03"]

    def unseen(**split):
        return splits.never_trained_on({"source": {"trained_on": split} if split else {}}, wells)

    assert unseen(training=["p/A01"], validation=["p/A02"], held_out=["p/A03"]) == ["p/A03"]
    assert unseen(training=["p/A01", "p/A03"], validation=["p/A02"]) == ["p/A02"]
    assert unseen(training=wells, validation=[]) == []
    assert unseen() == wells
    assert unseen(training=["q/A01"], validation=[]) == wells


def test_wells_of_the_network_that_a_training_started_from_are_not_judged():
    wells = ["p/A01", "p/A02", "p/A03", "p/A04"]
    source = {
        "trained_on": {"training": ["p/A01"], "validation": ["p/A02", "p/A03"], "held_out": []},
        "trained_before": ["p/A02", "q/A01"],
    }
    certificate = {"source": source}
    assert splits.wells_seen(certificate) == {"p/A01", "p/A02", "p/A03", "q/A01"}
    assert splits.never_trained_on(certificate, wells) == ["p/A04"]
    # Without a well that was held out, those that chose the epoch, if the first network had not seen them.
    assert splits.never_trained_on(certificate, wells[:3]) == ["p/A03"]
