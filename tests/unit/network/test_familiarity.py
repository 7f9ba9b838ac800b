"""How unlike known fields a field is, against SciPy's distances, and with drawn patches of known kinds."""

import json

import numpy as np
import pytest
from scipy.spatial.distance import mahalanobis
from scipy.stats import t

from livedead.network.familiarity import (
    COVERED,
    LEAST_WELLS,
    MARGIN,
    Familiarity,
    prediction_bound,
    some_patches,
)

WELLS = [f"p/A{k:02d}" for k in range(1, 13)]
BACKGROUND, CELL = np.zeros(6), np.array([8.0, 8, 0, 0, 4, 0])
MIXING = np.random.default_rng(5).standard_normal((6, 6))
"""Descriptions of real patches are correlated, too."""


def field(seed, share_of_cells=0.3, shift=0.0, n=300):
    """Patches of two kinds, in some share; `shift` makes every patch another one."""
    rng = np.random.default_rng(seed)
    is_cell = rng.uniform(size=n) < share_of_cells
    patches = np.where(is_cell[:, None], CELL, BACKGROUND) + rng.standard_normal((n, 6)) * 0.7
    return ((patches + shift) @ MIXING).astype(np.float32)


@pytest.fixture(scope="module")
def home():
    return Familiarity.fit([field(k, k / 12) for k in range(12)], WELLS, WELLS[8:])


def test_the_distance_is_that_of_mahalanobis_to_the_nearest_centre(home):
    patches = field(99, n=5)
    expected = []
    for patch in (patches - home.mean) @ home.axes:
        of_kinds = [
            mahalanobis(patch, centre, whitening @ whitening.T) ** 2 / len(patch)
            for centre, whitening in zip(home.centres, home.whitening, strict=True)
        ]
        expected.append(min(of_kinds))
    assert home.distance(patches) == pytest.approx(np.mean(expected), rel=1e-6)
    assert home.unfamiliarity(patches) == round(np.mean(expected) / home.limit, 2)


@pytest.mark.parametrize("share_of_cells", [0.0, 0.05, 0.5, 1.0])
def test_a_field_of_known_patches_is_familiar_whatever_their_shares(home, share_of_cells):
    assert max(home.unfamiliarity(field(seed, share_of_cells)) for seed in range(100, 120)) <= 1


@pytest.mark.parametrize("shift", [1.5, np.array([0, 0, 3.0, 0, 0, 0]), np.array([4.0, -4, 0, 0, 0, 0])])
def test_a_field_of_other_patches_is_not(home, shift):
    assert min(home.unfamiliarity(field(seed, shift=shift)) for seed in range(100, 120)) > 1


def test_the_limit_is_the_prediction_bound_of_wells_that_were_not_trained_on(home):
    of_new = np.log([home.distance(field(k, k / 12)) for k in range(8, 12)])
    bound = of_new.mean() + t.ppf(COVERED, 3) * of_new.std(ddof=1) * np.sqrt(1 + 1 / 4)
    assert home.limit == pytest.approx(np.exp(bound), rel=1e-6)


@pytest.mark.parametrize("unseen", [[], WELLS])
def test_without_other_wells_each_is_left_out_in_turn(unseen):
    fields = [field(k) for k in range(12)]
    found = Familiarity.fit(fields, WELLS, unseen)
    of_all = np.array([found.distance(one) for one in fields])
    # Fields that the kinds were learned of lie nearer than those left out, so their bound is a lower one.
    bound = np.log(of_all).mean() + t.ppf(COVERED, 11) * np.log(of_all).std(ddof=1) * np.sqrt(1 + 1 / 12)
    assert found.limit > MARGIN * np.exp(bound)
    assert found.unfamiliarity(field(77)) <= 1 < found.unfamiliarity(field(77, shift=1.5))


@pytest.mark.parametrize(
    ("between", "n_wells", "n_fields"), [(0.0, 5, 40), (0.3, 5, 100), (1.0, 5, 20), (0.5, 30, 2)]
)
def test_the_bound_holds_a_field_of_a_new_well_as_often_as_it_says(between, n_wells, n_fields):
    rng = np.random.default_rng(n_wells)
    above = 0
    for _ in range(3000):
        wells = rng.normal(0, between, n_wells + 1)
        logs = [rng.normal(well, 1.0, n_fields) for well in wells]
        above += np.exp(logs[-1][0]) > prediction_bound([np.exp(of_well) for of_well in logs[:-1]])
    # 1 in 1000 exceed it; 12 of 3000 would be four times as many.
    assert above < 12


def test_many_fields_of_few_wells_that_are_alike_give_a_bound_nearer_than_the_wells_alone():
    rng = np.random.default_rng(0)
    fields = [np.exp(rng.normal(0, 1, 100)) for _ in range(5)]
    # Of one normal distribution, whose 99.9th percentile is 3.09 standard deviations up.
    assert prediction_bound(fields) == pytest.approx(np.exp(3.09), rel=0.35)


def test_too_few_wells_or_patches_all_alike_tell_nothing():
    fields = [field(k) for k in range(LEAST_WELLS)]
    assert Familiarity.fit(fields[:-1], WELLS[: LEAST_WELLS - 1], []) is None
    assert Familiarity.fit(fields, WELLS[:LEAST_WELLS], []) is not None
    assert Familiarity.fit([np.ones((40, 6), np.float32)] * 5, WELLS[:5], []) is None


def test_a_channel_that_is_constant_at_home_harms_nothing():
    fields = [np.hstack([field(k), np.full((300, 1), 3, np.float32)]) for k in range(12)]
    found = Familiarity.fit(fields, WELLS, WELLS[8:])
    assert np.isfinite(found.unfamiliarity(np.hstack([field(77), np.full((300, 1), 9, np.float32)])))


def test_a_record_comes_back_and_gives_the_same(home):
    record = json.loads(json.dumps(home.as_dict()))
    found = Familiarity.from_dict(record)
    assert found.as_dict() == record
    patches = field(99, shift=1.0)
    assert found.distance(patches) == pytest.approx(home.distance(patches), rel=5e-3)


def test_a_record_of_the_widest_usual_network_is_small():
    rng = np.random.default_rng(0)
    # alpha 1.0: blocks 1, 3 and 6 read 16, 24 and 32 channels.
    fields = [rng.standard_normal((256, 2 * (16 + 24 + 32))).astype(np.float32) for _ in range(12)]
    assert len(json.dumps(Familiarity.fit(fields, WELLS, []).as_dict())) < 40 * 1024


@pytest.mark.parametrize(
    "change",
    [
        {"limit": 0.0},
        {"limit": float("nan")},
        {"mean": [0.0]},
        {"centres": [[0.0]]},
        {"whitening": [[1.0]]},
        {"axes": "none"},
        {"axes": [1.0, 2.0]},
    ],
)
def test_another_record_is_refused(home, change):
    with pytest.raises(ValueError, match=r"no record|could not|unpack"):
        Familiarity.from_dict({**home.as_dict(), **change})


def test_of_a_large_field_some_patches_are_kept_always_the_same():
    patches = np.arange(5000)[:, None]
    kept = some_patches(patches)
    assert len(np.unique(kept)) == 1024
    assert (kept == some_patches(patches)).all()
    assert len(some_patches(patches[:7])) == 7
