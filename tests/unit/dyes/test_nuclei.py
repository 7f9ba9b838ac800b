"""Stained cells: specks, sizes of drawn nuclei, states by the stained share of their pixels."""

import numpy as np
import pytest
from dyed_plate import known_dyes
from scipy import ndimage

from livedead.cells.labelled import LabelledCells
from livedead.dyes.nuclei import cell_signals, diameters, stained_cells, states

SIDE = 160


def discs(*centres_radii):
    y, x = np.mgrid[:SIDE, :SIDE]
    drawn = [np.hypot(y - a, x - b) <= radius for a, b, radius in centres_radii]
    return (1000 * np.any(drawn, axis=0)).astype(np.float32)


def test_connected_parts_are_numbered_and_specks_left_out():
    signal = discs((30, 30, 8), (30, 90, 8), (100, 30, 2), (100, 90, 8))
    # The speck has 13 px, more than any speck of unknown magnification, and 7 % of a usual nucleus.
    known = known_dyes(signal.shape, 16.0, total="hoechst")
    cells = stained_cells({"total": signal}, known)
    assert cells.n_cells == 3 and cells.labels.max() == 3
    assert [cells.labels[place] for place in [(30, 30), (30, 90), (100, 90), (100, 30)]] == [1, 2, 3, 0]
    unknown = known_dyes(signal.shape, np.nan, total="hoechst")
    assert stained_cells({"total": signal}, unknown).n_cells == 4


@pytest.mark.parametrize("radius", [5, 8, 12, 30])
def test_diameters_are_those_of_drawn_discs(radius):
    # A pixel belongs to a disc if its centre does: its area is that of the circle within its outline.
    [found] = diameters(discs((80, 80, radius)), 100.0)
    assert found == pytest.approx(2 * radius, abs=0.5)


def test_only_single_nuclei_have_a_diameter():
    touching = discs((40, 40, 8), (40, 53, 8))
    fibre = np.zeros((SIDE, SIDE), np.float32)
    fibre[100:104, 20:100] = 1000
    assert diameters(np.maximum(touching, fibre), 100.0) == []


def test_cells_of_a_sheet_are_measured_over_a_higher_threshold():
    y, x = np.mgrid[:SIDE, :SIDE]
    centres = [(a, b) for a in range(20, SIDE, 30) for b in range(20, SIDE, 30)]
    peaks = [np.exp(-0.5 * (np.hypot(y - a, x - b) / 9) ** 2) for a, b in centres]
    sheet = (1000 * np.max(peaks, axis=0)).astype(np.float32)
    # Between two peaks, at 15 px from either, there are 249 counts: over 200 all is one part.
    assert ndimage.label(sheet > 200)[1] == 1
    found = diameters(sheet, 200.0)
    assert len(found) == 25
    # At half of a peak a cell is 2.355 times 9 px wide; the 90th percentile is below the peak.
    assert all(2.355 * 9 < diameter < 1.3 * 2.355 * 9 for diameter in found)


def test_a_diameter_is_that_at_half_of_the_brightness_whatever_the_threshold():
    y, x = np.mgrid[:SIDE, :SIDE]
    signal = (1000 * np.exp(-0.5 * (np.hypot(y - 80, x - 80) / 10) ** 2)).astype(np.float32)
    found = [diameters(signal, threshold)[0] for threshold in (20.0, 50.0, 100.0)]
    assert np.ptp(found) < 0.15 * found[0]
    # At half of the peak it is 2.355 standard deviations; the 90th percentile is lower than the peak.
    assert 23.5 < found[2] < found[0] < 30


def test_noise_and_haze_that_hardly_exceed_the_threshold_have_no_diameter():
    signal = discs((80, 80, 8))
    y, x = np.mgrid[:SIDE, :SIDE]
    haze = 180 * (np.hypot(y - 30, x - 120) < 25)
    specks = 150 * (np.hypot(y % 20 - 10, x - 10) < 3)
    signal = np.maximum(signal, np.maximum(haze, specks).astype(np.float32))
    assert diameters(signal, 100.0) == pytest.approx([16], abs=0.5)
    assert len(diameters(signal, 60.0)) > 2


def one_cell(n_pixels=20, n_bright=0):
    """A cell of a row of pixels, the first of which are bright, and its signal."""
    labels = np.zeros((3, n_pixels), np.int32)
    labels[1] = 1
    signal = np.zeros(labels.shape, np.float32)
    signal[1, :n_bright] = 150
    return LabelledCells(labels), signal


@pytest.mark.parametrize(
    ("roles", "role", "least"),
    [
        # Of 20 pixels: half of a nucleus, a tenth of a cell; a fifth of a nucleus without the live dye.
        ({"total", "dead"}, "dead", 10),
        ({"live", "dead"}, "dead", 2),
        ({"total", "live"}, "live", 16),
    ],
)
def test_a_cell_is_stained_by_the_share_of_its_stained_pixels(roles, role, least):
    dyes = known_dyes((3, 20), **dict.fromkeys(roles, "channel"))
    over = [n for n in range(21) if cell_signals(*one_cell(20, n), dyes, role)[0] > 100]
    assert over == list(range(least, 21))


def test_the_signal_of_a_cell_by_its_mean():
    dyes = known_dyes((3, 20), total="hoechst", dead="pi", dead_by="mean")
    assert cell_signals(*one_cell(20, 10), dyes, "dead") == pytest.approx([75])


@pytest.mark.parametrize("share", [0.3, 0.5, 0.7])
def test_the_deciding_share_can_be_set(share):
    dyes = known_dyes((3, 20), total="hoechst", dead="pi", stained_fraction=share)
    _, dead = zip(*(states(*drawn, dyes) for drawn in with_dead(20)), strict=True)
    assert [bool(one[0]) for one in dead] == [n >= round(20 * share) for n in range(21)]


def with_dead(n_pixels):
    for n_bright in range(n_pixels + 1):
        cells, signal = one_cell(n_pixels, n_bright)
        yield cells, {"dead": signal}


KINDS = {"live only": (150, 0), "dead only": (0, 150), "both": (150, 150), "neither": (0, 0)}


@pytest.mark.parametrize(
    ("roles", "both", "living", "dying"),
    [
        ("total dead", "dead", {"live only", "neither"}, {"dead only", "both"}),
        ("total live", "dead", {"live only", "both"}, {"dead only", "neither"}),
        ("total live dead", "dead", {"live only"}, {"dead only", "both"}),
        ("total live dead", "live", {"live only", "both"}, {"dead only"}),
        ("live dead", "dead", {"live only"}, {"dead only", "both"}),
        ("live dead", "live", {"live only", "both"}, {"dead only"}),
        ("live", "dead", {"live only", "both"}, set()),
        ("dead", "dead", set(), {"dead only", "both"}),
        ("total", "dead", set(), set()),
    ],
)
def test_states_of_every_kind_of_cell(roles, both, living, dying):
    dyes = known_dyes((2, 20), **dict.fromkeys(roles.split(), "channel"), both=both)
    for kind, (live, dead) in KINDS.items():
        if roles == "live dead" and kind == "neither":
            continue  # No dye shows it.
        cells = LabelledCells(np.ones((2, 20), np.int32))
        values = {"total": 500, "live": live, "dead": dead}
        signals = {role: np.full((2, 20), values[role], np.float32) for role in values}
        is_live, is_dead = states(cells, signals, dyes)
        assert (is_live[0], is_dead[0]) == (kind in living, kind in dying), kind


def test_a_field_without_cells_has_none():
    dyes = known_dyes((SIDE, SIDE), total="hoechst", dead="pi")
    nothing = {role: np.zeros((SIDE, SIDE), np.float32) for role in ("total", "dead")}
    cells = stained_cells(nothing, dyes)
    live, dead = states(cells, nothing, dyes)
    assert (cells.n_cells, live.size, dead.size) == (0, 0, 0)
    assert diameters(nothing["total"], 100.0) == []
