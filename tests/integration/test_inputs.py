"""A finished plate, every target made: which jobs read what, and what makes them run again."""

import os
import re
import shutil
from pathlib import Path

import pytest
import tifffile
import yaml
from skimage.measure import label
from working_folder import TINY, Folder, undeclared, write_config

from livedead.simulation.plate import simulate_plate

WELLS = ["A01", "A12", "B01", "B12"]
"""Two untreated wells and two of killed cells, so that each training sees both."""

TARGETS = ["all", "inventory", "normalized", "zarr", "verify", "training", "experience"]
TRAINING = {
    "tiles": {"tile_px": 32, "tiles_per_field": 1, "batch_size": 1, "validation_fraction": 0.25},
    "fit": {"epochs": 1},
}
READ_RAW = {
    "index_plate",
    "normalize_plate",
    "export_normalized",
    "export_zarr",
    "segment_fields",
    "segment_sample",
    "count_cells",
    "draw_fields",
    "write_page",
    "draw_montage",
    "verify_well",
    "label_wells",
    "review_labels",
    "train_unet",
    "evaluate_unet",
    "learn_experience",
}
ALWAYS = {"inventory", "verify"}
"""They print and have no output, so they run whenever they are asked for."""

NOT_RUN = {"simulate_plate", "compare_with_truth", "draw_agreement", "measure_accuracy", "draw_accuracy"}
NOT_RUN |= {"draw_sample", "judge_sample", "export_labels", "list_unclaimed"}
"""Rules of the demo, and of minutes; and some that are asked for, which tests/rules calls."""

OF_DYES = {"fit_dyes", "read_dyes", "read_sample", "draw_dyes"}
"""Rules of the other reading, see test_dyes.py; labels come from masks here."""
OF_AUDITS = {"audit_cells", "assess_audit", "draw_audit", "size_audit"}
"""Rules of a plate some wells of which were dyed after reading, see test_audit.py."""


def draw_masks(folder):
    """Every nucleus of the dyed wells as an object, as a person would draw it."""
    (folder / "masks").mkdir()
    for path in (folder / "raw").rglob("*_w2.TIF"):
        well = path.name.split("_")[1]
        image = tifffile.imread(path)
        objects = label(image > image.mean() + 1000).astype("uint16")
        tifffile.imwrite(folder / f"masks/{well}_01.tif", objects)


@pytest.fixture(scope="module")
def done(tmp_path_factory, repository):
    """The folder, and what each job opened; raw images, weights and masks are the user's own files."""
    path = tmp_path_factory.mktemp("inputs") / "run"
    write_config(path, repository, {**TINY, "wells": WELLS}, training=TRAINING, weights="config/unet.h5")
    config = path / "config/config.yaml"
    settings = yaml.safe_load(config.read_text())
    labels = {**settings.get("labels", {}), "masks": {"dead_offset": 1000}}
    config.write_text(yaml.safe_dump({**settings, "labels": labels, "simulation": {}}))
    shutil.copy(repository / "config/demo/unet.h5", path / "config/unet.h5")
    (path / "config/plates.tsv").write_text(
        "plate\traw\tplatemap\tpixel_size_um\tdyed_wells\tmasks\n"
        f"small\traw\tconfig/map.tsv\t0.65\t{','.join(WELLS)}\tmasks/{{well}}_{{field:02d}}.tif\n"
    )
    simulate_plate(path / "raw", 11, dyed_wells=WELLS, n_fields=1, side_px=96, wells=WELLS)
    draw_masks(path)
    folder = Folder(path, repository)
    return folder, folder.recorded(*TARGETS)


@pytest.fixture
def folder(done, tmp_path):
    return done[0].copy(tmp_path / "run")


def test_a_job_reads_what_it_declared_and_nothing_else(done, repository):
    folder, processes = done
    jobs = [process for process in processes if process["rule"]]
    assert undeclared(folder, jobs) == []
    rules = set()
    for path in (repository / "workflow/rules").glob("*.smk"):
        for block in re.split(r"^rule ", path.read_text(), flags=re.MULTILINE)[1:]:
            rule = block.split(":")[0]
            if "script:" in block:
                rules.add(rule)
                script = (repository / f"workflow/scripts/{rule}.py").read_text()
                # Nor does a script see settings that are no parameters, or a version that is none.
                assert "snakemake.config" not in script
                elsewhere = re.search(rf"^from livedead\.(\S+) import {rule}$", script, re.MULTILINE)
                module = elsewhere and repository / f"workflow/livedead/{elsewhere[1].replace('.', '/')}.py"
                step = module.read_text() if module else script
                writes_version = "provenance_of(" in step or "version: str" in step
                assert writes_version == ("version=__version__" in block), rule
    assert {job["rule"] for job in jobs} == rules - NOT_RUN - OF_DYES - OF_AUDITS
    # What is opened below Python is noted, too.
    opened = {Path(name).relative_to(folder.path) for job in jobs for name in job["opened"]}
    below = {"results/small/normalization.h5", "results/weights/unet.safetensors", "masks/A01_01.tif"}
    assert set(map(Path, below)) <= opened


def test_a_time_stamp_in_the_raw_folder_runs_nothing_again(done, folder):
    raw = folder.path / "raw"
    assert {job["rule"] for job in done[1] if str(done[0].path / "raw") in job["declared"]} == READ_RAW
    for path in (raw, raw / "TimePoint_1"):
        (path / ".DS_Store").touch()
        (path / "Thumbs.db").touch()
    (raw / "TimePoint_1/demo_A01_s1_w1.TIF").touch()
    # So do a copy and a backup stamp whatever else the user gave.
    for name in ("config/unet.h5", "config/map.tsv", "masks/A01_01.tif"):
        (folder.path / name).touch()
    assert set(folder.jobs(*TARGETS)) == ALWAYS


def test_an_image_is_looked_for_where_the_plate_is_indexed_anew(done, folder):
    (folder.path / "raw/TimePoint_1/demo_A01_s1_w1.TIF").unlink()
    assert set(folder.jobs(*TARGETS)) == ALWAYS
    anew = set(folder.jobs("-R", "index_plate", "--", *TARGETS))
    assert anew >= READ_RAW
    assert {job["rule"] for job in done[1]} - anew == {None, "convert_weights"}


def test_a_look_for_changes_that_finds_none_computes_nothing(folder):
    run = folder.snakemake("-R", "index_plate", "--until", "index_plate")
    assert run.returncode == 0, run.stderr
    *_, log = sorted(folder.path.glob(".snakemake/log/*.log"))
    assert "rule index_plate:" in log.read_text()
    assert set(folder.jobs(*TARGETS)) == ALWAYS
    path = folder.path / "raw/TimePoint_1/demo_A01_s1_w1.TIF"
    image = tifffile.imread(path)
    tifffile.imwrite(path, image + 1, photometric="minisblack")
    assert folder.snakemake("-R", "index_plate", "--until", "index_plate").returncode == 0
    jobs = set(folder.jobs(*TARGETS))
    assert "index_plate" not in jobs
    assert jobs >= READ_RAW - {"index_plate"}


def test_another_raw_folder_is_indexed(folder):
    (folder.path / "raw").rename(folder.path / "elsewhere")
    sheet = folder.path / "config/plates.tsv"
    sheet.write_text(sheet.read_text().replace("small\traw", "small\telsewhere"))
    assert folder.jobs("inventory") == {"index_plate": 1, "take_inventory": 1, "inventory": 1}


def edit(mask):
    objects = tifffile.imread(mask)
    tifffile.imwrite(mask, objects[::-1])


@pytest.mark.parametrize(
    "change", [edit, Path.unlink, lambda mask: shutil.copy(mask, mask.with_name("A01_02.tif"))]
)
def test_masks_that_changed_are_learnt_from_anew(folder, change):
    change(folder.path / "masks/A01_01.tif")
    jobs = folder.jobs("training")
    assert {"label_wells", "train_unet", "evaluate_unet", "draw_evaluation", "export_weights"} <= set(jobs)
    assert not {"index_plate", "normalize_plate"} & set(jobs)


def test_masks_of_other_wells_are_not_read(folder):
    shutil.copy(folder.path / "masks/A01_01.tif", folder.path / "masks/A02_01.tif")
    assert folder.jobs("training") == {}


def test_what_was_asked_for_once_is_remade_with_the_rest(done, folder):
    """A new map remakes the table, and so the inventory and the verification that tell of it."""
    path = folder.path / "config/map.tsv"
    path.write_text(path.read_text().replace("drug 0", "water"))
    jobs = folder.jobs()
    assert jobs["take_inventory"] == jobs["verify_well"] == jobs["gather_zarr"] == jobs["tabulate_wells"] == 1
    assert not {"index_plate", "segment_fields", "export_normalized", "export_zarr"} & set(jobs)
    for name in ("inventory.txt", "verified/well.txt"):
        (folder.path / "results/small" / name).unlink()
    assert not {"take_inventory", "verify_well"} & set(folder.jobs())


def test_a_setting_that_changes_no_number_is_written_down(folder):
    config = folder.path / "config/config.yaml"
    settings = yaml.safe_load(config.read_text())
    config.write_text(yaml.safe_dump({**settings, "max_failed_fraction": 0.3}))
    assert set(folder.jobs()) - {"all"} == {
        "write_provenance",
        "write_experiment",
        "write_methods",
        "summarize_run",
        "check_fields",
        "check_quality",
    }


def test_class_maps_may_go_when_the_table_is_all_that_is_asked_for(folder):
    shutil.rmtree(folder.path / "results/small/shards")
    assert folder.jobs("results/wells.csv") == {}
    assert folder.jobs()["segment_fields"] == 1


@pytest.mark.parametrize(
    "made_of",
    [
        {"tabulate_wells": "config/map.tsv"},
        {"convert_weights": "config/unet.h5", "label_wells": "masks/A01_01.tif"},
    ],
)
def test_a_file_that_was_put_back_with_its_old_time_stamp_is_seen(folder, made_of):
    """As ``cp -p``, ``rsync -a`` and backups leave it: other content, older than what was made of it."""
    for name in made_of.values():
        path = folder.path / name
        before = path.stat()
        content = bytearray(path.read_bytes())
        content[-2] ^= 1
        path.write_bytes(content)
        os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert set(made_of) <= set(folder.jobs("all", "training"))
