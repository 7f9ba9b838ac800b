"""The demo's network on simulated plates: what it learned on one, it knows on another, and nothing else."""

import numpy as np
import pytest
from skimage.transform import rescale

from livedead.network.classes import Classes
from livedead.network.familiarity import Familiarity
from livedead.network.plan import Plan
from livedead.network.segmenter import Segmenter
from livedead.normalization.fitting import fit_channel
from livedead.normalization.settings import NormalizationSettings
from livedead.simulation.label_free import simulate_field
from livedead.weights import unet_io

SETTINGS = NormalizationSettings(
    low_percentile=0.1, high_percentile=99.9, min_range=200, flat_fields=8, smooth_px=24, floor=0.2, seed=0
)
CASES = {
    "dead": {"viability": 0.0},
    "alive": {"viability": 1.0},
    "empty": {"mean_cells": 0.0},
    "crowded": {"mean_cells": 22.0},
}
"""Wells that are no stranger than usual ones, which have 14 cells a field, of which 0 to 100 % live."""


def plate(seed, wells, **other):
    """Brightfield of wells of one field; shares of live cells go from 0 to 1."""
    fields = []
    for well in range(wells):
        rng = np.random.default_rng([seed, well])
        usual = {"viability": well / (wells - 1), "mean_cells": rng.uniform(8, 20)}
        image, _ = simulate_field(
            rng, side_px=256, defocus_px=rng.uniform(0.6, 1.6), n_debris=2, **{**usual, **other}
        )
        fields.append(image["brightfield"])
    return fields


@pytest.fixture(scope="module")
def seen(repository):
    """A function that gives the patches of each field of a plate, normalized as that plate."""
    path = repository / "config/demo/unet.h5"
    classes = [
        {"name": name, "role": role}
        for name, role in (
            ("background", "background"),
            ("cell", "context"),
            ("outline", "boundary"),
            ("live nucleus", "live"),
            ("dead nucleus", "dead"),
        )
    ]

    def patches(fields):
        keys = [("A01", k, 1) for k in range(len(fields))]
        transform, _, _ = fit_channel(lambda key: fields[key[1]], keys, SETTINGS)
        network, _ = unet_io.convert(path, input_channels=["brightfield"], classes=classes)
        segmenter = Segmenter(network, [transform], Plan(device="cpu"), Classes.from_config(classes))
        return [
            segmenter.segment(field[np.newaxis], key).patches for field, key in zip(fields, keys, strict=True)
        ]

    return patches


@pytest.fixture(scope="module")
def home(seen):
    known, new = seen(plate(1, 24)), seen(plate(2, 12))
    wells = [f"{p}/{k}" for p, fields in (("known", known), ("new", new)) for k in range(len(fields))]
    return Familiarity.fit([*known, *new], wells, wells[len(known) :])


def unfamiliar(home, patches):
    return [home.unfamiliarity(field) > 1 for field in patches]


def test_another_plate_of_the_same_cells_is_familiar_also_where_all_are_dead_alive_gone_or_many(home, seen):
    usual = plate(3, 8)
    special = [
        field for number, other in enumerate(CASES.values()) for field in plate(10 + number, 2, **other)
    ]
    assert not any(unfamiliar(home, seen([*usual, *special])))


def test_another_gain_and_offset_of_the_camera_is_familiar(home, seen):
    assert not any(unfamiliar(home, seen([(field * 0.5 + 1000).astype(np.uint16) for field in plate(3, 8)])))


def half(field):
    small = rescale(field.astype(float), 0.5, anti_aliasing=True, preserve_range=True)
    return np.rint(np.pad(small, ((0, 128), (0, 128)), mode="reflect")).astype(np.uint16)


@pytest.mark.parametrize(
    "change", [half, lambda field: 40_000 - np.minimum(field, 40_000)], ids=["half", "inverted"]
)
def test_half_the_size_and_inverted_contrast_are_not(home, seen, change):
    assert all(unfamiliar(home, seen([change(field) for field in plate(3, 8)])))
