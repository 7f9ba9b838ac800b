"""dyes.h5: what is written is read, the same dyes are the same bytes, damage is noticed."""

from dataclasses import asdict, replace

import numpy as np
import pandas as pd
import pytest
from dyed_plate import known_dyes

from livedead.dyes.stored import describe, read_dyes, write_dyes
from livedead.dyes.thresholds import Threshold, histogram
from livedead.errors import StoreError


def some_dyes():
    rng = np.random.default_rng(0)
    found = known_dyes((20, 30), 11.5, total="hoechst", dead="pi", stained_fraction=0.4)
    changes = {
        "gain": rng.uniform(0.5, 2, (20, 30)).astype(np.float32),
        "offset": rng.uniform(-9, 9, (20, 30)).astype(np.float32),
        "histogram": histogram(rng.uniform(0, 5000, 700)),
        "controls": {"negative": histogram(rng.uniform(0, 50, 70)), "positive": histogram(np.empty(0))},
        "threshold": Threshold(123.456789012345, "otsu", float("nan"), "none stained"),
        "of_cells": True,
        "bleed_through": 0.1 + 0.2,
    }
    dyes = {"total": found.dyes["total"], "dead": replace(found.dyes["dead"], **changes)}
    answer = {f"n_cells{end}": [3.0, 4.0] for end in ("", "_080", "_125")}
    answer |= {f"viability{end}": [np.nan, 0.1 + 0.2] for end in ("", "_080", "_125")}
    return replace(found, dyes=dyes, dependence=pd.DataFrame(answer, index=["total", "dead"]))


def test_what_is_written_is_read(tmp_path):
    written = some_dyes()
    write_dyes(tmp_path / "dyes.h5", written)
    found = read_dyes(tmp_path / "dyes.h5")
    assert list(found.dyes) == ["total", "dead"]
    assert (found.settings, found.n_fields, found.sha256) == (written.settings, 1, written.sha256)
    for role, dye in written.dyes.items():
        np.testing.assert_equal(asdict(found.dyes[role]), asdict(dye))
    pd.testing.assert_frame_equal(found.dependence, written.dependence, check_names=False)


def test_equal_dyes_are_equal_bytes(tmp_path):
    for name in ("first", "second"):
        write_dyes(tmp_path / name, some_dyes())
    write_dyes(tmp_path / "third", read_dyes(tmp_path / "first"))
    contents = {(tmp_path / name).read_bytes() for name in ("first", "second", "third")}
    assert len(contents) == 1


def test_a_flipped_bit_is_noticed_wherever_it_is(tmp_path):
    path = tmp_path / "dyes.h5"
    write_dyes(path, some_dyes())
    whole, written = path.read_bytes(), some_dyes()
    harmed = []
    for at in np.random.default_rng(1).integers(0, len(whole), 120):
        damaged = bytearray(whole)
        damaged[at] ^= 1 << (at % 8)
        path.write_bytes(damaged)
        try:
            found = read_dyes(path)
        except StoreError:
            continue
        if found.sha256 != written.sha256:
            harmed.append(int(at))
    assert harmed == []


def test_a_truncated_file_is_named(tmp_path):
    path = tmp_path / "dyes.h5"
    write_dyes(path, some_dyes())
    path.write_bytes(path.read_bytes()[:2000])
    with pytest.raises(StoreError, match=r"dyes\.h5"):
        read_dyes(path)


def test_the_record_names_thresholds_and_sizes():
    record = describe(some_dyes(), 0.5)
    assert record["thresholds"] == {"total": 100.0, "dead": 123.456789012345}
    assert record["diameter_um"] == pytest.approx(11.5 / 2)
    assert record["model_sha256"] == some_dyes().sha256
    unknown = replace(some_dyes(), dyes=known_dyes((2, 2), np.nan, total="hoechst").dyes)
    assert (describe(unknown, 0.5)["diameter_um"], describe(unknown, 0.5)["split_depth_um"]) == (None, 0)
