import numpy as np
import pandas as pd
import pytest

from livedead.plates.plate_maps import MapColumns
from livedead.wells.replicates import join_replicates


def wells_of(rows):
    names = ["plate", "well", "treatment", "dose_um", "control", "viability"]
    return pd.DataFrame(rows, columns=names).assign(timepoint=1, hours=2.5)


THREE_PLATES = wells_of(
    [
        ("p1", "A01", "untreated", "0", "negative", 0.9),
        ("p1", "A02", "untreated", "0", "negative", 0.7),
        ("p1", "B01", "drug", "1", "", 0.5),
        ("p2", "A01", "untreated", "0", "negative", 0.6),
        ("p2", "A02", "untreated", "0", "negative", np.nan),
        ("p2", "B01", "drug", "1", "", 0.3),
        ("p3", "B01", "drug", "10", "", 0.1),
        ("p3", "C01", "", "", "", 0.2),
    ]
)


@pytest.fixture(scope="module")
def joined():
    return join_replicates(THREE_PLATES, MapColumns()).set_index(["level", "plate", "agent", "dose"])


def test_plates_weigh_the_same_however_many_wells_they_have(joined):
    row = joined.loc[("plates", "", "untreated", 0.0)]
    assert (row["n_plates"], row["n_wells"]) == (2, 3)
    # The means of the plates are 0.8 and 0.6; all three wells would give 0.733.
    assert row["mean_viability"] == pytest.approx(0.7)
    assert row["sd_viability"] == pytest.approx(0.2 / np.sqrt(2))
    # Student's t with one degree of freedom, 12.7062, times the standard error 0.1, is cut to a share.
    assert (row["mean_viability_low"], row["mean_viability_high"]) == (0, 1)


def test_wells_of_a_plate_are_joined_by_treatment_and_by_control(joined):
    treated = joined.loc[("treatment", "p1", "untreated", 0.0)]
    assert (treated["n_plates"], treated["n_wells"], treated["mean_viability"]) == (1, 2, pytest.approx(0.8))
    control = joined.loc["control"].reset_index()
    assert list(control["plate"]) == ["p1", "p2"]
    assert list(control["mean_viability"]) == pytest.approx([0.8, 0.6])
    assert list(control["agent"]) == ["", ""]


def test_doses_are_treatments_of_their_own_and_undescribed_wells_are_left_out(joined):
    of_plates = joined.loc["plates"].reset_index()
    found = of_plates.loc[of_plates["agent"] == "drug", ["dose", "n_plates"]].to_numpy().tolist()
    assert found == [[1.0, 2.0], [10.0, 1.0]]
    assert set(of_plates["agent"]) == {"untreated", "drug"}


def test_without_a_plate_map_or_viability_there_is_nothing_to_join():
    bare = THREE_PLATES.drop(columns=["treatment", "dose_um", "control"])
    assert join_replicates(bare, MapColumns()).empty
    assert join_replicates(THREE_PLATES.assign(viability=np.nan), MapColumns()).empty
