"""How far counts hang on thresholds: of drawn cells of known brightness."""

from dataclasses import replace

import numpy as np
import pytest
from dyed_plate import known_dyes

from livedead.dyes.dependence import measure_dependence

SHAPE = 60, 300


def spots(brightness):
    """A square cell of 8 x 8 px for each brightness."""
    drawn = np.zeros(SHAPE, np.float32)
    for k, value in enumerate(brightness):
        drawn[20:28, 10 + 20 * k : 18 + 20 * k] = value
    return drawn


def dyes(**channels):
    return known_dyes(SHAPE, np.nan, **channels)


def test_cells_are_counted_at_either_threshold_in_all_fields():
    # The threshold is 100, so 0.8 and 1.25 times of it are 80 and 125.
    fields = [{"total": spots([70, 90, 110, 130, 400])}, {"total": spots([85, 500])}]
    found = measure_dependence(fields, dyes(total="hoechst")).loc["total"]
    assert found[["n_cells", "n_cells_080", "n_cells_125"]].to_list() == [4, 6, 3]
    assert found[["viability", "viability_080", "viability_125"]].isna().all()


def test_viability_follows_the_dye_that_tells_the_state_and_not_the_other():
    signals = {"total": spots([500] * 6), "dead": spots([0, 0, 90, 90, 110, 400])}
    found = measure_dependence([signals], dyes(total="hoechst", dead="pi"))
    assert found.loc["dead", ["viability", "viability_080", "viability_125"]].to_list() == pytest.approx(
        [4 / 6, 2 / 6, 5 / 6]
    )
    assert found.loc["total", ["viability", "viability_080", "viability_125"]].to_list() == [4 / 6] * 3
    assert (found[["n_cells", "n_cells_080", "n_cells_125"]] == 6).all(axis=None)


def test_a_living_cell_of_a_dim_dye_hangs_on_its_threshold():
    signals = {"live": spots([90, 110, 500, 0]), "dead": spots([0, 0, 0, 500])}
    found = measure_dependence([signals], dyes(live="calcein", dead="pi")).loc["live"]
    assert found[["n_cells", "n_cells_080", "n_cells_125"]].to_list() == [3, 4, 2]
    assert found[["viability", "viability_080", "viability_125"]].to_list() == [2 / 3, 3 / 4, 1 / 2]


def test_a_dye_that_is_not_used_has_no_answer():
    both = dyes(total="hoechst", dead="pi")
    lost = replace(both.dyes["dead"], threshold=replace(both.dyes["dead"].threshold, verdict="not separated"))
    found = measure_dependence(
        [{"total": spots([500]), "dead": spots([500])}], replace(both, dyes={**both.dyes, "dead": lost})
    )
    assert found.loc["total", "n_cells"] == 1
    assert found.loc["dead"].isna().all()


def test_without_fields_or_cells_there_is_no_viability():
    both = dyes(total="hoechst", dead="pi")
    for fields in ([], [{"total": spots([]), "dead": spots([])}]):
        found = measure_dependence(fields, both)
        assert (found.filter(like="n_cells") == 0).all(axis=None)
        assert found.filter(like="viability").isna().all(axis=None)
