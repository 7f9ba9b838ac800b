"""What the system and libraries raise, made to happen: the user reads file, reason and remedy."""

import errno
import gzip
import io
import json
import os
import resource
import subprocess
import sys
import zlib

import h5py
import numpy as np
import pandas as pd
import pytest
import torch
import yaml

from livedead import faults, logs, stores
from livedead.errors import StoreError
from livedead.tables import Table
from livedead.weights import __main__ as command_line

ZIPPED = gzip.compress(b"a line of a table\n" * 1000)


def open_too_many(folder):
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (3, hard))
    try:
        open(folder / "one more", "w").close()
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def fill(folder):
    with stores.replacing(folder / "table.csv"), open("/dev/full", "w") as stream:
        stream.write("x")


def fail(error):
    def happen(folder):
        raise error

    return happen


def fault(number, name="x.h5"):
    return fail(OSError(number, "", name))


HAPPENINGS = {
    "full disk": (fill, "table.csv was written: the disk is full", "free space"),
    "quota": (fault(errno.EDQUOT), "x.h5: your quota", "larger quota"),
    "read-only": (fault(errno.EROFS), "x.h5: the file system is read-only", "where you may write"),
    "permission": (fault(errno.EACCES), "x.h5: no permission", "get permission"),
    "drive": (fault(errno.ESTALE), "x.h5: the drive or its network", "network"),
    "other": (fault(errno.EXDEV), "x.h5: the system says 'Invalid cross-device link'", "drive"),
    "folder": (lambda folder: folder.read_text(), "a folder where a file is", "move the folder"),
    "missing": (lambda folder: (folder / "a").read_text(), "no such file or folder", "correct the path"),
    "open files": (open_too_many, "one more: too many files are open", "ulimit -n"),
    "cut gzip": (lambda _: gzip.decompress(ZIPPED[:-9]), "truncated or damaged", "copy the file again"),
    "no gzip": (lambda _: gzip.decompress(b"text"), "truncated or damaged", "copy the file again"),
    "zlib": (lambda _: zlib.decompress(b"text"), "truncated or damaged", "copy the file again"),
    "no HDF5": (lambda _: h5py.File(io.BytesIO(b"text" * 9)), "truncated or damaged", "copy the file"),
    "encoding": (lambda _: b"\xff".decode(), "not UTF-8 text", "save it as"),
    "YAML": (lambda _: yaml.safe_load("a: [1"), "not YAML", "correct the line"),
    "JSON": (lambda _: json.loads("{"), "not JSON", "copy the file again"),
    "table": (lambda _: pd.read_csv(io.StringIO("a,b\n1,2\n1,2,3\n")), "not a table", "copy the file"),
    "memory": (lambda _: np.empty(2**59), "out of memory", "mem_mb"),
    "GPU memory": (fail(torch.OutOfMemoryError("full")), "the GPU is out of memory", "mem_mb"),
    "threads": (fail(RuntimeError("can't start new thread")), "no more processes, threads", "end programs"),
}


@pytest.mark.parametrize("name", HAPPENINGS)
def test_the_user_reads_reason_and_remedy_and_the_log_keeps_the_traceback(tmp_path, name):
    happen, reason, remedy = HAPPENINGS[name]
    folder = tmp_path / "folder"
    folder.mkdir()
    with pytest.raises(SystemExit) as ended, logs.log_to(tmp_path / "job.log"):
        happen(folder)
    said, _, told = str(ended.value).partition("\nwhat to do: ")
    assert reason in said
    assert remedy in told
    assert "Traceback" not in said
    text = (tmp_path / "job.log").read_text()
    assert "Traceback (most recent call last):" in text
    assert text.rstrip().endswith(told)
    assert logs.BUG not in text


def test_only_mistakes_in_the_program_are_left_unexplained():
    for error in (IndexError("5"), KeyError("x"), AssertionError(), ZeroDivisionError(), RuntimeError("no")):
        assert faults.explained(error) is None


def test_hdf5_writes_the_number_into_its_message():
    said = (
        "Unable to synchronously write data (file write failed: errno = 28, error message = 'No space left')"
    )
    for error in (OSError(said), RuntimeError(said)):
        assert faults.error_number(error) == errno.ENOSPC
    assert faults.error_number(OSError("file read failed: errno = 0")) is None
    assert faults.error_number(ValueError("errno = 28")) is None


@pytest.mark.parametrize("name", ["t.csv.gz", "t.tsv.gz"])
def test_a_table_that_was_cut_off_or_flipped_is_named(tmp_path, name):
    path = tmp_path / name
    kind = Table(("well", "cell"))
    stores.write_table(path, pd.DataFrame({"well": ["A01"] * 999, "cell": range(999)}), kind)
    whole = path.read_bytes()
    for broken in (whole[:-20], whole[: len(whole) // 2], whole[:30] + b"\xff" * 9 + whole[39:]):
        path.write_bytes(broken)
        with pytest.raises(StoreError, match=f"{name}: damaged, or edited by hand"):
            stores.read_table(path, kind)


@pytest.mark.parametrize("target", ["out.h5", "out.weights.h5", "out.safetensors"])
def test_a_file_that_grows_beyond_a_limit_is_told_by_the_command_line(repository, tmp_path, target):
    program = "import sys; from livedead.weights.__main__ import main; sys.exit(main(sys.argv[1:]))"
    source = repository / "config/demo/unet.h5"
    run = on_a_small_disk(repository, 100_000, program, "convert", source, tmp_path / target)
    assert run.returncode == command_line.REFUSED, run.stderr
    assert "the file would be larger than a limit (ulimit -f)" in run.stderr
    assert target in run.stderr
    assert "Traceback" not in run.stderr
    assert list(tmp_path.iterdir()) == []


def on_a_small_disk(repository, n_bytes, program, *arguments):
    """Run a program whose files may not grow beyond some bytes."""
    limit = f"import resource; resource.setrlimit(resource.RLIMIT_FSIZE, ({n_bytes}, {n_bytes}))\n"
    return subprocess.run(
        [sys.executable, "-c", limit + program, *map(str, arguments)],
        env={**os.environ, "PYTHONPATH": str(repository / "workflow")},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("n_bytes", [3_000, 600_000])
def test_class_maps_that_find_no_room_end_the_job_and_do_not_crash_it(repository, tmp_path, n_bytes):
    """Once HDF5 has failed to write, it ends the process with a segmentation fault, log and all."""
    program = """
import sys
import numpy as np
from livedead import logs, stores

def fields():
    for k in range(9):
        print(k)
        yield {"well": "A01"}, {"maps": np.random.default_rng(k).integers(0, 255, (512, 512), np.uint8)}

with logs.log_to(sys.argv[1] + "/job.log"):
    stores.write_segmentations(sys.argv[1] + "/classes.h5", fields())
"""
    run = on_a_small_disk(repository, n_bytes, program, tmp_path)
    assert run.returncode == 1, run.stderr
    assert "classes.h5 was written: the file would be larger than a limit" in run.stderr
    assert run.stderr.count("\n") == 2
    # Noticed on the way, not after hours of fields.
    assert len(run.stdout.split()) < 6
    assert [path.name for path in tmp_path.iterdir()] == ["job.log"]
