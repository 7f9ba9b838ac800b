"""From dyed wells to a trained network, and what it read of wells it never saw."""

import hashlib
import itertools
import re
import shutil

import numpy as np
import pandas as pd
import pytest
import tifffile
from conftest import CLASSES
from draw_evaluation import draw_evaluation
from draw_history import draw_history
from evaluate_unet import evaluate_unet
from export_weights import export_weights
from label_wells import label_wells
from learn_experience import learn_experience
from review_labels import review_labels
from train_unet import train_unet

from livedead import stores
from livedead.errors import LivedeadError
from livedead.network.experience import Experience
from livedead.tables import CELLS, DETECTED, EVALUATION, READ_CELLS, READ_WELLS
from livedead.weights import unet_io
from livedead.weights.certificate import read_certificate, with_experience

OF_A_FOLD = ("cells.csv", "wells.csv", "detected.csv", "worst.h5")
OUTDATED = ("evaluation.html", "history.png", "cross_validation.html")


@pytest.fixture(scope="module")
def trained(labelled, tmp_path_factory):
    """A folder with a network trained on the plate, where an older one and its pages lay."""
    folder = tmp_path_factory.mktemp("training")
    for name in OUTDATED:
        (folder / name).touch()
    (folder / "1-of-2").mkdir()
    shutil.copy(labelled.folder / "unet.safetensors", folder / "1-of-2")
    labelled.call(train_unet, unet=folder / "unet.safetensors", history=folder / "history.csv")
    return folder


@pytest.fixture(scope="module")
def evaluated(labelled, trained):
    """The same folder, with what the network read of the wells that it was not trained on."""
    (trained / "map.tsv").write_text("well\tcontrol\nA01\tnegative\nA12\tpositive\n")
    tables = {name.split(".")[0]: trained / name for name in OF_A_FOLD}
    networks = {"unet": trained / "unet.safetensors", "trained": trained / "unet.safetensors"}
    labelled.call(evaluate_unet, **networks, platemaps=trained / "map.tsv", **tables)
    return trained


def split(folder):
    return read_certificate(folder / "unet.safetensors")["source"]["trained_on"]


def test_every_dyed_field_that_can_be_read_is_labelled(labelled):
    rows = stores.list_class_maps(labelled.settings["labels"])
    expected = [["A01", 1], ["A01", 2], ["A12", 1], ["B06", 1], ["B06", 2]]
    assert rows[["well", "field"]].to_numpy().tolist() == expected


def test_training_takes_all_wells_and_leaves_nothing_of_an_older_network(labelled, trained, tmp_path):
    assert sorted(itertools.chain(*split(trained).values())) == ["p/A01", "p/A12", "p/B06"]
    assert len(pd.read_csv(trained / "history.csv")) == 1
    assert not (trained / "checkpoint.safetensors").exists()
    assert not any((trained / name).exists() for name in OUTDATED)
    labelled.call(draw_history, history=trained / "history.csv", picture=tmp_path / "history.png")
    assert (tmp_path / "history.png").read_bytes().startswith(b"\x89PNG")


def test_a_trained_network_goes_out_and_comes_back(labelled, trained, tmp_path):
    labelled.call(export_weights, unet=trained / "unet.safetensors", keras=tmp_path / "unet.h5")
    back, carried = unet_io.convert(tmp_path / "unet.h5", input_channels=["brightfield"], classes=CLASSES)
    assert carried["classes_verified"] is True
    network, _ = unet_io.read(trained / "unet.safetensors")
    for name, tensor in network.state_dict().items():
        if not name.endswith("num_batches_tracked"):
            np.testing.assert_array_equal(back.state_dict()[name], tensor, err_msg=name)


def test_only_wells_that_the_network_never_saw_are_judged(labelled, evaluated):
    read = stores.read_table(evaluated / "wells.csv", READ_WELLS)
    cells = stores.read_table(evaluated / "cells.csv", READ_CELLS)
    # Three wells, one of them for validation: it was not trained on, and it alone is judged.
    [unseen] = split(evaluated)["validation"]
    assert [f"p/{well}" for well in read["well"]] == [unseen]
    assert set(cells["well"]) == set(read["well"])
    assert read["control"].tolist() == [{"A01": "negative", "A12": "positive"}[read["well"][0]]]
    # The truth of the page is the dye's: field 1 of the well alone, the second was rejected or broken.
    truth = pd.read_csv(labelled.folder / "truth_cells.csv")
    n_true = ((truth["well"] == read["well"][0]) & (truth["field"] == 1)).sum()
    detected = stores.read_table(evaluated / "detected.csv", DETECTED)
    assert (detected["true"] != "none").sum() == read["true_total"][0]
    assert (detected["found"] != "missed").sum() == read["n_total"][0]
    assert n_true * 0.8 <= read["true_total"][0] <= n_true * 1.1


def draw(labelled, folders, page, **given):
    files = {name.split(".")[0]: [folder / name for folder in folders] for name in OF_A_FOLD}
    written = {"page": page, "summary": page.with_suffix(".csv"), "experience": page.with_suffix(".json")}
    labelled.call(draw_evaluation, **files, **written, **given)


def test_an_evaluation_is_a_page(labelled, evaluated, tmp_path):
    draw(labelled, [evaluated], tmp_path / "evaluation.html")
    cells = stores.read_table(evaluated / "cells.csv", READ_CELLS)
    summary = stores.read_table(tmp_path / "evaluation.csv", EVALUATION)
    assert summary["n_cells"].tolist() == [cells["true"].isin(["live", "dead"]).sum()]
    page = (tmp_path / "evaluation.html").read_text()
    assert page.count("data:image/jpeg") == 1
    assert page.count("data:image/svg") == 2


def test_a_training_from_a_network_tells_how_both_read_the_same_wells(labelled, evaluated, tmp_path):
    start, unet = labelled.folder / "unet.safetensors", tmp_path / "unet.safetensors"
    started = tmp_path / "start/unet.safetensors"
    given = {"encoder": None, "start": start, "started": started}
    labelled.call(train_unet, unet=unet, history=tmp_path / "history.csv", **given)
    source = read_certificate(unet)["source"]
    assert source["start_sha256"] == hashlib.sha256(start.read_bytes()).hexdigest()
    tables = {name.split(".")[0]: started.parent / name for name in OF_A_FOLD}
    shutil.copy(evaluated / "map.tsv", tmp_path)
    labelled.call(evaluate_unet, unet=started, trained=unet, platemaps=tmp_path / "map.tsv", **tables)
    before = stores.read_table(tables["wells"], READ_WELLS)
    assert [f"p/{well}" for well in before["well"]] == source["trained_on"]["validation"]
    of_start = {f"start_{name}": [tables[name]] for name in ("cells", "wells", "detected")}
    draw(labelled, [evaluated], tmp_path / "evaluation.html", **of_start)
    summary = stores.read_table(tmp_path / "evaluation.csv", EVALUATION).set_index("fold")
    assert summary.index.tolist() == ["all", "before"]
    expected = abs(before["n_total"].sum() / before["true_total"].sum() - 1)
    assert summary.at["before", "count_error"] == pytest.approx(expected)
    assert "<i>before</i> is the network" in (tmp_path / "evaluation.html").read_text()


def test_folds_of_a_count_that_was_configured_before_are_of_no_page(labelled, evaluated, tmp_path):
    folds = [tmp_path / name for name in ("1-of-2", "2-of-2")]
    for fold in [*folds, tmp_path / "3-of-3"]:
        fold.mkdir()
        for name in OF_A_FOLD:
            shutil.copy(evaluated / name, fold)
    draw(labelled, folds, tmp_path / "cross_validation.html")
    assert sorted(path.name for path in tmp_path.glob("*-of-*")) == ["1-of-2", "2-of-2"]


def test_what_unseen_wells_told_calibrates_a_network_that_saw_all(labelled, evaluated, tmp_path):
    cells = stores.read_table(evaluated / "cells.csv", READ_CELLS)
    draw(labelled, [evaluated], tmp_path / "few.html")
    assert stores.read_json(tmp_path / "few.json") == {}
    rng = np.random.default_rng(0)
    many = pd.concat([cells.iloc[:1]] * 400, ignore_index=True).assign(found="live", true="live")
    many["log_odds"] = rng.normal(0, 2, 400)
    many["true"] = np.where(rng.uniform(size=400) < 1 / (1 + np.exp(-many["log_odds"])), "live", "dead")
    for name in ("wells.csv", "detected.csv", "worst.h5"):
        shutil.copy(evaluated / name, tmp_path)
    stores.write_table(tmp_path / "cells.csv", pd.concat([cells, many]), READ_CELLS)
    draw(labelled, [tmp_path], tmp_path / "cross_validation.html")
    learned = stores.read_json(tmp_path / "cross_validation.json")
    known = with_experience({"experience": {"pixel_size_um": 0.5}}, tmp_path / "cross_validation.json", None)
    found = Experience.from_dict(known["experience"])
    assert found.pixel_size_um == 0.5
    assert found.calibration.as_dict() == learned["calibration"]
    # Drawn with a slope of 1 and no offset.
    assert found.calibration.slope == pytest.approx(1, abs=0.3)


def test_the_review_shows_every_labelled_field_and_checks_the_rejected_one(labelled, tmp_path):
    labelled.call(review_labels, page=tmp_path / "review.html")
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


def label_masks(flow, folder, wells, dead_offset):
    given = {
        "boxes": None,
        "states": None,
        "masks": str(folder / "{well}_mask.tif"),
        "dead_dye": "draq7",
        "dyed_wells": wells,
    }
    labels = {"masks": {"dead_offset": dead_offset, "boundary_px": 1}}
    flow.call(label_wells, class_maps=folder / "labels.h5", labels=labels, **given)


def test_labels_from_masks(flow, tmp_path, caplog):
    mask = np.zeros((160, 160), np.uint8)
    mask[20:60, 20:60] = 1
    tifffile.imwrite(tmp_path / "A01_mask.tif", mask)
    tifffile.imwrite(tmp_path / "A12_mask.tif", mask[:, :80])
    label_masks(flow, tmp_path, ["A01", "A12"], dead_offset=5000)
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
        label_masks(flow, tmp_path, dyed_wells, dead_offset=60)
    assert not (tmp_path / "labels.h5").exists()


def test_what_a_network_has_seen_is_kept_with_it(labelled, trained):
    seen = read_certificate(trained / "unet.safetensors")["experience"]
    assert seen["pixel_size_um"] == 0.65
    assert set(seen["cell_area_um2"]) <= {"live", "dead"}


@pytest.mark.parametrize(("dyed", "labels"), [(["A01"], "labels"), ([], None)])
def test_what_a_network_has_seen_is_learned_from_a_plate(labelled, trained, tmp_path, dyed, labels):
    """The areas are those of the cells that the chain counts with this network, in the same wells."""
    unet, learned = trained / "unet.safetensors", tmp_path / "experience.json"
    given = {"labels": labelled.settings[labels]} if labels else {"labels": []}
    plates = [{**labelled.settings["plates"][0], "dyed_wells": dyed}]
    labelled.call(learn_experience, unet=unet, plates=plates, experience=learned, **given)
    labelled.read_shard(tmp_path / "1-of-1", unet=unet)
    cells = stores.read_table(tmp_path / "1-of-1/cells.csv.gz", CELLS)
    if dyed:
        read = stores.list_class_maps(labelled.settings["labels"])
        cells = cells.merge(read[["well", "field", "timepoint"]])
    expected = cells.groupby("state")["area_um2"].median().drop("ambiguous", errors="ignore")
    assert stores.read_json(learned)["cell_area_um2"] == pytest.approx(expected.to_dict(), rel=1e-5)
