"""From raw images to class maps and counts by the dyes of a plate, step by step."""

import numpy as np
import pytest
from chain import DYES, Plate
from draw_dyes import draw_dyes
from read_sample import read_sample
from verify_well import verify_well

from livedead import stores
from livedead.simulation.plate import simulate_plate
from livedead.simulation.stained import Staining
from livedead.tables import CELLS, FIELDS, WELLS

WELLS_IMAGED = ["A01", "A02", "A11", "A12"]
UNDYED = "A02"
COUNTS = ["n_live", "n_dead", "n_ambiguous", "n_total"]
KNOWN = {
    ("total", "dead"): COUNTS,
    ("live", "dead"): COUNTS,
    ("total", "live"): COUNTS,
    ("total", "live", "dead"): COUNTS,
    ("dead",): ["n_dead"],
    ("live",): ["n_live"],
    ("total",): ["n_total"],
}
"""Dyes that there are -> counts that they tell."""


@pytest.fixture(scope="module")
def dyed(tmp_path_factory):
    """A plate whose well A02 is not dyed, indexed and normalized by its dyes, and its true cells."""
    plate = Plate(
        tmp_path_factory.mktemp("dyed"),
        channels=["hoechst", "draq7"],
        intensity_channels=["draq7"],
        counting={"min_area_um2": 15, "max_area_um2": 1e5, "split_depth_um": None},
    )
    (plate.folder / "map.tsv").write_text("well\tdrug\nA01\tx\nH01\ty\n")
    wells = [well for well in WELLS_IMAGED if well != UNDYED]
    raw = plate.folder / "raw"
    truth, _ = simulate_plate(raw, 5, dyed_wells=wells, n_fields=1, side_px=192, wells=WELLS_IMAGED)
    plate.prepare()
    return plate, truth[truth["well"] != UNDYED]


@pytest.fixture(scope="module")
def stained(tmp_path_factory):
    """A plate with a dye of every kind, in three wells."""
    dyes = {"hoechst": "w2", "draq7": "w3", "calcein": "w4"}
    plate = Plate(
        tmp_path_factory.mktemp("stained"),
        imaged=dyes,
        channels=list(dyes),
        intensity_channels=[],
        counting={"min_area_um2": 15, "max_area_um2": 1e5, "split_depth_um": None},
    )
    wells = ["A01", "A06", "A12"]
    (plate.folder / "map.tsv").write_text("well\tdrug\nA01\tx\n")
    staining = Staining(channels=tuple(dyes))
    raw = plate.folder / "raw"
    simulate_plate(raw, 5, dyed_wells=wells, n_fields=1, side_px=256, wells=wells, staining=staining)
    plate.prepare()
    return plate


@pytest.mark.parametrize("dyes", KNOWN)
def test_every_logic_counts_what_it_knows_and_leaves_the_rest_missing(stained, tmp_path, dyes):
    channels = {"total": "hoechst", "live": "calcein", "dead": "draq7"}
    given = {role: channel if role in dyes else None for role, channel in channels.items()}
    stained.fit_dyes(tmp_path, {**DYES, **given})
    stained.read_dyes(tmp_path)
    wells = stores.read_table(tmp_path / "wells.csv", WELLS)
    assert list(wells["status"]) == ["ok"] * 3
    known = [name for name in COUNTS if wells[name].notna().all()]
    unknown = [name for name in COUNTS if wells[name].isna().all()]
    assert (known, unknown) == (KNOWN[dyes], [name for name in COUNTS if name not in KNOWN[dyes]])
    assert wells["viability"].notna().any() == (KNOWN[dyes] == COUNTS)


def test_counts_are_the_truth_and_the_well_without_dyes_fails_with_advice(dyed, tmp_path):
    plate, truth = dyed
    plate.fit_dyes(tmp_path)
    plate.read_dyes(tmp_path)
    found = stores.read_table(tmp_path / "fields.csv", FIELDS).set_index("well")
    assert found.at[UNDYED, "code"] == "missing_channel"
    assert "name them in plates.tsv" in found.at[UNDYED, "message"]
    cells = stores.read_table(tmp_path / "cells.csv.gz", CELLS)
    whole = cells[~cells["touches_edge"]]
    # Of the cells that the edge cuts, some have their centre outside of the field.
    centred = truth[truth[["y_px", "x_px"]].apply(lambda at: at.between(12, 180)).all(axis=1)]
    near = np.hypot(
        *(centred[[axis]].to_numpy() - whole[axis].to_numpy(float)[np.newaxis] for axis in ("y_px", "x_px"))
    )
    assert near.min(axis=1).max() < 4, "a true cell was not found"
    states = whole["state"].to_numpy()[near.argmin(axis=1)]
    assert (states == centred["state"]).mean() > 0.98


def test_what_was_read_is_verified_and_drawn(dyed, tmp_path):
    plate, _ = dyed
    plate.fit_dyes(tmp_path)
    plate.read_dyes(tmp_path)
    names = ("fields.csv", "cells.csv.gz", "wells.csv")
    files = {name.split(".")[0]: tmp_path / name for name in names}
    files |= {"dyes": tmp_path / "dyes.h5", "model": tmp_path / "dyes.json", "classes": []}
    verified = tmp_path / "verified"
    outputs = {"verified_fields": verified / names[0], "verified_cells": verified / names[1]}
    plate.call(read_sample, **files, sample=9, class_maps=verified / "classes.h5")
    plate.call(
        verify_well, **files, **outputs, class_maps=verified / "classes.h5", report=verified / "well.txt"
    )
    assert [line.split()[1] for line in (verified / "well.txt").read_text().splitlines()] == [
        "A01",
        "A11",
        "A12",
    ]
    plate.call(draw_dyes, dyes=tmp_path / "dyes.h5", pictures=[tmp_path / "dyes.png"])
    assert (tmp_path / "dyes.png").read_bytes().startswith(b"\x89PNG")
