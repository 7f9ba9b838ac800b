"""Pictures of what was counted."""

import numpy as np
import pytest
from assess_plate import assess_plate
from chain import NORMALIZATION
from draw_accuracy import draw_accuracy
from draw_curves import draw_curves
from draw_fields import draw_fields
from draw_montage import draw_montage
from draw_plate import draw_plate
from fit_dose_response import fit_dose_response
from follow_wells import follow_wells
from measure_accuracy import measure_accuracy

from livedead import accuracy, stores
from livedead.errors import StoreError
from livedead.tables import ACCURACY

PNG = b"\x89PNG"


def drawn(tmp_path, *names):
    return {name: [tmp_path / f"{name}.png", tmp_path / f"{name}.svg"] for name in names}


def assert_drawn(tmp_path, *names):
    for name in names:
        assert (tmp_path / f"{name}.png").read_bytes().startswith(PNG)
        assert (tmp_path / f"{name}.svg").read_text().startswith("<?xml")


def test_a_plate_is_drawn_from_its_tables(flow, tmp_path):
    tables = {"quality": tmp_path / "quality.csv", "residuals": tmp_path / "residuals.csv"}
    flow.call(assess_plate, **tables)
    flow.call(draw_plate, **tables, **drawn(tmp_path, "heat_maps", "sheets"))
    assert_drawn(tmp_path, "heat_maps", "sheets")
    # One of six fields was cut off.
    assert "p, brightfield: 6 imaged fields, 1 of them failed" in (tmp_path / "sheets.svg").read_text()


def test_a_plate_without_doses_and_times_has_pictures_that_say_so(flow, tmp_path):
    curves, courses = tmp_path / "curves.csv", tmp_path / "courses.csv"
    flow.call(fit_dose_response, curves=curves)
    flow.call(follow_wells, courses=courses)
    flow.call(draw_curves, curves=curves, courses=courses, **drawn(tmp_path, "of_doses", "of_times"))
    assert_drawn(tmp_path, "of_doses", "of_times")
    assert "p: no dose, or no viability, is known" in (tmp_path / "of_doses.svg").read_text()
    assert "fewer than two timepoints" in (tmp_path / "of_times.svg").read_text()


def test_fields_are_drawn_from_raw_counts_to_the_cells_of_the_table(flow, tmp_path):
    shards = [flow.folder / name / "classes.h5" for name in ("1-of-2", "2-of-2")]
    flow.call(draw_fields, class_maps=shards, **drawn(tmp_path, "pictures"))
    assert_drawn(tmp_path, "pictures")
    other_rules = {"min_area_um2": 1e6, "max_area_um2": 1e7}
    with pytest.raises(StoreError, match=r"0 cells in its class map, \d+ in .*cells.csv.gz"):
        flow.call(draw_fields, class_maps=shards, counting=other_rules, **drawn(tmp_path, "pictures"))


def test_all_wells_are_drawn(flow, tmp_path):
    flow.call(draw_montage, picture=tmp_path / "montage.png")
    assert (tmp_path / "montage.png").read_bytes().startswith(PNG)


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
