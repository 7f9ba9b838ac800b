"""The real Snakemake, as a user starts it, on a small simulated plate."""

import csv
import os
import re
import shutil

import pandas as pd
import pytest
import yaml
from working_folder import BROKEN, WELLS, Folder, write_config


@pytest.fixture(scope="module")
def done(tmp_path_factory, repository):
    """A finished run, in a folder whose name has a space, outside the repository."""
    path = tmp_path_factory.mktemp("my run")
    write_config(path, repository)
    folder = Folder(path, repository)
    run = folder.snakemake("all", "demo_agreement", "inventory")
    assert run.returncode == 0, run.stderr
    assert "mapped, not imaged: C11" in run.stdout
    return folder


def test_counts_are_near_the_truth(done):
    truth = pd.read_csv(done.path / "results/simulated/small/truth_cells.csv")
    broken = (truth["well"] == BROKEN[0]) & (truth["field"] == BROKEN[1])
    truth = truth[~broken & (truth["well"] != "C11")]
    wells = pd.read_csv(done.path / "results/wells.csv").set_index("well")
    assert wells["n_total"].sum() == pytest.approx(len(truth), rel=0.05)
    alive = (truth["state"] == "live").groupby(truth["well"]).mean()
    assert (wells["viability"] - alive).abs().mean() <= 0.05


def test_a_row_for_every_well_and_a_name_for_what_is_amiss(done):
    wells = pd.read_csv(done.path / "results/wells.csv").set_index("well")
    assert list(wells.index) == WELLS
    assert wells["status"].to_dict() == {**dict.fromkeys(WELLS, "ok"), "B03": "partial", "C11": "no_images"}
    assert wells.at["A06", "treatment"] == "drug 1"
    fields = pd.read_csv(done.path / "results/small/fields.csv")
    failed = fields[fields["status"] == "failed"]
    assert failed[["well", "field", "code"]].to_numpy().tolist() == [[*BROKEN, "truncated"]]
    assert "demo_B03_s2_w1.TIF" in failed["message"].iloc[0]
    assert "B03 field 2" in done.read("results/checked.txt").decode()


def test_everything_lies_in_the_working_folder(done):
    assert {path.name for path in done.path.iterdir()} - {".snakemake"} == {
        "config",
        "results",
        "logs",
        "benchmarks",
    }
    assert not list(done.path.rglob("*.partial"))
    pictures = {"plate", "quality", "fields", "dose_response", "time_courses", "agreement"}
    for name in (*pictures, "montage"):
        assert done.read(f"results/small/report/{name}.png").startswith(b"\x89PNG")
    assert {path.stem for path in (done.path / "results/small/report").glob("*.svg")} == pictures
    assert done.read("results/small/report.html").startswith(b"<!doctype html>")


def test_what_the_jobs_took_is_summed(done):
    table = pd.read_csv(done.path / "benchmarks/sum.csv").set_index("rule")
    chain = ["index_plate", "normalize_plate", "segment_fields", "count_cells", "gather_fields"]
    assert list(table.index) == ["convert_weights", *chain, "tabulate_wells"]
    assert set(table["n_jobs"]) == {1}
    # Two fields of every imaged well, the truncated one among them.
    assert set(table.loc[chain, "n_fields"]) == {2 * (len(WELLS) - 1)}
    own = pd.read_csv(done.path / "benchmarks/segment_fields/small/1-of-1.tsv", sep="\t")
    assert table.at["segment_fields", "seconds"] == pytest.approx(own["s"].sum(), rel=1e-5)


def test_a_second_run_has_nothing_to_do(done):
    run = done.snakemake()
    assert run.returncode == 0
    assert "Nothing to be done" in run.stdout + run.stderr


def test_only_what_hangs_on_a_lost_file_is_made_again(done, tmp_path):
    folder = done.copy(tmp_path / "copy")
    (folder.path / "results/small/fields.csv").unlink()
    jobs = folder.jobs()
    assert jobs["gather_fields"] == 1
    assert not {"simulate_plate", "index_plate", "normalize_plate", "segment_fields", "count_cells"} & set(
        jobs
    )


def test_a_simulated_plate_is_indexed_anew_when_it_is_simulated_anew_and_else_not(done, tmp_path):
    folder = done.copy(tmp_path / "copy")
    (folder.path / "results/simulated/small/raw/.DS_Store").touch()
    assert folder.jobs() == {}
    path = folder.path / "config/config.yaml"
    path.write_text(path.read_text().replace("seed: 11", "seed: 12"))
    jobs = folder.jobs()
    assert jobs["simulate_plate"] == jobs["index_plate"] == jobs["segment_fields"] == jobs["count_cells"] == 1


def test_a_new_plate_map_remakes_the_table_alone(done, tmp_path):
    folder = done.copy(tmp_path / "copy")
    path = folder.path / "config/map.tsv"
    path.write_text(path.read_text().replace("drug 0", "water"))
    jobs = folder.jobs()
    assert jobs["tabulate_wells"] == 1
    remade = {
        "take_inventory",
        "tabulate_wells",
        "gather_wells",
        "summarize_run",
        "check_fields",
        "check_quality",
        "sum_benchmarks",
        "write_provenance",
        "join_replicates",
        "write_experiment",
        "write_methods",
        "write_page",
        "assess_plate",
        "fit_dose_response",
        "follow_wells",
        "export_wells",
        "draw_plate",
        "draw_fields",
        "draw_curves",
        "all",
    }
    assert set(jobs) <= remade
    (folder.path / "results/taken-out").mkdir()
    (folder.path / "results/taken-out/images.tsv").touch()
    run = folder.snakemake("results/wells.csv")
    assert run.returncode == 0
    assert "results/taken-out: this plate is not in config/plates.tsv" in run.stderr
    assert "results/small:" not in run.stderr
    wells = pd.read_csv(folder.path / "results/wells.csv").set_index("well")
    assert wells.at["A01", "treatment"] == "water"


def test_too_many_failed_fields_end_the_run_and_keep_the_tables(done, tmp_path):
    folder = done.copy(tmp_path / "copy")
    path = folder.path / "config/config.yaml"
    path.write_text(path.read_text().replace("max_failed_fraction: 0.2", "max_failed_fraction: 0.05"))
    run = folder.snakemake()
    assert run.returncode != 0
    assert "B03 field 2" in (folder.path / "logs/check_fields.log").read_text()
    assert folder.read("results/wells.csv") == done.read("results/wells.csv")


def test_a_plate_below_the_z_prime_asked_for_ends_the_run_and_keeps_the_tables(done, tmp_path):
    folder = done.copy(tmp_path / "copy")
    path = folder.path / "config/config.yaml"
    path.write_text(path.read_text() + "min_z_prime: 0.5\n")
    run = folder.snakemake()
    assert run.returncode != 0
    assert (
        "plate small timepoint 1: Z' of viability unknown"
        in (folder.path / "logs/check_quality.log").read_text()
    )
    assert folder.read("results/wells.csv") == done.read("results/wells.csv")
    assert (folder.path / "results/small/quality.csv").is_file()


def test_a_well_recomputed_from_raw_gives_its_row(done, tmp_path):
    folder = done.copy(tmp_path / "copy")
    run = folder.snakemake("verify")
    assert run.returncode == 0, run.stderr
    report = folder.read("results/small/verified/well.txt").decode()
    well, before, after = re.fullmatch(
        r"well (\w+) timepoint 1: row_sha256 (\w{64}) in the table, (\w{64}) anew\n", report
    ).groups()
    assert before == after
    wells = pd.read_csv(done.path / "results/wells.csv").set_index("well")
    assert wells.at[well, "row_sha256"] == before


def test_a_file_replaced_after_indexing_is_noticed(done, tmp_path):
    folder = done.copy(tmp_path / "copy")
    raw = folder.path / "results/simulated/small/raw/TimePoint_1"
    path = raw / "demo_A06_s1_w1.TIF"
    stamp = path.stat().st_mtime_ns
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    os.utime(path, ns=(stamp, stamp))
    assert folder.snakemake("--forcerun", "segment_fields", "--", "results/small/fields.csv").returncode == 0
    fields = pd.read_csv(folder.path / "results/small/fields.csv").set_index(["well", "field"])
    assert fields.at[("A06", 1), "code"] == "changed_since_index"
    assert "snakemake -R index_plate" in fields.at[("A06", 1), "message"]


@pytest.mark.parametrize(
    ("name", "old", "new", "message"),
    [
        ("config/plates.tsv", "\t0.65\t", "\t6_5\t", r"plates\.tsv: line 2, column 'pixel_size_um': '6_5'"),
        ("config/plates.tsv", "small\tresults", "we ights\tresults", r"plate id 'we ights' is not allowed"),
        (
            "config/config.yaml",
            "min_area_um2",
            "min_aera_um2",
            r"config/config\.yaml: line \d+, counting\.min_aera_um2: .*did you mean 'min_area_um2'",
        ),
        ("config/config.yaml", "role: dead", "role: dead: x", r"config/config\.yaml: line \d+: not YAML"),
        ("config/config.yaml", "role: dead", "role: live", "no class of role dead"),
        ("config/map.tsv", "B03", "Q03", r"map\.tsv: line 5, column 'well': well 'Q03' is not on a 96-well"),
    ],
)
def test_mistakes_are_named_before_anything_runs(done, tmp_path, name, old, new, message):
    folder = Folder(tmp_path / "run", done.repository)
    shutil.copytree(done.path / "config", folder.path / "config")
    path = folder.path / name
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new))
    run = folder.snakemake("--dry-run")
    assert run.returncode != 0
    assert re.search(message, run.stdout + run.stderr)
    assert "Traceback" not in run.stderr


def test_a_path_that_is_not_there_is_no_finished_run(done, tmp_path):
    folder = done.copy(tmp_path / "copy")
    weights = str(done.repository / "config/demo/unet.h5")
    config, sheet = folder.path / "config/config.yaml", folder.path / "config/plates.tsv"
    config.write_text(config.read_text().replace(weights, "results/trainig/unet.h5"))
    sheet.write_text(sheet.read_text().replace("map.tsv", "mpa.tsv"))
    written = config.read_text()
    config.write_text(yaml.safe_dump({**yaml.safe_load(written), "training": {"encoder": "config"}}))
    # Whatever the target reads of it.
    run = folder.snakemake("--dry-run", "inventory")
    assert run.returncode != 0
    said = run.stdout + run.stderr
    assert re.search(r"config\.yaml: line \d+, weights: results/trainig/unet\.h5: no such file", said)
    assert "plate map config/mpa.tsv of plate small: no such file" in said
    assert re.search(r"config\.yaml: line \d+, training\.encoder: config: no such file", said), "a folder"
    # Weights that a rule makes are no mistake.
    config.write_text(written.replace("trainig", "training"))
    sheet.write_text(sheet.read_text().replace("mpa.tsv", "map.tsv"))
    assert "train_unet" in folder.jobs()


def test_a_raw_folder_that_is_not_there_is_an_error_if_anything_would_read_it(done, tmp_path):
    folder = done.copy(tmp_path / "copy")
    config, sheet = folder.path / "config/config.yaml", folder.path / "config/plates.tsv"
    settings = yaml.safe_load(config.read_text())
    sheet.write_text(sheet.read_text().replace("results/simulated/small/raw", "raw"))
    for setting, value, reason in (
        ("simulation", {}, "plate small, column 'raw': raw: no such folder, and its results were made from "),
        ("counting", {"min_area_um2": 30}, "made with other settings"),
        ("shards", 2, "not all of its results are there"),
    ):
        config.write_text(yaml.safe_dump({**settings, "simulation": {}, setting: value}))
        run = folder.snakemake("--dry-run")
        assert run.returncode != 0
        assert reason in run.stdout + run.stderr


def test_a_setting_of_the_command_line_is_laid_over_the_file(done, tmp_path):
    folder = Folder(tmp_path / "run", done.repository)
    shutil.copytree(done.path / "config", folder.path / "config")
    (folder.path / "config/plates.tsv").rename(folder.path / "config/other.tsv")
    assert folder.jobs("--config", "plates=config/other.tsv")["tabulate_wells"] == 1
    # What is wrong with it is said to be the command line's.
    run = folder.snakemake("--dry-run", "--config", "plates=config/other.tsv", "shards=0")
    assert "--config: shards: 0; allowed: a whole number, at least 1" in run.stdout + run.stderr


def swap_states(path):
    """Let the live and the dead cells of the first well change places, as a careless formula would."""
    with open(path, newline="") as stream:
        header, first, *rest = csv.reader(stream)
    live, dead = header.index("n_live"), header.index("n_dead")
    first[live], first[dead] = "7", "3"
    with open(path, "w", newline="") as stream:
        csv.writer(stream, lineterminator="\n").writerows([header, first, *rest])


def test_a_damaged_file_is_named_with_how_to_make_it_again(done, tmp_path):
    folder = done.copy(tmp_path / "copy")
    name = "results/small/wells.csv"
    tables = (name, "results/wells.csv", "results/dose_response.csv")
    before = [folder.read(table) for table in tables]
    swap_states(folder.path / name)
    run = folder.snakemake(*tables)
    assert run.returncode == 1
    told = run.stdout + run.stderr
    assert "(plate small, well A01, timepoint 1) was changed" in told
    assert f"rm '{name}', and start the same command again" in told
    (folder.path / name).unlink()
    run = folder.snakemake(*tables)
    assert run.returncode == 0, run.stderr
    assert [folder.read(table) for table in tables] == before
