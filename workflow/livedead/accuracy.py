"""How well simulated fields of known truth are counted, from easy to hard."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from livedead.cells.measures import measure_cells
from livedead.cells.rules import CountingRules
from livedead.logs import progress
from livedead.network.classes import Classes
from livedead.normalization.fitting import fit_channel
from livedead.normalization.settings import NormalizationSettings
from livedead.normalization.transforms import Transform
from livedead.simulation import label_free

SIDE_PX = 1536
"""Side of a field, in pixels of the usual size; with others it shows as much of the well."""
USUAL = {
    "mean_cells": 400.0,
    "clumping": 0.8,
    "size": 1.0,
    "n_debris": 72.0,
    "defocus_px": 0.9,
    "pixel_size_um": label_free.PIXEL_SIZE_UM,
}
VARIED = {
    "mean_cells": (5, 20, 100, 400, 1000, 2000),
    "clumping": (0, 0.8, 1.2, 1.6),
    "size": (0.7, 0.85, 1, 1.15, 1.3),
    "n_debris": (0, 72, 200, 500),
    "defocus_px": (0.5, 0.9, 1.3, 1.8, 2.5),
    "pixel_size_um": (0.325, 0.455, 0.65, 0.91, 1.3),
}
"""Arguments of `livedead.simulation.label_free.simulate_field`: one is varied, the others stay as usual."""

VIABILITY = 0.6
N_REFERENCES = 12
SEED = 6


def fit_reference(settings: NormalizationSettings, pixel_size_um: float) -> Transform:
    """Fit the normalization on usual fields of that pixel size, as if all fields were of one plate."""
    usual = {**USUAL, "mean_cells": 100.0, "pixel_size_um": pixel_size_um}
    references = {("A01", k, 1): _field(k, usual)[0]["brightfield"] for k in range(N_REFERENCES)}
    return fit_channel(references.__getitem__, list(references), settings)[0]


def measure_errors(
    segment: Callable[[np.ndarray, float], np.ndarray], classes: Classes, rules: CountingRules
) -> pd.DataFrame:
    """Errors of count and viability, one condition varied at a time.

    Parameters
    ----------
    segment : callable
        Brightfield counts, (H, W) uint16, and their pixel size in um -> class map, (H, W) uint8.
    classes : Classes
    rules : CountingRules
        Cells at the edge are counted by the counting frame whatever the rules say: it alone is fair to
        a truth of cells that are centred in the field.

    Returns
    -------
    DataFrame
        `livedead.tables.ACCURACY`, a row per condition.
    """
    rules = replace(rules, edge_rule="counting_frame")
    conditions = [(varied, value) for varied, values in VARIED.items() for value in values]
    numbered = progress(enumerate(conditions, start=1), len(conditions), "conditions")
    return pd.DataFrame([_errors(segment, classes, rules, *condition, n) for n, condition in numbered])


def _errors(
    segment: Callable[[np.ndarray, float], np.ndarray],
    classes: Classes,
    rules: CountingRules,
    varied: str,
    value: float,
    number: int,
) -> dict[str, Any]:
    """The errors under one condition, over as many fields as hold about 200 cells, 12 at most."""
    true, counted = np.zeros(2, int), np.zeros(3, int)
    condition = {**USUAL, varied: value}
    size = condition["pixel_size_um"]
    for brightfield, cells in _fields(condition, number):
        found = measure_cells(segment(brightfield, size), classes, rules, size)
        true += [(cells["state"] == state).sum() for state in ("live", "dead")]
        counted += [(found["state"] == state).sum() for state in ("live", "dead", "ambiguous")]
    viability, viability_counted = true[0] / true.sum(), counted[0] / counted[:2].sum()
    return {
        "varied": varied,
        "value": value,
        "n_true": true.sum(),
        "n_counted": counted.sum(),
        "count_error": counted.sum() / true.sum() - 1,
        "viability_true": viability,
        "viability_counted": viability_counted,
        "viability_error": viability_counted - viability,
    }


def _fields(condition: dict[str, Any], number: int) -> Iterator[tuple[np.ndarray, pd.DataFrame]]:
    for k in range(int(np.clip(200 // condition["mean_cells"], 1, 12))):
        images, cells = _field(1000 * number + k, condition)
        yield images["brightfield"], cells


def _field(seed: int, condition: dict[str, Any]) -> tuple[dict[str, np.ndarray], pd.DataFrame]:
    """One simulated field and its true cells."""
    side_px = round(SIDE_PX * label_free.PIXEL_SIZE_UM / condition["pixel_size_um"])
    rng = np.random.default_rng([SEED, seed])
    return label_free.simulate_field(rng, VIABILITY, side_px=side_px, **condition)
