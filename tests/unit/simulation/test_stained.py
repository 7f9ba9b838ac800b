from dataclasses import asdict

import numpy as np
import pytest
import yaml
from scipy import ndimage

from livedead.configuration.keys import complete, read_schema
from livedead.simulation.camera import Camera
from livedead.simulation.stained import DYES, Staining, WellStain, simulate_stained_field

EVEN = Camera(offset=0, read_noise=0, electrons_per_count=1e9, vignetting=0)
"""A camera that adds nothing."""

CLEAN = {
    "cell_spread": 0,
    "gradient": 0,
    "background": 0,
    "total_into_dead": 0,
    "live_into_dead": 0,
    "touching": 0,
    "mitotic": 0,
    "dying": 0,
    "fragmented": 0,
    "haze": 0,
    "precipitates": 0,
    "specks": 0,
}
"""A stain without any difficulty."""


def field(viability=1.0, seed=0, well=None, mean_cells=40.0, **settings):
    """Images, float, and cells of a field of 400 px that is clean but for `settings`."""
    staining = Staining(**{**CLEAN, **settings})
    well = dict.fromkeys(staining.channels, well or WellStain(1.0, 0.0))
    images, cells = simulate_stained_field(
        np.random.default_rng(seed),
        viability,
        staining,
        well,
        side_px=400,
        mean_cells=mean_cells,
        camera=EVEN,
    )
    return {name: image.astype(float) for name, image in images.items()}, cells


def at(image, cells):
    """Mean signal within 2 px of the centre of each cell that is not at the edge."""
    inner = cells[cells[["y_px", "x_px"]].apply(lambda at: at.between(20, 380)).all(axis=1)]
    places = inner[["y_px", "x_px"]].round().astype(int).to_numpy()
    return np.array([image[y - 2 : y + 3, x - 2 : x + 3].mean() for y, x in places])


def centres_of_bright_regions(image, threshold):
    """Centres at least 20 px from the edge, (n, 2), labelled by SciPy."""
    labels, n = ndimage.label(image > threshold)
    centres = np.array(ndimage.center_of_mass(labels > 0, labels, range(1, n + 1))).reshape(-1, 2)
    return centres[((centres > 20) & (centres < 380)).all(axis=1)]


@pytest.mark.parametrize("viability", [0.0, 0.5, 1.0])
def test_the_truth_is_what_was_drawn(viability):
    images, cells = field(viability, channels=("hoechst", "draq7"))
    for channel, counted in (("hoechst", cells), ("draq7", cells[cells["state"] == "dead"])):
        true = counted[["y_px", "x_px"]].to_numpy()
        found = centres_of_bright_regions(images[channel], 900)
        distance = np.hypot(*(found[:, None] - true[None]).transpose(2, 0, 1))
        assert (distance.min(axis=1, initial=1e9) < 3).all()
        assert len(set(distance.argmin(axis=1))) == len(found) if len(true) else len(found) == 0
        n_true = ((true > 20) & (true < 380)).all(axis=1).sum()
        assert abs(len(found) - n_true) <= 2  # those beside the line


@pytest.mark.parametrize(
    ("channels", "setting"),
    [(("hoechst", "draq7"), "total_into_dead"), (("calcein", "ethd"), "live_into_dead")],
)
@pytest.mark.parametrize("share", [0.03, 0.1])
def test_bleed_through_is_the_share_that_was_asked_for(channels, setting, share):
    images, cells = field(0.7, channels=channels, **{setting: share})
    without, same_cells = field(0.7, channels=channels)
    source, dead = channels
    assert cells.equals(same_cells)
    added = images[dead] - without[dead]
    stained = images[source] > 200
    slope = (added * images[source])[stained].sum() / (images[source][stained] ** 2).sum()
    assert slope == pytest.approx(share, rel=0.01)
    np.testing.assert_array_equal(images[source], without[source])


def test_the_stain_of_a_well_scales_its_signal_and_adds_its_background():
    usual, cells = field()
    strong, _ = field(well=WellStain(1.5, 300.0))
    ratio = (at(strong["hoechst"], cells) - 300) / at(usual["hoechst"], cells)
    np.testing.assert_allclose(ratio, 1.5, atol=0.05)  # the medium is uneven by some 10 %
    assert np.median(strong["hoechst"]) == pytest.approx(300, rel=0.2)


def test_wells_differ_as_asked():
    rng = np.random.default_rng(1)
    staining = Staining(well_spread=0.3, background=200, background_spread=0.5)
    wells = [staining.of_well(rng) for _ in range(1000)]
    for channel in ("hoechst", "draq7"):
        strength, background = np.log([well[channel] for well in wells]).T
        assert strength.std() == pytest.approx(0.3, rel=0.1)
        assert background.std() == pytest.approx(0.5, rel=0.1)
        assert np.exp(np.median(background)) == pytest.approx(200, rel=0.1)


@pytest.mark.parametrize("spread", [0.1, 0.4])
def test_cells_differ_as_asked(spread):
    signals = []
    for seed in range(6):
        images, cells = field(seed=seed, mean_cells=60, cell_spread=spread)
        signals += list(at(images["hoechst"], cells))
    # What nuclei of equal stain differ by, in size and chromatin, is some 7 %.
    assert np.log(signals).std() == pytest.approx(np.hypot(spread, 0.07), rel=0.25)


def test_the_stain_changes_over_a_field():
    images, cells = field(mean_cells=80, gradient=0.8)
    even, _ = field(mean_cells=80)
    ratio = at(images["hoechst"], cells) / at(even["hoechst"], cells)
    assert 0.45 < ratio.min() < 0.8 < 1.2 < ratio.max() < 1.6


def test_a_live_dye_fills_live_cells_and_lingers_in_dying_ones():
    live, cells = field(1.0, channels=("calcein", "ethd"))
    body_px = np.pi * (cells["body_radius_px"] ** 2).sum()
    assert (live["calcein"] > 1000).sum() == pytest.approx(body_px, rel=0.2)
    dead, cells = field(0.0, channels=("calcein", "ethd"))
    dying, _ = field(0.0, channels=("calcein", "ethd"), dying=1)
    assert (cells["state"] == "dead").all()
    assert at(dead["calcein"], cells).max() < 200 < 800 < at(dying["calcein"], cells).min()
    assert at(dying["ethd"], cells).min() > 1000


def test_dividing_nuclei_are_smaller_and_brighter_and_not_dead():
    usual, cells = field(channels=("hoechst", "draq7"))
    dividing, _ = field(channels=("hoechst", "draq7"), mitotic=1)
    assert (dividing["hoechst"] > 1500).sum() > 0
    half = [(image["hoechst"] > image["hoechst"].max() / 4).sum() for image in (usual, dividing)]
    assert half[1] < half[0]
    assert at(dividing["hoechst"], cells).mean() > 1.5 * at(usual["hoechst"], cells).mean()
    assert at(dividing["draq7"], cells).max() < 200


def test_debris_has_no_nucleus():
    nothing, cells = field(mean_cells=0)
    assert cells.empty
    assert nothing["draq7"].max() == 0
    haze = field(mean_cells=0, haze=10)[0]["hoechst"]
    assert 50 < haze.max() < 0.5 * DYES["hoechst"].in_live
    assert (haze > 30).mean() > 0.05
    specks = field(mean_cells=0, specks=60)[0]["hoechst"]
    assert specks.max() > 500
    assert ndimage.label(specks > 500)[1] > 5
    assert np.bincount(ndimage.label(specks > 500)[0].ravel())[1:].max() < np.pi * 3.7**2


def test_precipitate_is_ragged_bright_dead_dye_that_partly_binds_the_other():
    crystals = [field(mean_cells=0, precipitates=4, seed=seed)[0] for seed in range(30)]
    dead, total = (np.array([image[name].max() for image in crystals]) for name in ("draq7", "hoechst"))
    assert dead.max() == 65535  # saturated
    assert np.median(dead[dead > 0]) > 1.5 * DYES["draq7"].in_dead
    assert 0.1 < (total > 1000).mean() < 0.8
    assert (total > 1000).sum() < (dead > 1000).sum()


def test_a_dead_nucleus_may_have_fragments_beside_it():
    whole, _ = field(0.0, mean_cells=20)
    broken, _ = field(0.0, mean_cells=20, fragmented=1)
    assert ndimage.label(broken["hoechst"] > 700)[1] > ndimage.label(whole["hoechst"] > 700)[1]


def test_one_stream_one_field():
    one, cells = field(0.5, cell_spread=0.3, haze=2, specks=8)
    two, same = field(0.5, cell_spread=0.3, haze=2, specks=8)
    assert cells.equals(same)
    assert all(np.array_equal(one[name], two[name]) for name in one)
    other, _ = field(0.5, seed=1, cell_spread=0.3, haze=2, specks=8)
    assert not np.array_equal(one["hoechst"], other["hoechst"])


def test_the_configurations_defaults_are_those_of_the_simulator(repository):
    schema = read_schema(repository / "workflow/schemas/config.schema.yaml")
    config = yaml.safe_load("simulation: {p: {seed: 1, staining: {}}}")
    complete(config, schema)
    assert Staining.from_config(config["simulation"]["p"]["staining"]) == Staining()
    assert set(config["simulation"]["p"]["staining"]) == set(asdict(Staining()))
    channels = schema["properties"]["simulation"]["additionalProperties"]["properties"]["staining"]
    assert channels["properties"]["channels"]["items"]["enum"] == list(DYES)
