from dataclasses import replace

import numpy as np
import pytest

from livedead.dyes.nuclei import DyeSettings, dye_threshold, stained, stained_nuclei
from livedead.errors import ConfigError

SETTINGS = DyeSettings("fixed", live_offset=300, dead_offset=300, min_area_px=25, reach_px=24, outline_px=2)


def test_thresholds_by_hand():
    dye = np.full((70, 100), 100, np.uint16)
    dye[40:60, 40:60] = 1100
    assert dye_threshold(dye, "fixed", 250) == 350
    # Two levels: Otsu's threshold parts them wherever it lies, unless the offset is above the upper one.
    assert 100 <= dye_threshold(dye, "otsu", 0) < 1100
    assert dye_threshold(dye, "otsu", 2000) == 2100
    # Of 2 x 3 whole blocks of 32 px, those of rows 32 to 63 and columns 32 to 63 alone hold bright pixels.
    histogram = np.histogram([100] * 5 + [1100], bins="fd")
    top = histogram[0].argmax()
    assert dye_threshold(dye, "block_mode", 50) == histogram[1][top : top + 2].mean() + 50


def test_an_offset_keeps_noise_from_being_stained():
    noise = np.random.default_rng(0).normal(300, 20, (256, 256)).astype(np.uint16)
    for threshold in ("otsu", "block_mode", "fixed"):
        assert not stained(noise, threshold, 300, min_area_px=1).any()


def test_specks_are_no_nuclei():
    dye = np.full((64, 64), 100, np.uint16)
    dye[10:13, 10:13] = dye[30:45, 30:45] = 4000
    found = stained(dye, "fixed", 300, min_area_px=100)
    assert found[37, 37]
    assert not found[:20, :20].any()
    assert stained(dye, "fixed", 300, min_area_px=9)[11, 11]


@pytest.mark.parametrize(("rows", "dead"), [(4, False), (16, True), (20, True)])
def test_a_nucleus_is_dead_if_the_dead_dye_stains_half_of_it(rows, dead):
    live_dye = np.full((64, 64), 100, np.uint16)
    live_dye[20:40, 20:40] = live_dye[50:60, 50:60] = 4000
    dead_dye = np.full((64, 64), 100, np.uint16)
    dead_dye[20 : 20 + rows, 20:40] = 4000
    nuclei = stained_nuclei(live_dye, dead_dye, SETTINGS)
    assert nuclei.labels.max() == 2
    assert nuclei.is_dead[nuclei.labels[30, 30]] == dead
    assert not nuclei.is_dead[nuclei.labels[55, 55]]
    assert not nuclei.is_dead[0]


def test_what_the_dead_dye_alone_stains_is_a_dead_nucleus():
    dye = np.full((64, 64), 100, np.uint16)
    dye[20:40, 20:40] = 4000
    nuclei = stained_nuclei(np.full_like(dye, 100), dye, SETTINGS)
    assert nuclei.is_dead.tolist() == [False, True]


def test_a_field_without_nuclei():
    empty = np.full((64, 64), 100, np.uint16)
    nuclei = stained_nuclei(empty, empty, SETTINGS)
    assert not nuclei.labels.any()
    assert nuclei.is_dead.tolist() == [False]


def test_unknown_threshold():
    with pytest.raises(ConfigError, match="'li'; allowed: otsu, block_mode, fixed"):
        replace(SETTINGS, threshold="li")
