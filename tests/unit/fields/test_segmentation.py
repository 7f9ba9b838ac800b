import numpy as np
import pandas as pd
import pytest
import torch
from chain import write_unet
from conftest import CLASSES, randomized

from livedead.errors import ConfigError, FieldError, LivedeadError
from livedead.fields import segmentation
from livedead.fields.normalized_plate import NormalizedPlate, pixels_sha256
from livedead.fields.plate_images import PlateImages
from livedead.network.experience import Experience
from livedead.network.plan import Plan
from livedead.network.segmenter import SeamCheck, Segmenter
from livedead.network.unet import Architecture
from livedead.normalization.transforms import Transform
from livedead.weights import unet_io
from livedead.weights.assay import Assay
from livedead.weights.certificate import certify_training

SHAPE = (64, 96)
KEYS = [("A01", 1, 1), ("A01", 2, 1), ("B01", 1, 1), ("B01", 2, 1)]
PLANES = {
    key: np.random.default_rng(k).integers(1000, 9000, SHAPE).astype(np.uint16) for k, key in enumerate(KEYS)
}


class Pictures(PlateImages):
    """Fields whose planes are in memory; the second cannot be read."""

    def __init__(self):
        names = ["well", "field", "timepoint"]
        rows = pd.DataFrame(KEYS, columns=names).assign(plate="p", channel="bf", crop_y_px=0, crop_x_px=0)
        super().__init__(None, rows.assign(hours=0.0, height=SHAPE[0], width=SHAPE[1]), 16)

    def plane(self, key, channel):
        if key == KEYS[1]:
            raise FieldError("truncated", "half of it")
        return PLANES[key]


@pytest.fixture(scope="module")
def unet(tmp_path_factory):
    return write_unet(tmp_path_factory.mktemp("weights"))["unet"]


@pytest.fixture
def plate():
    return NormalizedPlate(Pictures(), {"bf": Transform(np.ones(SHAPE, np.float32), 1000.0, 9000.0)})


@pytest.fixture
def segmenter(unet, plate):
    return segmentation.open_segmenter(unet, plate.seen.values(), Plan(device="cpu"), 0.65)


@pytest.mark.parametrize("n_readers", [1, 2, 16])
def test_a_field_is_its_row_and_its_arrays(plate, segmenter, n_readers):
    fields = list(segmentation.segmented_fields(plate, KEYS, segmenter, n_readers=n_readers))
    assert [(field.row["well"], field.row["field"]) for field in fields] == [key[:2] for key in KEYS]
    for key, field in zip(KEYS, fields, strict=True):
        if key == KEYS[1]:
            continue
        expected = segmenter.segment(PLANES[key][np.newaxis], key)
        np.testing.assert_array_equal(field.arrays["maps"], expected.class_map)
        np.testing.assert_array_equal(field.arrays["unstable"], expected.unstable)
        np.testing.assert_array_equal(field.arrays["runners_up"], expected.runners_up)
        assert field.row["pixels_sha256"] == pixels_sha256([PLANES[key]])
        assert field.check is None


def test_a_field_that_cannot_be_read_is_a_failed_row(plate, segmenter, caplog):
    _, failed, *_ = segmentation.segmented_fields(plate, KEYS, segmenter)
    assert (failed.row["status"], failed.row["code"], failed.row["message"]) == (
        "failed",
        "truncated",
        "half of it",
    )
    assert failed.row["pixels_sha256"] == ""
    assert failed.arrays == {}
    assert "A01 field 2 timepoint 1: truncated: half of it" in caplog.text


def test_a_field_that_the_network_cannot_read_is_a_failed_row(unet):
    local = {KEYS[0]: (1000.0, np.nan)}
    broken = Transform(np.ones(SHAPE, np.float32), 1000.0, 9000.0, local=local)
    plate = NormalizedPlate(Pictures(), {"bf": broken})
    segmenter = segmentation.open_segmenter(unet, plate.seen.values(), Plan(device="cpu"), 0.65)
    checked = segmentation.choose_checked(KEYS, 9, seed=1)
    found = list(segmentation.segmented_fields(plate, KEYS, segmenter, checked))
    assert [field.row["code"] for field in found] == ["not_finite", "truncated", "", ""]
    assert [field.check is None for field in found] == [True, True, False, False]


def test_checks_are_of_other_fields_in_every_shard_and_the_same_in_every_run():
    keys = [("A01", k, 1) for k in range(100)]
    first = segmentation.choose_checked(keys, 5, seed=1)
    again = segmentation.choose_checked(keys, 5, seed=1)
    assert list(first) == list(again)
    assert [rng.integers(1000) for rng in first.values()] == [rng.integers(1000) for rng in again.values()]
    assert len(set(first)) == 5
    assert set(segmentation.choose_checked(keys, 5, seed=2)) != set(first)
    assert set(segmentation.choose_checked(keys, 200, seed=1)) == set(keys)
    assert segmentation.choose_checked(keys, 0, seed=1) == {}


def test_a_seam_ends_the_job(caplog):
    row = {"well": "A01", "field": 2, "timepoint": 1}
    field = segmentation.SegmentedField(row, {}, SeamCheck(100, 3, 0.25))
    segmentation.check_seam(field, 0.25)
    with pytest.raises(LivedeadError, match=r"A01 field 2 timepoint 1: .*0\.25.* over max_difference 0\.2$"):
        segmentation.check_seam(field, 0.2)
    with pytest.raises(LivedeadError, match="nan"):
        segmentation.check_seam(field._replace(check=SeamCheck(100, 3, float("nan"))), 1.0)
    segmentation.check_seam(segmentation.SegmentedField(row, {}), 0.0)


def test_a_file_tells_how_it_was_computed_and_how_surely(segmenter):
    checks = [SeamCheck(100, 3, 0.25), SeamCheck(50, 0, 0.5)]
    about = segmentation.describe_segmentation(segmenter, 7, checks)
    assert about == {
        "device": "cpu",
        "gpu": "",
        "precision": "float32",
        "tf32": False,
        "torch": str(torch.__version__),
        "threads": 2,
        "n_unstable_px": 7,
        "seam_largest_difference": 0.5,
        "seam_n_changed": 3,
        "seam_n_pixels": 150,
    }
    unchecked = segmentation.describe_segmentation(segmenter, 0, [])
    assert (unchecked["seam_largest_difference"], unchecked["seam_n_pixels"]) == (0.0, 0)


@pytest.mark.parametrize("threads", [1, 2])
def test_threads_are_those_of_the_plan_not_of_the_machine(unet, plate, threads):
    segmentation.open_segmenter(unet, plate.seen.values(), Plan(device="cpu", threads=threads), 0.65)
    assert torch.get_num_threads() == threads


def seen(folder, pixel_size_um):
    """The network of `unet`, which knows its pixel size."""
    network = randomized(Architecture(n_classes=5, alpha=0.35, decoder_widths=(16, 12, 8, 8)))
    assay = Assay(CLASSES, ["brightfield"], Experience(pixel_size_um))
    unet_io.write(folder / "unet.safetensors", network, certify_training(network, assay, {}))
    return folder / "unet.safetensors"


def test_fields_are_read_at_the_pixel_size_that_the_network_knows(unet, plate, tmp_path, caplog):
    """As the segmenter does that is told the scale; on pixels that are alike, as without the knowledge."""
    caplog.set_level("INFO")
    counts = PLANES[KEYS[0]][np.newaxis]
    transforms, plan = list(plate.seen.values()), Plan(device="cpu")
    known = seen(tmp_path, 0.65)
    found = segmentation.open_segmenter(known, transforms, plan, 0.91).segment(counts)
    assert "resampled from pixels of 0.91 um to the network's 0.65 um" in caplog.text
    network, _ = unet_io.read(known)
    expected = Segmenter(network, transforms, plan, scale=0.91 / 0.65).segment(counts)
    np.testing.assert_array_equal(found.class_map, expected.class_map)
    own = segmentation.open_segmenter(known, transforms, plan, 0.66).segment(counts)
    assert (own.class_map != found.class_map).any()
    assert "not known" not in caplog.text
    unknown = segmentation.open_segmenter(unet, transforms, plan, 0.91).segment(counts)
    assert "set experience.pixel_size_um in config.yaml" in caplog.text
    np.testing.assert_array_equal(own.class_map, unknown.class_map)
    with pytest.raises(ConfigError, match=r"allowed: 0.325 to 1.3 um"):
        segmentation.open_segmenter(known, transforms, plan, 3.25)


@pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has the GPU that the test withholds")
def test_a_job_that_was_given_a_gpu_never_computes_on_the_processor_unseen(unet, plate, monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0")
    with pytest.raises(ConfigError, match="this job was given GPU 0, but PyTorch"):
        segmentation.open_segmenter(unet, plate.seen.values(), Plan(device="auto"), 0.65)
    with pytest.raises(ConfigError, match="this job was given GPU 0, but PyTorch"):
        segmentation.set_up_device("auto", 2)
    assert segmentation.set_up_device("cpu", 2).type == "cpu"
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES")
    assert segmentation.set_up_device("auto", 2).type == "cpu"
