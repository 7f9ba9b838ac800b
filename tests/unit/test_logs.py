"""A job's log: how it begins, how it ends, and what it says of a failure."""

import logging
import os
import platform
import signal
import time
from pathlib import Path

import pytest

import livedead
from livedead import logs, stores
from livedead.errors import SheetError
from livedead.tables import Table


def test_a_log_begins_with_version_host_device_and_inputs(tmp_path, monkeypatch):
    monkeypatch.setenv("SLURM_JOB_ID", "17")
    monkeypatch.setenv("SLURMD_NODENAME", "gpu-node-3")
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "2")
    inputs = [f"shard_{k}.csv" for k in range(20)]
    with logs.log_to(tmp_path / "job.log", inputs):
        logging.getLogger("livedead").info("working")
    lines = [line.split(" INFO ")[1] for line in (tmp_path / "job.log").read_text().splitlines()]
    assert lines[0].startswith(f"livedead {livedead.__version__}, Python ")
    assert lines[0].endswith(f" on {platform.node()}, Slurm job 17 on gpu-node-3")
    assert lines[1] == "CUDA_VISIBLE_DEVICES: 2"
    assert lines[2:4] == ["input: shard_0.csv", "input: shard_1.csv"]
    assert lines[-3:] == [f"and {20 - logs.SHOWN_INPUTS} more inputs", "working", "done"]


def last_lines(path, n=2):
    return [line.split(" ERROR ")[-1] for line in path.read_text().splitlines()[-n:]]


def test_a_failed_job_says_why_and_what_to_do(tmp_path):
    path = tmp_path / "deep" / "job.log"
    with (
        pytest.raises(SystemExit, match="livedead: IndexError: because\nwhat to do: report"),
        logs.log_to(path),
    ):
        logging.getLogger("livedead").info("working")
        raise IndexError("because")
    text = path.read_text()
    assert "working" in text
    assert "failed: IndexError: because\nTraceback (most recent call last):" in text
    assert last_lines(path) == ["IndexError: because", f"what to do: {logs.BUG}"]


def test_a_mistake_of_the_user_is_said_without_a_traceback(tmp_path):
    with pytest.raises(SystemExit, match="livedead: column 'well'"), logs.log_to(tmp_path / "job.log"):
        raise SheetError("column 'well': no such well")
    said = last_lines(tmp_path / "job.log")
    assert said == ["failed: column 'well': no such well", f"what to do: {logs.MISTAKE}"]
    assert "Traceback" not in (tmp_path / "job.log").read_text()


def test_too_little_memory_asks_for_more(tmp_path):
    with pytest.raises(SystemExit, match="mem_mb"), logs.log_to(tmp_path / "job.log"):
        raise MemoryError
    assert "mem_mb" in last_lines(tmp_path / "job.log")[-1]


def test_the_system_behind_a_message_of_livedead_is_what_to_look_at(tmp_path):
    (tmp_path / "t.csv").mkdir()
    said = r"t\.csv: a folder where a file is expected .*\n.*move the folder away"
    with pytest.raises(SystemExit, match=said), logs.log_to(tmp_path / "job.log"):
        stores.read_table(tmp_path / "t.csv", Table(("well",)))
    assert "move the folder away" in last_lines(tmp_path / "job.log")[-1]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
def test_a_log_on_a_full_disk_does_not_hide_why_the_job_ended(capsys):
    with pytest.raises(SystemExit, match="the disk is full"), logs.log_to("/dev/full"):
        logging.getLogger("livedead").info("working")
        with open("/dev/full", "w") as stream:
            stream.write("x")
    assert capsys.readouterr().err == ""


def test_a_log_that_cannot_be_begun_is_said(tmp_path):
    (tmp_path / "logs").write_text("")
    said = "logs.*: a file where a folder is expected"
    with pytest.raises(SystemExit, match=said), logs.log_to(tmp_path / "logs/job.log"):
        raise AssertionError("never reached")


def test_a_job_ended_by_its_scheduler_sweeps_and_says_so(tmp_path):
    before = signal.getsignal(signal.SIGTERM)
    with (
        pytest.raises(SystemExit) as ended,
        logs.log_to(tmp_path / "job.log"),
        stores.replacing(tmp_path / "table.csv") as temporary,
    ):
        temporary.write_text("half")
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(10)
    assert ended.value.code == 128 + signal.SIGTERM
    assert [path.name for path in tmp_path.iterdir()] == ["job.log"]
    assert "runtime" in last_lines(tmp_path / "job.log")[-1]
    assert signal.getsignal(signal.SIGTERM) == before


def test_progress_passes_everything_on_and_is_told_in_the_log_and_on_the_terminal(
    tmp_path, monkeypatch, capsys
):
    monkeypatch.setattr(logs, "PROGRESS_SECONDS", 0.0)
    monkeypatch.setattr(logs.time, "monotonic", iter([0.0, 60.0, 120.0, 180.0, 180.0]).__next__)
    with logs.log_to(tmp_path / "job.log", job="segment_fields p1 50%"):
        assert list(logs.progress(range(3), 3, "fields")) == [0, 1, 2]
    # One field a minute.
    told = ["1 of 3 fields, 0.0 per second, 2 min left", "2 of 3 fields, 0.0 per second, 60 s left"]
    told += ["3 of 3 fields, 0.0 per second, 0.0 s left", "3 fields in 3 min"]
    text = (tmp_path / "job.log").read_text()
    assert [line.split(" INFO ")[1] for line in text.splitlines() if "fields" in line] == told
    assert capsys.readouterr().err.splitlines() == [f"segment_fields p1 50%: {line}" for line in told]


def test_only_progress_is_told_on_the_terminal_and_only_while_the_job_runs(tmp_path, capsys):
    with logs.log_to(tmp_path / "job.log"):
        logs.log.info("something")
    logs.progress_log.warning("over")
    assert "job:" not in capsys.readouterr().err
