"""The function of every script, called in the order of the flow, in a temporary folder."""

import hashlib
import itertools
import json
import re
import shutil

import assess_plate
import check_fields
import check_quality
import compare_with_truth
import convert_weights
import count_cells
import draw_accuracy
import draw_evaluation
import draw_fields
import draw_history
import draw_plate
import evaluate_unet
import export_normalized
import export_weights
import export_wells
import fit_dose_response
import follow_wells
import gather_fields
import gather_wells
import index_plate
import label_dyes
import measure_accuracy
import normalize_plate
import numpy as np
import pandas as pd
import pytest
import review_labels
import segment_fields
import simulate_plate
import sum_benchmarks
import tabulate_wells
import take_inventory
import tifffile
import torch
import train_unet
import verify_well
import write_provenance
from conftest import CLASSES, randomized

from livedead import stores
from livedead.errors import LivedeadError
from livedead.network.classes import Classes
from livedead.network.inference import Plan, Segmenter
from livedead.network.unet import Architecture
from livedead.tables import (
    ACCURACY,
    CELLS,
    CYTOMINING,
    DOSE_RESPONSE,
    EVALUATION,
    FIELDS,
    IMAGES,
    READ_CELLS,
    READ_WELLS,
    RESIDUALS,
    SHARD_FIELDS,
    TIME_COURSES,
    WELLS,
)
from livedead.weights import formats, unet_io
from livedead.weights.certificate import read_certificate
from livedead.weights.network import from_unet

CHANNELS = {"brightfield": "w1", "hoechst": "w2", "draq7": "w3"}
NORMALIZATION = {
    "low_percentile": 0.1,
    "high_percentile": 99.9,
    "min_range": 200,
    "flat_fields": 4,
    "smooth_px": 16,
    "floor": 0.2,
    "seed": 0,
}
QC = {
    "min_focus": 0.2,
    "max_saturated_fraction": 0.05,
    "max_dark_fraction": 0.3,
    "max_illumination_residual": 0.5,
    "max_drift": 0.5,
    "exclude_flags": [],
}
COUNTING = {"min_area_um2": 5, "max_area_um2": 1e5, "ambiguous_margin": 0.0, "split_depth_um": 0.0}
SEGMENTATION = {
    "device": "cpu",
    "precision": "float32",
    "memory_mb": 4000,
    "force": None,
    "tile_px": None,
    "seam": {"checks": 1, "max_difference": 1e-3},
}
NETWORK = {"bottom": "project", "stride_padding": "correct"}


@pytest.fixture(scope="module")
def flow(tmp_path_factory):
    """One small plate through the whole chain."""
    folder = tmp_path_factory.mktemp("a plate with spaces")
    simulate_plate.simulate_plate(
        folder / "raw",
        folder / "truth_cells.csv",
        folder / "truth_wells.csv",
        dyed_wells=["A01", "A12", "B06"],
        simulation={
            "seed": 3,
            "fields_per_well": 2,
            "side_px": 160,
            "wells": ["A01", "A12", "B06"],
            "truncated_field": {"well": "A12", "field": 2},
        },
    )
    index_plate.index_plate(
        folder / "raw",
        folder / "images.tsv",
        folder / "export.json",
        plate="p",
        export_format="auto",
        channels=CHANNELS,
        n_wells=96,
        pixel_size_um=0.65,
        threads=2,
    )
    normalize_plate.normalize_plate(
        folder / "raw",
        folder / "images.tsv",
        None,
        folder / "normalization.h5",
        channels=["brightfield"],
        bit_depth=16,
        settings=NORMALIZATION,
        threads=2,
    )
    network = randomized(Architecture(n_classes=5, alpha=0.35, decoder_widths=(16, 12, 8, 8)))
    formats.write(folder / "keras.h5", from_unet(network))
    convert_weights.convert_weights(
        folder / "keras.h5",
        folder / "unet.safetensors",
        folder / "unet.certificate.json",
        input_channels=["brightfield"],
        classes=CLASSES,
        network=NETWORK,
    )
    for shard in (1, 2):
        item = folder / f"{shard}-of-2"
        segment_fields.segment_fields(
            folder / "raw",
            folder / "images.tsv",
            folder / "normalization.h5",
            folder / "unet.safetensors",
            item / "classes.h5",
            scatteritem=f"{shard}-of-2",
            channels=["brightfield"],
            bit_depth=16,
            segmentation=SEGMENTATION,
        )
        count_cells.count_cells(
            item / "classes.h5",
            folder / "raw",
            folder / "images.tsv",
            item / "fields.csv",
            item / "cells.csv.gz",
            classes=CLASSES,
            pixel_size_um=0.65,
            bit_depth=16,
            intensity_channels=list(CHANNELS),
            counting=COUNTING,
        )
    gather_fields.gather_fields(
        [folder / f"{k}-of-2/fields.csv" for k in (1, 2)],
        [folder / f"{k}-of-2/cells.csv.gz" for k in (1, 2)],
        folder / "normalization.h5",
        folder / "fields.csv",
        folder / "cells.csv.gz",
        min_range=200,
        qc=QC,
    )
    (folder / "map.tsv").write_text("well\tdrug\nA01\tx\nB06\ty\nC01\tz\n")
    tabulate_wells.tabulate_wells(
        folder / "fields.csv",
        folder / "cells.csv.gz",
        folder / "unet.certificate.json",
        folder / "map.tsv",
        folder / "wells.csv",
        plate="p",
        n_wells=96,
        fields_per_well=2,
        treatment_columns=["drug"],
        config_sha256="c",
    )
    return folder


@pytest.fixture(scope="module")
def broken_levels(flow, tmp_path_factory):
    """Shard 2 anew, with a normalization whose levels of one field are damaged."""
    folder = tmp_path_factory.mktemp("broken levels")
    channels, quality = stores.read_normalization(flow / "normalization.h5")
    levels = [channels["brightfield"]["black"], np.nan]
    one = {"local_wells": np.array([b"B06"]), "local_levels": np.array([levels])}
    one |= {"local_fields": np.array([2]), "local_timepoints": np.array([1])}
    channels["brightfield"] |= one
    stores.write_normalization(folder / "normalization.h5", channels, quality)
    segment_fields.segment_fields(
        flow / "raw",
        flow / "images.tsv",
        folder / "normalization.h5",
        flow / "unet.safetensors",
        folder / "classes.h5",
        scatteritem="2-of-2",
        channels=["brightfield"],
        bit_depth=16,
        # Every field is checked for seams, so that the failure meets that way, too.
        segmentation={**SEGMENTATION, "seam": {"checks": 9, "max_difference": 1e-3}},
    )
    count_cells.count_cells(
        folder / "classes.h5",
        flow / "raw",
        flow / "images.tsv",
        folder / "fields.csv",
        folder / "cells.csv.gz",
        classes=CLASSES,
        pixel_size_um=0.65,
        bit_depth=16,
        intensity_channels=list(CHANNELS),
        counting=COUNTING,
    )
    shards = [flow / "1-of-2", folder]
    gather_fields.gather_fields(
        [shard / "fields.csv" for shard in shards],
        [shard / "cells.csv.gz" for shard in shards],
        folder / "normalization.h5",
        folder / "all.csv",
        folder / "all.csv.gz",
        min_range=200,
        qc=QC,
    )
    tabulate_wells.tabulate_wells(
        folder / "all.csv",
        folder / "all.csv.gz",
        flow / "unet.certificate.json",
        flow / "map.tsv",
        folder / "wells.csv",
        plate="p",
        n_wells=96,
        fields_per_well=2,
        treatment_columns=["drug"],
        config_sha256="c",
    )
    return folder


def test_a_field_whose_logits_are_not_finite_fails_and_the_others_count(flow, broken_levels, tmp_path):
    fields = stores.read_table(broken_levels / "all.csv", FIELDS).set_index(["well", "field"])
    assert fields.loc["B06", "code"].to_dict() == {1: "", 2: "not_finite"}
    assert fields.at[("B06", 2), "pixels_sha256"] == ""
    assert fields.index[fields["n_total"].isna()].tolist() == [("A12", 2), ("B06", 2)]
    whole = stores.read_table(flow / "fields.csv", FIELDS).set_index(["well", "field"])
    assert fields.at[("B06", 1), "n_total"] == whole.at[("B06", 1), "n_total"]
    table = stores.read_table(broken_levels / "wells.csv", WELLS).set_index("well")
    assert table["status"].to_dict() == {"A01": "ok", "A12": "partial", "B06": "partial", "C01": "no_images"}
    verify(
        flow,
        tmp_path,
        broken_levels / "wells.csv",
        normalization=broken_levels / "normalization.h5",
        fields=broken_levels / "all.csv",
        cells=broken_levels / "all.csv.gz",
        sample=96,
    )
    assert "B06" in (tmp_path / "well.txt").read_text()


def test_index_lists_every_plane_with_its_hash(flow):
    table = stores.read_table(flow / "images.tsv", IMAGES)
    assert len(table) == 3 * 2 * 3
    assert set(table["channel"]) == set(CHANNELS)
    assert table["sha256"].str.fullmatch("[0-9a-f]{64}").all()


def test_inventory_is_text_about_the_plate(flow, tmp_path):
    take_inventory.take_inventory(
        flow / "images.tsv",
        flow / "export.json",
        flow / "map.tsv",
        tmp_path / "i.txt",
        plate="p",
        n_wells=96,
        pixel_size_um=0.65,
        input_channels=["brightfield"],
        fields_per_well=2,
    )
    text = (tmp_path / "i.txt").read_text()
    assert "mapped, not imaged: C01" in text
    assert "demo_A12_s2_w1.TIF" in text


def test_normalization_knows_the_broken_field(flow):
    channels, quality = stores.read_normalization(flow / "normalization.h5")
    assert channels["brightfield"]["histogram"].sum() == 5 * 160 * 160
    failed = quality[quality["status"] == "failed"]
    assert failed[["well", "field", "code"]].to_numpy().tolist() == [["A12", 2, "truncated"]]


def test_shards_hold_runs_of_wells(flow):
    wells = [set(stores.list_class_maps(flow / f"{k}-of-2/classes.h5")["well"]) for k in (1, 2)]
    assert wells == [{"A01"}, {"A12", "B06"}]


def test_class_maps_are_those_of_the_network(flow):
    from livedead.fields.plate_images import PlateImages, read_transforms

    plate = PlateImages(flow / "raw", stores.read_table(flow / "images.tsv", IMAGES), 16)
    transforms = read_transforms(stores.read_normalization(flow / "normalization.h5")[0], ["brightfield"])
    network, _ = unet_io.read(flow / "unet.safetensors")
    segmenter = Segmenter(network, list(transforms.values()), Plan(device="cpu"))
    expected = segmenter.segment(plate.raw(("B06", 2, 1), transforms)).class_map
    maps = {
        (row["well"], row["field"]): found.get("maps")
        for row, found in stores.read_segmentations(flow / "2-of-2/classes.h5")
    }
    np.testing.assert_array_equal(maps["B06", 2], expected)
    assert maps["A12", 2] is None


def test_counts_add_up(flow):
    fields, cells = (
        stores.read_table(flow / "fields.csv", FIELDS),
        stores.read_table(flow / "cells.csv.gz", CELLS),
    )
    assert len(fields) == 6
    used = fields[fields["status"] == "ok"]
    assert (used["n_live"] + used["n_dead"] + used["n_ambiguous"] == used["n_total"]).all()
    assert used["n_total"].sum() == len(cells) > 0
    assert fields.loc[fields["status"] == "failed", "n_total"].isna().all()
    assert fields["focus"].notna().sum() == 5


def test_fields_name_the_pixels_they_were_made_of(flow):
    fields = stores.read_table(flow / "fields.csv", FIELDS).set_index(["well", "field"])
    raw = tifffile.imread(next((flow / "raw").rglob("demo_B06_s1_w1.TIF")))
    assert fields.at[("B06", 1), "pixels_sha256"] == hashlib.sha256(raw.tobytes()).hexdigest()
    assert fields.at[("A12", 2), "pixels_sha256"] == ""


def test_the_same_pixels_in_two_wells_are_marked_from_fields_to_wells(flow, tmp_path):
    fields = stores.read_table(flow / "1-of-2/fields.csv", SHARD_FIELDS)
    other = stores.read_table(flow / "2-of-2/fields.csv", SHARD_FIELDS).set_index(["well", "field"])
    fields.loc[0, "pixels_sha256"] = other.at[("B06", 2), "pixels_sha256"]
    shard = tmp_path / "1-of-2/fields.csv"
    shard.parent.mkdir()
    stores.write_table(shard, fields, SHARD_FIELDS)
    gather_fields.gather_fields(
        [shard, flow / "2-of-2/fields.csv"],
        [flow / f"{k}-of-2/cells.csv.gz" for k in (1, 2)],
        flow / "normalization.h5",
        tmp_path / "all.csv",
        tmp_path / "all.csv.gz",
        min_range=200,
        qc=QC,
    )
    found = stores.read_table(tmp_path / "all.csv", FIELDS).set_index(["well", "field"])
    assert found["duplicate_of"].to_dict() == {
        ("A01", 1): "B06 field 2 timepoint 1",
        ("A01", 2): "",
        ("B06", 1): "",
        ("B06", 2): "A01 field 1 timepoint 1",
        ("A12", 1): "",
        ("A12", 2): "",
    }
    tabulate_wells.tabulate_wells(
        tmp_path / "all.csv",
        tmp_path / "all.csv.gz",
        flow / "unet.certificate.json",
        None,
        tmp_path / "wells.csv",
        plate="p",
        n_wells=96,
        fields_per_well=2,
        treatment_columns=[],
        config_sha256="c",
    )
    wells = stores.read_table(tmp_path / "wells.csv", WELLS).set_index("well")
    borne = wells["qc_flags"].str.contains("duplicate_image")
    assert borne.to_dict() == {"A01": True, "A12": False, "B06": True}


def test_well_table(flow):
    table = stores.read_table(flow / "wells.csv", WELLS).set_index("well")
    assert table["status"].to_dict() == {"A01": "ok", "A12": "partial", "B06": "ok", "C01": "no_images"}
    assert table.at["A01", "drug"] == "x"
    model = json.loads((flow / "unet.certificate.json").read_text())["unet_sha256"]
    assert set(table["model_sha256"]) == {model}


def test_gather_and_check(flow, tmp_path):
    gather_wells.gather_wells(
        [flow / "wells.csv"], [flow / "fields.csv"], tmp_path / "wells.csv", platemaps=[""], n_wells=[96]
    )
    assert (tmp_path / "wells.csv").read_bytes() == (flow / "wells.csv").read_bytes()
    fields = {"p": flow / "fields.csv"}
    check_fields.check_fields(fields, tmp_path / "checked.txt", max_failed_fraction=0.2)
    listed = (tmp_path / "checked.txt").read_text()
    assert listed.startswith("plate p: 1 of 6 imaged fields failed")
    assert "p A12 field 2 timepoint 1: truncated: " in listed
    with pytest.raises(LivedeadError, match=r"truncated, 1 field of A12, such as A12 field 2 timepoint 1: "):
        check_fields.check_fields(fields, tmp_path / "no.txt", max_failed_fraction=0.1)
    assert not (tmp_path / "no.txt").exists()


def test_provenance_names_inputs_code_and_how_it_was_computed(flow, tmp_path):
    write_provenance.write_provenance(
        {"p": flow / "images.tsv"},
        {"p": [flow / "1-of-2/classes.h5", flow / "2-of-2/classes.h5"]},
        flow / "unet.certificate.json",
        tmp_path / "provenance.json",
        plates={"p": {"raw": "raw", "platemap": str(flow / "map.tsv")}},
        config={"counting": COUNTING},
        code={"count_cells": "abc"},
    )
    record = json.loads((tmp_path / "provenance.json").read_text())
    digest = hashlib.sha256((flow / "images.tsv").read_bytes()).hexdigest()
    assert record["plates"]["p"]["images_sha256"] == digest
    mapped = hashlib.sha256(b"well\tdrug\nA01\tx\nB06\ty\nC01\tz\n").hexdigest()
    assert record["plates"]["p"]["platemap_sha256"] == mapped
    assert record["plates"]["p"]["sheet"]["raw"] == "raw"
    shard = record["plates"]["p"]["shards"]["2-of-2"]
    assert (shard["device"], shard["gpu"], shard["precision"]) == ("cpu", "", "float32")
    assert shard["tf32"] is False
    assert shard["threads"] == torch.get_num_threads()
    assert 0 <= shard["seam_largest_difference"] < 1e-3
    assert record["packages"]["numpy"] == np.__version__
    assert record["weights"]["unet_sha256"]


PLATE_MAP = {"agent_column": "drug"}


def test_analysis_of_wells(flow, tmp_path):
    assess_plate.assess_plate(
        flow / "wells.csv",
        tmp_path / "quality.csv",
        tmp_path / "residuals.csv",
        n_wells=96,
        plate_map=PLATE_MAP,
    )
    assert len(stores.read_table(tmp_path / "residuals.csv", RESIDUALS)) == 2 * 4
    qualities = {"p": tmp_path / "quality.csv"}
    check_quality.check_quality(qualities, tmp_path / "checked.txt", min_z_prime=None)
    assert "unknown" in (tmp_path / "checked.txt").read_text()
    with pytest.raises(LivedeadError, match="plate p timepoint 1: Z' of viability unknown"):
        check_quality.check_quality(qualities, tmp_path / "no.txt", min_z_prime=0.5)
    assert not (tmp_path / "no.txt").exists()
    fit_dose_response.fit_dose_response(flow / "wells.csv", tmp_path / "curves.csv", plate_map=PLATE_MAP)
    assert "ic50_high" in stores.read_table(tmp_path / "curves.csv", DOSE_RESPONSE)
    follow_wells.follow_wells(flow / "wells.csv", tmp_path / "courses.csv", plate_map=PLATE_MAP)
    assert set(stores.read_table(tmp_path / "courses.csv", TIME_COURSES)["verdict"]) == {
        "fewer than two timepoints"
    }
    names = ("cytomining.csv", "drc.csv", "grmetrics.tsv")
    export_wells.export_wells(flow / "wells.csv", *(tmp_path / name for name in names), plate_map=PLATE_MAP)
    assert len(stores.read_table(tmp_path / "cytomining.csv", CYTOMINING)) == 4
    assert (tmp_path / "grmetrics.tsv").read_text().startswith("cell_line\tagent\t")


def verify(flow, folder, table, **changes):
    own = {
        "normalization": flow / "normalization.h5",
        "fields": flow / "fields.csv",
        "cells": flow / "cells.csv.gz",
    }
    own |= {name: changes.pop(name) for name in own.keys() & changes.keys()}
    verify_well.verify_well(
        flow / "raw",
        flow / "images.tsv",
        own["normalization"],
        flow / "unet.safetensors",
        flow / "unet.certificate.json",
        flow / "map.tsv",
        table,
        own["fields"],
        own["cells"],
        folder / "fields.csv",
        folder / "cells.csv.gz",
        folder / "well.txt",
        **{
            "seed": 0,
            "channels": ["brightfield"],
            "bit_depth": 16,
            "segmentation": SEGMENTATION,
            "classes": CLASSES,
            "pixel_size_um": 0.65,
            "intensity_channels": list(CHANNELS),
            "counting": COUNTING,
            "n_wells": 96,
            "fields_per_well": 2,
            "treatment_columns": ["drug"],
            "exclude_flags": [],
            "config_sha256": "c",
            **changes,
        },
    )


def test_every_well_gives_its_row_again(flow, tmp_path):
    seen = set()
    for seed in range(12):
        verify(flow, tmp_path, flow / "wells.csv", seed=seed)
        seen.add((tmp_path / "well.txt").read_text()[:8])
    assert seen == {"well A01", "well A12", "well B06"}


def test_a_sample_of_wells_gives_its_rows_again(flow, tmp_path):
    verify(flow, tmp_path, flow / "wells.csv", sample=2)
    two = [line.split()[1] for line in (tmp_path / "well.txt").read_text().splitlines()]
    assert len(set(two)) == 2
    verify(flow, tmp_path, flow / "wells.csv", sample=96)
    wells = [line.split()[1] for line in (tmp_path / "well.txt").read_text().splitlines()]
    assert wells == ["A01", "A12", "B06"]


def test_a_row_that_was_touched_is_found(flow, tmp_path):
    table = stores.read_table(flow / "wells.csv", WELLS)
    stores.write_table(tmp_path / "wells.csv", table.assign(area_mm2=1.0), WELLS)
    with pytest.raises(LivedeadError, match="is not what its raw images give"):
        verify(flow, tmp_path, tmp_path / "wells.csv")
    with pytest.raises(LivedeadError, match="is not what its raw images give"):
        verify(flow, tmp_path, flow / "wells.csv", counting={**COUNTING, "min_area_um2": 30})
    assert not (tmp_path / "well.txt").exists()


def test_a_shard_without_cells(flow, tmp_path):
    count_cells.count_cells(
        flow / "2-of-2/classes.h5",
        flow / "raw",
        flow / "images.tsv",
        tmp_path / "fields.csv",
        tmp_path / "cells.csv.gz",
        classes=CLASSES,
        pixel_size_um=0.65,
        bit_depth=16,
        intensity_channels=list(CHANNELS),
        counting={**COUNTING, "min_area_um2": 1e5},
    )
    gather_fields.gather_fields(
        [flow / "1-of-2/fields.csv", tmp_path / "fields.csv"],
        [flow / "1-of-2/cells.csv.gz", tmp_path / "cells.csv.gz"],
        flow / "normalization.h5",
        tmp_path / "all.csv",
        tmp_path / "all.csv.gz",
        min_range=200,
        qc=QC,
    )
    cells = stores.read_table(tmp_path / "all.csv.gz", CELLS)
    assert set(cells["well"]) == {"A01"}
    assert list(cells) == list(stores.read_table(flow / "cells.csv.gz", CELLS))
    fields = stores.read_table(tmp_path / "all.csv", FIELDS).set_index(["well", "field"])
    assert fields.at[("B06", 1), "n_total"] == 0
    assert fields["n_total"].isna().to_dict() == {key: key == ("A12", 2) for key in fields.index}


def test_mean_intensities_are_those_of_the_channels_a_well_has(flow):
    cells = stores.read_table(flow / "cells.csv.gz", CELLS)
    assert cells["mean_brightfield"].notna().all()
    assert cells["mean_draq7"].notna().all()
    raw = tifffile.imread(flow / "raw/TimePoint_1/demo_A01_s1_w1.TIF")
    assert raw.min() <= cells["mean_brightfield"].min()


def test_cells_that_vanish_between_two_tables_are_an_error(flow, tmp_path):
    cells = stores.read_table(flow / "1-of-2/cells.csv.gz", CELLS)
    stores.write_table(tmp_path / "cells.csv.gz", cells[1:], CELLS)
    with pytest.raises(LivedeadError, match="do not agree in 1 place"):
        gather_fields.gather_fields(
            [flow / f"{k}-of-2/fields.csv" for k in (1, 2)],
            [tmp_path / "cells.csv.gz", flow / "2-of-2/cells.csv.gz"],
            flow / "normalization.h5",
            tmp_path / "fields.csv",
            tmp_path / "all.csv.gz",
            min_range=200,
            qc=QC,
        )
    assert not (tmp_path / "fields.csv").exists()


def test_export_normalized(flow, tmp_path):
    export_normalized.export_normalized(
        flow / "raw",
        flow / "images.tsv",
        flow / "normalization.h5",
        tmp_path / "normalized",
        channels=["brightfield"],
        bit_depth=16,
        pixel_size_um=0.65,
    )
    names = sorted(path.name for path in (tmp_path / "normalized").iterdir())
    assert names == ["A01.ome.tiff", "A12.ome.tiff", "B06.ome.tiff"]
    with tifffile.TiffFile(tmp_path / "normalized" / "A12.ome.tiff") as file:
        assert [series.name for series in file.series] == ["A12 field 1", "A12 field 2"]
        whole, broken = (series.asarray() for series in file.series)
        assert 'Name="brightfield"' in file.ome_metadata
    assert whole.shape == (160, 160)
    assert whole.dtype == np.uint16
    assert whole.max() == 65535
    assert not broken.any()


def test_pictures_are_png(flow, tmp_path):
    draw_plate.draw_plate(flow / "wells.csv", tmp_path / "plate.png", n_wells=96)
    draw_fields.draw_fields(
        flow / "raw",
        flow / "images.tsv",
        flow / "normalization.h5",
        flow / "wells.csv",
        flow / "fields.csv",
        flow / "cells.csv.gz",
        tmp_path / "fields.png",
        channel="brightfield",
        bit_depth=16,
    )
    for name in ("plate.png", "fields.png"):
        assert (tmp_path / name).read_bytes().startswith(b"\x89PNG")


def test_accuracy_is_measured_against_the_simulated_truth(flow, tmp_path, monkeypatch):
    monkeypatch.setattr(measure_accuracy, "SIDE_PX", 160)
    monkeypatch.setattr(measure_accuracy, "N_REFERENCES", 2)
    monkeypatch.setattr(measure_accuracy, "VARIED", {"mean_cells": (5, 100), "defocus_px": (0.5,)})
    measure_accuracy.measure_accuracy(
        flow / "unet.safetensors",
        tmp_path / "errors.csv",
        classes=CLASSES,
        counting=COUNTING,
        normalization=NORMALIZATION,
        segmentation=SEGMENTATION,
    )
    errors = stores.read_table(tmp_path / "errors.csv", ACCURACY)
    assert len(errors) == 3
    np.testing.assert_allclose(
        errors["count_error"], errors["n_counted"] / errors["n_true"] - 1, rtol=1e-4, atol=1e-5
    )
    # Twelve fields of 5 expected cells, one of 100 and one of 400 that find no room.
    assert 30 <= errors["n_true"][0] <= 95
    draw_accuracy.draw_accuracy(tmp_path / "errors.csv", tmp_path / "errors.png")
    assert (tmp_path / "errors.png").read_bytes().startswith(b"\x89PNG")


def test_comparison_with_truth(flow, tmp_path):
    compare_with_truth.compare_with_truth(
        flow / "fields.csv", flow / "truth_cells.csv", tmp_path / "wells.csv", tmp_path / "summary.json"
    )
    truth = pd.read_csv(flow / "truth_cells.csv")
    counted = truth[(truth["well"] != "A12") | (truth["field"] != 2)]
    assert json.loads((tmp_path / "summary.json").read_text())["n_cells_true"] == len(counted)


def test_label_train_and_export(flow, tmp_path):
    label_dyes.label_dyes(
        flow / "raw",
        flow / "images.tsv",
        tmp_path / "labels.h5",
        dyed_wells=["A01", "A12", "B06"],
        masks="",
        bit_depth=16,
        input_channels=["brightfield"],
        classes=CLASSES,
        labels={
            "live_dye": "hoechst",
            "dead_dye": "draq7",
            "dyes": {
                "threshold": "otsu",
                "live_offset": 300,
                "dead_offset": 300,
                "min_area_px": 25,
                "reach_px": 24,
                "outline_px": 2,
            },
        },
    )
    labelled = stores.list_class_maps(tmp_path / "labels.h5")
    expected = [["A01", 1], ["A01", 2], ["A12", 1], ["B06", 1], ["B06", 2]]
    assert labelled[["well", "field"]].to_numpy().tolist() == expected
    of_the_last = [tmp_path / name for name in ("evaluation.html", "history.png", "cross_validation.html")]
    for path in of_the_last:
        path.touch()
    (tmp_path / "1-of-2").mkdir()
    shutil.copy(flow / "unet.safetensors", tmp_path / "1-of-2")
    train_unet.train_unet(
        [flow / "raw"],
        [flow / "images.tsv"],
        [flow / "normalization.h5"],
        [tmp_path / "labels.h5"],
        flow / "keras.h5",
        tmp_path / "unet.safetensors",
        tmp_path / "history.csv",
        fold=None,
        bit_depth=[16],
        channels=["brightfield"],
        classes=CLASSES,
        network=NETWORK,
        device="cpu",
        code="c",
        of_network=["evaluation.html", "history.png", "cells.csv"],
        of_folds=["cross_validation.html"],
        training={
            "exclude": ["p/A01/2"],
            "folds": 2,
            "threads": 2,
            "alpha": 0.35,
            "decoder_widths": [16, 12, 8, 8],
            "kernel": 4,
            "tiles": {"tile_px": 64, "tiles_per_field": 2, "batch_size": 2, "validation_fraction": 0.3},
            "fit": {
                "epochs": 1,
                "frozen_epochs": 0,
                "learning_rate": 1e-3,
                "encoder_learning_rate": 1e-3,
                "weight_decay": 0.0,
                "patience": 1,
                "seed": 1,
            },
        },
    )
    certificate = read_certificate(tmp_path / "unet.safetensors")
    assert sorted(itertools.chain(*certificate["source"]["trained_on"].values())) == [
        "p/A01",
        "p/A12",
        "p/B06",
    ]
    assert len(pd.read_csv(tmp_path / "history.csv")) == 1
    assert not (tmp_path / "checkpoint.safetensors").exists()
    assert not any(path.exists() for path in of_the_last)
    draw_history.draw_history(tmp_path / "history.csv", tmp_path / "history.png", classes=CLASSES)
    assert (tmp_path / "history.png").read_bytes().startswith(b"\x89PNG")
    evaluated(flow, tmp_path, certificate["source"]["trained_on"])
    reviewed(flow, tmp_path)
    export_weights.export_weights(tmp_path / "unet.safetensors", tmp_path / "unet.h5")
    back, carried = unet_io.convert(tmp_path / "unet.h5", input_channels=["brightfield"], classes=CLASSES)
    assert carried["classes_verified"] is True
    trained, _ = unet_io.read(tmp_path / "unet.safetensors")
    for name, tensor in trained.state_dict().items():
        if not name.endswith("num_batches_tracked"):
            np.testing.assert_array_equal(back.state_dict()[name], tensor, err_msg=name)


def evaluated(flow, tmp_path, split):
    """Judge the trained network, and draw what it read."""
    (tmp_path / "map.tsv").write_text("well\tcontrol\nA01\tnegative\nA12\tpositive\n")
    evaluate_unet.evaluate_unet(
        tmp_path / "unet.safetensors",
        [flow / "raw"],
        [flow / "images.tsv"],
        [flow / "normalization.h5"],
        [tmp_path / "labels.h5"],
        [str(tmp_path / "map.tsv")],
        tmp_path / "cells.csv",
        tmp_path / "wells.csv",
        tmp_path / "worst.h5",
        plates=["p"],
        n_wells=[96],
        bit_depth=[16],
        pixel_size_um=[0.65],
        channels=["brightfield"],
        classes=CLASSES,
        counting=COUNTING,
        segmentation=SEGMENTATION,
        exclude=["p/A01/2"],
    )
    read = stores.read_table(tmp_path / "wells.csv", READ_WELLS)
    cells = stores.read_table(tmp_path / "cells.csv", READ_CELLS)
    # Three wells, one of them for validation: it was not trained on, and it alone is judged.
    [unseen] = split["validation"]
    assert [f"p/{well}" for well in read["well"]] == [unseen]
    assert set(cells["well"]) == set(read["well"])
    assert read["control"].tolist() == [{"A01": "negative", "A12": "positive"}[read["well"][0]]]
    # The truth of the page is the dye's: field 1 of the well alone, the second was rejected or broken.
    truth = pd.read_csv(flow / "truth_cells.csv")
    n_true = ((truth["well"] == read["well"][0]) & (truth["field"] == 1)).sum()
    assert n_true * 0.8 <= read["true_total"][0] <= n_true * 1.1
    draw_evaluation.draw_evaluation(
        [tmp_path / "cells.csv"],
        [tmp_path / "wells.csv"],
        [tmp_path / "worst.h5"],
        tmp_path / "evaluation.html",
        tmp_path / "evaluation.csv",
        classes=Classes(background=(0,), live=(3,), dead=(4,), context=(1,), boundary=(2,)),
    )
    assert stores.read_table(tmp_path / "evaluation.csv", EVALUATION)["n_cells"].tolist() == [
        cells["true"].isin(["live", "dead"]).sum()
    ]
    page = (tmp_path / "evaluation.html").read_text()
    assert page.count("data:image/jpeg") == 1
    assert page.count("data:image/png") == 3
    folds = [tmp_path / name for name in ("1-of-2", "2-of-2")]
    for fold in [*folds, tmp_path / "3-of-3"]:
        fold.mkdir(exist_ok=True)
        for name in ("cells.csv", "wells.csv", "worst.h5"):
            shutil.copy(tmp_path / name, fold)
    draw_evaluation.draw_evaluation(
        [fold / "cells.csv" for fold in folds],
        [fold / "wells.csv" for fold in folds],
        [fold / "worst.h5" for fold in folds],
        tmp_path / "cross_validation.html",
        tmp_path / "cross_validation.csv",
        classes=Classes(background=(0,), live=(3,), dead=(4,), context=(1,), boundary=(2,)),
    )
    # The folds of a count that was configured before are of no page any more.
    assert sorted(path.name for path in tmp_path.glob("*-of-*")) == ["1-of-2", "2-of-2"]


def reviewed(flow, tmp_path):
    """The page shows every labelled field, the rejected one checked."""
    review_labels.review_labels(
        flow / "raw",
        flow / "images.tsv",
        flow / "normalization.h5",
        tmp_path / "labels.h5",
        tmp_path / "review.html",
        plate="p",
        channel="brightfield",
        bit_depth=16,
        classes=Classes(background=(0,), live=(3,), dead=(4,), context=(1,), boundary=(2,)),
        exclude=["p/A01/2"],
    )
    page = (tmp_path / "review.html").read_text()
    assert re.findall(r'value="(.*?)"( checked)?', page) == [
        ("p/A01/1", ""),
        ("p/A01/2", " checked"),
        ("p/A12/1", ""),
        ("p/B06/1", ""),
        ("p/B06/2", ""),
    ]
    assert page.count("data:image/jpeg") == 5
    assert not re.search(r'(src|href)="(?!data:)', page)


def test_labels_from_masks(flow, tmp_path, caplog):
    mask = np.zeros((160, 160), np.uint8)
    mask[20:60, 20:60] = 1
    tifffile.imwrite(tmp_path / "A01_mask.tif", mask)
    tifffile.imwrite(tmp_path / "A12_mask.tif", mask[:, :80])
    label_dyes.label_dyes(
        flow / "raw",
        flow / "images.tsv",
        tmp_path / "labels.h5",
        dyed_wells=["A01", "A12"],
        masks=str(tmp_path / "{well}_mask.tif"),
        bit_depth=16,
        input_channels=["brightfield"],
        classes=CLASSES,
        labels={"live_dye": "hoechst", "dead_dye": "draq7", "masks": {"dead_offset": 5000, "boundary_px": 1}},
    )
    # A mask of another size labels nothing, and the log says so.
    assert set(stores.list_class_maps(tmp_path / "labels.h5")["well"]) == {"A01"}
    assert "A12_mask.tif: (160, 80) px, but the field (160, 160)" in caplog.text
    found = stores.read_class_map(tmp_path / "labels.h5", 0)
    assert (found[21:59, 21:59] == 3).all()
    assert (found[mask == 0] == 0).all()
    np.testing.assert_array_equal(stores.read_segmentation(tmp_path / "labels.h5", 0)["instances"], mask)


@pytest.mark.parametrize(
    ("dyed_wells", "message"),
    [
        (["A01", "A12"], r"none of 4 dyed fields .* because: .*A01_mask\.tif: no such mask"),
        (["B01"], "none of 0 dyed fields could be labelled: the dyed wells have no images"),
    ],
)
def test_labels_of_nothing_are_an_error(flow, tmp_path, dyed_wells, message):
    with pytest.raises(LivedeadError, match=message):
        label_dyes.label_dyes(
            flow / "raw",
            flow / "images.tsv",
            tmp_path / "labels.h5",
            dyed_wells=dyed_wells,
            masks=str(tmp_path / "{well}_mask.tif"),
            bit_depth=16,
            input_channels=["brightfield"],
            classes=CLASSES,
            labels={"dead_dye": "draq7", "masks": {"dead_offset": 60, "boundary_px": 1}},
        )
    assert not (tmp_path / "labels.h5").exists()


def test_benchmarks_are_summed_by_rule_and_plate(tmp_path):
    for k, (seconds, megabytes) in enumerate([("1.5", "100.5"), ("2.5", "-")]):
        (tmp_path / f"{k}.tsv").write_text(f"s\th:m:s\tmax_rss\n{seconds}\t0:00:01\t{megabytes}\n")
    fields = [{"plate": "p", "well": "A01", "field": k, "timepoint": 1} for k in range(10)]
    stores.write_table(tmp_path / "fields.csv", FIELDS.rows(fields), FIELDS)
    jobs = ["0.tsv", "1.tsv", "lost.tsv"]
    sum_benchmarks.sum_benchmarks(
        {"convert_weights": {"": jobs[:1]}, "segment_fields": {"p": jobs}, "count_cells": {"p": jobs[2:]}},
        {"p": tmp_path / "fields.csv"},
        tmp_path / "sum.csv",
    )
    assert (tmp_path / "sum.csv").read_text() == (
        "rule,plate,n_jobs,n_fields,seconds,max_memory_mb,fields_per_s\n"
        "convert_weights,,1,NA,1.5,100.5,NA\n"
        "segment_fields,p,2,10,4,100.5,2.5\n"
        "count_cells,p,0,10,0,NA,NA\n"
    )
