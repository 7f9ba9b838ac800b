"""Label images, states and ROIs, read back by tifffile, csv and roifile."""

import csv
import zipfile

import numpy as np
import pandas as pd
import pytest
import tifffile
from drawn_fields import random_blobs
from roifile import roiread
from scipy import ndimage

from livedead.cells.counting import CountedField
from livedead.errors import StoreError
from livedead.labels.exported import as_in_table, export_fields, label_image

KEYS = [("B03", 1, 1), ("B03", 2, 1), ("C01", 1, 1)]


def counted(key, labels, states):
    row = dict(zip(("plate", "well", "field", "timepoint"), ("p", *key), strict=True))
    cells = pd.DataFrame({"cell": range(1, len(states) + 1), "state": states}).assign(**row)
    return CountedField(row, cells, labels, (labels > 0).astype(np.uint8))


def fields():
    """Two of three fields: random cells without holes, and none."""
    blobs = ndimage.binary_fill_holes(random_blobs(1, side=90, sigma=2) > 0)
    labels, n_cells = ndimage.label(blobs)
    states = [("live", "dead", "ambiguous")[k % 3] for k in range(n_cells)]
    return [
        counted(KEYS[0], labels.astype(np.int32), states),
        counted(KEYS[1], np.zeros((90, 90), np.int32), []),
    ]


@pytest.fixture
def exported(tmp_path):
    export_fields(tmp_path / "labels", fields(), KEYS, crop_px=(2, 5), pixel_size_um=0.65)
    return tmp_path / "labels"


def test_there_is_a_file_for_every_field_that_was_counted(exported):
    found = sorted(str(path.relative_to(exported)) for path in exported.rglob("*") if path.is_file())
    assert found == ["B03_f1.tif", "B03_f2.tif", "rois/B03_f1.zip", "rois/B03_f2.zip", "states.csv"]


def test_labels_lie_on_the_raw_image_and_carry_their_pixel_size(exported):
    with tifffile.TiffFile(exported / "B03_f1.tif") as file:
        labels, page, imagej = file.asarray(), file.pages[0], file.imagej_metadata
    expected = fields()[0].labels
    assert labels.dtype == np.uint16
    assert labels.shape == (94, 100)
    np.testing.assert_array_equal(labels[2:-2, 5:-5], expected)
    assert (labels > 0).sum() == (expected > 0).sum()
    assert page.compression == tifffile.COMPRESSION.ADOBE_DEFLATE
    assert imagej["unit"] == "micron"
    for axis in ("XResolution", "YResolution"):
        pixels, um = page.tags[axis].value
        assert pixels / um == pytest.approx(1 / 0.65)


def test_the_table_of_states_has_every_label(exported):
    with open(exported / "states.csv", newline="") as stream:
        rows = list(csv.DictReader(stream))
    states = fields()[0].cells["state"].tolist()
    expected = [
        {"image": "B03_f1.tif", "label": str(k), "state": state} for k, state in enumerate(states, start=1)
    ]
    assert rows == expected


def test_outlines_hold_the_pixels_of_their_cells(exported):
    labels = tifffile.imread(exported / "B03_f1.tif")
    rois = roiread(exported / "rois/B03_f1.zip")
    states = fields()[0].cells["state"].tolist()
    assert [roi.name for roi in rois] == [f"{k:04d}-{state}" for k, state in enumerate(states, start=1)]
    for k, (roi, state) in enumerate(zip(rois, states, strict=True), start=1):
        x, y = roi.coordinates().T
        area = abs(np.dot(x, np.roll(y, 1)) - np.dot(y, np.roll(x, 1))) / 2
        assert area == (labels == k).sum()
        rows, columns = np.nonzero(labels == k)
        assert (roi.top, roi.left) == (rows.min(), columns.min())
        assert (roi.bottom, roi.right) == (rows.max() + 1, columns.max() + 1)
        colour = {"live": "0072b2", "dead": "d55e00", "ambiguous": "f0e442"}[state]
        assert roi.stroke_color.hex() == "ff" + colour


def test_a_field_without_cells_has_an_archive_without_outlines(exported):
    with zipfile.ZipFile(exported / "rois/B03_f2.zip") as archive:
        assert archive.namelist() == []


def test_equal_cells_equal_bytes(exported, tmp_path, monkeypatch):
    monkeypatch.setattr("time.time", lambda: 2e9)
    export_fields(tmp_path / "again", fields(), KEYS, crop_px=(2, 5), pixel_size_um=0.65)
    for path in (path for path in exported.rglob("*") if path.is_file()):
        assert path.read_bytes() == (tmp_path / "again" / path.relative_to(exported)).read_bytes(), path


def test_more_cells_than_16_bit_numbers_take_32(tmp_path):
    labels = np.arange(70_000, dtype=np.int32).reshape(700, 100)
    (tmp_path / "many.tif").write_bytes(label_image(labels, 0.5))
    found = tifffile.imread(tmp_path / "many.tif")
    assert found.dtype == np.uint32
    np.testing.assert_array_equal(found, labels)


def test_cells_that_are_not_those_of_the_table_are_refused():
    cells = pd.concat([field.cells for field in fields()])
    assert len(list(as_in_table(fields(), cells, "cells.csv.gz"))) == 2
    with pytest.raises(
        StoreError, match=r"cells\.csv\.gz: plate p well B03 field 1 timepoint 1: other cells"
    ):
        list(as_in_table(fields(), cells[1:], "cells.csv.gz"))
