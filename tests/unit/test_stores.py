import contextlib
import gzip
import signal
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

from livedead import recovery, stores
from livedead.errors import StoreError
from livedead.tables import Table


def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path):
    path = tmp_path / "file"
    path.write_text("old")
    with pytest.raises(RuntimeError), stores.replacing(path) as temporary:
        temporary.write_text("half")
        raise RuntimeError
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_two_writers_never_share_a_temporary_name(tmp_path):
    with stores.replacing(tmp_path / "file") as one, stores.replacing(tmp_path / "file") as two:
        assert one != two
        one.write_text("one")
        two.write_text("two")
    assert (tmp_path / "file").read_text() == "one"


def test_an_orphan_whose_temporary_was_swept_fails_and_harms_nothing(tmp_path):
    path = tmp_path / "file"
    with pytest.raises(FileNotFoundError), stores.replacing(path) as orphan:
        orphan.write_text("old")
        orphan.unlink()
        stores.write_bytes(path, b"new")
    assert path.read_bytes() == b"new"
    assert list(tmp_path.iterdir()) == [path]


def test_a_folder_is_whole_or_absent(tmp_path):
    folder = tmp_path / "plate.zarr"
    for content in ("old", "new"):
        with stores.replacing_folder(folder) as temporary:
            (temporary / "A").mkdir()
            (temporary / f"A/{content}").write_text(content)
    with pytest.raises(RuntimeError), stores.replacing_folder(folder) as temporary:
        (temporary / "half").touch()
        raise RuntimeError
    assert [path.name for path in tmp_path.rglob("*")] == ["plate.zarr", "A", "new"]
    (tmp_path / "any").mkdir()
    assert folder.stat().st_mode == (tmp_path / "any").stat().st_mode


def test_a_folder_whose_writer_was_killed_is_absent(tmp_path, repository):
    script = """
import os, signal, sys
from livedead import stores
with stores.replacing_folder(sys.argv[1]) as temporary:
    (temporary / "half").write_text("half")
    os.kill(os.getpid(), signal.SIGKILL)
"""
    command = [sys.executable, "-c", script, tmp_path / "results/p/plate.zarr"]
    run = subprocess.run(command, cwd=repository / "workflow", check=False)
    assert run.returncode == -signal.SIGKILL
    [left] = (tmp_path / "results/p").iterdir()
    assert (left / "half").exists()
    recovery.sweep(tmp_path)
    assert not left.exists()


def test_shards_of_another_count_are_swept(tmp_path):
    for name in ("1-of-1", "1-of-12", "1-of-2", "2-of-2"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "classes.h5").touch()
    stores.sweep_shards(tmp_path, n_shards=2)
    assert {path.name for path in tmp_path.iterdir()} == {"1-of-2", "2-of-2"}


@pytest.mark.parametrize("name", ["table.csv", "table.tsv", "table.csv.gz"])
def test_tables_survive_and_are_stable(tmp_path, name):
    table = pd.DataFrame(
        {"plate": ["007", "1E5"], "agent": ["NA", ""], "n_live": [1, None], "viability": [0.5, np.nan]}
    ).astype({"n_live": "Int64"})
    path, kind = tmp_path / name, Table(tuple(table))
    stores.write_table(path, table, kind)
    first = path.read_bytes()
    pd.testing.assert_frame_equal(stores.read_table(path, kind), table)
    stores.write_table(path, table, kind)
    assert path.read_bytes() == first
    if name.endswith("gz"):
        assert gzip.decompress(first).startswith(b"plate,agent")


def test_no_byte_of_a_gzipped_table_changes_unseen(tmp_path):
    path, kind = tmp_path / "cells.csv.gz", Table(("plate", "n_live"))
    table = pd.DataFrame({"plate": ["p"] * 30, "n_live": range(30)})
    stores.write_table(path, table, kind)
    content = path.read_bytes()
    for place in range(len(content)):
        path.write_bytes(content[:place] + bytes([content[place] ^ 16]) + content[place + 1 :])
        # What still unpacks has the values that were written: the flip was in the header or in padding.
        with contextlib.suppress(StoreError):
            assert stores.read_table(path, kind)["n_live"].tolist() == list(range(30))
    for length in range(len(content)):
        path.write_bytes(content[:length])
        with pytest.raises(StoreError, match=f"damaged.*rm '{path}'"):
            stores.read_table(path, kind)


def test_a_record_knows_its_content(tmp_path):
    path = tmp_path / "certificate.json"
    stores.write_json(path, {"unet_sha256": "ab", "n": 1.5})
    assert stores.read_json(path) == {"unet_sha256": "ab", "n": 1.5}
    path.write_text(path.read_text().replace("1.5", "2.5"))
    with pytest.raises(StoreError, match=f"changed after it was written.*rm '{path}'"):
        stores.read_json(path)


def test_normalization_survives(tmp_path):
    rng = np.random.default_rng(0)
    channels = {
        "brightfield": {
            "gain": rng.random((40, 50), np.float32),
            "histogram": np.arange(65536),
            "black": 1.0,
            "white": 2.5,
        }
    }
    fields = pd.DataFrame({"well": ["A01"], "field": [1], "focus": [0.25], "message": ["é"]})
    path = tmp_path / "normalization.h5"
    stores.write_normalization(path, channels, fields)
    first = path.read_bytes()
    found, quality = stores.read_normalization(path)
    np.testing.assert_array_equal(found["brightfield"]["gain"], channels["brightfield"]["gain"])
    assert found["brightfield"]["white"] == 2.5
    pd.testing.assert_frame_equal(quality, fields)
    stores.write_normalization(path, channels, fields)
    assert path.read_bytes() == first


def test_class_maps_survive(tmp_path):
    maps = [
        ({"well": "A01", "status": "ok"}, {"maps": np.eye(30, dtype=np.uint8)}),
        ({"well": "A02", "status": "failed"}, {}),
    ]
    path = tmp_path / "classes.h5"
    stores.write_segmentations(path, iter(maps))
    (row, found), (failed, nothing) = stores.read_segmentations(path)
    assert row == maps[0][0]
    assert failed["status"] == "failed"
    assert nothing == {}
    np.testing.assert_array_equal(found["maps"], maps[0][1]["maps"])
    np.testing.assert_array_equal(stores.read_class_map(path, 0), maps[0][1]["maps"])
    assert list(stores.list_class_maps(path)["well"]) == ["A01", "A02"]


def test_what_a_file_tells_of_itself_is_said_when_all_fields_are_written(tmp_path):
    path = tmp_path / "classes.h5"
    with stores.segmentation_writer(path) as writer:
        writer.about["n_fields"] = 0
        for k in range(3):
            writer.add({"field": k}, {})
            writer.about["n_fields"] += 1
    assert stores.read_about(path) == {"n_fields": 3}
    with pytest.raises(RuntimeError), stores.segmentation_writer(path) as writer:
        writer.add({"field": 9}, {})
        raise RuntimeError
    assert list(stores.list_class_maps(path)["field"]) == [0, 1, 2]
    assert list(tmp_path.iterdir()) == [path]


def test_no_byte_of_an_hdf5_file_changes_unseen(tmp_path):
    """Texts, numbers and attributes too: they lie outside the pixels' checksums unless made to."""
    path = tmp_path / "classes.h5"
    rng = np.random.default_rng(0)
    maps = rng.integers(0, 5, (3, 32, 32), np.uint8)
    rows = [({"well": f"A{k:02d}", "field": k, "message": "é" * k}, {"maps": maps[k]}) for k in range(3)]

    def content():
        found = [(row, arrays["maps"].tobytes()) for row, arrays in stores.read_segmentations(path)]
        return found, stores.read_about(path)

    with stores.segmentation_writer(path) as writer:
        for row, arrays in rows:
            writer.add(row, arrays)
        writer.about = {"device": "cpu", "n_unstable_px": 7}
    written, expected = path.read_bytes(), content()
    n_refused = 0
    for place in range(0, len(written), 5):
        damaged = bytearray(written)
        damaged[place] ^= 1 << int(rng.integers(8))
        path.write_bytes(damaged)
        try:
            assert content() == expected, place
        except StoreError:
            n_refused += 1
    assert n_refused > 300


@pytest.mark.parametrize(
    "read",
    [
        stores.read_normalization,
        stores.list_class_maps,
        stores.read_json,
        lambda path: stores.read_table(path, Table(("plate",))),
    ],
)
def test_files_that_are_something_else(tmp_path, read):
    path = tmp_path / "file.json"
    path.write_bytes(b"\xff\xfe nothing")
    with pytest.raises(StoreError, match=r"file\.json"):
        read(path)
    with pytest.raises(StoreError, match="absent"):
        read(tmp_path / "absent")
