"""A plate that the network reads badly, audited by the dyes of six of its wells."""

import re

import pandas as pd
import pytest
from audited_plate import AUDITED, UNDYED, write_audited, write_sheet
from working_folder import Folder, undeclared

CORRECTED = ["viability_corrected", "viability_corrected_low", "viability_corrected_high"]
HASHES = ["config_sha256", "row_sha256"]
READ_RAW = {"index_plate", "normalize_plate", "segment_fields", "count_cells", "gather_fields"}


def wells_of(folder):
    return pd.read_csv(folder.path / "results/wells.csv", dtype=str, keep_default_na=False).set_index("well")


@pytest.fixture(scope="module")
def made(tmp_path_factory, repository):
    """The folder of a finished and verified run, what its processes opened, and the true viabilities."""
    folder = Folder(tmp_path_factory.mktemp("audit") / "run", repository)
    truth = write_audited(folder.path, repository)
    return folder, folder.recorded("all", "verify"), truth


@pytest.fixture(scope="module")
def done(made):
    return made[0]


@pytest.fixture
def folder(done, tmp_path):
    return done.copy(tmp_path / "run")


def test_jobs_read_what_they_declare_and_an_audit_loads_no_torch(made):
    folder, processes, _ = made
    jobs = [process for process in processes if process["rule"]]
    ours = {"fit_dyes", "draw_dyes", "audit_cells", "assess_audit", "draw_audit", "verify_well"}
    assert ours <= {job["rule"] for job in jobs}
    assert undeclared(folder, jobs) == []
    assert [job["rule"] for job in jobs if job["rule"] in ours and "torch" in job["loaded"]] == []


def test_corrected_viability_is_nearer_to_the_truth_than_what_was_read(made):
    folder, _, truth = made
    wells = wells_of(folder).loc[UNDYED]
    read, corrected, low, high = (wells[name].astype(float) for name in ("viability", *CORRECTED))
    raw_error, error = read - truth[UNDYED], corrected - truth[UNDYED]
    # The network takes living cells of this size for dead ones, and misses others.
    assert raw_error.mean() < -0.15
    assert abs(error.mean()) < 0.05
    assert error.abs().mean() < raw_error.abs().mean() / 2
    assert (low <= corrected).all()
    assert (corrected <= high).all()
    assert ((low <= truth[UNDYED]) & (truth[UNDYED] <= high)).sum() >= len(UNDYED) - 1


def test_the_dyes_see_the_cells_that_there_are(made):
    folder, _, truth = made
    audit = pd.read_csv(folder.path / "results/small/audit.csv").query("level == 'well'").set_index("well")
    assert list(audit.index) == AUDITED
    assert (audit["viability_dyed"] - truth[AUDITED]).abs().mean() < 0.05


def test_what_was_read_is_as_without_an_audit(done, folder):
    write_sheet(folder.path)
    assert not READ_RAW & set(folder.jobs("results/wells.csv"))
    run = folder.snakemake("results/wells.csv")
    assert run.returncode == 0, run.stderr
    plain, audited = wells_of(folder), wells_of(done)
    assert (plain[CORRECTED] == "NA").all(axis=None)
    raw = plain.columns.difference([*CORRECTED, *HASHES])
    pd.testing.assert_frame_equal(plain[raw], audited[raw])
    assert (plain["config_sha256"] != audited["config_sha256"]).all()
    for name in ("fields.csv", "cells.csv.gz"):
        assert folder.read(f"results/small/{name}") == done.read(f"results/small/{name}")


def test_one_audited_well_corrects_nothing_and_the_summary_says_so(folder):
    write_sheet(folder.path, audit_wells=AUDITED[3])
    run = folder.snakemake()
    assert run.returncode == 0, run.stderr
    assert (wells_of(folder)[CORRECTED] == "NA").all(axis=None)
    summary = folder.read("results/summary.txt").decode()
    assert "AUDIT refused for drug, 04: this treatment has 1 audited wells with " in summary


def test_the_summary_and_the_provenance_name_the_audit(done):
    assert "  AUDIT by 6 wells: " in done.read("results/summary.txt").decode()
    assert done.read("results/small/report/audit.png").startswith(b"\x89PNG")
    assert b'"audit_cells": "' in done.read("results/provenance.json")


def test_a_plan_takes_the_errors_that_the_audit_found(folder):
    config = folder.path / "config/config.yaml"
    config.write_text(config.read_text() + "audit: {plate: small, viability: [0.5], half_width: 0.2}\n")
    run = folder.snakemake("plan_audit")
    assert run.returncode == 0, run.stderr
    audit = pd.read_csv(folder.path / "results/small/audit.csv").query("level == 'plate'").iloc[0]
    plan = folder.read("results/audit_plan.txt").decode()
    assert f"{audit['sensitivity']:.3f} of the dead ones are read as dead" in plan
    assert plan in run.stdout
    assert "viability 0.5 to within 0.2: " in plan


def test_a_plate_that_borrows_an_audit_is_corrected_by_the_cells_and_the_map_of_the_lender(folder):
    write_sheet(folder.path, ",".join(AUDITED), borrower="undyed")
    (folder.path / "undyed").mkdir()
    dry = folder.snakemake("--dry-run", "results/undyed/wells.csv")
    assert dry.returncode == 0, dry.stderr
    inputs = re.search(r"rule tabulate_wells:\n +input: (.*)", dry.stdout + dry.stderr)[1].split(", ")
    assert {"results/small/audit_cells.csv", "config/map.tsv", "results/undyed/fields.csv"} <= set(inputs)
    assert "audit_cells" not in folder.jobs("results/undyed/wells.csv")


def test_a_treatment_runs_the_audit_anew_and_reads_no_image(folder):
    assert folder.jobs("results/wells.csv") == {}
    text = (folder.path / "config/map.tsv").read_text()
    (folder.path / "config/map.tsv").write_text(text.replace("\tdrug", "\tother drug"))
    jobs = set(folder.jobs("results/wells.csv", "results/small/audit.csv"))
    assert {"tabulate_wells", "assess_audit"} <= jobs
    assert not jobs & {*READ_RAW, "fit_dyes", "audit_cells"}
