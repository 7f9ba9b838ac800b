import pytest

from livedead.training.outdated import remove_outdated, trained_alike
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
