"""What runs leave behind."""

import math

from livedead import results


def test_plates_that_the_sheet_does_not_name(tmp_path):
    for name in ("p1", "p2", "p10"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "images.tsv").touch()
    # No plates: the rooms of other rules, a file, and a plate of which nothing is left but a picture.
    for name in ("weights", "training", "accuracy", "simulated/p3", "emptied/report"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "wells.csv").touch()
    assert results.plates_not_in_sheet(tmp_path, ["p1"]) == ["p10", "p2"]
    assert results.plates_not_in_sheet(tmp_path, ["p1", "p2", "p10", "new"]) == []
    assert results.plates_not_in_sheet(tmp_path / "nowhere", ["p1"]) == []


def test_a_plate_that_is_not_in_the_sheet_is_told_with_what_to_do():
    assert results.not_in_sheet("p2", "config/plates.tsv") == (
        "results/p2: this plate is not in config/plates.tsv, so no table of this run counts it; "
        "delete the folder, or put the plate's row back"
    )


def test_jobs_are_summed_by_rule_and_plate(tmp_path):
    # Snakemake writes '-' where it could not measure, as of jobs that end at once.
    for k, (seconds, megabytes) in enumerate([("1.5", "100.5"), ("2.5", "-"), ("4", "300")]):
        (tmp_path / f"{k}.tsv").write_text(f"s\th:m:s\tmax_rss\n{seconds}\t0:00:01\t{megabytes}\n")
    benchmarks = {
        "convert": {"": ["0.tsv"]},
        "count": {"p": ["1.tsv", "2.tsv", "lost.tsv"], "q": ["lost.tsv"]},
    }
    found = results.sum_jobs(tmp_path, benchmarks, {"p": 13, "q": 2})
    assert found[["rule", "plate", "n_jobs", "seconds"]].to_numpy().tolist() == [
        ["convert", "", 1, 1.5],
        ["count", "p", 2, 6.5],
        ["count", "q", 0, 0],
    ]
    assert found["max_memory_mb"].tolist()[:2] == [100.5, 300]
    assert math.isnan(found["max_memory_mb"][2])
    # 13 fields in 6.5 s; the weights have no fields, and no job of q is left.
    assert found["fields_per_s"].tolist()[1] == 2
    assert found["fields_per_s"].isna().tolist() == [True, False, True]
