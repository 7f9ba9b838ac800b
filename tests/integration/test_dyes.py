"""A dyed plate, read by its dyes: no network, no PyTorch, and all that follows as ever."""

import pandas as pd
import pytest
import yaml
from working_folder import Folder, undeclared, write_dyed

DYED = ["A01", "A06", "A12", "B01", "B09", "B12", "D01", "D06"]
BRIGHTFIELD_ONLY = "C11"
PLATE = {"seed": 11, "fields_per_well": 1, "side_px": 256, "wells": [*DYED, BRIGHTFIELD_ONLY]}
MAP = {**dict.fromkeys(DYED, ""), "A01": "negative", "B01": "negative", "D01": "negative"}
MAP |= {"A12": "positive", "B12": "positive", BRIGHTFIELD_ONLY: ""}
TABLES = ["results/wells.csv", "results/small/fields.csv", "results/small/cells.csv.gz"]
READ_RAW = {"index_plate", "normalize_plate", "fit_dyes", "read_dyes", "count_cells"}


def write_map(folder, treatments=("water", "drug"), **controls):
    rows = [
        f"{well}\t{treatments[k % 2]}\t{control}\n"
        for k, (well, control) in enumerate({**MAP, **controls}.items())
    ]
    (folder.path / "config/map.tsv").write_text("well\ttreatment\tcontrol\n" + "".join(rows))


@pytest.fixture(scope="module")
def recorded(tmp_path_factory, repository):
    """A finished and verified run without weights, and what each of its processes opened and loaded."""
    folder = Folder(tmp_path_factory.mktemp("dyes") / "run", repository)
    write_dyed(folder.path, repository, PLATE, max_failed_fraction=0)
    config = folder.path / "config/config.yaml"
    settings = yaml.safe_load(config.read_text())
    for key in ("weights", "input_channels", "classes", "segmentation"):
        del settings[key]
    config.write_text(yaml.safe_dump(settings))
    sheet = folder.path / "config/plates.tsv"
    sheet.write_text(sheet.read_text().replace(f",{BRIGHTFIELD_ONLY}", ""))
    write_map(folder)
    return folder, folder.recorded("all", "verify", "inventory", "normalized")


@pytest.fixture(scope="module")
def done(recorded):
    return recorded[0]


@pytest.fixture
def folder(done, tmp_path):
    return done.copy(tmp_path / "run")


def test_no_job_loads_torch_or_reads_what_it_did_not_declare(recorded):
    folder, processes = recorded
    jobs = [process for process in processes if process["rule"]]
    assert {"fit_dyes", "read_dyes", "draw_dyes", "read_sample", "verify_well"} <= {
        job["rule"] for job in jobs
    }
    assert [job["rule"] for job in jobs if "torch" in job["loaded"]] == []
    assert undeclared(folder, jobs) == []
    assert all("numpy" in job["loaded"] for job in jobs), "the record is empty"


def inside(cells):
    """Cells that the edge of the field cannot cut: of the others only some have their centre in it."""
    return cells[cells[["y_px", "x_px"]].apply(lambda at: at.between(20, PLATE["side_px"] - 20)).all(axis=1)]


def test_counts_are_near_the_truth(done):
    truth = pd.read_csv(done.path / "results/simulated/small/truth_cells.csv")
    truth = truth[truth["well"].isin(DYED)]
    found = pd.read_csv(done.path / "results/small/cells.csv.gz")
    assert len(inside(found)) == pytest.approx(len(inside(truth)), rel=0.03)
    wells = pd.read_csv(done.path / "results/wells.csv").set_index("well").loc[DYED]
    alive = (truth["state"] == "live").groupby(truth["well"]).mean()
    assert (wells["viability"] - alive).abs().mean() <= 0.02


def test_only_dyed_wells_are_read_and_the_others_have_no_images(done):
    images = pd.read_csv(done.path / "results/small/images.tsv", sep="\t")
    assert set(images["well"]) == set(DYED)
    wells = pd.read_csv(done.path / "results/wells.csv").set_index("well")
    assert wells["status"].to_dict() == {**dict.fromkeys(DYED, "ok"), BRIGHTFIELD_ONLY: "no_images"}


def test_every_row_names_the_dyes_that_it_was_read_by(done):
    record = yaml.safe_load((done.path / "results/small/dyes.json").read_text())
    wells = pd.read_csv(done.path / "results/wells.csv")
    assert set(wells["model_sha256"]) == {record["model_sha256"]}
    provenance = yaml.safe_load((done.path / "results/provenance.json").read_text())
    assert provenance["models"][record["model_sha256"]]["thresholds"] == record["thresholds"]
    dyes = pd.read_csv(done.path / "results/small/dyes.csv").set_index("dye")
    assert dyes["method"].to_dict() == {"total": "otsu", "dead": "controls"}
    assert dyes["threshold"].to_dict() == pytest.approx(record["thresholds"], rel=1e-5)


def test_cells_hold_the_signals_to_gate_them_anew(done):
    cells = pd.read_csv(done.path / "results/small/cells.csv.gz")
    threshold = pd.read_csv(done.path / "results/small/dyes.csv").set_index("dye").at["dead", "threshold"]
    assert ((cells["stained_draq7"] > 0.5) == (cells["state"] == "dead")).all()
    assert ((cells["signal_draq7"] > threshold) == (cells["state"] == "dead")).mean() > 0.97


def test_what_the_jobs_took_is_summed_stage_by_stage(done):
    table = pd.read_csv(done.path / "benchmarks/sum.csv")
    stages = ["index_plate", "normalize_plate", "fit_dyes", "read_dyes", "count_cells", "gather_fields"]
    assert list(table["rule"]) == [*stages, "tabulate_wells"]
    assert set(table["n_jobs"]) == {1}


def test_three_shards_give_the_same_bytes(done, folder):
    run = folder.snakemake("--set-scatter", "shard=3", "--", "results/wells.csv")
    assert run.returncode == 0, run.stderr
    assert {path.name for path in (folder.path / "results/small/shards").iterdir()} == {
        "1-of-3",
        "2-of-3",
        "3-of-3",
    }
    for name in TABLES:
        assert folder.read(name) == done.read(name), name


def test_a_treatment_runs_no_rule_that_reads_images_and_a_control_fits_the_dyes_anew(folder):
    assert folder.jobs("results/wells.csv") == {}
    write_map(folder, treatments=("DMSO", "drug"))
    assert not READ_RAW & set(folder.jobs("results/wells.csv"))
    write_map(folder, D06="negative")
    assert set(folder.jobs("results/wells.csv")) & READ_RAW == {"fit_dyes", "read_dyes", "count_cells"}
