"""What a benchmark leaves out on a machine that would need hours for it, and says."""

import sys

import pandas as pd


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
