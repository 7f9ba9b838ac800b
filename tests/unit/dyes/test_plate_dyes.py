"""What the dyes of a plate tell, and how they are said to have been found."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from dyed_plate import known_dyes

from livedead.dyes.plate_dyes import FLAGS
from livedead.tables import COUNTS, DYES

CHANNELS = {"total": "hoechst", "live": "calcein", "dead": "pi"}


def plate(roles, not_separated=(), **settings):
    """Dyes of a plate, of which those `not_separated` tell nothing."""
    found = known_dyes((4, 6), **{role: CHANNELS[role] for role in roles}, **settings)
    verdicts = {role: "not separated" if role in not_separated else "separated" for role in roles}
    dyes = {
        role: replace(dye, threshold=replace(dye.threshold, verdict=verdicts[role]))
        for role, dye in found.dyes.items()
    }
    answer = {f"{name}{end}": 100.0 for name in ("n_cells", "viability") for end in ("", "_080", "_125")}
    return replace(found, dyes=dyes, dependence=pd.DataFrame([answer] * len(dyes), index=list(dyes)))


@pytest.mark.parametrize(
    ("roles", "known"),
    [
        ("total dead", list(COUNTS)),
        ("live dead", list(COUNTS)),
        ("total live", list(COUNTS)),
        ("total live dead", list(COUNTS)),
        ("dead", ["n_dead"]),
        ("live", ["n_live"]),
        ("total", ["n_total"]),
    ],
)
def test_the_classes_say_what_each_logic_knows(roles, known):
    assert list(plate(roles.split()).classes.known) == known


@pytest.mark.parametrize(
    ("roles", "lost", "known"),
    [
        ("total dead", "dead", ["n_total"]),
        ("total live", "live", ["n_total"]),
        ("total live dead", "live", list(COUNTS)),
        ("total live dead", "live dead", ["n_total"]),
        ("live dead", "dead", ["n_live"]),
    ],
)
def test_a_dye_that_does_not_separate_is_not_used_and_not_guessed(roles, lost, known):
    dyes = plate(roles.split(), lost.split())
    assert set(dyes.used) == set(roles.split()) - set(lost.split())
    assert list(dyes.classes.known) == known
    assert {f"{role}_not_separated" for role in lost.split()} <= set(dyes.flags)


def test_without_any_dye_in_use_nothing_is_known():
    dyes = plate(["dead"], ["dead"])
    assert (dyes.used, dyes.classes.known) == ((), ())
    assert np.isnan(dyes.diameter_px) and dyes.split_depth_px == 0


def changed(dyes, role, **changes):
    """The same plate with an answer, or a number of a dye, that differs."""
    of_dye = {name: changes.pop(name) for name in ("bleed_reach",) if name in changes}
    return replace(
        dyes,
        dyes={**dyes.dyes, role: replace(dyes.dyes[role], **of_dye)},
        dependence=dyes.dependence.assign(
            **{
                name: dyes.dependence[name].where(dyes.dependence.index != role, v)
                for name, v in changes.items()
            }
        ),
    )


@pytest.mark.parametrize(
    ("changes", "flags"),
    [
        ({}, []),
        ({"n_cells_080": 109.0}, []),
        ({"n_cells_080": 111.0}, ["dead_depends_on_threshold"]),
        ({"n_cells_080": 105.0, "n_cells_125": 94.0}, ["dead_depends_on_threshold"]),
        ({"viability_125": 100.04}, []),
        ({"viability_125": 99.94}, ["dead_depends_on_threshold"]),
        ({"viability": np.nan, "viability_080": np.nan, "viability_125": np.nan}, []),
        ({"bleed_reach": 0.49}, []),
        ({"bleed_reach": 0.51}, ["dead_bleed_through"]),
        ({"bleed_reach": np.nan}, []),
        ({"bleed_reach": 0.9, "n_cells": 50.0}, ["dead_depends_on_threshold", "dead_bleed_through"]),
    ],
)
def test_flags_by_hand(changes, flags):
    dyes = changed(plate(["total", "dead"]), "dead", **changes)
    assert dyes.flags == flags
    table = dyes.table("p").set_index("dye")
    assert table["flags"].to_dict() == {"total": "", "dead": ";".join(f.removeprefix("dead_") for f in flags)}
    assert {flag.removeprefix("dead_") for flag in flags} <= set(FLAGS)


def test_the_table_has_a_row_a_dye_and_every_column():
    table = plate(["total", "live", "dead"], ["live"]).table("p")
    assert list(table.columns) == list(DYES.rows([]).columns)
    assert list(table["dye"]) == ["total", "live", "dead"]
    assert list(table["channel"]) == ["hoechst", "calcein", "pi"]
    assert list(table["verdict"]) == ["separated", "not separated", "separated"]


@pytest.mark.parametrize(
    ("roles", "given", "dead", "live"),
    [
        # Defaults: half of a nucleus; a tenth of a cell; a fifth of a nucleus without the live dye.
        ("total dead", None, 0.5, 0.5),
        ("live dead", None, 0.1, 0.5),
        ("total live", None, 0.2, 0.8),
        ("total dead", 0.3, 0.3, 0.5),
        ("live dead", 0.3, 0.3, 0.5),
        # Here the live dye decides: it stains at least 0.3 of a living nucleus.
        ("total live", 0.3, 0.7, 0.3),
    ],
)
def test_shares_of_stained_pixels(roles, given, dead, live):
    dyes = plate(roles.split(), stained_fraction=given)
    assert dyes.share("dead") == pytest.approx(dead)
    assert dyes.share("live") == pytest.approx(live)


@pytest.mark.parametrize("diameter", [0.5, 4.0, 6.0, 9.0, 12.5, 25.0, 60.0])
def test_a_box_is_seven_tenths_of_a_nucleus_and_has_whole_steps(diameter):
    box = known_dyes((4, 6), diameter, total="hoechst").dyes["total"].box_px
    assert box % 4 == 1 and box >= 5
    assert box == 5 or abs(box - 1 - 0.7 * diameter) <= 2


def test_what_decides_how_a_field_is_read_is_in_the_hash_and_nothing_else():
    dyes = plate(["total", "dead"])
    dead = dyes.dyes["dead"]

    def with_dead(**changes):
        return replace(dyes, dyes={**dyes.dyes, "dead": replace(dead, **changes)}).sha256

    shaded = dead.gain.copy()
    shaded[0, 0] = 1.5
    other = {
        with_dead(channel="draq7"),
        with_dead(threshold=replace(dead.threshold, counts=101.0)),
        with_dead(threshold=replace(dead.threshold, verdict="not separated")),
        with_dead(diameter_px=20.0),
        with_dead(gain=shaded),
        with_dead(offset=shaded),
        replace(dyes, settings=replace(dyes.settings, dead_by="mean")).sha256,
        replace(dyes, settings=replace(dyes.settings, both="live")).sha256,
        replace(dyes, settings=replace(dyes.settings, stained_fraction=0.4)).sha256,
        plate(["total"]).sha256,
        dyes.sha256,
    }
    assert len(other) == 11
    same = {
        with_dead(background=7.0, sigma=3.0, bleed_reach=0.9),
        with_dead(histogram=dead.histogram + 1),
        replace(dyes, n_fields=9, settings=replace(dyes.settings, seed=5)).sha256,
        plate(["total", "dead"]).sha256,
    }
    assert same == {dyes.sha256}
