"""From fields to the tables of a plate and of a run."""

import hashlib
import json

import numpy as np
import pandas as pd
import pytest
import torch
from assess_plate import assess_plate
from check_fields import check_fields
from check_quality import check_quality
from compare_with_truth import compare_with_truth
from export_wells import export_wells
from fit_dose_response import fit_dose_response
from follow_wells import follow_wells
from gather_wells import gather_wells
from sum_benchmarks import sum_benchmarks
from write_provenance import write_provenance

from livedead import stores
from livedead.errors import LivedeadError
from livedead.tables import CYTOMINING, DOSE_RESPONSE, FIELDS, RESIDUALS, TIME_COURSES, WELLS


def test_well_table(flow):
    table = stores.read_table(flow.folder / "wells.csv", WELLS).set_index("well")
    assert table["status"].to_dict() == {"A01": "ok", "A12": "partial", "B06": "ok", "C01": "no_images"}
    assert table.at["A01", "drug"] == "x"
    model = json.loads((flow.folder / "unet.certificate.json").read_text())["model_sha256"]
    assert set(table["model_sha256"]) == {model}


def test_the_table_of_one_plate_is_the_table_of_the_run(flow, tmp_path):
    plates = {"plate_wells": flow.folder / "wells.csv", "plate_fields": flow.folder / "fields.csv"}
    maps = {"platemaps": [flow.folder / "map.tsv"], "has_map": [True]}
    flow.call(gather_wells, **plates, **maps, n_wells=[96], wells=tmp_path / "wells.csv")
    assert (tmp_path / "wells.csv").read_bytes() == (flow.folder / "wells.csv").read_bytes()
    (tmp_path / "map.tsv").write_text("well\tdrug\nA01\tx\nC02\ty\n")
    maps = {"platemaps": [tmp_path / "map.tsv"], "has_map": [True]}
    with pytest.raises(LivedeadError, match=r"1 well\(s\) have no row, first .*C02"):
        flow.call(gather_wells, **plates, **maps, n_wells=[96], wells=tmp_path / "no.csv")


def test_too_many_failed_fields_end_the_run(flow, tmp_path):
    flow.call(check_fields, report=tmp_path / "checked.txt", plates=["p"], max_failed_fraction=0.2)
    listed = (tmp_path / "checked.txt").read_text()
    assert listed.startswith("plate p: 1 of 6 imaged fields failed")
    assert "p A12 field 2 timepoint 1: truncated: " in listed
    with pytest.raises(LivedeadError, match=r"truncated, 1 field of A12, such as A12 field 2 timepoint 1: "):
        flow.call(check_fields, report=tmp_path / "no.txt", plates=["p"], max_failed_fraction=0.1)
    assert not (tmp_path / "no.txt").exists()


def test_provenance_names_inputs_code_and_how_it_was_computed(flow, tmp_path):
    files = {"platemaps": flow.folder / "map.tsv", "provenance": tmp_path / "provenance.json"}
    # A shard's plate is the name of the folder that its shards lie in.
    shards = tmp_path / "p/shards"
    shards.parent.mkdir()
    shards.symlink_to(flow.folder)
    wells = stores.read_table(flow.folder / "wells.csv", WELLS).assign(n_by_hand=[2, 0, 1, None])
    stores.write_table(tmp_path / "wells.csv", wells, WELLS)
    flow.call(
        write_provenance,
        **files,
        plate_wells=tmp_path / "wells.csv",
        class_maps=[shards / "1-of-2/classes.h5", shards / "2-of-2/classes.h5"],
        plates={"p": {"raw": "raw", "platemap": str(flow.folder / "map.tsv")}},
        config={"counting": flow.settings["counting"]},
        version="1",
        scripts={"count_cells": "abc"},
    )
    record = json.loads((tmp_path / "provenance.json").read_text())
    digest = hashlib.sha256((flow.folder / "images.tsv").read_bytes()).hexdigest()
    assert record["plates"]["p"]["images_sha256"] == digest
    assert record["plates"]["p"]["n_by_hand"] == 3
    mapped = hashlib.sha256(b"well\tdrug\nA01\tx\nB06\ty\nC01\tz\n").hexdigest()
    assert record["plates"]["p"]["platemap_sha256"] == mapped
    assert record["plates"]["p"]["sheet"]["raw"] == "raw"
    shard = record["plates"]["p"]["shards"]["2-of-2"]
    assert (shard["device"], shard["gpu"], shard["precision"]) == ("cpu", "", "float32")
    assert shard["tf32"] is False
    assert shard["threads"] == torch.get_num_threads()
    assert 0 <= shard["seam_largest_difference"] < 1e-3
    assert record["packages"]["numpy"] == np.__version__
    model = stores.read_json(flow.folder / "unet.certificate.json")
    assert record["models"] == {model["model_sha256"]: model}


def test_analysis_of_wells(flow, tmp_path):
    quality = {"quality": tmp_path / "quality.csv"}
    flow.call(assess_plate, **quality, residuals=tmp_path / "residuals.csv")
    assert len(stores.read_table(tmp_path / "residuals.csv", RESIDUALS)) == 2 * 4
    flow.call(check_quality, **quality, report=tmp_path / "checked.txt", plates=["p"], min_z_prime=None)
    assert "unknown" in (tmp_path / "checked.txt").read_text()
    with pytest.raises(LivedeadError, match="plate p timepoint 1: Z' of viability unknown"):
        flow.call(check_quality, **quality, report=tmp_path / "no.txt", plates=["p"], min_z_prime=0.5)
    assert not (tmp_path / "no.txt").exists()
    flow.call(fit_dose_response, curves=tmp_path / "curves.csv")
    assert "ic50_high" in stores.read_table(tmp_path / "curves.csv", DOSE_RESPONSE)
    flow.call(follow_wells, courses=tmp_path / "courses.csv")
    assert set(stores.read_table(tmp_path / "courses.csv", TIME_COURSES)["verdict"]) == {
        "fewer than two timepoints"
    }
    files = {"cytomining": "cytomining.csv", "drc": "drc.csv", "grmetrics": "grmetrics.tsv"}
    flow.call(export_wells, **{name: tmp_path / file for name, file in files.items()})
    assert len(stores.read_table(tmp_path / "cytomining.csv", CYTOMINING)) == 4
    assert (tmp_path / "grmetrics.tsv").read_text().startswith("cell_line\tagent\t")


def test_comparison_with_truth(flow, tmp_path):
    flow.call(compare_with_truth, wells=tmp_path / "wells.csv", summary=tmp_path / "summary.json")
    truth = pd.read_csv(flow.folder / "truth_cells.csv")
    counted = truth[(truth["well"] != "A12") | (truth["field"] != 2)]
    assert json.loads((tmp_path / "summary.json").read_text())["n_cells_true"] == len(counted)


def test_benchmarks_are_summed_by_rule_and_plate(flow, tmp_path):
    for k, (seconds, megabytes) in enumerate([("1.5", "100.5"), ("2.5", "-")]):
        (tmp_path / f"{k}.tsv").write_text(f"s\th:m:s\tmax_rss\n{seconds}\t0:00:01\t{megabytes}\n")
    fields = [{"plate": "p", "well": "A01", "field": k, "timepoint": 1} for k in range(10)]
    stores.write_table(tmp_path / "fields.csv", FIELDS.rows(fields), FIELDS)
    jobs = ["0.tsv", "1.tsv", "lost.tsv"]
    benchmarks = {
        "convert_weights": {"": jobs[:1]},
        "segment_fields": {"p": jobs},
        "count_cells": {"p": jobs[2:]},
    }
    files = {"fields": tmp_path / "fields.csv", "table": tmp_path / "sum.csv"}
    flow.call(sum_benchmarks, **files, plates=["p"], benchmarks=benchmarks)
    assert (tmp_path / "sum.csv").read_text() == (
        "rule,plate,n_jobs,n_fields,seconds,max_memory_mb,fields_per_s\n"
        "convert_weights,,1,NA,1.5,100.5,NA\n"
        "segment_fields,p,2,10,4,100.5,2.5\n"
        "count_cells,p,0,10,0,NA,NA\n"
    )
