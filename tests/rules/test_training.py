"""Which jobs the targets of training start."""

import pytest
import yaml
from working_folder import Folder, write_config


@pytest.fixture
def folder(tmp_path, repository):
    write_config(tmp_path, repository)
    return Folder(tmp_path, repository)


def configure(folder, training):
    path = folder.path / "config/config.yaml"
    path.write_text(yaml.safe_dump({**yaml.safe_load(path.read_text()), "training": training}))


def test_every_fold_has_a_network_and_a_reading_of_its_own(folder):
    sheet = folder.path / "config/plates.tsv"
    sheet.write_text(sheet.read_text().replace("A01,A12", "A01,A06,A12,B03"))
    jobs = folder.jobs("cross_validation")
    assert jobs["train_unet"] == jobs["evaluate_unet"] == 3
    assert jobs["draw_evaluation"] == jobs["label_wells"] == 1
    configure(folder, {"folds": 2})
    two = folder.jobs("cross_validation")
    assert two["train_unet"] == two["evaluate_unet"] == 2


def test_more_folds_than_dyed_wells_stop_the_cross_validation_and_nothing_else(folder):
    run = folder.snakemake("--dry-run", "cross_validation")
    assert run.returncode != 0
    assert "training.folds: 3, but config/plates.tsv has 2 dyed well(s)" in run.stdout + run.stderr
    # An older page must not stand for it.
    page = folder.path / "results/training/cross_validation.html"
    page.parent.mkdir(parents=True)
    page.touch()
    assert folder.snakemake("--dry-run", "cross_validation").returncode != 0
    assert folder.jobs("training")["train_unet"] == 1


def test_training_ends_with_weights_course_review_and_evaluation(folder):
    jobs = folder.jobs("training")
    names = ["train_unet", "export_weights", "draw_history", "review_labels", "evaluate_unet"]
    assert {name: jobs[name] for name in [*names, "draw_evaluation"]} == dict.fromkeys(
        [*names, "draw_evaluation"], 1
    )
    # Without wells for validation nothing is left to judge by.
    configure(folder, {"tiles": {"validation_fraction": 0}})
    every = folder.jobs("training")
    assert not {"evaluate_unet", "draw_evaluation"} & set(every)
    assert every["train_unet"] == 1
