import io
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_rgb
from matplotlib.image import imread

from livedead.dyes.fitting import fit_dyes
from livedead.dyes.settings import DyeSettings
from livedead.dyes.thresholds import Threshold, histogram
from livedead.normalization.settings import NormalizationSettings
from livedead.pictures import thresholds
from livedead.pictures.figures import STATE_COLOURS, png

SETTINGS = DyeSettings("hoechst", None, None, {"total": "auto"}, 6, "fraction", None, "dead", None, 48, 0)
NORMALIZATION = NormalizationSettings(0.1, 99.9, 200, 0, 24, 0.2, 0)
DIM, BRIGHT = np.full(900, 25.0), np.full(100, 3600.0)


def drawn(signals, threshold, **controls):
    """The picture of one dye."""
    found = Threshold(threshold, "otsu", np.nan, "separated")
    counts = {kind: histogram(of_kind) for kind, of_kind in controls.items()}
    empty = np.zeros((16, 16), np.uint16)
    fitted = fit_dyes(lambda *_: empty, [("A01", 1, 1)], SETTINGS, NORMALIZATION, {}, 0.65)
    dye = replace(fitted.dyes["total"], threshold=found, histogram=histogram(signals), controls=counts)
    return thresholds.draw("p", replace(fitted, dyes={"total": dye}))


def has(figure, colour):
    picture = imread(io.BytesIO(png(figure)))[..., :3]
    return np.isclose(picture, to_rgb(colour), atol=0.2).all(axis=-1).sum() > 10


def test_controls_are_drawn_where_there_are_some():
    plate = np.r_[DIM, BRIGHT]
    both = drawn(plate, 400.0, negative=DIM, positive=BRIGHT)
    assert has(both, STATE_COLOURS["live"]) and has(both, STATE_COLOURS["dead"])
    none = drawn(plate, 400.0, negative=DIM[:0])
    assert not has(none, STATE_COLOURS["live"]) and not has(none, STATE_COLOURS["dead"])
    assert has(none, thresholds.PLATE_COLOUR)


@pytest.mark.parametrize("threshold", [400.0, 9000.0])
def test_the_threshold_stands_where_square_roots_put_it(threshold):
    """Where nothing is stained, the axis ends at twice the threshold, so that it is at the root of a half."""
    figure = drawn(DIM, threshold)
    figure.draw_without_rendering()
    (axes,) = figure.axes
    (line,) = [line for line in axes.lines if line.get_label() == "threshold"]
    at = axes.transData.transform((line.get_xdata()[0], 1))
    assert axes.transAxes.inverted().transform(at)[0] == pytest.approx(np.sqrt(0.5), abs=0.02)


def test_a_plate_without_a_signal_is_drawn():
    assert has(drawn(DIM[:0], 400.0), "black")


@pytest.mark.parametrize(
    ("found", "words"),
    [
        (
            {"n_cells": [90, 101, 80], "viability": [0.5, 0.45, 0.5512], "flags": "depends_on_threshold"},
            "at 0.8 / 1 / 1.25 of the threshold: 101 / 90 / 80 cells\nviability 0.450 / 0.500 / 0.551\n"
            "flags: depends_on_threshold",
        ),
        (
            {"n_cells": [1200, 1200, 1200], "viability": [pd.NA] * 3, "flags": ""},
            "at 0.8 / 1 / 1.25 of the threshold: 1,200 / 1,200 / 1,200 cells\nflags: none",
        ),
        (
            {"n_cells": [pd.NA] * 3, "viability": [pd.NA] * 3, "flags": "not_separated;bleed_through"},
            "not used\nflags: not_separated, bleed_through",
        ),
    ],
)
def test_what_stands_below_a_histogram(found, words):
    row = {
        f"{name}{end}": value
        for name in ("n_cells", "viability")
        for end, value in zip(("", "_080", "_125"), found[name], strict=True)
    }
    assert thresholds.answer(SimpleNamespace(**row, flags=found["flags"])) == words
