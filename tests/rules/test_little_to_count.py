"""Plates that have little or nothing to count, through every rule of the chain."""

import re

import numpy as np
import pytest
import tifffile
from assess_plate import assess_plate
from chain import NORMALIZATION, QC, Plate, write_unet
from check_fields import check_fields
from check_quality import check_quality
from draw_curves import draw_curves
from draw_fields import draw_fields
from draw_montage import draw_montage
from draw_plate import draw_plate
from export_normalized import export_normalized
from export_wells import export_wells
from fit_dose_response import fit_dose_response
from follow_wells import follow_wells
from gather_wells import gather_wells
from summarize_run import summarize_run

from livedead import stores
from livedead.errors import LivedeadError
from livedead.plates.plate_maps import MapColumns
from livedead.tables import CELLS, DOSE_RESPONSE, DRC, FIELDS, PLATE_QUALITY, WELLS

SIDE_PX = 64
IMAGED = ("A01", "A02", "B01")
COLUMNS = MapColumns()
MAP = (
    "well\ttreatment\tdose_um\tcontrol\n"
    "A01\tnone\t0\tnegative\nA02\tx\t1\t\nB01\tx\t2\t\nH12\tx\t9\tpositive\n"
)
SETTINGS = {
    "imaged": {"brightfield": "w1"},
    "settings": {**NORMALIZATION, "flat_fields": 2},
    "seam": {"checks": 0, "max_difference": 1e-3},
    "counting": {"min_area_um2": 0.0, "max_area_um2": 1e9},
    "treatment_columns": ["treatment", "dose_um"],
}


@pytest.fixture(scope="module")
def unet(tmp_path_factory):
    return write_unet(tmp_path_factory.mktemp("weights"))


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


def count_plate(folder, unet, plate_map=MAP, **settings):
    """The plate of the raw images in ``folder/raw``, with all of its tables and pictures, and its summary."""
    plate = Plate(folder, **{**SETTINGS, **unet, **settings})
    (folder / "map.tsv").write_text(plate_map)
    plate.count()
    wells = {"wells": folder / "all.csv"}
    of_plate = {"plate_wells": folder / "wells.csv", "plate_fields": folder / "fields.csv"}
    plate.call(gather_wells, **of_plate, platemaps=[], has_map=[False], n_wells=[96], **wells)
    plate.call(assess_plate)
    plate.call(check_quality, report=folder / "checked.txt", plates=["p"], min_z_prime=None)
    plate.call(fit_dose_response, **wells, curves=folder / "curves.csv")
    plate.call(follow_wells, **wells, courses=folder / "courses.csv")
    files = {"cytomining": "cytomining.csv", "drc": "drc.csv", "grmetrics": "grmetrics.tsv"}
    plate.call(export_wells, **{name: folder / file for name, file in files.items()})
    if not stores.read_table(folder / "all.csv", WELLS)["n_total"].any():
        assert stores.read_table(folder / "drc.csv", DRC).empty
        assert set(stores.read_table(folder / "curves.csv", DOSE_RESPONSE)["verdict"]) <= {"under-determined"}
    draw_pictures(plate, wells)
    expected = {"sheet": "plates.tsv", "plates": ["p"], "pixel_size_um": [0.65]}
    limits = {"max_failed_fraction": 0.5, "min_z_prime": None}
    plate.call(
        summarize_run, **wells, exports=folder / "export.json", summary=folder / "s.txt", **expected, **limits
    )
    return plate, (folder / "s.txt").read_text()


def draw_pictures(plate, wells):
    """Every picture of the plate; each is there, whatever there is to draw."""
    pictures = {
        name: [plate.folder / f"{name}.png"] for name in ("heat_maps", "sheets", "of_doses", "of_times")
    }
    plate.call(draw_plate, **pictures)
    plate.call(
        draw_curves,
        **wells,
        curves=plate.folder / "curves.csv",
        courses=plate.folder / "courses.csv",
        **pictures,
    )
    class_maps = [plate.folder / "1-of-1/classes.h5"]
    pictures |= {"pictures": [plate.folder / "fields.png"], "picture": [plate.folder / "montage.png"]}
    plate.call(draw_fields, class_maps=class_maps, pictures=pictures["pictures"])
    plate.call(draw_montage, picture=plate.folder / "montage.png")
    for (path,) in pictures.values():
        assert path.read_bytes().startswith(b"\x89PNG")


def statuses(folder):
    table = stores.read_table(folder / "all.csv", WELLS)
    return dict(zip(table["well"], table["status"], strict=True))


def codes(folder):
    table = stores.read_table(folder / "fields.csv", FIELDS)
    return dict(zip(table["well"], table["code"], strict=True))


def test_a_plate_without_any_cell(tmp_path, unet):
    write_raw(tmp_path / "raw")
    plate, text = count_plate(tmp_path, unet, counting={"min_area_um2": 1e8, "max_area_um2": 1e9})
    assert statuses(tmp_path) == {**dict.fromkeys(IMAGED, "no_cells"), "H12": "no_images"}
    assert set(stores.read_table(tmp_path / "all.csv", WELLS)["n_total"].dropna()) == {0}
    assert "NOT ONE CELL was counted" in text
    for key in ("input_channels", "focus", "classes", "weights", "pixel_size_um"):
        assert key in text.split("NOT ONE CELL")[1]
    assert "negative controls: no live or dead cell (1 wells)" in text
    assert "positive controls: no control imaged (1 wells)" in text
    assert [line.split()[1] for line in plate.verify(tmp_path / "verified", sample=96).splitlines()] == list(
        IMAGED
    )


def test_a_plate_with_one_readable_field(tmp_path, unet):
    write_raw(tmp_path / "raw", broken=[("A01", 1), ("A02", 1)])
    _, text = count_plate(tmp_path, unet)
    assert codes(tmp_path) == {"A01": "truncated", "A02": "truncated", "B01": ""}
    found = statuses(tmp_path)
    assert (found["A01"], found["A02"], found["H12"]) == ("failed", "failed", "no_images")
    assert found["B01"] in ("ok", "no_cells")
    assert "2 of 3 imaged fields failed (66.7%, allowed 50.0%); the run ends with an error" in text
    assert "truncated, 2 fields of A01-A02, such as A01 field 1" in text


def test_a_plate_without_one_readable_field(tmp_path, unet):
    write_raw(tmp_path / "raw", broken=[(well, 1) for well in IMAGED])
    plate, text = count_plate(tmp_path, unet)
    assert statuses(tmp_path) == {**dict.fromkeys(IMAGED, "failed"), "H12": "no_images"}
    assert codes(tmp_path) == dict.fromkeys(IMAGED, "truncated")
    assert "NOT ONE FIELD of this run could be used" in text
    with pytest.raises(
        LivedeadError, match=r"(?s)plate p: 3 of 3 imaged .*truncated, 3 fields of A01-A02, B01"
    ):
        plate.call(check_fields, report=tmp_path / "no.txt", plates=["p"], max_failed_fraction=0.9)
    with pytest.raises(LivedeadError, match="not one field of the plate can be read"):
        plate.call(export_normalized, folder=tmp_path / "normalized")
    assert plate.verify(tmp_path / "verified", sample=96) == "no well has a field that can be used\n"


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
    _, text = count_plate(tmp_path, unet, qc={**QC, "exclude_flags": ["low_range"]}, min_range=60_000)
    assert statuses(tmp_path) == {**dict.fromkeys(IMAGED, "failed"), "H12": "no_images"}
    assert codes(tmp_path) == dict.fromkeys(IMAGED, "excluded_qc")
    assert stores.read_table(tmp_path / "cells.csv.gz", CELLS).empty
    assert re.search(r"excluded_qc, 3 fields of A01-A02, B01, .*low_range, which qc.exclude_flags", text)
    assert "negative controls: no control can be used (1 wells)" in text


def test_a_timepoint_at_which_wells_have_no_image(tmp_path, unet):
    write_raw(tmp_path / "raw", timepoints=(1, 2, 3), absent=[("A02", 2), ("B01", 2)])
    _, text = count_plate(tmp_path, unet)
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
    _, text = count_plate(tmp_path, unet, plate_map="well\ttreatment\nA01\tx\nA02\ty\nB01\tx\n")
    assert "controls" not in text
    quality = stores.read_table(tmp_path / "quality.csv", PLATE_QUALITY)
    assert set(quality["n_negative"]) == {0}
    assert set(quality["alarm"]) == {""}
