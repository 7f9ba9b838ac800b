import numpy as np
import pandas as pd
import pytest

from livedead.pictures import figures, quality
from livedead.tables import FIELDS, PLATE_QUALITY, RESIDUALS

WELLS = ["A01", "A02", "B01"]
GAIN = 1 / np.linspace(0.5, 1.5, 101, dtype=np.float32)[np.newaxis].repeat(101, axis=0)


def tables(timepoints=(1,), **columns):
    fields = [
        {
            "plate": "p", "well": well, "field": field, "timepoint": t, "status": "ok", "n_live": 3,
            "n_dead": 1, "n_ambiguous": 0, "n_total": 10 * k + field, "focus": k + 1.0,
            "saturated_fraction": 0.01 * k, "illumination_residual": 0.05, "drift": 0.1 * k,
            "qc_flags": "", "n_by_hand": 0,
        }
        for t in timepoints for k, well in enumerate(WELLS) for field in (1, 2)
    ]  # fmt: skip
    measured = {"plate": "p", "timepoint": 1, "measure": "viability"}
    effect = {"edge_effect": 0.125, "edge_effect_low": -0.25, "edge_effect_high": 0.5}
    of_plate = {"n_negative": 0, "n_positive": 0, "alarm": "", **measured, **effect}
    residuals = pd.DataFrame(
        [{**measured, "well": w, "deviation": d} for w, d in zip(WELLS, (-0.2, 0, 0.1), strict=True)]
    )
    residuals = residuals.assign(row_effect=0.0, column_effect=0.0, residual=0.0)
    return (
        FIELDS.conform(FIELDS.rows(fields).assign(**columns)),
        PLATE_QUALITY.rows([of_plate]),
        RESIDUALS.conform(residuals[[*RESIDUALS.columns]]),
    )


def panels(*given, gain=GAIN):
    """Axes by what stands on them."""
    figure = quality.draw(*given, gain, "brightfield", 96)
    return figure, dict(
        zip(["focus", "saturated", "place", "light", "even", "drift", "cells"], figure.axes, strict=False)
    )


def grid(axes):
    return np.ma.filled(axes.images[0].get_array(), np.nan)


def test_maps_show_the_median_of_each_well_and_the_edge_effect():
    _, found = panels(*tables())
    # Focus 1, 2, 3 over the plate's median of 2.
    assert grid(found["focus"])[[0, 0, 1], [0, 1, 0]].tolist() == [0.5, 1, 1.5]
    np.testing.assert_allclose(grid(found["saturated"])[[0, 0, 1], [0, 1, 0]], [0, 1, 2])
    np.testing.assert_allclose(grid(found["place"])[[0, 0, 1], [0, 1, 0]], [-0.2, 0, 0.1])
    assert "edge +0.12 (-0.25 to +0.5)" in found["place"].get_title()


def test_light_before_and_after_is_measured_alike():
    """A profile from half to one and a half of its median: 0.9 of it between the 5th and 95th percentile."""
    _, found = panels(*tables())
    (before,) = found["even"].lines
    assert before.get_xdata()[0] == pytest.approx(90, rel=0.02)
    bars = [patch for patch in found["even"].patches if patch.get_height()]
    assert [bar.get_height() for bar in bars] == [6]
    assert bars[0].get_x() <= 5 <= bars[0].get_x() + bars[0].get_width()
    assert grid(found["light"]).min() == pytest.approx(50, rel=0.01)


def test_every_field_has_its_count_and_flagged_ones_a_cross():
    flags = ["", "", "drift", "", "", ""]
    _, found = panels(*tables(qc_flags=flags))
    plain, flagged = found["cells"].lines
    assert flagged.get_xydata().tolist() == [[1, 11]]
    assert plain.get_xydata().tolist() == [[0, 1], [0, 2], [1, 12], [2, 21], [2, 22]]
    assert [label.get_text() for label in found["cells"].get_xticklabels()] == ["A01", "B01"]


def test_drift_runs_over_time_where_there_is_time():
    _, found = panels(*tables(timepoints=(0, 1)))
    drift = found["drift"].lines[1]
    assert sorted(set(drift.get_xdata())) == [0, 1]
    assert sorted(set(np.round(drift.get_ydata(), 6))) == [0, 10, 20]
    assert found["drift"].get_xlabel() == "timepoint"
    fields, *others = tables(timepoints=(0, 1))
    _, found = panels(fields.assign(hours=4.5 * fields["timepoint"]), *others)
    assert sorted(set(found["drift"].lines[1].get_xdata())) == [0, 4.5]
    assert found["drift"].get_xlabel() == "time, h"


@pytest.mark.parametrize("gain", [np.ones((1, 1), np.float32), np.ones((0, 0), np.float32)])
def test_a_plate_without_flat_field_or_a_readable_field_is_drawn(gain):
    unknown = dict.fromkeys(["focus", "saturated_fraction", "illumination_residual", "drift"], np.nan)
    fields, *others = tables(status="failed", n_total=pd.NA, n_live=pd.NA, n_dead=pd.NA, **unknown)
    figure, _ = panels(fields, *others, gain=gain)
    assert "6 imaged fields, 6 of them failed" in figures.svg(figure).decode()
