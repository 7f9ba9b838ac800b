"""Class maps of simulated dyes, against their truth and by hand."""

from dataclasses import replace

import numpy as np
import pytest
from dyed_plate import dye_settings, fit, known_dyes, signals_of
from scipy import ndimage

from livedead.labels.of_dyes import LabelSettings, label_from_dyes
from livedead.network.classes import Classes
from livedead.simulation import label_free

CLASSES = Classes(background=(0,), context=(1,), boundary=(2,), live=(3,), dead=(4,))
SETTINGS = LabelSettings(reach_px=24, outline_px=2)


@pytest.fixture(scope="module")
def field():
    """Images, signals and true cells of a field, and the dyes fitted on it."""
    images, truth = label_free.simulate_field(np.random.default_rng(5), 0.5, side_px=400)
    dyes = fit({("A01", 1, 1): images}, dye_settings(total="hoechst", dead="draq7"))
    return images, signals_of(images, dyes), truth, dyes


def labelled(field, classes=CLASSES, settings=SETTINGS):
    images, signals, _, dyes = field
    return label_from_dyes(signals, dyes, images["brightfield"], classes, settings)


def test_nuclei_are_where_the_truth_has_them(field):
    found, truth = labelled(field), field[2]
    assert found.dtype == np.uint8
    inner = truth[truth["y_px"].between(8, 391) & truth["x_px"].between(8, 391)]
    expected = inner["state"].map({"live": CLASSES.live[0], "dead": CLASSES.dead[0]})
    at = found[inner["y_px"].astype(int), inner["x_px"].astype(int)]
    assert len(inner) > 20
    assert (at == expected).all()


def test_every_nucleus_is_of_one_class(field):
    found = labelled(field)
    nuclei, n_nuclei = ndimage.label(np.isin(found, (3, 4)))
    states = [set(np.unique(found[nuclei == number])) for number in range(1, n_nuclei + 1)]
    touching = sum(len(of_one) > 1 for of_one in states)
    assert n_nuclei > 20 and touching <= 2


def test_cells_surround_nuclei_and_have_an_outline(field):
    found = labelled(field)
    share = [(found == number).mean() for number in range(5)]
    assert share[0] > 0.5
    assert min(share[1:]) > 0.005
    outline = found == CLASSES.boundary[0]
    nuclei = np.isin(found, (3, 4))
    assert ndimage.distance_transform_edt(~nuclei)[outline].max() <= SETTINGS.reach_px


def test_a_field_without_nuclei_has_none():
    noise = np.random.default_rng(0).normal(300, 20, (3, 256, 256)).astype(np.uint16)
    planes = dict(zip(("hoechst", "draq7", "brightfield"), noise, strict=True))
    dyes = fit({("A01", 1, 1): planes}, dye_settings(total="hoechst", dead="draq7"))
    found = label_from_dyes(signals_of(planes, dyes), dyes, planes["brightfield"], CLASSES, SETTINGS)
    assert not np.isin(found, (3, 4)).any()


@pytest.mark.parametrize("both", ["dead", "live"])
def test_what_both_dyes_stain_is_labelled_as_configured(both):
    signals = {role: np.zeros((64, 64), np.float32) for role in ("live", "dead")}
    signals["live"][10:25, 10:25] = signals["live"][40:55, 40:55] = 2000
    signals["dead"][40:55, 40:55] = 2000
    classes = Classes(background=(0,), live=(1,), dead=(2,))
    dyes = known_dyes((64, 64), np.nan, live="calcein", dead="pi", both=both)
    found = label_from_dyes(signals, dyes, np.full((64, 64), 100, np.uint16), classes, SETTINGS)
    assert (found[17, 17], found[47, 47]) == (1, 2 if both == "dead" else 1)
    assert (found > 0).sum() == 2 * 15**2


def test_an_outline_is_as_wide_as_it_is_set(field):
    maps = [labelled(field, settings=replace(SETTINGS, outline_px=width)) for width in (1, 2, 3)]
    cells = [np.isin(found, (1, 2)) for found in maps]
    outlines = [found == CLASSES.boundary[0] for found in maps]
    assert (cells[0] == cells[1]).all() and (cells[1] == cells[2]).all()
    for thin, wide, width in zip(outlines, outlines[1:], (2, 3), strict=False):
        assert (wide >= thin).all()
        assert wide.sum() > 1.2 * thin.sum()
        # Nuclei are painted over outlines, too.
        distance = ndimage.distance_transform_edt(~(outlines[0] | np.isin(maps[0], (3, 4))))
        assert distance[wide].max() == width - 1


def test_settings_of_the_configuration():
    assert LabelSettings.from_config({"outline_px": 5, "reach_px": 4}) == LabelSettings(4, 5)
