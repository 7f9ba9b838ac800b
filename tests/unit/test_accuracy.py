"""Errors of simulated fields, with readers whose errors are known."""

import numpy as np
import pytest

from livedead import accuracy
from livedead.cells.rules import CountingRules
from livedead.network.classes import Classes
from livedead.normalization.settings import NormalizationSettings
from livedead.simulation import label_free

CLASSES = Classes(background=(0,), live=(1,), dead=(2,))
RULES = CountingRules(min_area_um2=0, edge_rule="keep")


@pytest.fixture
def small(monkeypatch):
    monkeypatch.setattr(accuracy, "SIDE_PX", 160)
    monkeypatch.setattr(accuracy, "N_REFERENCES", 2)
    monkeypatch.setattr(accuracy, "VARIED", {"mean_cells": (5, 20), "pixel_size_um": (0.65,)})


@pytest.fixture
def truth(small, monkeypatch):
    """The true cells of every simulated field, by its pixels."""
    known = {}
    simulated = label_free.simulate_field

    def remembered(*arguments, **settings):
        images, cells = simulated(*arguments, **settings)
        known[images["brightfield"].tobytes()] = cells
        return images, cells

    monkeypatch.setattr(label_free, "simulate_field", remembered)
    return known


def painted(cells, side_px=160):
    """A class map with a pixel for each true cell, clear of the edge and of each other."""
    class_map = np.zeros((side_px, side_px), np.uint8)
    for k, state in enumerate(cells["state"]):
        row, column = divmod(k, side_px // 2 - 1)
        class_map[1 + 2 * row, 1 + 2 * column] = {"live": 1, "dead": 2}[state]
    return class_map


def test_a_perfect_reader_has_no_errors(truth):
    errors = accuracy.measure_errors(lambda field, _: painted(truth[field.tobytes()]), CLASSES, RULES)
    assert errors[["varied", "value"]].to_numpy().tolist() == [
        ["mean_cells", 5],
        ["mean_cells", 20],
        ["pixel_size_um", 0.65],
    ]
    assert (errors["n_true"] > 0).all()
    assert errors["n_counted"].tolist() == errors["n_true"].tolist()
    assert (errors[["count_error", "viability_error"]] == 0).all(axis=None)


def test_a_reader_that_takes_the_dead_for_live_errs_by_their_share(truth):
    def read(field, _):
        class_map = painted(truth[field.tobytes()])
        return np.where(class_map == 2, 1, class_map).astype(np.uint8)

    errors = accuracy.measure_errors(read, CLASSES, RULES)
    assert (errors["viability_counted"] == 1).all()
    np.testing.assert_allclose(errors["viability_error"], 1 - errors["viability_true"])
    assert (errors["count_error"] == 0).all()


def test_as_many_fields_are_counted_as_hold_about_200_cells(truth):
    counted = []

    def read(field, _):
        counted.append(len(truth[field.tobytes()]))
        return painted(truth[field.tobytes()])

    accuracy.measure_errors(read, CLASSES, RULES)
    # 200 // 5 is above the most, 12; 200 // 20 is 10; 200 // 400 is below the least, 1.
    assert len(counted) == 12 + 10 + 1


def test_the_counting_frame_holds_whatever_the_rules_say(truth):
    def read(field, _):
        class_map = np.zeros((160, 160), np.uint8)
        class_map[-1, -1] = 1  # the frame leaves it to the next field
        class_map[80, 80] = 2
        return class_map

    errors = accuracy.measure_errors(read, CLASSES, RULES)
    assert errors["n_counted"].tolist() == [12, 10, 1]


def test_the_reference_is_fitted_on_usual_fields(small):
    settings = NormalizationSettings(0.1, 99.9, min_range=200, flat_fields=2, smooth_px=16, floor=0.2, seed=0)
    transform = accuracy.fit_reference(settings, 0.65)
    assert transform.gain.shape == (160, 160)
    assert transform.black < transform.white
    # The same part of the well, on larger pixels.
    assert accuracy.fit_reference(settings, 1.3).gain.shape == (80, 80)
