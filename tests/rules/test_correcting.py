"""Corrections by hand, from their file to the well table, and through the check of a sample of wells."""

import csv
import json

import numpy as np
import pytest
import tifffile
from export_labels import export_labels
from label_wells import label_wells
from roifile import roiread
from tabulate_wells import tabulate_wells

from livedead import stores
from livedead.cells.outlines import cells_sha256
from livedead.errors import LivedeadError
from livedead.fields.plate_images import open_plate
from livedead.tables import CELLS, FIELDS, WELLS
from livedead.wells.counting import counted_fields, counter_of

SHARDS = ("1-of-2", "2-of-2")


def counted(flow, well, field):
    """A field with its cells' pixels, as the page of the plate has it."""
    settings = flow.settings
    counter = counter_of(
        open_plate(flow.folder / "raw", flow.folder / "images.tsv", 16),
        None,
        stores.read_json(flow.folder / "unet.certificate.json"),
        settings["classes"],
        settings["counting"],
        [],
        0.65,
        {},
    )
    maps = [flow.folder / name / "classes.h5" for name in SHARDS]
    [found] = counted_fields(maps, counter, {(well, field, 1)})
    return found


def corrections_of(flow, well, field, *actions, usable=True):
    found = counted(flow, well, field)
    sha256 = cells_sha256(found.labels, found.cells["state"].tolist())
    key = {"well": well, "field": field, "timepoint": 1}
    return {**key, "cells_sha256": sha256, "usable": usable, "actions": actions}


def count(flow, folder, *fields):
    """Count the plate again with corrections; the files of the result, by the names of rules."""
    record = {"livedead": "corrections", "version": 1, "plate": "p", "reviewer": "", "fields": fields}
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "by_hand.json"
    file.write_text(json.dumps(record))
    files = {"fields": "fields.csv", "cells": "cells.csv.gz", "wells": "wells.csv"}
    given = {"corrections": [file], **{name: folder / path for name, path in files.items()}}
    for name in SHARDS:
        maps = flow.folder / name / "classes.h5"
        tables = {"fields": folder / name / "fields.csv", "cells": folder / name / "cells.csv.gz"}
        flow.count_shard(folder / name, class_maps=maps, **{**given, **tables})
    flow.gather(*(folder / name for name in SHARDS), **given)
    flow.call(tabulate_wells, config_sha256="with corrections", **given)
    return given


@pytest.fixture(scope="module")
def corrected(flow, tmp_path_factory):
    """The plate with a cell of A01 turned, one deleted, and field 2 of B06 marked as unusable."""
    state = counted(flow, "A01", 2).cells["state"][0]
    actions = (
        {"action": "state", "cell": 1, "state": "dead" if state == "live" else "live"},
        {"action": "delete", "cell": 2},
    )
    fields = corrections_of(flow, "A01", 2, *actions), corrections_of(flow, "B06", 2, usable=False)
    return count(flow, tmp_path_factory.mktemp("corrected"), *fields)


def wells(path):
    return stores.read_table(path, WELLS).set_index("well")


def test_corrections_arrive_in_every_table(flow, corrected):
    before, after = (counted(flow, "A01", 2).cells, stores.read_table(corrected["cells"], CELLS))
    after = after[(after["well"] == "A01") & (after["field"] == 2)]
    assert len(after) == len(before) - 1
    assert after["by_hand"].tolist() == [True] + [False] * (len(after) - 1)
    assert after["state"].iloc[0] != before["state"][0]
    assert after["state"].tolist()[1:] == before["state"].tolist()[2:]
    fields = stores.read_table(corrected["fields"], FIELDS).set_index(["well", "field"])
    assert fields["n_by_hand"].dropna().to_dict() == {
        ("A01", 1): 0, ("A01", 2): 2, ("A12", 1): 0, ("B06", 1): 0,
    }  # fmt: skip
    assert fields.loc[("B06", 2), ["status", "code"]].tolist() == ["failed", "rejected"]
    assert "by_hand.json: a reviewer marked the field as unusable" in fields.at[("B06", 2), "message"]
    found, old = wells(corrected["wells"]), wells(flow.folder / "wells.csv")
    assert found["n_by_hand"].dropna().to_dict() == {"A01": 2, "A12": 0, "B06": 0}
    assert old["n_by_hand"].dropna().to_dict() == {"A01": 0, "A12": 0, "B06": 0}
    assert found.at["A01", "n_total"] == old.at["A01", "n_total"] - 1
    assert (found.at["B06", "n_fields_used"], found.at["B06", "status"]) == (1, "partial")
    # What no one touched is the same to the last digit.
    same = ["n_live", "n_dead", "n_total", "viability", "pixels_sha256"]
    assert found.loc["A12", same].equals(old.loc["A12", same])
    assert found.at["A12", "row_sha256"] != old.at["A12", "row_sha256"]


def test_corrected_wells_give_their_rows_again_by_their_corrections_alone(flow, corrected, tmp_path):
    given = {"sample": 96, "config_sha256": "with corrections"}
    report = flow.verify(tmp_path, **corrected, **given)
    assert {line.split()[1] for line in report.splitlines()} == {"A01", "A12", "B06"}
    with pytest.raises(LivedeadError, match="is not what its raw images give"):
        flow.verify(tmp_path, **{**corrected, "corrections": []}, **given)


def test_corrections_of_cells_that_are_counted_no_more_end_the_job(flow, tmp_path):
    field = corrections_of(flow, "A01", 1, {"action": "delete", "cell": 1})
    with pytest.raises(
        LivedeadError, match=r"well A01 field 1 timepoint 1: .*by_hand\.json: made on other cel"
    ):
        count(flow, tmp_path, {**field, "cells_sha256": "0" * 64})
    assert not (tmp_path / "1-of-2/fields.csv").exists()


def test_corrections_of_a_field_that_is_not_there_end_the_job(flow, tmp_path):
    field = corrections_of(flow, "A01", 1)
    with pytest.raises(LivedeadError, match=r"by_hand\.json: well A01 field 9 timepoint 1: the plate has no"):
        count(flow, tmp_path, {**field, "field": 9})


@pytest.fixture(scope="module")
def exported(flow, corrected, tmp_path_factory):
    """The folder of label images of the corrected plate."""
    folder = tmp_path_factory.mktemp("exported") / "labels"
    maps = [flow.folder / name / "classes.h5" for name in SHARDS]
    flow.call(export_labels, class_maps=maps, folder=folder, dyes=None, **corrected)
    return folder


def test_label_images_have_the_cells_of_the_corrected_table(corrected, exported):
    cells = stores.read_table(corrected["cells"], CELLS)
    with open(exported / "states.csv", newline="") as stream:
        told = [(row["image"], int(row["label"]), row["state"]) for row in csv.DictReader(stream)]
    names = cells["well"] + "_f" + cells["field"].astype(str) + ".tif"
    assert told == list(zip(names, cells["cell"], cells["state"], strict=True))
    # Field 2 of A12 failed, and field 2 of B06 was marked as unusable.
    images = ["A01_f1", "A01_f2", "A12_f1", "B06_f1"]
    assert sorted(path.stem for path in exported.glob("*.tif")) == images
    assert sorted(path.stem for path in exported.glob("rois/*.zip")) == images
    for name in images:
        areas = np.bincount(tifffile.imread(exported / f"{name}.tif").ravel())[1:]
        assert areas.tolist() == cells.loc[names == f"{name}.tif", "area_px"].tolist()
        assert len(roiread(exported / f"rois/{name}.zip") or []) == len(areas)


def label_again(flow, exported, folder, states, wells=("A01", "B06")):
    given = {"dyes": None, "boxes": None, "dead_dye": "draq7", "dyed_wells": list(wells)}
    labels = {"masks": {"dead_offset": 60, "boundary_px": 1}}
    masks = {"masks": str(exported), "states": states}
    flow.call(label_wells, class_maps=folder / "labels.h5", labels=labels, **masks, **given)
    return [arrays for _, arrays in stores.read_segmentations(folder / "labels.h5")]


def test_what_was_exported_labels_the_plate_without_a_dye(flow, corrected, exported, tmp_path):
    found = label_again(flow, exported, tmp_path, exported / "states.csv")
    rows = stores.list_class_maps(tmp_path / "labels.h5")
    assert rows[["well", "field"]].to_numpy().tolist() == [["A01", 1], ["A01", 2], ["B06", 1]]
    cells = stores.read_table(corrected["cells"], CELLS)
    for arrays, well, field in zip(found, rows["well"], rows["field"], strict=True):
        own = cells[(cells["well"] == well) & (cells["field"] == field)]
        for cell in own.itertuples():
            classes = np.unique(arrays["maps"][arrays["instances"] == cell.cell])
            # Numbers of the live and the dead nucleus, and of the outline between cells.
            assert set(classes) <= {{"live": 3, "dead": 4}[cell.state], 2}
        assert set(np.unique(arrays["maps"][arrays["instances"] == 0])) <= {0, 2}


def test_a_label_without_a_state_ends_the_labelling(flow, exported, tmp_path):
    lines = (exported / "states.csv").read_text().splitlines(keepends=True)
    kept = [line for line in lines if not line.startswith("A01_f2.tif,1,")]
    (tmp_path / "states.csv").write_text("".join(kept))
    with pytest.raises(LivedeadError, match=r"A01_f2\.tif: labels of the image without a row .*: 1\n"):
        label_again(flow, exported, tmp_path, tmp_path / "states.csv")
    assert not (tmp_path / "labels.h5").exists()
