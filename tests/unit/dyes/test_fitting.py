"""Dyes of drawn and simulated plates, fitted: what is found, what is not made up, always the same."""

from dataclasses import replace

import numpy as np
import pytest
from dyed_plate import dye_settings, fit, of_channel, read
from scipy import ndimage

from livedead.dyes.fitting import choose_fields
from livedead.dyes.stored import write_dyes
from livedead.errors import ConfigError
from livedead.simulation.camera import Camera
from livedead.simulation.stained import Staining, simulate_stained_field

TOTAL_DEAD = dye_settings(total="hoechst", dead="draq7")
LIVE_DEAD = dye_settings(live="calcein", dead="ethd")
CLEAN = {"haze": 0, "precipitates": 0, "specks": 0}


def plate(viabilities, channels=("hoechst", "draq7"), side_px=224, mean_cells=45, camera=None, **staining):
    """Simulated wells of one field each, and the number of their true cells by state."""
    stain = Staining(channels=channels, touching=0, **staining)
    planes, truth = {}, {"live": 0, "dead": 0}
    for k, viability in enumerate(viabilities):
        rng = np.random.default_rng([100, k])
        size = {"side_px": side_px, "mean_cells": mean_cells, "camera": camera or Camera()}
        images, cells = simulate_stained_field(rng, viability, stain, stain.of_well(rng), **size)
        planes[f"A{k + 1:02d}", 1, 1] = images
        for state in truth:
            truth[state] += int((cells["state"] == state).sum())
    return planes, truth


def test_states_are_found_with_one_threshold_for_all_wells():
    planes, truth = plate([1.0, 0.9, 0.5, 0.1, 0.0])
    found = read(planes, TOTAL_DEAD, pixel_size_um=0.65, min_area_um2=15)
    states = found.states()
    # Cells whose centre lies beyond the edge are seen, but not in the truth: at most 8 % here.
    assert states["dead"] == pytest.approx(truth["dead"], rel=0.08)
    assert states["live"] == pytest.approx(truth["live"], rel=0.08)
    assert set(states) == {"live", "dead"}
    dead_in_living_well = (found.cells["A01", 1, 1]["state"] == "dead").sum()
    live_in_dead_well = (found.cells["A05", 1, 1]["state"] == "live").sum()
    assert dead_in_living_well <= 1 and live_in_dead_well <= 2
    assert found.dyes.flags == []


@pytest.mark.parametrize(
    ("viability", "settings", "channels", "invented"),
    [
        (1.0, TOTAL_DEAD, ("hoechst", "draq7"), "dead"),
        (0.0, TOTAL_DEAD, ("hoechst", "draq7"), "live"),
        (1.0, LIVE_DEAD, ("calcein", "ethd"), "dead"),
        (0.0, dye_settings(total="hoechst", live="calcein"), ("hoechst", "calcein"), "live"),
        (1.0, dye_settings(total="hoechst", live="calcein"), ("hoechst", "calcein"), "dead"),
    ],
)
def test_no_state_is_invented_on_a_plate_where_all_cells_are_alike(viability, settings, channels, invented):
    planes, truth = plate([viability] * 4, channels, dying=0, **CLEAN)
    found = read(planes, settings, pixel_size_um=0.65, min_area_um2=15)
    assert found.states().get(invented, 0) == 0
    # All cells are there, with their state or without.
    assert 0 <= found.n_cells() - sum(truth.values()) <= 0.25 * sum(truth.values())


def test_cells_are_not_lost_where_all_of_them_live():
    planes, truth = plate([1.0] * 4, ("calcein", "ethd"), **CLEAN)
    found = read(planes, LIVE_DEAD, pixel_size_um=0.65, min_area_um2=15)
    assert found.states()["live"] >= truth["live"] > 100


def bright_field(n, radius=8, side=160, level=100, height=1000, noise=0.0, seed=0):
    """Nuclei on a grid, (side, side) uint16."""
    y, x = np.mgrid[:side, :side]
    rng = np.random.default_rng(seed)
    places = np.array([(16 + 32 * (k // 5), 16 + 32 * (k % 5)) for k in range(n)]).reshape(-1, 2)
    places = places + rng.uniform(-0.5, 0.5, places.shape)
    drawn = np.any([np.hypot(y - a, x - b) <= radius for a, b in places] or [np.zeros((side, side))], axis=0)
    counts = level + height * ndimage.gaussian_filter(drawn.astype(float), 1)
    return np.rint(counts + rng.normal(0, noise, counts.shape)).clip(0).astype(np.uint16)


@pytest.mark.parametrize(
    ("level", "height", "noise"),
    [(0, 1000, 0), (100, 1000, 0), (100, 1000, 10), (10, 100, 2), (5, 40, 1), (30_000, 30_000, 300)],
)
def test_levels_of_any_camera_are_found(level, height, noise):
    images = [bright_field(25, level=level, height=height, noise=noise, seed=k) for k in range(2)]
    found = read(of_channel(*images))
    dye = found.dyes.dyes["total"]
    assert found.n_cells() == 50
    # The binomial kernel leaves 6 / 16 of the noise; half is not known better.
    assert dye.background == pytest.approx(level, abs=max(0.5, noise / 4))
    assert dye.sigma == pytest.approx(6 / 16 * noise, abs=0.25 + 0.1 * noise)
    assert 0.05 * height < dye.threshold.counts < 0.6 * height
    assert dye.diameter_px == pytest.approx(16, abs=1)


def test_saturated_nuclei_are_counted():
    image = np.minimum(bright_field(25, height=1000).astype(int) * 200, 65535).astype(np.uint16)
    assert read(of_channel(image)).n_cells() == 25


@pytest.mark.parametrize("radius", [3, 4, 8, 14])
def test_nuclei_of_any_size_are_measured_and_counted(radius):
    found = read(of_channel(bright_field(25, radius=radius, noise=5)))
    assert found.n_cells() == 25
    assert found.dyes.dyes["total"].diameter_px == pytest.approx(2 * radius, abs=1.5)


def test_the_diameter_can_be_given():
    image = {("A01", 1, 1): {"hoechst": bright_field(9, noise=5), "draq7": bright_field(3, noise=5)}}
    dyes = fit(image, replace(TOTAL_DEAD, diameter_um=12.0), pixel_size_um=0.5)
    assert [dye.diameter_px for dye in dyes.dyes.values()] == [24, 24]


@pytest.mark.parametrize("n", [0, 1, 9])
def test_an_empty_well_beside_a_full_one_stays_empty(n):
    found = read(of_channel(bright_field(25, noise=5), bright_field(n, noise=5, seed=1)), min_area_um2=15)
    assert [len(cells) for cells in found.cells.values()] == [25, n]


def test_a_compound_that_shines_all_over_its_well_makes_no_cell_dead():
    planes, _ = plate([0.8] * 9, background_spread=0, **CLEAN)
    even = read(planes, TOTAL_DEAD, pixel_size_um=0.65, min_area_um2=15).cells["A05", 1, 1]
    shining = {name: plane + np.uint16(2000) for name, plane in planes["A05", 1, 1].items()}
    found = read({**planes, ("A05", 1, 1): shining}, TOTAL_DEAD, pixel_size_um=0.65, min_area_um2=15)
    assert (
        found.cells["A05", 1, 1]["state"].value_counts().to_dict() == even["state"].value_counts().to_dict()
    )


def test_a_field_that_living_cells_cover_all_over_is_no_background():
    planes, _ = plate([1.0] * 9, ("calcein", "ethd"), **CLEAN)
    covered = np.random.default_rng(0).normal(5000, 300, (224, 224)).astype(np.uint16)
    dyes = fit({**planes, ("A05", 1, 1): {**planes["A05", 1, 1], "calcein": covered}}, LIVE_DEAD)
    live = dyes.dyes["live"]
    assert np.mean(live.signal(covered) > live.threshold.counts) > 0.99


PLANES = {
    "black": np.zeros((64, 64), np.uint16),
    "even": np.full((64, 64), 300, np.uint16),
    "saturated": np.full((64, 64), 65535, np.uint16),
    "noise": np.random.default_rng(0).normal(300, 10, (64, 64)).astype(np.uint16),
    "small": np.random.default_rng(0).normal(300, 10, (31, 38)).astype(np.uint16),
    "long": np.random.default_rng(0).normal(300, 10, (5, 900)).astype(np.uint16),
    "pixel": np.zeros((1, 1), np.uint16),
}


@pytest.mark.parametrize("name", PLANES)
@pytest.mark.parametrize("n_fields", [1, 9])
def test_a_plate_without_cells_has_none_and_says_so(name, n_fields):
    planes = {(f"A{k:02d}", 1, 1): {"hoechst": PLANES[name], "draq7": PLANES[name]} for k in range(n_fields)}
    found = read(planes, TOTAL_DEAD)
    assert found.n_cells() == 0
    assert found.dyes.used == ("total", "dead")
    assert found.dyes.flags == ["total_none_stained", "dead_none_stained"]


def test_bleed_through_is_measured_and_flagged_where_it_comes_near_the_threshold():
    measured = {}
    for share in (0.0, 0.1, 0.3):
        planes, truth = plate([0.9, 0.5, 0.1, 0.9], total_into_dead=share, **CLEAN)
        found = read(planes, TOTAL_DEAD, pixel_size_um=0.65, min_area_um2=15)
        measured[share] = found.dyes.dyes["dead"].bleed_through
        assert ("dead_bleed_through" in found.dyes.flags) == (share > 0)
        assert found.states()["dead"] == pytest.approx(truth["dead"], rel=0.08)
    # The dye gives 60 counts in living cells, whose other dye gives 3000; more shines over from dead ones.
    assert 60 / 3000 < measured[0.0] < 0.05
    for share in (0.1, 0.3):
        assert measured[share] - measured[0.0] == pytest.approx(share, rel=0.15)


def test_a_pair_of_swapped_dyes_is_flagged():
    planes, _ = plate([0.95, 0.9, 0.5, 0.9])
    swapped = {key: {"hoechst": own["draq7"], "draq7": own["hoechst"]} for key, own in planes.items()}
    found = read(swapped, TOTAL_DEAD)
    assert "dead_not_separated" in found.dyes.flags
    assert not {"live", "dead"} & set(found.states())


@pytest.mark.parametrize("kinds", [{}, {"negative": ["A01"]}, {"negative": ["A01"], "positive": []}])
def test_controls_that_the_plate_does_not_have_are_refused(kinds):
    planes, _ = plate([0.9, 0.1])
    settings = replace(TOTAL_DEAD, threshold={"total": "auto", "live": "auto", "dead": "controls"})
    with pytest.raises(ConfigError, match=r"dyes\.threshold\.dead: 'controls' needs .*no positive"):
        fit(planes, settings, kinds)


def test_controls_part_the_states_of_the_plate():
    planes, _ = plate([0.95, 0.5, 0.05])
    controls = {"negative": ["A01"], "positive": ["A03"]}
    dyes = fit(planes, TOTAL_DEAD, controls)
    assert {role: dye.threshold.method for role, dye in dyes.dyes.items()} == {
        "total": "otsu",
        "dead": "controls",
    }
    of_controls = {kind: counts.sum() for kind, counts in dyes.dyes["dead"].controls.items()}
    assert 0 < of_controls["negative"] < dyes.dyes["dead"].histogram.sum()


def test_sigma_and_counts_are_the_thresholds():
    planes, _ = plate([0.9, 0.1])
    threshold = {"total": "sigma", "live": "auto", "dead": 777}
    dyes = fit(planes, replace(TOTAL_DEAD, threshold=threshold, sigmas=9))
    total, dead = dyes.dyes["total"], dyes.dyes["dead"]
    assert total.threshold.counts == pytest.approx(9 * total.sigma)
    assert (dead.threshold.counts, dead.threshold.method, dead.threshold.verdict) == (777, "fixed", "given")


def test_fields_that_cannot_be_read_are_left_out():
    planes, _ = plate([0.9, 0.5, 0.1])
    whole = fit({key: planes[key] for key in list(planes)[1:]}, TOTAL_DEAD)
    broken = {**planes, ("A01", 1, 1): {"hoechst": planes["A01", 1, 1]["hoechst"]}}
    assert fit(broken, TOTAL_DEAD).dyes["dead"].threshold == whole.dyes["dead"].threshold
    odd = {**planes, ("A01", 1, 1): {name: plane[:50] for name, plane in planes["A01", 1, 1].items()}}
    assert fit(odd, TOTAL_DEAD).dyes["dead"].threshold == whole.dyes["dead"].threshold


def test_the_same_plate_gives_the_same_bytes(tmp_path):
    planes, _ = plate([0.9, 0.5, 0.1], side_px=160)
    for name, threads in (("first", 1), ("second", 1), ("third", 3)):
        write_dyes(tmp_path / name, fit(planes, TOTAL_DEAD, threads=threads))
    contents = {(tmp_path / name).read_bytes() for name in ("first", "second", "third")}
    assert len(contents) == 1


KEYS = [(f"{row}{column:02d}", field, 1) for row in "AB" for column in range(1, 13) for field in (1, 2)]


def test_the_sample_is_in_plate_order_and_holds_both_controls():
    controls = {"negative": ["A01", "B01"], "positive": ["A12"]}
    settings = dye_settings(total="hoechst", fields=12)
    chosen = choose_fields(KEYS, controls, settings)
    assert len(chosen) == len(set(chosen)) == 12
    assert chosen == [key for key in KEYS if key in chosen]
    # A third of the sample, or as many fields as there are.
    assert sum(key[0] in controls["negative"] for key in chosen) >= 4
    assert sum(key[0] in controls["positive"] for key in chosen) == 2
    assert choose_fields(KEYS, controls, settings) == chosen
    assert choose_fields(KEYS, controls, replace(settings, seed=1)) != chosen


def test_a_small_plate_is_taken_whole():
    assert choose_fields(KEYS, {}, dye_settings(total="hoechst", fields=48)) == KEYS
    assert choose_fields([], {}, dye_settings(total="hoechst")) == []
