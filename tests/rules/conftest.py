"""The rules as Snakemake reads them, and one small plate that their steps have counted."""

import convert_weights
import label_wells
import numpy as np
import pytest
import simulate_plate
from chain import QC, Plate
from conftest import randomized
from snakemake.api import SnakemakeApi
from snakemake.settings.types import ConfigSettings, OutputSettings, Quietness, ResourceSettings
from tabulate_wells import tabulate_wells

from livedead import stores
from livedead.network.unet import Architecture
from livedead.weights import formats
from livedead.weights.network import from_unet


@pytest.fixture(scope="session")
def rules(repository, tmp_path_factory):
    """Every rule that has a script, by name, whatever is read."""
    folder = tmp_path_factory.mktemp("rules")
    (folder / "config").symlink_to(repository / "config")
    found = {}
    for reading in ("network", "dyes"):
        settings = ConfigSettings(
            configfiles=[repository / "config/demo/train.yaml"], config={"reading": reading}
        )
        with SnakemakeApi(OutputSettings(quiet={Quietness.ALL})) as api:
            workflow = api.workflow(
                ResourceSettings(cores=1),
                settings,
                snakefile=repository / "workflow/Snakefile",
                workdir=folder,
            )
            found |= {rule.name: rule for rule in workflow._workflow.rules if rule.script}
    return found


@pytest.fixture(scope="session")
def flow(tmp_path_factory):
    """A plate of three dyed wells; field 2 of A12 is cut off, and C01 of the map is not imaged."""
    plate = Plate(
        tmp_path_factory.mktemp("a plate with spaces"),
        intensity_channels=["brightfield", "hoechst", "draq7"],
        fields_per_well=2,
        treatment_columns=["drug"],
        plate_map={"agent_column": "drug"},
        qc={
            **QC,
            "min_focus": 0.2,
            "max_saturated_fraction": 0.05,
            "max_dark_fraction": 0.3,
            "max_illumination_residual": 0.5,
            "max_drift": 0.5,
            "max_unfamiliarity": 1,
        },
        dyed_wells=["A01", "A12", "B06"],
        simulation={
            "seed": 3,
            "fields_per_well": 2,
            "side_px": 160,
            "pixel_size_um": 0.65,
            "wells": ["A01", "A12", "B06"],
            "truncated_field": {"well": "A12", "field": 2},
        },
    )
    (plate.folder / "map.tsv").write_text("well\tdrug\nA01\tx\nB06\ty\nC01\tz\n")
    network = randomized(Architecture(n_classes=5, alpha=0.35, decoder_widths=(16, 12, 8, 8)))
    formats.write(plate.folder / "keras.h5", from_unet(network))
    plate.call(simulate_plate.simulate_plate)
    plate.prepare()
    plate.call(convert_weights.convert_weights, source=plate.folder / "keras.h5")
    for name in ("1-of-2", "2-of-2"):
        plate.read_shard(plate.folder / name)
    plate.gather(plate.folder / "1-of-2", plate.folder / "2-of-2")
    plate.call(tabulate_wells)
    return plate


@pytest.fixture(scope="session")
def broken_levels(flow, tmp_path_factory):
    """The files of shard 2, and of the plate, with a normalization whose levels of one field are damaged."""
    folder = tmp_path_factory.mktemp("broken levels")
    channels, quality = stores.read_normalization(flow.folder / "normalization.h5")
    levels = [channels["brightfield"]["black"], np.nan]
    one = {"local_wells": np.array([b"B06"]), "local_levels": np.array([levels])}
    one |= {"local_fields": np.array([2]), "local_timepoints": np.array([1])}
    channels["brightfield"] |= one
    files = {
        "normalization": folder / "normalization.h5",
        "fields": folder / "fields.csv",
        "cells": folder / "cells.csv.gz",
        "wells": folder / "wells.csv",
    }
    stores.write_normalization(files["normalization"], channels, quality)
    # Every field is checked for seams, so that the failure meets that way, too.
    seam = {"checks": 9, "max_difference": 1e-3}
    flow.read_shard(folder / "2-of-2", normalization=files["normalization"], seam=seam)
    flow.gather(flow.folder / "1-of-2", folder / "2-of-2", **files)
    flow.call(tabulate_wells, **files)
    return files


@pytest.fixture(scope="session")
def labelled(flow, tmp_path_factory):
    """The plate with labels from its dyes, and what a network is trained with."""
    folder = tmp_path_factory.mktemp("labelled")
    flow.fit_dyes(folder)
    labels = {"dyes": {"reach_px": 24, "outline_px": 2}}
    given = {"dyes": folder / "dyes.h5", "boxes": None, "states": None, "masks": ""}
    given |= {"dead_dye": "draq7", "labels": labels}
    flow.call(label_wells.label_wells, class_maps=folder / "labels.h5", **given)
    fit = {
        "epochs": 1,
        "frozen_epochs": 0,
        "learning_rate": 1e-3,
        "encoder_learning_rate": 1e-3,
        "weight_decay": 0.0,
        "patience": 1,
        "seed": 1,
    }
    return Plate(
        flow.folder,
        labels=folder / "labels.h5",
        encoder=flow.folder / "keras.h5",
        start=None,
        started=None,
        start_cells=[],
        start_wells=[],
        start_detected=[],
        plates=[{"plate": "p", "platemap": "map.tsv", "wells": 96, "bit_depth": 16, "pixel_size_um": 0.65}],
        exclude=["p/A01/2"],
        training={
            "exclude": ["p/A01/2"],
            "folds": 2,
            "threads": 2,
            "alpha": 0.35,
            "decoder_widths": [16, 12, 8, 8],
            "kernel": 4,
            "tiles": {"tile_px": 64, "tiles_per_field": 2, "batch_size": 2, "validation_fraction": 0.3},
            "fit": fit,
        },
        device="cpu",
        code="c",
        fold=None,
        of_network=["evaluation.html", "history.png", "cells.csv"],
        of_folds=["cross_validation.html"],
    )
