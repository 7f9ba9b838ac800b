"""Images of stained nuclei of many kinds, drawn and real, against what was drawn or marked by people."""

import numpy as np
import pytest
import tifffile
from dyed_plate import dye_settings, of_channel, read
from scipy import ndimage
from skimage.transform import rescale

from livedead.simulation.stained import Staining, simulate_stained_field

MICRONS = {"pixel_size_um": 0.5, "min_area_um2": 15}
"""The default smallest cell, and a pixel that makes nuclei of 25 px 12 um wide."""


def simulated_cells(rng, n, blur_px, shape=(520, 696), radius_px=(10, 16), apart=1.0):
    """Nuclei as SIMCEP draws them for BBBC005: irregular, textured, blurred, 8 bit.

    Lehmussola et al. 2007, IEEE Trans. Med. Imaging 26:1010, https://doi.org/10.1109/TMI.2007.896925.
    """
    reach = int(1.4 * radius_px[1]) + 1
    grid = np.mgrid[-reach : reach + 1, -reach : reach + 1]
    counts = np.zeros([side + 2 * reach for side in shape])
    cells: list[tuple[float, float, float]] = []
    while len(cells) < n:
        radius = rng.uniform(*radius_px)
        y, x = (rng.uniform(radius, side - radius) for side in shape)
        if any(np.hypot(y - a, x - b) < apart * (radius + other) for a, b, other in cells):
            continue
        cells.append((y, x, radius))
        down, right = grid[0] - y % 1, grid[1] - x % 1
        angle = np.arctan2(down, right)
        lobes = [0.05 * rng.normal() * np.cos(k * angle + rng.uniform(0, 6.28)) for k in (2, 3)]
        texture = 1 + 1.5 * ndimage.gaussian_filter(rng.normal(0, 1, angle.shape), 3)
        is_inside = np.hypot(down, right) < radius * (1 + sum(lobes))
        nucleus = is_inside * rng.uniform(100, 180) * texture
        part = counts[int(y) : int(y) + 2 * reach + 1, int(x) : int(x) + 2 * reach + 1]
        np.maximum(part, nucleus, out=part)
    light = ndimage.gaussian_filter(counts, blur_px)[reach:-reach, reach:-reach]
    return np.clip(np.rint(light + rng.normal(5, 2, shape)), 0, 255).astype(np.uint16)


@pytest.mark.parametrize("blur_px", [0.5, 5, 8])
def test_one_to_a_hundred_cells_are_counted_in_focus_and_out_of_it(blur_px):
    numbers = [1, 5, 20, 50, 100]
    images = [simulated_cells(np.random.default_rng(n), n, blur_px) for n in numbers]
    counts = [len(cells) for cells in read(of_channel(*images), **MICRONS).cells.values()]
    assert counts == [pytest.approx(n, rel=0.05) for n in numbers]


@pytest.mark.parametrize("n", [1, 5, 100])
def test_a_plate_of_one_field(n):
    image = simulated_cells(np.random.default_rng(n), n, 0.5)
    assert read(of_channel(image), **MICRONS).n_cells() == pytest.approx(n, rel=0.05)


def test_more_than_a_thousand_nuclei_in_a_field():
    image = simulated_cells(np.random.default_rng(0), 1200, 1, (1080, 1080), (7, 10))
    assert read(of_channel(image), **MICRONS).n_cells() == pytest.approx(1200, rel=0.03)


@pytest.fixture(scope="module")
def stardist(shared):
    folder = shared / "stardist_nuclei"
    return tifffile.imread(folder / "img2d.tif"), tifffile.imread(folder / "mask2d.tif")


def test_real_nuclei_are_found_once_and_nothing_else(stardist):
    image, masks = stardist
    [cells] = read(of_channel(image), pixel_size_um=0.5, min_area_um2=5).cells.values()
    at = masks[cells["y_px"].round().astype(int), cells["x_px"].round().astype(int)]
    times = np.bincount(at[at > 0], minlength=masks.max() + 1)
    # People marked 125; those that are missing touch another one, or are cut by the edge.
    assert (times > 0).sum() >= 120
    assert (times > 1).sum() <= 1
    assert (at == 0).sum() <= 2


@pytest.mark.parametrize("factor", [0.25, 0.5, 2, 4])
def test_magnification_changes_no_count(stardist, factor):
    """Nuclei of 6 to 100 px; the nuclei that touch decide, so some of the smallest join."""
    image = stardist[0][:256, :256]
    scaled = rescale(image.astype(float), factor, order=1, anti_aliasing=factor < 1)
    sizes = {"pixel_size_um": 0.5 / factor, "min_area_um2": 15}
    found = read(of_channel(np.rint(scaled).clip(0).astype(np.uint16)), **sizes)
    expected = read(of_channel(image), **MICRONS)
    assert expected.n_cells() > 25
    # Two of some thirty.
    assert found.n_cells() == pytest.approx(expected.n_cells(), abs=2)
    diameters = [of_plate.dyes.dyes["total"].diameter_px for of_plate in (found, expected)]
    assert diameters[0] / factor == pytest.approx(diameters[1], rel=0.12)


@pytest.mark.parametrize(("gain", "offset"), [(100, 0), (1, 1000), (7, 300)])
def test_the_camera_changes_no_count(stardist, gain, offset):
    image = stardist[0][:256, :256]
    found, expected = (read(of_channel(own), **MICRONS) for own in (image * np.uint16(gain) + offset, image))
    assert found.n_cells() == expected.n_cells()


def test_eight_bits_suffice():
    staining = Staining(channels=("hoechst", "draq7"))
    rng = np.random.default_rng([3, 1])
    images, _ = simulate_stained_field(rng, 0.5, staining, staining.of_well(rng), side_px=256)
    coarse = {name: np.clip(image // 24, 0, 255).astype(np.uint16) for name, image in images.items()}
    settings = dye_settings(total="hoechst", dead="draq7")
    found, expected = (
        read({("A01", 1, 1): own}, settings, pixel_size_um=0.65, min_area_um2=15) for own in (coarse, images)
    )
    assert coarse["hoechst"].max() < 256
    assert found.states() == {name: pytest.approx(n, abs=1) for name, n in expected.states().items()}


@pytest.mark.parametrize("mean_cells", [60, 400])
def test_living_cells_are_told_apart_in_a_sheet_of_them(mean_cells):
    staining = Staining(channels=("calcein", "ethd"), touching=0, haze=0)
    planes, truth = {}, []
    for k in range(2):
        rng = np.random.default_rng([9, k])
        well, size = staining.of_well(rng), {"side_px": 256, "mean_cells": mean_cells}
        images, cells = simulate_stained_field(rng, 0.9, staining, well, **size)
        planes[f"A{k + 1:02d}", 1, 1] = images
        truth.append(cells)
    found = read(planes, dye_settings(live="calcein", dead="ethd"), pixel_size_um=0.65, min_area_um2=15)

    def within(cells):
        """Number of cells that the edge does not cut, by state."""
        whole = cells[["y_px", "x_px"]].apply(lambda at: at.between(16, 240)).all(axis=1)
        return cells[whole]["state"].value_counts()

    expected, counted = (sum(map(within, tables)) for tables in (truth, found.cells.values()))
    assert counted["live"] == pytest.approx(expected["live"], rel=0.08)
    assert counted["dead"] == pytest.approx(expected["dead"], abs=2)
