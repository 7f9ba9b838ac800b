"""Plates that have little or nothing to count, through every rule of the chain."""

import re

import assess_plate
import check_fields
import check_quality
import count_cells
import draw_fields
import draw_plate
import export_normalized
import export_wells
import fit_dose_response
import follow_wells
import gather_fields
import gather_wells
import index_plate
import normalize_plate
import numpy as np
import pytest
import segment_fields
import summarize_run
import tabulate_wells
import tifffile
import verify_well
from conftest import CLASSES, randomized

from livedead import stores
from livedead.errors import LivedeadError
from livedead.network.unet import Architecture
from livedead.tables import CELLS, DOSE_RESPONSE, DRC, FIELDS, PLATE_QUALITY, WELLS
from livedead.weights import unet_io
from livedead.weights.assay import Assay
from livedead.weights.certificate import certify_training

SIDE_PX = 64
IMAGED = ("A01", "A02", "B01")
MAP = (
    "well\ttreatment\tdose_um\tcontrol\n"
    "A01\tnone\t0\tnegative\nA02\tx\t1\t\nB01\tx\t2\t\nH12\tx\t9\tpositive\n"
)
SETTINGS = {
    "low_percentile": 0.1,
    "high_percentile": 99.9,
    "min_range": 200,
    "flat_fields": 2,
    "smooth_px": 16,
    "floor": 0.2,
    "seed": 0,
}
QC = {
    "min_focus": None,
    "max_saturated_fraction": None,
    "max_dark_fraction": None,
    "max_illumination_residual": None,
    "max_drift": None,
    "exclude_flags": [],
}
SEGMENTATION = {
    "device": "cpu",
    "precision": "float32",
    "memory_mb": 4000,
    "force": None,
    "tile_px": None,
    "seam": {"checks": 0, "max_difference": 1e-3},
}


@pytest.fixture(scope="module")
def unet(tmp_path_factory):
    path = tmp_path_factory.mktemp("weights") / "unet.safetensors"
    network = randomized(Architecture(n_classes=5, alpha=0.35, decoder_widths=(16, 12, 8, 8)))
    assay = Assay(CLASSES, ["brightfield"])
    unet_io.write(path, network, certify_training(network, assay, {}))
    stores.write_json(path.with_suffix(".json"), {"unet_sha256": "m", "classes_verified": True})
    return path


def write_raw(folder, timepoints=(1,), broken=(), absent=()):
    """A field in each of `IMAGED` and timepoints; those in `broken` are cut, those in `absent` not there."""
    rng = np.random.default_rng(0)
    for timepoint in timepoints:
        for well in IMAGED:
            plane = rng.integers(8000, 12000, (SIDE_PX, SIDE_PX)).astype(np.uint16)
            path = folder / f"TimePoint_{timepoint}" / f"x_{well}_s1_w1.TIF"
            path.parent.mkdir(parents=True, exist_ok=True)
            if (well, timepoint) not in absent:
                tifffile.imwrite(path, plane)
            if (well, timepoint) in broken:
                path.write_bytes(path.read_bytes()[:-SIDE_PX])


def count_plate(folder, unet, control=None, qc=QC, min_range=200, min_area_um2=0.0, plate_map=MAP):
    """All tables and pictures of the raw images in ``folder/raw``."""
    common = {"bit_depth": 16}
    index_plate.index_plate(
        folder / "raw",
        folder / "images.tsv",
        folder / "export.json",
        plate="p",
        export_format="auto",
        channels={"brightfield": "w1"},
        n_wells=96,
        pixel_size_um=0.65,
        threads=1,
    )
    normalize_plate.normalize_plate(
        folder / "raw",
        folder / "images.tsv",
        control,
        folder / "normalization.h5",
        channels=["brightfield"],
        settings=SETTINGS,
        **common,
    )
    shard = folder / "1-of-1"
    segment_fields.segment_fields(
        folder / "raw",
        folder / "images.tsv",
        folder / "normalization.h5",
        unet,
        shard / "classes.h5",
        scatteritem="1-of-1",
        channels=["brightfield"],
        segmentation=SEGMENTATION,
        **common,
    )
    count_cells.count_cells(
        shard / "classes.h5",
        folder / "raw",
        folder / "images.tsv",
        shard / "fields.csv",
        shard / "cells.csv.gz",
        classes=CLASSES,
        pixel_size_um=0.65,
        intensity_channels=["brightfield"],
        counting={"min_area_um2": min_area_um2, "max_area_um2": 1e9},
        **common,
    )
    gather_fields.gather_fields(
        [shard / "fields.csv"],
        [shard / "cells.csv.gz"],
        folder / "normalization.h5",
        folder / "fields.csv",
        folder / "cells.csv.gz",
        min_range=min_range,
        qc=qc,
    )
    (folder / "map.tsv").write_text(plate_map)
    tabulate_wells.tabulate_wells(
        folder / "fields.csv",
        folder / "cells.csv.gz",
        unet.with_suffix(".json"),
        folder / "map.tsv",
        folder / "wells.csv",
        plate="p",
        n_wells=96,
        fields_per_well=None,
        treatment_columns=["treatment", "dose_um"],
        config_sha256="c",
    )
    gather_wells.gather_wells(
        [folder / "wells.csv"], [folder / "fields.csv"], folder / "all.csv", platemaps=[""], n_wells=[96]
    )
    assess_plate.assess_plate(
        folder / "wells.csv", folder / "quality.csv", folder / "residuals.csv", n_wells=96, plate_map={}
    )
    check_quality.check_quality({"p": folder / "quality.csv"}, folder / "checked.txt", min_z_prime=None)
    fit_dose_response.fit_dose_response(folder / "all.csv", folder / "curves.csv", plate_map={})
    follow_wells.follow_wells(folder / "all.csv", folder / "courses.csv", plate_map={})
    names = ("cytomining.csv", "drc.csv", "grmetrics.tsv")
    export_wells.export_wells(folder / "wells.csv", *(folder / name for name in names), plate_map={})
    if not stores.read_table(folder / "all.csv", WELLS)["n_total"].any():
        assert stores.read_table(folder / "drc.csv", DRC).empty
        assert set(stores.read_table(folder / "curves.csv", DOSE_RESPONSE)["verdict"]) <= {"under-determined"}
    draw_plate.draw_plate(folder / "wells.csv", folder / "plate.png", n_wells=96)
    draw_fields.draw_fields(
        *(folder / name for name in ("raw", "images.tsv", "normalization.h5", "wells.csv", "fields.csv")),
        folder / "cells.csv.gz",
        folder / "fields.png",
        channel="brightfield",
        **common,
    )
    for name in ("plate.png", "fields.png"):
        assert (folder / name).read_bytes().startswith(b"\x89PNG")
    summarize_run.summarize_run(
        folder / "all.csv",
        [folder / "fields.csv"],
        [folder / "quality.csv"],
        [folder / "export.json"],
        unet.with_suffix(".json"),
        folder / "summary.txt",
        plates=["p"],
        pixel_size_um=[0.65],
        max_failed_fraction=0.5,
        min_z_prime=None,
    )
    return (folder / "summary.txt").read_text()


def statuses(folder):
    table = stores.read_table(folder / "all.csv", WELLS)
    return dict(zip(table["well"], table["status"], strict=True))


def codes(folder):
    table = stores.read_table(folder / "fields.csv", FIELDS)
    return dict(zip(table["well"], table["code"], strict=True))


def test_a_plate_without_any_cell(tmp_path, unet):
    write_raw(tmp_path / "raw")
    text = count_plate(tmp_path, unet, min_area_um2=1e8)
    assert statuses(tmp_path) == {**dict.fromkeys(IMAGED, "no_cells"), "H12": "no_images"}
    assert set(stores.read_table(tmp_path / "all.csv", WELLS)["n_total"].dropna()) == {0}
    assert "NOT ONE CELL was counted" in text
    for key in ("input_channels", "focus", "classes", "weights", "pixel_size_um"):
        assert key in text.split("NOT ONE CELL")[1]
    assert "negative controls: no live or dead cell (1 wells)" in text
    assert "positive controls: no control imaged (1 wells)" in text


def test_a_plate_with_one_readable_field(tmp_path, unet):
    write_raw(tmp_path / "raw", broken=[("A01", 1), ("A02", 1)])
    text = count_plate(tmp_path, unet)
    assert codes(tmp_path) == {"A01": "truncated", "A02": "truncated", "B01": ""}
    found = statuses(tmp_path)
    assert (found["A01"], found["A02"], found["H12"]) == ("failed", "failed", "no_images")
    assert found["B01"] in ("ok", "no_cells")
    assert "2 of 3 imaged fields failed (66.7%, allowed 50.0%); the run ends with an error" in text
    assert "truncated, 2 fields of A01-A02, such as A01 field 1" in text


def test_a_plate_without_one_readable_field(tmp_path, unet):
    write_raw(tmp_path / "raw", broken=[(well, 1) for well in IMAGED])
    text = count_plate(tmp_path, unet)
    assert statuses(tmp_path) == {**dict.fromkeys(IMAGED, "failed"), "H12": "no_images"}
    assert codes(tmp_path) == dict.fromkeys(IMAGED, "truncated")
    assert "NOT ONE FIELD of this run could be used" in text
    with pytest.raises(
        LivedeadError, match=r"(?s)plate p: 3 of 3 imaged .*truncated, 3 fields of A01-A02, B01"
    ):
        check_fields.check_fields(
            {"p": tmp_path / "fields.csv"}, tmp_path / "no.txt", max_failed_fraction=0.9
        )
    with pytest.raises(LivedeadError, match="not one field of the plate can be read"):
        export_normalized.export_normalized(
            tmp_path / "raw",
            tmp_path / "images.tsv",
            tmp_path / "normalization.h5",
            tmp_path / "normalized",
            channels=["brightfield"],
            bit_depth=16,
            pixel_size_um=0.65,
        )
    verify_well.verify_well(
        *(tmp_path / name for name in ("raw", "images.tsv", "normalization.h5")),
        unet,
        unet.with_suffix(".json"),
        *(tmp_path / name for name in ("map.tsv", "wells.csv", "fields.csv", "cells.csv.gz")),
        *(tmp_path / "verified" / name for name in ("fields.csv", "cells.csv.gz", "well.txt")),
        seed=0,
        channels=["brightfield"],
        bit_depth=16,
        segmentation=SEGMENTATION,
        classes=CLASSES,
        pixel_size_um=0.65,
        intensity_channels=["brightfield"],
        counting={},
        n_wells=96,
        fields_per_well=None,
        treatment_columns=[],
        exclude_flags=[],
        config_sha256="c",
    )
    assert (tmp_path / "verified/well.txt").read_text() == "no well has a field that can be used\n"


def test_a_plate_whose_control_plate_has_no_readable_field(tmp_path, unet):
    control, heir = tmp_path / "control", tmp_path / "heir"
    write_raw(control / "raw", broken=[(well, 1) for well in IMAGED])
    write_raw(heir / "raw", broken=[("A02", 1)])
    count_plate(control, unet)
    count_plate(heir, unet, control=control / "normalization.h5")
    assert statuses(heir) == {**dict.fromkeys(IMAGED, "failed"), "H12": "no_images"}
    # What cannot be read itself keeps its own reason.
    assert codes(heir) == {"A01": "not_normalized", "A02": "truncated", "B01": "not_normalized"}


def test_a_plate_whose_fields_are_all_left_out(tmp_path, unet):
    write_raw(tmp_path / "raw")
    text = count_plate(tmp_path, unet, qc={**QC, "exclude_flags": ["low_range"]}, min_range=60_000)
    assert statuses(tmp_path) == {**dict.fromkeys(IMAGED, "failed"), "H12": "no_images"}
    assert codes(tmp_path) == dict.fromkeys(IMAGED, "excluded_qc")
    assert stores.read_table(tmp_path / "cells.csv.gz", CELLS).empty
    assert re.search(r"excluded_qc, 3 fields of A01-A02, B01, .*low_range, which qc.exclude_flags", text)
    assert "negative controls: no control can be used (1 wells)" in text


def test_a_timepoint_at_which_wells_have_no_image(tmp_path, unet):
    write_raw(tmp_path / "raw", timepoints=(1, 2, 3), absent=[("A02", 2), ("B01", 2)])
    text = count_plate(tmp_path, unet)
    table = stores.read_table(tmp_path / "all.csv", WELLS)
    lacking = table[table["status"] == "no_images"]
    assert sorted(zip(lacking["well"], lacking["timepoint"], strict=True)) == [
        ("A02", 2),
        ("B01", 2),
        ("H12", 1),
        ("H12", 2),
        ("H12", 3),
    ]
    assert "plate p: 4 wells at 3 timepoints" in text
    assert "no_images (in the plate map, but not imaged): A02, B01 (timepoint 2), H12" in text


def test_a_plate_map_without_controls(tmp_path, unet):
    write_raw(tmp_path / "raw")
    text = count_plate(tmp_path, unet, plate_map="well\ttreatment\nA01\tx\nA02\ty\nB01\tx\n")
    assert "controls" not in text
    quality = stores.read_table(tmp_path / "quality.csv", PLATE_QUALITY)
    assert set(quality["n_negative"]) == {0}
    assert set(quality["alarm"]) == {""}
