"""How runs end: with their summary, also where a plate has no cell, or not one readable field."""

import itertools
import re
import zipfile

import numpy as np
import pandas as pd
import pytest
import tifffile
import yaml
from working_folder import Folder, write_config

LAST_LINE = "results/wells.csv: 4 rows, one per plate, well and timepoint"


@pytest.fixture(scope="module")
def ended(tmp_path_factory, repository):
    """A run of a plate without a cell, and of one that cannot be read."""
    path = tmp_path_factory.mktemp("ends")
    write_config(path, repository, counting={"min_area_um2": 5000}, fields_per_well=1)
    config = yaml.safe_load((path / "config/config.yaml").read_text())
    (path / "config/config.yaml").write_text(yaml.safe_dump({**config, "simulation": {}}))
    rows = ["plate\traw\tpixel_size_um"]
    rng = np.random.default_rng(0)
    for plate in ("broken", "empty"):
        rows.append(f"{plate}\traw/{plate}\t0.65")
        for well in ("A01", "A02"):
            file = path / f"raw/{plate}/TimePoint_1/x_{well}_s1_w1.TIF"
            file.parent.mkdir(parents=True, exist_ok=True)
            tifffile.imwrite(file, rng.integers(8000, 12000, (64, 64)).astype(np.uint16))
            if plate == "broken":
                file.write_bytes(file.read_bytes()[:-100])
    (path / "config/plates.tsv").write_text("\n".join(rows) + "\n")
    folder = Folder(path, repository)
    dry = folder.snakemake("--dry-run")
    assert dry.returncode == 0, dry.stderr
    assert LAST_LINE not in dry.stdout + dry.stderr
    return folder, folder.snakemake()


def test_a_failed_plate_ends_the_run_with_the_list_after_all_files_are_made(ended):
    folder, run = ended
    assert run.returncode != 0
    wells = pd.read_csv(folder.path / "results/wells.csv")
    assert wells.groupby("plate")["status"].agg(list).to_dict() == {
        "broken": ["failed", "failed"],
        "empty": ["no_cells", "no_cells"],
    }
    assert list(pd.read_csv(folder.path / "results/broken/fields.csv")["code"]) == ["truncated"] * 2
    for plate, name in itertools.product(("broken", "empty"), ("plate", "quality", "fields", "montage")):
        assert folder.read(f"results/{plate}/report/{name}.png").startswith(b"\x89PNG")
    for name in ("results/provenance.json", "results/dose_response.csv", "benchmarks/sum.csv"):
        assert (folder.path / name).is_file()
    assert not (folder.path / "results/checked.txt").exists()
    failed = [line for line in run.stderr.splitlines() if line.startswith("Error in rule ")]
    assert failed == ["Error in rule check_fields:"]
    listed = run.stderr.split("livedead: too many fields failed; every table is complete\n")[1].splitlines()
    assert listed[0].startswith("plate broken: 2 of 2 imaged fields failed (100.0%, allowed 20.0%)")
    assert listed[1].startswith("  truncated, 2 fields of A01-A02, such as A01 field 1")
    assert "Traceback" not in run.stderr


def test_what_is_told_last_is_the_summary(ended):
    folder, run = ended
    summary = folder.read("results/summary.txt").decode()
    assert summary.splitlines()[-1] == LAST_LINE
    assert "NOT ONE CELL was counted" in summary
    errors, told = run.stderr.split("Exiting because a job execution failed", 1)
    assert summary in told
    assert LAST_LINE not in errors + run.stdout


def test_the_terminal_tells_steps_and_progress_and_nothing_of_the_engine(ended):
    folder, run = ended
    said = run.stderr.splitlines()
    assert sum(line.startswith("segment_fields empty 1-of-1: 2 fields in ") for line in said) == 1
    assert any(re.fullmatch(r"\d+ of \d+ steps \(\d+%\) done", line) for line in said)
    first, *_ = sorted(folder.path.glob(".snakemake/log/*.log"))
    for engine in (
        "Select jobs to execute",
        "Using shell",
        "Finished jobid",
        "rule segment_fields:",
        "Snakemake version:",
    ):
        assert engine not in run.stderr
        assert engine in first.read_text()


def test_no_run_tells_the_summary_of_another(ended):
    folder, _ = ended
    again = folder.snakemake()
    assert again.returncode != 0
    assert "too many fields failed" in again.stderr
    assert LAST_LINE not in again.stdout + again.stderr
    other = folder.snakemake("results/empty/wells.csv", "inventory")
    assert other.returncode == 0, other.stderr
    assert LAST_LINE not in other.stdout + other.stderr


def test_a_run_that_ends_well_tells_its_summary_once_and_a_quiet_one_never(ended, tmp_path):
    folder = ended[0].copy(tmp_path / "copy")
    path = folder.path / "config/config.yaml"
    config = yaml.safe_load(path.read_text())
    for fraction, quiet, told in ((1.0, ["rules", "host", "progress"], 1), (0.99, ["all"], 0)):
        path.write_text(yaml.safe_dump({**config, "max_failed_fraction": fraction}))
        run = folder.snakemake("--quiet", *quiet, "--", "results/summary.txt")
        assert run.returncode == 0, run.stderr
        assert (run.stdout + run.stderr).count(LAST_LINE) == told
    assert f"allowed {fraction:.1%}" in folder.read("results/summary.txt").decode()
    report = folder.snakemake("--report", "results/report.zip", "results/summary.txt")
    assert report.returncode == 0, report.stderr
    with zipfile.ZipFile(folder.path / "results/report.zip") as file:
        inside = {name.split("/")[-1] for name in file.namelist()}
        page = file.read("report/report.html").decode()
    assert inside >= {"report.html", "methods.md", "wells.csv", "summary.txt", "plate.png", "fields.png"}
    # A caption tells the parameters.
    assert "min_area_um2 5000" in page
