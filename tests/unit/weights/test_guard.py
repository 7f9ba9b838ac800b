"""Trials in another process: one that hangs or crashes ends there."""

import os
import signal
import time

import pytest

from livedead.weights import guard
from livedead.weights.refusals import RefusedError


@pytest.fixture
def path(tmp_path):
    (tmp_path / "a.h5").write_bytes(b"")
    return tmp_path / "a.h5"


def test_a_crash_is_told_by_its_signal(path):
    with pytest.raises(RefusedError, match=f"crashes with signal {int(signal.SIGKILL)}"):
        guard.try_first(lambda: os.kill(os.getpid(), signal.SIGKILL), path)


def spin():
    while True:
        pass


@pytest.mark.parametrize("hang", [spin, lambda: time.sleep(60)])
def test_a_hang_ends(path, monkeypatch, hang):
    monkeypatch.setattr(guard, "SECONDS", 0.2)
    started = time.monotonic()
    with pytest.raises(RefusedError, match="does not end"):
        guard.try_first(hang, path)
    assert time.monotonic() - started < 30


def test_a_machine_that_is_slow_is_no_fault_of_the_file(path, monkeypatch):
    """The trial waits three times as long as it may compute."""
    monkeypatch.setattr(guard, "SECONDS", 0.2)
    assert guard.try_first(lambda: time.sleep(0.6), path) is None


@pytest.mark.parametrize("read", [lambda: None, lambda: 1 / 0])
def test_what_it_reads_or_raises_stays_there(path, read, capfd):
    assert guard.try_first(read, path) is None
    assert capfd.readouterr().out == ""
