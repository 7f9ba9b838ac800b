import pytest

from livedead.training.outdated import remove_outdated, remove_replaced, trained_alike
from livedead.weights import unet_io
from livedead.weights.assay import Assay
from livedead.weights.certificate import certify_training

CLASSES = [{"name": str(k), "role": "background"} for k in range(5)]
SOURCE = {"labels_sha256": ["a", "b"], "encoder_sha256": None, "training": {"folds": 2, "fit": {"seed": 1}}}


@pytest.fixture
def networks(tmp_path, small_network):
    """Networks of two folds of one training, whose wells differ."""
    paths = []
    for fold in ("1-of-2", "2-of-2"):
        certificate = certify_training(
            small_network,
            Assay(CLASSES, ["brightfield"]),
            {**SOURCE, "trained_on": {"training": [fold]}},
        )
        paths.append(tmp_path / fold / "unet.safetensors")
        unet_io.write(paths[-1], small_network, certificate)
    return paths


def test_folds_of_this_training(networks):
    assert trained_alike(networks, SOURCE)
    assert trained_alike([], SOURCE)


@pytest.mark.parametrize(
    "change",
    [
        {"labels_sha256": ["a", "c"]},
        {"labels_sha256": ["a"]},
        {"encoder_sha256": "e"},
        {"training": {"folds": 2, "fit": {"seed": 2}}},
        {"code_sha256": "new in this version"},
    ],
)
def test_folds_of_another_training(networks, change):
    assert not trained_alike(networks, {**SOURCE, **change})


def test_a_network_that_cannot_be_read_proves_nothing(networks):
    networks[1].write_bytes(b"torn")
    assert not trained_alike(networks, SOURCE)
    assert not trained_alike([networks[0].with_name("gone.safetensors")], SOURCE)


def test_what_tells_of_the_old_network_goes_and_nothing_else(tmp_path, caplog):
    for name in ("evaluation.html", "notes.txt", "1-of-2/evaluation.html"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    with caplog.at_level("INFO"):
        remove_outdated(tmp_path, ["evaluation.html", "history.png"])
    left = {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file()}
    assert left == {"notes.txt", "1-of-2/evaluation.html"}
    assert [record.args[0].name for record in caplog.records] == ["evaluation.html"]


def test_a_new_network_of_all_wells_leaves_the_pages_of_its_own_folds(networks, tmp_path):
    names = {"of_network": ["evaluation.html"], "of_folds": ["cross_validation.html"]}
    page, of_folds = tmp_path / "evaluation.html", tmp_path / "cross_validation.html"
    for source, stands in ((SOURCE, True), ({**SOURCE, "labels_sha256": ["a", "c"]}, False)):
        page.touch()
        of_folds.touch()
        remove_replaced(tmp_path / "unet.safetensors", None, source, **names)
        assert (page.exists(), of_folds.exists()) == (False, stands)


def test_a_new_network_of_a_fold_ends_the_pages_of_all_folds_alone(networks, tmp_path):
    names = {"of_network": ["cells.csv"], "of_folds": ["cross_validation.html"]}
    gone = [tmp_path / "1-of-2/cells.csv", tmp_path / "cross_validation.html"]
    kept = [tmp_path / "2-of-2/cells.csv", tmp_path / "cells.csv"]
    for path in (*gone, *kept):
        path.touch()
    remove_replaced(networks[0], 1, SOURCE, **names)
    assert not any(path.exists() for path in gone)
    assert all(path.exists() for path in kept)
