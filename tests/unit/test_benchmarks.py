"""What a benchmark leaves out, on a machine that would need hours for it, and says; and that it goes on."""

import json
import sys

import pandas as pd
import pytest


def test_an_emulated_precision_is_left_out_and_its_row_says_so(repository, monkeypatch, tmp_path):
    monkeypatch.syspath_prepend(str(repository / "tests/benchmarks"))
    monkeypatch.syspath_prepend(str(repository / "workflow/scripts"))
    import emulation
    import inference

    monkeypatch.setattr(inference, "bfloat16_slowdown", lambda device: 5.04)
    monkeypatch.setattr(inference, "keep_memory", lambda: None)
    monkeypatch.setattr(inference, "peak_memory_mb", lambda case, side: 1.0)
    for other in ("naive", "monai"):
        monkeypatch.setattr(inference, other, lambda network, field, **settings: field)
    output = tmp_path / "inference.csv"
    arguments = ["inference.py", "--side", "64", "--rounds", "1", "--output", str(output)]
    monkeypatch.setattr(sys, "argv", arguments)
    inference.main()
    table = pd.read_csv(output).set_index("case")
    row = table.loc["livedead bfloat16"]
    assert row["note"] == "left out: bfloat16 is emulated here, a convolution takes 5.0 times as long"
    assert row[["seconds_median", "ratio_to_monai", "peak_rss_mb"]].isna().all()
    others = table.drop("livedead bfloat16")
    assert others["note"].isna().all()
    assert (others["seconds_median"] > 0).all()
    assert emulation.why_left_out("bfloat16", 0.5) == ""
    assert emulation.why_left_out("float32", 5.04) == ""


@pytest.fixture
def gpu(repository, monkeypatch):
    monkeypatch.syspath_prepend(str(repository / "tests/benchmarks"))
    monkeypatch.syspath_prepend(str(repository / "workflow/scripts"))
    import gpu

    return gpu


def test_a_part_that_takes_too_long_is_ended_and_the_next_runs(gpu, monkeypatch, tmp_path):
    monkeypatch.setitem(gpu.PARTS, "network", 0.2)
    arguments = ["gpu.py", "--device", "cpu", "--quick", "--out", str(tmp_path), "--parts"]
    monkeypatch.setattr(sys, "argv", [*arguments, "network", "ceilings"])
    monkeypatch.setattr(gpu, "missing", lambda: ["monai"])
    assert gpu.main() == 1
    rows = [json.loads(line) for line in (tmp_path / "rows.jsonl").read_text().splitlines()]
    assert [row["note"] for row in rows if row["part"] == "network"] == ["stopped after 1 s"]
    products = {row["precision"] for row in rows if row.get("case") == "matrix product"}
    assert products == {"float32", "float16", "bfloat16", "TF32"}
    assert "| matrix product | float32 |" in (tmp_path / "summary.txt").read_text()


def test_what_must_be_carried_is_said_before_anything_runs(gpu, monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(sys, "argv", ["gpu.py", "--out", str(tmp_path / "none")])
    monkeypatch.setattr(gpu, "find_spec", lambda name: None if name == "cc3d" else object())
    assert gpu.main() == 1
    assert (
        "connected-components-3d. Where there is a network: python3 -m pip download"
        in capsys.readouterr().out
    )
    assert not (tmp_path / "none").exists()


def test_goals_are_ratios_of_the_rows(gpu):
    def row(part, case, precision, **values):
        return {"part": part, "case": case, "precision": precision, **values}

    text = gpu.tables(
        [
            row("ceilings", "matrix product", "bfloat16", tflops=800.0),
            row("network", "channels last, 1 at once", "bfloat16", tflops=300.0),
            row("network", "channels last, 8 at once", "bfloat16", tflops=500.0),
            row("segmenter", "whole, 1 in flight", "float32", fields_per_s=40.0),
            row("segmenter", "whole, 2 in flight", "float32", fields_per_s=44.0),
            row("monai", "usual", "float32", fields_per_s=8.0),
            row("monai", "best on a CPU", "float32", fields_per_s=4.0),
            {"part": "files", "case": "LZW, 2 threads read", "fields_per_s": 30.0, "reading_per_s": 40.0},
        ]
    )
    assert text.split("goals\n")[1].splitlines() == [
        "times MONAI at its usual setting, float32 (goal 5): 5.50",
        "times MONAI at its best setting, float32 (goal 5): 11.00",
        "share of the bfloat16 peak (goal for bfloat16 0.5): 0.62",
        "files, LZW: share of the rate of reading alone: 0.75",
    ]
    assert "| channels last, 8 at once | bfloat16 | 500 | 0.625 |" in text
