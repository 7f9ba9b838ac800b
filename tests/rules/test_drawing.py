"""Pictures of what was counted."""

import numpy as np
import pytest
from chain import NORMALIZATION
from draw_accuracy import draw_accuracy
from draw_fields import draw_fields
from draw_plate import draw_plate
from measure_accuracy import measure_accuracy

from livedead import accuracy, stores
from livedead.tables import ACCURACY

PNG = b"\x89PNG"


@pytest.mark.parametrize("draw", [draw_plate, draw_fields])
def test_pictures_are_png(flow, tmp_path, draw):
    flow.call(draw, picture=tmp_path / "picture.png")
    assert (tmp_path / "picture.png").read_bytes().startswith(PNG)


def test_accuracy_is_measured_against_the_simulated_truth(flow, tmp_path, monkeypatch):
    monkeypatch.setattr(accuracy, "SIDE_PX", 160)
    monkeypatch.setattr(accuracy, "N_REFERENCES", 2)
    monkeypatch.setattr(accuracy, "VARIED", {"mean_cells": (5, 100), "defocus_px": (0.5,)})
    files = {"errors": tmp_path / "errors.csv"}
    flow.call(measure_accuracy, **files, normalization=NORMALIZATION)
    errors = stores.read_table(tmp_path / "errors.csv", ACCURACY)
    assert len(errors) == 3
    np.testing.assert_allclose(
        errors["count_error"], errors["n_counted"] / errors["n_true"] - 1, rtol=1e-4, atol=1e-5
    )
    # Twelve fields of 5 expected cells, one of 100 and one of 400 that find no room.
    assert 30 <= errors["n_true"][0] <= 95
    flow.call(draw_accuracy, **files, picture=tmp_path / "errors.png")
    assert (tmp_path / "errors.png").read_bytes().startswith(PNG)
